//! The help of each kind of step: why it is there, how long it takes, what can go wrong, what is done then.

use conclave_ceremony::script::{StepKind, Which};

use crate::ceremony::scene::Scene;
use crate::wording::ceremony::purpose;

/// The help of a kind of step. Each part is one or more whole sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help {
    /// The attack or the mistake that the step prevents, or the thing that it makes.
    pub why: &'static str,
    /// The work of people and of devices in it. The plan's minutes stand beside it.
    pub long: &'static str,
    /// The usual failures.
    pub wrong: &'static str,
    /// The thing to do after such a failure.
    pub then: &'static str,
}

const fn help(why: &'static str, long: &'static str, wrong: &'static str, then: &'static str) -> Help {
    Help { why, long, wrong, then }
}

/// The help of a kind of step.
pub const fn of(kind: StepKind) -> Help {
    match kind {
        StepKind::Medium | StepKind::AirGap | StepKind::Clock | StepKind::Plan => help(
            "The check was done before the plan came in. Here its result enters the record.",
            "Seconds; no person does anything.",
            "The result does not allow a ceremony of this kind.",
            "Read the reason, switch off with F10, correct the cause, start again.",
        ),
        StepKind::Log(_) => help(
            "Two drives hold the same record, so that one lost drive loses nothing.",
            "Seconds, once the drive is in.",
            "It is another drive, it is full, or it cannot be written to.",
            "Plug in the drive that the screen names. The screen says how a drive that fails is mended.",
        ),
        StepKind::SignIn(_) => help(
            "Each agreement in the record names a person. The code stops other people from agreeing in that name.",
            "A minute a person, for document and code.",
            "The person does not come, or a wrong code is typed. The fifth wrong code costs a minute, the tenth two minutes.",
            "Press a for the alternate of the plan. After fifteen wrong codes the person signs in again before a person of another \
             role.",
        ),
        StepKind::Register(_) => help(
            "A drive that is full, or is another drive, is found now, and not after a share was made.",
            "Seconds, once the drive is in.",
            "The drive is not empty, has another serial, or another format.",
            "Take the drive out, prepare it elsewhere, plug it in again. Nothing on it was changed.",
        ),
        StepKind::Inspect(_) => help(
            "The record holds the state of the token before anything is changed on it.",
            "Some seconds.",
            "The token is another one, has keys on it, or does not answer.",
            "Take it out and plug it in again. If it is the wrong token, plug in the token that the screen names.",
        ),
        StepKind::Prove(_) => help(
            "A counterfeit could keep every secret that is sent to it. A genuine token proves that it holds its device key.",
            "Less than a minute. Everything on the token is erased.",
            "The proof fails, or the token is pulled out.",
            "Never use a token whose proof failed. Keep it as evidence; the ceremony needs another token and another plan.",
        ),
        StepKind::Keyboard => help(
            "A secret typed in a wrong layout cannot be typed again on another keyboard.",
            "A minute.",
            "The typed line differs from the line above it.",
            "Press Tab for the next layout and type the line again. If no layout fits, use another keyboard.",
        ),
        StepKind::Pin(_, Which::So) => help(
            "The SO-PIN initialises the token. Only its keeper may know it.",
            "Two minutes: write it down, type it back.",
            "Another person sees the screen, or the keeper writes it down wrong.",
            "Esc shows it again. If another person saw it, say so with F3: an objection is recorded.",
        ),
        StepKind::Pin(_, Which::User) => help(
            "The PIN uses the keys of the token. Only its keeper may know it.",
            "Two minutes: write it down, type it back. A PIN is typed on hidden lines only.",
            "Another person sees the screen, or the keeper writes it down wrong.",
            "Esc shows it again. If another person saw it, say so with F3: an objection is recorded.",
        ),
        StepKind::Passphrase(_) => help(
            "The passphrase seals one share. The share's drive is worth nothing without it.",
            "Three minutes: write the words down in their order, type them back on the hidden line.",
            "A word is written wrong, or another person sees the screen.",
            "Esc shows the words again. If another person saw them, say so with F3: an objection is recorded.",
        ),
        StepKind::MakeShares => help(
            "The DKEK is made of all shares. No person ever has it whole.",
            "A minute a share: sealing is slow so that guessing a passphrase is slow.",
            "The power fails before the shares are sealed.",
            "Start again with both log drives. Secrets that the power took are made again before the shares are.",
        ),
        StepKind::WriteShare(_) => help(
            "The sealed share is on its custodian's drive, and it was read back from there.",
            "Seconds, once the drive is in.",
            "The drive is full, is another drive, or returns other bytes.",
            "Operator and a witness decide whether the step is done again. A drive that returns other bytes stops the ceremony.",
        ),
        StepKind::Initialise(_) => help(
            "The token gets its own PIN and SO-PIN, and a place for the DKEK.",
            "Some seconds.",
            "The token is pulled out or hangs.",
            "Plug it in again: the step is done again. Pull out a token that hangs for minutes.",
        ),
        StepKind::OpenShare(_) => help(
            "The share is read from its drive as years later, to show that drive and paper belong together.",
            "A minute, for the typing and the slow unsealing.",
            "The passphrase is mistyped, or the drive is another one.",
            "Read the passphrase from the paper and type it on the hidden line again. Nothing is lost by a wrong one.",
        ),
        StepKind::Import => help(
            "Every token gets the same DKEK, so that a key of one token can be restored on another token.",
            "A minute a token.",
            "A token reports another check value, or is pulled out.",
            "Plug it in again. Another check value stops the ceremony: read the words on the screen.",
        ),
        StepKind::TryPin(_) => help(
            "A PIN that does not open its token is found today, and not years later.",
            "A minute.",
            "A PIN is refused: it was written down wrong, or the token has another one.",
            "Type it again from the paper. The last try asks for a word first: after it the token is blocked.",
        ),
        StepKind::Generate(_) => help(
            "The key is made inside its master token. Its private half never leaves the tokens.",
            "Seconds for a key of an elliptic curve, minutes for RSA.",
            "The token is pulled out, or has no room.",
            "Plug it in again. A half-made key is made again.",
        ),
        StepKind::Certify(_) => help(
            "The certificate says which name and which purpose the public key has, signed by the key itself.",
            "Some seconds.",
            "The signature does not verify, or the token is pulled out.",
            "Plug the token in again: the step is done again. Nothing that fails is published.",
        ),
        StepKind::Wrap(_) => help(
            "The wrapped key is the only copy outside the master. It opens only under the DKEK.",
            "Seconds.",
            "The drive is full or returns other bytes.",
            "Operator and a witness decide whether the step is done again.",
        ),
        StepKind::Restore(_) => help(
            "The copy shows today that the wrapped keys can be restored.",
            "Some seconds a key.",
            "The token refuses a wrapped key, or is pulled out.",
            "Plug it in again: the step is done again.",
        ),
        StepKind::Compare(_) => help(
            "A copy that lacks a key would be found missing years later.",
            "Some seconds.",
            "The lists of keys differ.",
            "The copy must not be used. Read the words on the screen.",
        ),
        StepKind::Objections => help(
            "Every person may say what went wrong, before anything is published.",
            "As long as people need to speak.",
            "A text is refused because it looks like a secret or a name.",
            "Say it in other words, without numbers and names. An objection does not end the ceremony.",
        ),
        StepKind::State(_) => help(
            "The token signs with each key that it holds: the key works on this token.",
            "Some seconds a key.",
            "A signature does not verify, or the token is pulled out.",
            "Plug it in again: the step is done again.",
        ),
        StepKind::Publish(_) => help(
            "Certificates, record and statements leave the room on this drive. No secret is in memory any more.",
            "Seconds, once the drive is in.",
            "The drive is full or returns other bytes.",
            "Operator and a witness decide whether the step is done again.",
        ),
        StepKind::Show => help(
            "Each person can later compare the published certificates with a fingerprint that the person wrote down here.",
            "A minute a certificate.",
            "A camera or an eye misreads a digit.",
            "Compare the numbered groups one by one. Up shows the digest before.",
        ),
        StepKind::Bag(_) => help(
            "A sealed bag shows whether it was opened. Its number is in the record.",
            "Three minutes: fill it, seal it, type its number twice.",
            "The bag is torn, or has another number than the plan says.",
            "Seal another bag and type its number: operator and a witness say why, and the record shows a deviation.",
        ),
        StepKind::Attest(_) => help(
            "The record says which people saw the ceremony and agree that it was done as recorded.",
            "A minute a person.",
            "A person refuses.",
            "The person says why; the reason is recorded word for word, and the ceremony goes on.",
        ),
        StepKind::Close => help(
            "After the last entry nothing can be added. The head after it fixes the whole record.",
            "Seconds; then the head is written down.",
            "The machine is switched off before the head is written down.",
            "Start it again with both log drives: it shows the final head again.",
        ),
    }
}

/// The words of F1 in a ceremony: the purpose of the step, its help, and the things that hold in every step.
pub fn lines(scene: &Scene<'_>) -> Vec<String> {
    let step = scene.script.step(scene.state.at());
    let own = step.map(|step| {
        let Help { why, long, wrong, then } = of(step.kind);
        vec![
            purpose(scene.plan, step.kind),
            format!("Why: {why}"),
            format!("How long: {long} Planned: {} min.", step.budget),
            format!("What can go wrong: {wrong}"),
            format!("Then: {then}"),
            String::new(),
        ]
    });
    let always = [
        "If the power fails: start again from the same medium, plug in both log drives, go on.",
        "If a person leaves: wait. If they do not come back: switch off, start again, press a at their sign-in; the plan's \
         alternate takes their place.",
        "If you are in doubt: say so. F3 takes an objection at any question.",
        "F10 switches off at any time; the ceremony can be resumed.",
    ];
    own.into_iter().flatten().chain(always.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_ceremony::ids::{BagId, DriveId, KeyIx, PersonId, ShareId, TokenId};

    #[test]
    fn every_part_of_the_help_is_whole_sentences() {
        let (token, drive, share, key) = (TokenId(0), DriveId(0), ShareId(0), KeyIx(0));
        for kind in [
            StepKind::Medium,
            StepKind::Log(drive),
            StepKind::SignIn(PersonId(0)),
            StepKind::Register(drive),
            StepKind::Inspect(token),
            StepKind::Prove(token),
            StepKind::Keyboard,
            StepKind::Pin(token, Which::So),
            StepKind::Pin(token, Which::User),
            StepKind::Passphrase(share),
            StepKind::MakeShares,
            StepKind::WriteShare(share),
            StepKind::Initialise(token),
            StepKind::OpenShare(share),
            StepKind::Import,
            StepKind::TryPin(token),
            StepKind::Generate(key),
            StepKind::Certify(key),
            StepKind::Wrap(key),
            StepKind::Restore(token),
            StepKind::Compare(token),
            StepKind::Objections,
            StepKind::State(token),
            StepKind::Publish(drive),
            StepKind::Show,
            StepKind::Bag(BagId(0)),
            StepKind::Attest(PersonId(0)),
            StepKind::Close,
        ] {
            let Help { why, long, wrong, then } = of(kind);
            for part in [why, long, wrong, then] {
                assert!(part.starts_with(char::is_uppercase) && part.ends_with('.'), "{kind:?}: {part}");
                assert!(!part.contains("  "), "{kind:?}: {part}");
            }
        }
    }
}

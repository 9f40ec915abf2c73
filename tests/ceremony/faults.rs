//! Each fault at each step, and the answer that the room must give: a table, exhaustive by kind of step.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use conclave_ceremony::compile::compile;
use conclave_ceremony::plan;
use conclave_ceremony::script::{Roles, Step, StepKind};
use conclave_sim::world::drives::Lies;

use super::trial::{Tally, Trial, name};
use super::{MINIMAL, stage, verified};

/// The faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Another token is in the port of the one that is worked with.
    OtherToken,
    /// Another token, which tells the right serial on the bus.
    Disguised,
    /// A token with the right certificates, and without their key.
    Counterfeit,
    /// The token is pulled out at this command of an act.
    TokenPulled(usize),
    /// The command of an act that changes something after so many says that it did, and did nothing.
    NothingDone(u32),
    /// The token computes another check value than the machine.
    OtherCheckValue,
    /// Another drive is plugged in.
    OtherDrive,
    /// Another drive, with the right serial.
    ForgedDrive,
    /// The drive is pulled out at this operation of an act.
    DrivePulled(u64),
    /// The drive holds a file that no person expects.
    NotEmpty,
    /// The drive has no room left.
    Full,
    /// The drive cannot be written to.
    ReadOnly,
    /// The drive keeps less than it says.
    Lying(Lies),
    /// The custodians have swapped their share files.
    SwappedShares,
    /// A hub loses its plug, with everything on it.
    HubPulled,
    /// The first log drive is pulled out.
    LogPulled,
    /// Another drive with the serial of the first log drive is in its place.
    LogForged,
    /// The first log drive keeps less than it says.
    LogLying(Lies),
    /// The first log drive reports an error.
    LogError,
    /// One person agrees a second time, for the other role.
    SamePerson,
    /// A person of another role agrees.
    OtherRole,
    /// A PIN or a passphrase is mistyped.
    Mistyped,
}

/// The answer that the room must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It asks again, for the device or the secret, and says why.
    Asked,
    /// Two roles decide whether the step is done again.
    Decided,
    /// It halts, and goes on after a new start.
    Halts,
    /// It does nothing before the log drive is put right.
    Waits,
    /// It refuses the input of a person, without an entry: nothing was done because of the input
    /// (docs/transcript.md).
    Refused,
    /// Any of these; or the end is as it would have been.
    Harmless,
}

/// The work of a step on tokens or on a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touch {
    Not,
    Looks,
    Reads,
    Changes,
}

/// The work of a step with secrets that people know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Nothing.
    None,
    /// They are made, shown and typed back.
    Back,
    /// They are set; after a power cut they are typed in, with nothing to compare them with.
    Sets,
    /// They are used; after a power cut they are typed in.
    Uses,
    /// They are typed in, power cut or not.
    Asks,
}

/// The things that a step handles: tokens, drives, secrets.
fn hands(kind: StepKind) -> (Touch, Touch, Typing) {
    use Touch::{Changes, Looks, Not, Reads};
    match kind {
        StepKind::Medium | StepKind::AirGap | StepKind::Clock | StepKind::Plan => (Not, Not, Typing::None),
        StepKind::SignIn(_)
        | StepKind::Keyboard
        | StepKind::Objections
        | StepKind::Show
        | StepKind::Bag(_)
        | StepKind::Attest(_)
        | StepKind::Close => (Not, Not, Typing::None),
        StepKind::Log(_) => (Not, Changes, Typing::None),
        StepKind::Register(_) => (Not, Looks, Typing::None),
        StepKind::Inspect(_) => (Looks, Not, Typing::None),
        StepKind::Prove(_) => (Changes, Not, Typing::None),
        StepKind::Pin(..) | StepKind::Passphrase(_) => (Not, Not, Typing::Back),
        StepKind::MakeShares => (Not, Not, Typing::Sets),
        StepKind::WriteShare(_) => (Not, Changes, Typing::None),
        StepKind::Initialise(_) => (Changes, Not, Typing::Sets),
        StepKind::OpenShare(_) => (Not, Reads, Typing::Asks),
        StepKind::Import => (Changes, Not, Typing::None),
        StepKind::TryPin(_) | StepKind::Generate(_) | StepKind::Certify(_) => (Changes, Not, Typing::Uses),
        StepKind::Wrap(_) => (Changes, Changes, Typing::Uses),
        StepKind::Restore(_) => (Changes, Reads, Typing::Uses),
        StepKind::Compare(_) | StepKind::State(_) => (Changes, Not, Typing::Uses),
        StepKind::Publish(_) => (Not, Changes, Typing::None),
    }
}

/// The work of a step with secrets that people know.
pub fn typing(kind: StepKind) -> Typing {
    hands(kind).2
}

/// Whether everything so far is on a log drive when a step of this kind begins.
fn logged(kind: StepKind) -> bool {
    !matches!(kind, StepKind::Medium | StepKind::AirGap | StepKind::Clock | StepKind::Plan | StepKind::Log(_))
}

/// The result that a fault must have at a step; `None` where the fault cannot matter.
pub fn expected(fault: Fault, step: &Step) -> Option<End> {
    let kind = step.kind;
    let (tokens, drive, typing) = hands(kind);
    let log = matches!(kind, StepKind::Log(_));
    let (touches, writes) = (tokens != Touch::Not, drive == Touch::Changes);
    let when = |matters: bool, end| matters.then_some(end);
    match fault {
        Fault::OtherToken | Fault::TokenPulled(_) => when(touches, End::Asked),
        Fault::Disguised => when(touches, End::Halts),
        // A certificate is a file and proves nothing: by looking alone no person can tell.
        Fault::Counterfeit => when(touches, if tokens == Touch::Looks { End::Harmless } else { End::Halts }),
        Fault::NothingDone(_) => when(tokens == Touch::Changes, End::Harmless),
        Fault::OtherCheckValue => when(kind == StepKind::Import, End::Halts),
        Fault::OtherDrive | Fault::ForgedDrive | Fault::DrivePulled(_) => when(drive != Touch::Not, End::Asked),
        Fault::NotEmpty => when(drive == Touch::Looks, End::Asked),
        Fault::Full => when(writes, if log { End::Waits } else { End::Decided }),
        Fault::ReadOnly => when(writes, if log { End::Waits } else { End::Asked }),
        Fault::Lying(_) => when(writes, if log { End::Waits } else { End::Halts }),
        Fault::SwappedShares => when(matches!(kind, StepKind::OpenShare(_)), End::Halts),
        Fault::HubPulled | Fault::LogPulled | Fault::LogForged | Fault::LogLying(_) | Fault::LogError => {
            when(logged(kind), End::Waits)
        }
        Fault::SamePerson => when(matches!(step.roles, Roles::Two(..)), End::Refused),
        Fault::OtherRole => when(asks_for_somebody(step), End::Refused),
        Fault::Mistyped => match typing {
            Typing::None => None,
            Typing::Back | Typing::Sets => Some(End::Refused),
            Typing::Uses | Typing::Asks => Some(End::Asked),
        },
    }
}

/// Whether a step takes the code of one particular person.
fn asks_for_somebody(step: &Step) -> bool {
    let other_question =
        matches!(step.kind, StepKind::SignIn(_) | StepKind::Keyboard | StepKind::Objections | StepKind::Attest(_));
    step.roles != Roles::Anyone && !other_question
}

/// One ceremony each; where faults do not halt it, several strike at every step, one after the other.
const RUNS: &[&[Fault]] = &[
    &[Fault::Lying(Lies::Everything)],
    &[Fault::Counterfeit],
    &[Fault::Disguised, Fault::OtherCheckValue, Fault::SwappedShares],
    &[Fault::Mistyped, Fault::SamePerson, Fault::OtherRole],
    &[
        Fault::OtherToken,
        Fault::TokenPulled(0),
        Fault::TokenPulled(2),
        Fault::OtherDrive,
        Fault::ForgedDrive,
        Fault::DrivePulled(0),
        Fault::DrivePulled(2),
        Fault::NotEmpty,
        Fault::Full,
    ],
    // A step of one entry shows one of these.
    &[Fault::HubPulled, Fault::ReadOnly],
    &[Fault::LogPulled],
    &[Fault::LogForged],
    &[Fault::LogLying(Lies::Bytes)],
    &[Fault::LogError],
    &[Fault::NothingDone(0)],
    &[Fault::NothingDone(1)],
    &[Fault::NothingDone(2)],
    &[Fault::NothingDone(3)],
];

/// Acts in which a command that said that it did and did nothing is not noticed, with its CLA, INS, P1 and P2, and why that is
/// harmless.
const HARMLESS: &[(&str, [u8; 4])] = &[
    // CHANGE REFERENCE DATA, SO-PIN: it is still the published one. Trying the PINs finds out before there is a key.
    ("Initialise", [0x00, 0x24, 0x00, 0x88]),
    // VERIFY compared the PIN and forgot that it did. Listing takes no PIN; the next command that takes one is
    // refused.
    ("List", [0x00, 0x20, 0x00, 0x81]),
    ("TryPin", [0x00, 0x20, 0x00, 0x81]),
    ("TryPin", [0x00, 0x20, 0x00, 0x88]),
];

#[test]
fn whatever_goes_wrong_at_whichever_step_is_said_recorded_and_gone_on_from() {
    let (next, done, unnoticed) = (AtomicUsize::new(0), Mutex::new(Tally::new()), Mutex::new(BTreeSet::new()));
    let work = || {
        while let Some(faults) = RUNS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut trial = Trial::new(MINIMAL, stage(MINIMAL), faults);
            trial.play();
            trial.whole();
            let ceremony = trial.ceremony.as_ref().unwrap();
            verified(MINIMAL, ceremony.transcript(), ceremony.head());
            done.lock().unwrap().extend(trial.tally);
            unnoticed.lock().unwrap().extend(trial.unnoticed);
        }
    };
    std::thread::scope(|scope| [scope.spawn(work), scope.spawn(work)].map(|thread| thread.join().unwrap()));
    let tally = done.into_inner().unwrap();

    let script = compile(&plan::read(MINIMAL).unwrap()).unwrap();
    let faults = || RUNS.iter().copied().flatten().copied();
    let struck =
        |fault: Fault, kind| tally.get(&(format!("{fault:?}"), name(kind))).is_some_and(|(struck, _)| *struck > 0);
    let wanted = |fault: Fault, step| expected(fault, step).is_some_and(|end| end != End::Harmless);
    let pairs = faults().flat_map(|fault| script.steps.iter().map(move |step| (fault, step)));
    // A short act is over before a later command of it can fail.
    let pairs = pairs.filter(|(fault, _)| !matches!(fault, Fault::TokenPulled(1..) | Fault::DrivePulled(1..)));
    let spared: BTreeSet<String> = pairs
        .filter(|(fault, step)| wanted(*fault, step) && !struck(*fault, step.kind))
        .map(|(fault, step)| format!("{fault:?} in {}", name(step.kind)))
        .collect();
    let sum = |of: fn(&(usize, usize)) -> usize| tally.values().map(of).sum::<usize>();
    println!(
        "figure: {} faults at {} kinds of step, {} times in all, {} noticed",
        faults().count(),
        tally.keys().map(|(_, kind)| kind).collect::<BTreeSet<_>>().len(),
        sum(|(struck, _)| *struck),
        sum(|(_, noticed)| *noticed)
    );
    assert!(spared.is_empty(), "never struck: {spared:?}");
    // A command that only claims to be done is noticed, unless it makes no difference.
    let unnoticed: Vec<(String, [u8; 4])> = unnoticed.into_inner().unwrap().into_iter().collect();
    let harmless: Vec<(String, [u8; 4])> =
        HARMLESS.iter().map(|(act, command)| ((*act).to_owned(), *command)).collect();
    assert_eq!(unnoticed, harmless, "{unnoticed:02x?}");
}

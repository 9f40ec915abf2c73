//! Every word of a ceremony's screens but the facts themselves: the people who act, the question, the act under way.

use conclave_ceremony::act::{Act, Item, Signs, Slot};
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::ids::Device;
use conclave_ceremony::kind::LAST_WORD;
use conclave_ceremony::plan::{Plan, Role};
use conclave_ceremony::script::Which;
use conclave_ceremony::step::{Unfit, Waiting};

use crate::ceremony::NotTaken;
use crate::ceremony::desk::Stage;
use crate::ceremony::scene::Scene;
use crate::preflight::Over;
use crate::shown::Serial;
use crate::vault::{Mistyped, NotPublic};
use crate::wording;
use crate::wording::preflight::{ANYBODY, HELP, KEYBOARD, NO_LAYOUT_FITS, OPERATOR, POWER_OFF, capital};

/// Label of the line for a word.
pub const WORD: &str = "Word";
/// Label of the line that tries the keys.
pub const TRY: &str = "Type";
/// Label of the line for a bag's number.
pub const NUMBER: &str = "Number on the bag";
/// As [`NUMBER`].
pub const NUMBER_AGAIN: &str = "Once more";
/// Label of the line for an objection.
pub const OBJECTION: &str = "Objection";
/// Behind a line that takes no more.
pub const FULL: &str = " (full: say it in fewer words)";
/// Behind a hidden line, after a character that it does not take.
pub const NOT_TAKEN: &str = " (this character is not taken: secrets have ASCII characters here. A share that was sealed elsewhere with \
                             other characters cannot be opened here: its custodian seals it there again, with ASCII)";
/// Label of the line for a refusal.
pub const REFUSAL: &str = "Why you do not attest";
/// Label of the line for a reason.
pub const REASON: &str = "Why it is done again";
/// Key for a person who does not come.
pub const ABSENT: char = 'a';
/// A secret that was typed back wrong.
pub const NOT_AS_SHOWN: &str =
    "This is not the secret that was shown. Type it again from your paper, or press Esc to see it again.";
/// Two numbers that differ.
pub const NUMBERS_DIFFER: &str = "The two numbers differ. Read the number from the bag and type it twice.";
/// Label of the line for a reason, where a bag has another number than the planned one.
pub const OTHER_BAG: &str = "Why another bag is sealed";
/// Label of the line for a secret that is typed a second time.
pub const SECRET_AGAIN: &str = "Once more, from your paper";
/// Two secrets that differ.
pub const SECRETS_DIFFER: &str =
    "The two lines differ. Type the secret twice from your paper: nothing else would notice a mistake.";
/// The plan names no alternate.
pub const NO_ALTERNATE: &str = "The plan names no alternate. The ceremony cannot go on without this person: wait, or switch \
     off with F10 and go on another day.";
/// The bar of a rehearsal.
pub const REHEARSAL: &str = "REHEARSAL: simulated tokens. Nothing made here is worth anything.";
/// Above a step that destroys or cannot be undone.
pub const IRREVERSIBLE: &str = "THIS CANNOT BE UNDONE";

/// A document, by its key.
pub fn document(key: char) -> Option<&'static str> {
    match key {
        '1' => Some("passport"),
        '2' => Some("identity card"),
        '3' => Some("known to those present"),
        _ => None,
    }
}

/// The name of a secret on its line.
pub const fn slot(slot: Slot) -> &'static str {
    match slot {
        Slot::Pin(_, Which::User) => "PIN",
        Slot::Pin(_, Which::So) => "SO-PIN",
        Slot::OldSoPin(_) => "SO-PIN it has now",
        Slot::NewPin(_) => "new PIN",
        Slot::Passphrase(_) => "Passphrase",
        Slot::Share(_) => "Share",
    }
}

/// A secret with its use. Its keeper writes these words on the paper above it.
pub fn slot_of(plan: &Plan, of: Slot) -> String {
    match of {
        Slot::Pin(id, _) | Slot::OldSoPin(id) | Slot::NewPin(id) => format!("{} of {}", slot(of), plan.token_name(id)),
        Slot::Passphrase(id) | Slot::Share(id) => format!("passphrase of share {}", id.0 + 1),
    }
}

/// Another word was typed.
pub fn not_the_word(word: &str) -> String {
    format!("Type the word {word} if this is meant; switch off with F10 if it is not.")
}

/// A device that was said to be plugged in and is not.
pub fn not_plugged(plan: &Plan, of: Device) -> String {
    format!(
        "{} is not plugged in. Plug it in, wait for its light, press Enter. \
         If it is plugged in, it reports another serial or none and is not let in: take it out.",
        device(plan, of)
    )
}

/// A device that was said to be out and is not.
pub fn still_plugged(plan: &Plan, of: Device) -> String {
    format!("{} is still plugged in. Take it out, then press Enter.", device(plan, of))
}

/// Why an answer made no entry, and the thing to do now.
pub fn not_taken(why: &NotTaken) -> String {
    match why {
        NotTaken::Unfit(Unfit::Other) => "The step does not ask for this now. Follow the instruction on the screen.".into(),
        NotTaken::Unfit(Unfit::Person) => {
            "The person with this code may not agree to this step. Another person of the role named above types their own code."
                .into()
        }
        NotTaken::Unfit(Unfit::SamePerson) => {
            "This person agreed already. Another person of the role named above types their own code.".into()
        }
        NotTaken::Unfit(Unfit::BagNumber) => {
            "Another bag has this number. Read the number from this bag and type it twice; take a new bag if it was opened."
                .into()
        }
        NotTaken::NotWritten(trouble) => trouble.to_string(),
        NotTaken::Entry(error) => format!("The entry cannot be recorded: {error}. Say it in fewer words."),
    }
}

/// The typed line is not that of the keyboard test.
pub fn keyboard_differs() -> String {
    format!("This is not the line above. Press Tab for the next layout and type it again. {NO_LAYOUT_FITS}")
}

/// Something typed that is no such secret.
pub fn mistyped(error: &Mistyped) -> String {
    format!("{}. Read it from your paper and type it again.", capital(&error.to_string()))
}

/// Free text that is not recorded.
pub fn not_public(error: &NotPublic) -> String {
    let why = capital(&error.to_string());
    match error {
        NotPublic::Name(_) => format!("{why}. It was not recorded."),
        NotPublic::Secret | NotPublic::LooksSecret(_) | NotPublic::Text(_) => {
            format!("{why}. It was not recorded. Say it in other words, without numbers.")
        }
    }
}

/// A bag with another number than the planned one, which is not said: it is read from the bag.
pub fn other_bag(typed: &str) -> String {
    format!(
        "{typed} is not the number of this bag in the plan. Seal the planned bag and press Esc to type its number. Only if \
         that bag cannot be used: operator and a witness type their codes and say why. This is recorded as a deviation."
    )
}

/// The top of every screen: the ceremony, and a warning if strangers cannot rebuild the running program.
pub fn bar(scene: &Scene<'_>) -> String {
    format!(" CONCLAVE {} {}", scene.tree.words(), scene.plan.title)
}

/// Before a secret or a sign-in code is shown.
const LOOK_AWAY: &str = "projector off, others look away. Press Enter when only you see the screen.";

/// A device by name and serial, in full.
pub fn device(plan: &Plan, device: Device) -> String {
    match device {
        Device::Token(id) => {
            plan.token(id).map_or_else(String::new, |token| format!("token {}, serial {}", token.name, token.serial))
        }
        Device::Drive(id) => plan.drive(id).map_or_else(String::new, |drive| {
            format!("drive {}, serial {}", drive.name, Serial::new(drive.serial.as_str()))
        }),
    }
}

/// A role.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Operator => OPERATOR,
        Role::Custodian => "Custodian",
        Role::Witness => "Witness",
        Role::Holder => "Holder",
    }
}

/// The role or person that is asked.
pub fn asked(scene: &Scene<'_>) -> String {
    match scene.desk.over {
        Over::Nothing => {}
        Over::Help => return ANYBODY.into(),
        Over::Keyboard(_) | Over::PowerOff(_) => return OPERATOR.into(),
    }
    if scene.trouble.is_some() {
        return OPERATOR.into();
    }
    if scene.desk.stage == Stage::Who {
        return wording::codes::asked(scene);
    }
    if let Some(one) = scene.desk.signer().or_else(|| scene.desk.signing_in()) {
        return scene.plan.person_name(one);
    }
    match scene.who {
        Some(Who::Role(one)) => role(one).into(),
        Some(Who::Person(one)) => scene.plan.person_name(scene.state.facts().stand_in(one)),
        None => match &scene.waiting {
            Waiting::Acting(Act::Reveal(slot)) => keeper(scene, *slot),
            Waiting::Acting(Act::Show) | Waiting::Asked(Ask::Objections) | Waiting::Closed => "Everybody".into(),
            Waiting::Asked(Ask::Go { .. } | Ask::Keyboard) => ANYBODY.into(),
            _ => OPERATOR.into(),
        },
    }
}

fn keeper(scene: &Scene<'_>, slot: Slot) -> String {
    conclave_ceremony::kind::keeper(scene.plan, slot)
        .map_or_else(String::new, |keeper| scene.plan.person_name(scene.state.facts().stand_in(keeper)))
}

/// The one thing asked.
pub fn instruction(scene: &Scene<'_>) -> String {
    let plan = scene.plan;
    match scene.desk.over {
        Over::Nothing => {}
        Over::Help => return HELP.into(),
        Over::Keyboard(_) => return KEYBOARD.into(),
        Over::PowerOff(_) => return format!("write down the head below; then {POWER_OFF}"),
    }
    if scene.trouble.is_some() {
        return "put the log drive right as described below, then press Enter. Nothing is done before that.".into();
    }
    if scene.writes {
        return "wait: the record is written to the log drives and read back.".into();
    }
    match &scene.waiting {
        Waiting::Begin => "wait.".into(),
        Waiting::Closed => "switch off with F10 when everybody has written the head down.".into(),
        Waiting::Halted(_) => {
            "stop. Read the words below; write the head down; switch off with F10. Correct the cause. Then start again with the \
             same medium and both log drives: the ceremony goes on at this step."
                .into()
        }
        Waiting::Acting(Act::Reveal(slot)) => match scene.desk.stage {
            Stage::Warn => LOOK_AWAY.into(),
            Stage::Shown => {
                format!("write down the {}, then press Enter: it is hidden and you type it back.", slot_of(plan, *slot))
            }
            _ => format!("type the {} back from your paper.", slot_of(plan, *slot)),
        },
        Waiting::Acting(Act::Show) => "compare, then press Enter.".into(),
        Waiting::Acting(act) => format!("wait: {}", doing(plan, act)),
        Waiting::Asked(_) if scene.desk.stage == Stage::Who => wording::codes::who(scene),
        Waiting::Asked(_) if scene.desk.stage == Stage::Objection => {
            "type your code and your objection. It is recorded word for word; the ceremony goes on.".into()
        }
        Waiting::Asked(ask) => question(scene, ask),
    }
}

fn question(scene: &Scene<'_>, ask: &Ask) -> String {
    let plan = scene.plan;
    match ask {
        Ask::Go { who: None, .. } => "press Enter to go on.".into(),
        Ask::Go { who: Some(_), already: Some(one) } => {
            format!("type your code to agree; {} agreed, a second person must.", plan.person_name(*one))
        }
        Ask::Go { .. } => "type your sign-in code to agree.".into(),
        Ask::Word(LAST_WORD) => {
            format!(
                "type the word {LAST_WORD} if this is meant: a wrong PIN now blocks the token and all its keys."
            )
        }
        Ask::Word(word) => format!("type the word {word} if this is meant."),
        Ask::Insert(of) => format!("plug in {}, then press Enter.", device(plan, *of)),
        Ask::Remove(of) => format!("take out {}, then press Enter.", device(plan, *of)),
        Ask::SignIn(who) => match scene.desk.stage {
            Stage::Choose { person: one } if one != *who => {
                format!("sign in {} instead of {}: which document was shown?", plan.person_name(one), plan.person_name(*who))
            }
            Stage::Choose { .. } => format!("sign in {}: which document was shown?", plan.person_name(*who)),
            Stage::Warn => LOOK_AWAY.into(),
            Stage::Shown => {
                "remember your code: it says that you agree. Do not tell it and do not write it down. Enter hides it; then \
                 you type it."
                    .into()
            }
            Stage::Confirms => {
                let one = scene.desk.signing_in().unwrap_or(*who);
                format!("type your code to confirm that you saw the document and that this is {}.", plan.person_name(one))
            }
            _ => "type your code, then press Enter.".into(),
        },
        Ask::Look => "wait: the result of this check is recorded.".into(),
        Ask::Keyboard => "type the line below, then press Enter. Tab changes the layout.".into(),
        Ask::Type { slot, sets: false, .. } => format!("others look away; type the {}.", slot_of(plan, *slot)),
        Ask::Type { slot, .. } => format!("others look away; type the {} twice.", slot_of(plan, *slot)),
        Ask::BagNumber(id) => {
            format!("seal bag {} and type the number that is printed on it, twice.", id.0 + 1)
        }
        Ask::Objections => wording::codes::who(scene),
        Ask::Attest(_) => match scene.desk.stage {
            Stage::Attests => "type your code to attest the ceremony.".into(),
            Stage::Why => "say why you do not attest. The reason is shown again before it is recorded.".into(),
            Stage::Refuses => "type your code to refuse for this reason.".into(),
            _ => "do you attest the ceremony as you saw it? Press 1 or 2.".into(),
        },
        Ask::Replace(..) => "operator and a witness decide that the spare takes the place of the lost drive.".into(),
        Ask::Again { .. } => "operator and a witness decide whether this step is done again.".into(),
    }
}

/// The act under way while people wait.
pub fn doing(plan: &Plan, act: &Act) -> String {
    let (token, drive, key) = (|id| plan.token_name(id), |id| plan.drive_name(id), |id| plan.key_name(id));
    match *act {
        Act::Identify(id) => format!("{} is identified.", drive(id)),
        Act::Write(id, item) => format!("{} is written to {} and read back.", self::item(plan, item), drive(id)),
        Act::Read(id, item) => format!("{} is read from {}.", self::item(plan, item), drive(id)),
        Act::Inspect(id) => format!("{} is read.", token(id)),
        Act::Prove(id) => format!("{} is erased and proves itself.", token(id)),
        Act::TrySet(id) => format!("{} must refuse to set a PIN by its SO-PIN.", token(id)),
        Act::Authenticate(id) => format!("{} proves that it holds its device key.", token(id)),
        Act::ProveAgain(id) => format!("{} proves itself again.", token(id)),
        Act::ProveBeside(id) => format!("{} proves itself by a key beside its own.", token(id)),
        Act::ChangePin(id) => format!("the burnt PIN of {} is changed.", token(id)),
        Act::Make(of) => format!("the {} is made.", slot_of(plan, of)),
        Act::Reveal(_) => "a secret is shown.".into(),
        Act::MakeShares => "the shares are made.".into(),
        Act::Seal(id) => format!("share {} is sealed. This takes some seconds.", id.0 + 1),
        Act::Open(id) => format!("share {} is opened. This takes some seconds.", id.0 + 1),
        Act::Combine(_) => "the shares are compared with the recorded check value.".into(),
        Act::Wipe(_) => "memory is wiped.".into(),
        Act::Initialise(id) => format!("{} is initialised.", token(id)),
        Act::Import(id) => format!("the shares are sent to {}.", token(id)),
        Act::TryPin(id) => format!("{} is powered off and on again.", token(id)),
        Act::Generate(_, id) => format!("{} is made. An RSA key takes minutes; do not unplug the token.", key(id)),
        Act::Sign(_, id, Signs::Certificate) => format!("{} signs its certificate.", key(id)),
        Act::Sign(on, id, Signs::Statement) => format!("{} on {} signs its statement.", key(id), token(on)),
        Act::Describe(on, id) => format!("{} is described on {}.", key(id), token(on)),
        Act::Wrap(_, id) => format!("{} is wrapped.", key(id)),
        Act::Unwrap(on, id) => format!("{} is restored on {}.", key(id), token(on)),
        Act::Label(id) => format!("{} is labelled.", token(id)),
        Act::List(id) => format!("{}: its objects are listed.", token(id)),
        Act::Show => "public values are shown.".into(),
        Act::PowerOff => "the machine switches off.".into(),
    }
}

/// The lines below the act under way.
pub fn working(seconds: u64) -> [String; 2] {
    // Unplugging is the only cancel there is.
    [format!("At work for {seconds} s."), "Unplug nothing, unless a token hangs for minutes.".into()]
}

fn item(plan: &Plan, item: Item) -> String {
    match item {
        Item::Share(id, _) => format!("share {}", id.0 + 1),
        Item::Blob(id, _) => format!("the blob of {}", plan.key_name(id)),
        Item::Plan => "the plan".into(),
        Item::Names => "the file of names".into(),
        Item::Bundle => "the public bundle".into(),
    }
}

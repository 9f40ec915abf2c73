//! The facts of a step in words: the things that people look at, compare and hold in their hands.

use conclave_ceremony::ids::{BagId, Device, DriveId, KeyIx, PersonId, TokenId};
use conclave_ceremony::kind::{Shows, about, burns};
use conclave_ceremony::plan::{Custody, Holds, Plan};
use conclave_ceremony::public::{Octets, Text};
use conclave_ceremony::script::StepKind;

use crate::ceremony::desk::Stage;
use crate::ceremony::scene::Scene;
use crate::drives::VolumeId;
use crate::layout::Layout;
use crate::preflight::laptop::{Battery, Supply};
use crate::wording::ceremony::device;
use crate::wording::preflight::{KEYBOARD_LINE, capital, digits};

/// Most objects of a token that are named on a screen.
const OBJECTS_MAX: usize = 6;

/// Choices of a sign-in, by their keys.
pub const CHOICES: [&str; 4] = ["1  passport", "2  identity card", "3  known to those present", "a  does not come"];

/// Choices of an attestation, by their keys.
const ATTEST: [&str; 2] = ["1  attest", "2  refuse, and say why"];
/// Above a reason, before it is recorded.
const REASON_IS: &str = "This is recorded, word for word:";

/// The facts of a step, a line each.
pub fn of_step(scene: &Scene<'_>, kind: StepKind) -> Vec<String> {
    let plan = scene.plan;
    let name = |id| capital(&device(plan, Device::Token(id)));
    match about(plan, kind).shows {
        Shows::Nothing => Vec::new(),
        Shows::Drive(id) => drive(plan, id),
        Shows::DriveOf(id) => plan.share(id).map_or_else(Vec::new, |share| drive(plan, share.drive)),
        Shows::Token(id) => token(scene, id),
        Shows::Name(id) => vec![name(id)],
        Shows::CheckValue => kcv(scene),
        Shows::Import => kcv(scene).into_iter().chain(plan.token_ids().map(name)).collect(),
        Shows::Key(id) => key(plan, id),
        Shows::Bag(id) => bag(scene, id),
        Shows::Keyboard => vec![KEYBOARD_LINE.into(), layout(scene.desk.layout)],
        Shows::Attestation => attest(scene),
    }
}

/// The facts of a step in which PINs are burnt, for the people who agree to it and for the keeper of the PIN.
pub fn burnt(scene: &Scene<'_>) -> Vec<String> {
    let Some(step) = scene.script.step(scene.state.at()) else { return Vec::new() };
    let facts = scene.state.facts();
    let words = |id: TokenId| {
        let name = scene.plan.token(id).map_or("", |token| token.name.as_str());
        let unproved = !facts.proved.contains(&id);
        let proof = format!(
            "{name} refuses chip authentication: its PIN is sent to it before its proof, is burnt, and is changed."
        );
        // The power failed, or the token was lost, before it was known which it has.
        let either = format!("{name} has the PIN written down last, or the one before it: type the last one first.");
        let change = format!("The PIN of {name} is burnt and is changed.");
        match (unproved, facts.burnt.contains(&id)) {
            (true, true) => vec![proof, either],
            (true, false) => vec![proof],
            (false, _) => vec![change],
        }
    };
    burns(scene.plan, step, facts).into_iter().flat_map(words).collect()
}

/// The name of a person, for the people who look at the document.
pub fn person(scene: &Scene<'_>, id: PersonId) -> String {
    let person = scene.plan.person(id);
    person.map_or_else(String::new, |person| {
        format!("{}, {}", name(scene, &person.id), name(scene, &person.organisation))
    })
}

/// The name behind an id.
fn name<'a>(scene: &Scene<'a>, id: &'a Text) -> &'a Text {
    scene.names.of(id).unwrap_or(id)
}

/// The thing of which a digest is the fingerprint.
pub fn certificate(plan: &Plan, id: KeyIx) -> String {
    let label = plan.key(id).map_or("", |key| key.label.as_str());
    format!("Certificate of {label}, SHA-256")
}

/// As [`certificate`], for the record.
pub const HEAD: &str = "Head of the record";

fn drive(plan: &Plan, id: DriveId) -> Vec<String> {
    let Some(drive) = plan.drive(id) else { return Vec::new() };
    let holds = match drive.holds {
        Holds::Transcript => "the record".to_owned(),
        Holds::SpareLog => "nothing, until a log drive is lost".to_owned(),
        Holds::Share(share) => format!("share {}", share.0 + 1),
        Holds::Blobs => "the wrapped keys".to_owned(),
        Holds::Public => "the public files".to_owned(),
    };
    vec![
        capital(&device(plan, Device::Drive(id))),
        format!("{} bytes, volume {}, for {holds}.", digits(drive.size), VolumeId(drive.volume)),
    ]
}

fn token(scene: &Scene<'_>, id: TokenId) -> Vec<String> {
    let mut lines = vec![capital(&device(scene.plan, Device::Token(id)))];
    if let Some(seen) = scene.state.facts().seen.get(&id) {
        let (major, minor) = seen.firmware;
        lines.push(format!("Firmware {major}.{minor}; PIN: {}; SO-PIN: {}.", seen.pin, seen.so_pin));
        lines.push(format!("{}. Objects on it: {}.", capital(&seen.dkek.to_string()), seen.objects.len()));
        lines.extend(seen.objects.iter().take(OBJECTS_MAX).map(|object| format!("  {object}")));
        if let Some(more @ 1..) = seen.objects.len().checked_sub(OBJECTS_MAX) {
            lines.push(format!("  and {more} more, all in the record"));
        }
    }
    lines
}

fn key(plan: &Plan, id: KeyIx) -> Vec<String> {
    let Some(key) = plan.key(id) else { return Vec::new() };
    vec![
        format!("{}, id {}, for {}.", key.spec, key.id, key.purpose),
        capital(&device(plan, Device::Token(key.master))),
    ]
}

/// The contents of a bag, the person who takes it, and its place.
fn bag(scene: &Scene<'_>, id: BagId) -> Vec<String> {
    let plan = scene.plan;
    let Some(bag) = plan.bag(id) else { return Vec::new() };
    let here = |custody: Custody| custody.bag == Some(id);
    let devices = bag.devices.iter().map(|of| device(plan, *of));
    let pins = plan.tokens.iter().filter(|token| here(token.pin)).map(|token| format!("paper, PIN of {}", token.name));
    let so_pins = plan.tokens.iter().filter(|token| here(token.so_pin));
    let so_pins = so_pins.map(|token| format!("paper, SO-PIN of {}", token.name));
    let passphrases = plan.shares.iter().enumerate().filter(|(_, share)| here(share.passphrase));
    let passphrases = passphrases.map(|(at, _)| format!("paper, passphrase of share {}", at + 1));
    let things = devices.chain(pins).chain(so_pins).chain(passphrases).map(|thing| format!("  {thing}"));
    let holder = plan.person(bag.holder).map_or("", |person| person.id.as_str());
    let mut lines = vec!["The bag holds these things and nothing else:".to_owned()];
    lines.extend(things);
    lines.push(format!("{holder} takes it. Place: {}.", name(scene, &bag.place)));
    // Its number is read from the bag: it is on no screen before it was typed.
    lines.extend(scene.state.facts().bags.get(&id).map(|number| format!("Its number, as typed: {number}.")));
    lines
}

/// The choice, or the reason that is about to be recorded, and the head that is attested.
fn attest(scene: &Scene<'_>) -> Vec<String> {
    let choices = || ATTEST.map(str::to_owned).into_iter();
    let reason = || scene.desk.reason.iter().flat_map(|reason| [REASON_IS.to_owned(), reason.to_string()]);
    let above: Vec<String> = match scene.desk.stage {
        Stage::Attest => choices().collect(),
        Stage::Refuses => reason().collect(),
        _ => Vec::new(),
    };
    let gap = (!above.is_empty()).then(String::new);
    let head = ["Head of the record so far, in words:".to_owned(), scene.head.words()];
    above.into_iter().chain(gap).chain(head).collect()
}

/// Which layout keys are read by.
pub fn layout(layout: Layout) -> String {
    format!("Layout in force: {}.", layout.name())
}

/// The power supply of the laptop, and the charge of its battery.
pub fn battery(battery: Battery) -> String {
    let supply = match battery.supply {
        Supply::Mains => "mains",
        Supply::Battery => "battery",
    };
    format!("{supply} {}%", battery.percent)
}

fn kcv(scene: &Scene<'_>) -> Vec<String> {
    let Some(Octets(bytes)) = scene.state.facts().kcv else { return Vec::new() };
    let groups = bytes.as_chunks::<2>().0.iter().map(|pair| Octets(*pair).to_string());
    vec![format!("Check value of the DKEK: {}", groups.collect::<Vec<_>>().join(" "))]
}

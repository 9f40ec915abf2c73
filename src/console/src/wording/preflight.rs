//! Every word that people in the room read, in one place: line one is the event, line two the thing to do now.

use crate::civil::Wall;
use crate::preflight::air_gap::{AirGap, Found, Proof};
use crate::preflight::challenge::{Challenged, Of, Source};
use crate::preflight::clock::{Clock, Set, Unbelievable};
use crate::preflight::devices::Devices;
use crate::preflight::laptop::SecureBoot;
use crate::preflight::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use crate::preflight::{Build, Over, Preflight, Screen, Tree};

/// The role that runs the machine.
pub const OPERATOR: &str = "Operator";
/// The role that compares and attests.
pub const WITNESS: &str = "Witness";
/// No role in particular.
pub const ANYBODY: &str = "Anybody";

/// The role that acts, its instruction, and the facts for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The role.
    pub role: &'static str,
    /// The one thing asked.
    pub instruction: String,
    /// The lines below.
    pub facts: Vec<String>,
}

fn words(role: &'static str, instruction: impl Into<String>, facts: &[&str]) -> Words {
    Words { role, instruction: instruction.into(), facts: facts.iter().map(|&fact| fact.to_owned()).collect() }
}

/// The name of a screen.
pub fn screen(screen: Screen) -> &'static str {
    match screen {
        Screen::Medium => "Medium",
        Screen::AirGap => "Air gap",
        Screen::Clock => "Clock",
        Screen::Devices => "Devices",
    }
}

/// The words beside the order of screens until a plan is loaded.
pub const ONLY_LOOKING: &str = "no plan: it only looks ";

/// The words there on the first screen: Secure Boot, on the word of the firmware.
pub const fn secure_boot(told: SecureBoot) -> &'static str {
    match told {
        SecureBoot::NotTold => "Secure Boot: not told ",
        SecureBoot::Bios => "Secure Boot: none (BIOS) ",
        SecureBoot::Off => "Secure Boot: off or in set-up ",
        SecureBoot::On => "Secure Boot: on ",
    }
}

/// The top of every screen: the commit that strangers can rebuild, whole, or that there is none.
pub fn title(build: &Build) -> String {
    match build.tree {
        Tree::Clean => format!("CONCLAVE {}", build.revision),
        Tree::Dirty => "CONCLAVE  DIRTY: built from changed sources".into(),
        Tree::Moved => "CONCLAVE  MOVED INPUTS: not the locked packages".into(),
        Tree::DirtyAndMoved => "CONCLAVE  DIRTY, MOVED INPUTS: not its commit".into(),
    }
}

/// How an image differs from the commit it names; nothing where it does not.
pub const fn why_not_rebuilt(tree: Tree) -> &'static str {
    match tree {
        Tree::Clean => "",
        Tree::Dirty => "This image was built from changed sources",
        Tree::Moved => "This image was built from other packages than its commit locks",
        Tree::DirtyAndMoved => {
            "This image was built from changed sources and from other packages than its commit locks"
        }
    }
}

/// A screen nothing fits on.
pub fn too_small(columns: u16, rows: u16) -> String {
    format!(
        "This screen has {columns} x {rows} characters; 80 x 25 are needed. Connect a larger screen and start again."
    )
}

/// The keys that do something now.
pub fn keys(preflight: &Preflight) -> String {
    if preflight.keyboards.are_none() {
        return crate::wording::usb::NO_KEYBOARD.into();
    }
    match &preflight.over {
        Over::Help => "any key: back".into(),
        Over::Keyboard(_) => KEYBOARD_KEYS.into(),
        Over::PowerOff(_) => "Enter: do it   Esc: back".into(),
        Over::Nothing => {
            let own = match (preflight.screen, &preflight.challenged) {
                (Screen::Medium, _) if preflight.medium.may_look_again() => "Enter: look again",
                (Screen::Medium, _) if preflight.medium.sound().is_none() => "",
                (Screen::Medium, challenged) => keys_of_challenge(challenged),
                (Screen::AirGap, _) => match (preflight.air_gap.holds(), preflight.scrolls()) {
                    (true, true) => "Enter: go on  Up Down: scroll  Esc: back",
                    (true, false) => "Enter: go on  Esc: back",
                    (false, true) => "Up Down: scroll  Esc: back",
                    (false, false) => "Esc: back",
                },
                (Screen::Clock, _) => "Enter: set, or go on   Esc: back",
                (Screen::Devices, _) if preflight.scrolls() => "Enter: plan  Up Down: scroll  Esc: back",
                (Screen::Devices, _) => "Enter: plan  Esc: back",
            };
            keys_with(preflight, own)
        }
    }
}

/// The keys of a challenge.
pub fn keys_of_challenge(challenged: &Challenged) -> &'static str {
    match challenged {
        Challenged::Closed => "Enter: begin the challenge",
        Challenged::Source => "1 2 3: choose   Esc: back",
        Challenged::Drawing(_) => "",
        Challenged::Open(_) => "Enter: next  Up Down: lines  Esc: stop",
        Challenged::Differs(..) => "Enter: new groups",
        Challenged::Met(_) => "Enter: go on",
    }
}

/// The keys of every screen before those of its `own`.
pub fn keys_with(preflight: &Preflight, own: &str) -> String {
    format!("F1 help  F2 keyboard {}  F10 off   {own}", preflight.layout.name())
}

fn at(place: &Place) -> String {
    let kind = match place.kind {
        Kind::Optical => "optical drive",
        Kind::UsbDisk => "USB disk",
    };
    format!("{kind} {} ({})", place.node, place.model)
}

/// Words that begin a sentence.
pub fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A number of bytes, in groups of three digits.
pub fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut out = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A medium that has no digest to show.
pub fn medium(medium: &Medium) -> Words {
    match medium {
        Medium::Looking => words(
            OPERATOR,
            "wait: looking for the medium this machine was started from.",
            &["Optical drives and USB disks are looked at. Internal disks are never opened."],
        ),
        Medium::Missing { looked_at } => {
            let mut missing = words(
                OPERATOR,
                "insert the Conclave DVD or stick, then press Enter.",
                &["No drive carries a Conclave image.", "", "Looked at:"],
            );
            missing.facts.extend(looked_at.iter().map(|place| format!("  {}", at(place))));
            if looked_at.is_empty() {
                missing.facts.push("  no optical drive and no USB disk is connected".into());
            }
            missing
        }
        Medium::Several(places) => {
            let mut several = words(
                OPERATOR,
                "take out all but the one that started this machine; press Enter.",
                &["Each of these drives carries a Conclave image, or waits: one USB drive is let in at a time.", ""],
            );
            several.facts.extend(places.iter().map(|place| format!("  {}", at(place))));
            several
        }
        Medium::Truncated { place, expected, found } => Words {
            role: OPERATOR,
            instruction: "use another copy of the medium and start again.".into(),
            facts: vec![
                format!("The image on {} is cut off.", at(place)),
                format!("Expected {} bytes; the drive has {}.", digits(*expected), digits(*found)),
                "The image was not written completely, or the medium is too small.".into(),
            ],
        },
        Medium::Unreadable { place, at: read, why } => Words {
            role: OPERATOR,
            instruction: "clean the disc or use another copy, then press Enter.".into(),
            facts: vec![
                at(place),
                format!("The medium could not be read to its end: {why}"),
                format!("{} bytes were read before the error.", digits(*read)),
            ],
        },
        Medium::Refused { place, why } => Words {
            role: OPERATOR,
            instruction: "use the medium that started this machine, or a copy; press Enter.".into(),
            facts: vec![at(place), format!("The medium says that it is a Conclave image, but {why}.")],
        },
        Medium::Hashing { place, done, len } => Words {
            role: OPERATOR,
            instruction: "wait: reading the medium to its end.".into(),
            facts: vec![at(place), format!("{} of {} bytes", digits(*done), digits(*len))],
        },
        Medium::Hashed(_) => words(OPERATOR, "", &[]),
    }
}

/// A medium that was read to its end.
pub fn hashed(hashed: &Hashed, challenged: &Challenged) -> Words {
    match (hashed.self_check, challenged) {
        (SelfCheck::Fails, _) => words(OPERATOR, "the medium is damaged. Power off and use another copy.", &[]),
        (_, Challenged::Met(_)) => words(WITNESS, "the digest is the one you brought. Compare the rest of it.", &[]),
        _ => words(WITNESS, "compare with your own copy. Enter hides it and asks for parts of it.", &[]),
    }
}

/// The verdict of the self-check.
pub fn self_check(hashed: &Hashed) -> String {
    match hashed.self_check {
        SelfCheck::Holds => "Self-check OK.".into(),
        SelfCheck::Fails => "SELF-CHECK FAILED: the medium is damaged or was changed.".into(),
    }
}

/// How to arrive at the same digest without this machine, on which the medium has another name.
pub fn hash_elsewhere(hashed: &Hashed) -> String {
    format!("Elsewhere: head -c {} DRIVE | sha256sum (DRIVE: see F1)", hashed.len)
}

/// Before the number of a group of the digest.
pub const OF_DIGEST: &str = "group";
/// Before the number of a group of the script's digest.
pub const OF_SCRIPT: &str = "script's group";
/// The copy with which a challenge is worth nothing.
const COPIED: &str = "A copy written down from this screen proves nothing.";

/// The challenge on the medium was met.
pub fn met(source: Source) -> String {
    let copy = match source {
        Source::Paper => "a printed copy",
        Source::Phone => "a phone or another computer",
        Source::Own => "an image the witness built",
        Source::Nobody => "nowhere (a rehearsal without a medium: no person was asked)",
    };
    format!("Challenge met, from {copy}.")
}

/// The challenge while the digest is hidden.
pub fn challenge(of: Of, challenged: &Challenged) -> Words {
    match challenged {
        Challenged::Source => match of {
            Of::Medium => words(
                WITNESS,
                "where does your own copy of the digest come from?",
                &[
                    "  1  printed, brought along on paper",
                    "  2  on a phone or another computer",
                    "  3  of an image you built yourself",
                    "",
                    COPIED,
                ],
            ),
            Of::Plan => words(
                WITNESS,
                "where does your own copy of the plan's digests come from?",
                &[
                    "  1  printed on the script or on your card, brought along",
                    "  2  on a phone or another computer",
                    "  3  of a copy of the plan that you read and hashed yourself",
                    "",
                    COPIED,
                ],
            ),
            Of::Head => words(
                WITNESS,
                "where is the last head that you wrote down?",
                &[
                    "  1  on paper",
                    "  2  on a phone or another computer",
                    "  3  no head was written down: this is recorded and counts against the verdict",
                    "",
                    "A head that was written down shows that the logs were not shortened since then.",
                ],
            ),
        },
        Challenged::Drawing(_) => words(OPERATOR, "wait: drawing the groups.", &[]),
        Challenged::Differs(_, differ) => {
            let mut differs = words(WITNESS, "check your copy; if it is right, do not go on: power off with F10.", &[]);
            differs.facts = vec![
                match of {
                    Of::Medium => format!("{} of 6 groups differ from this medium.", differ.own),
                    Of::Plan => format!(
                        "{} of 6 groups differ from this plan, {} of 2 differ from its script.",
                        differ.own, differ.script
                    ),
                    Of::Head => "No entry of this record has a head with these six groups.".into(),
                },
                match of {
                    Of::Medium => "They are mistyped or of another version, or this is not the medium you know.".into(),
                    Of::Plan if differ.own == 0 => {
                        "They are mistyped, or this machine compiles the plan to other steps than you checked.".into()
                    }
                    Of::Plan => "They are mistyped or of another version, or this is not the agreed plan.".into(),
                    Of::Head => {
                        "They are mistyped, or the logs were shortened or exchanged since you wrote it down.".into()
                    }
                },
                "Enter asks for other groups. The ceremony goes on only when the challenge is met.".into(),
            ];
            differs
        }
        Challenged::Open(_) => words(
            WITNESS,
            match of {
                Of::Medium => "type these groups of the digest from your own copy.",
                Of::Plan => "type these groups of the digests of plan and script from your own copy.",
                Of::Head => "type these groups of the head from your own copy.",
            },
            &["Each group is four hex digits or two words. Capitals and spaces do not matter."],
        ),
        Challenged::Closed | Challenged::Met(_) => words(WITNESS, "", &[]),
    }
}

/// The air gap.
pub fn air_gap(air_gap: &AirGap) -> Words {
    match air_gap {
        AirGap::Trying => words(OPERATOR, "wait: every way out of this machine is tried.", &[]),
        gap if gap.holds() => words(WITNESS, "every way out was tried and is absent. Compare, then press Enter.", &[]),
        AirGap::Tried { .. } => words(OPERATOR, "this kernel is not air-gapped: power off with F10.", &[]),
    }
}

/// The verdict above the proofs: the ways out that were found absent, of all that were tried.
pub fn ways_out(proofs: &[Proof]) -> String {
    let absent = proofs.iter().filter(|proof| matches!(proof.found, Found::Absent(_))).count();
    format!("{absent} of {} ways out absent.", proofs.len())
}

/// The last row of a list that goes on below.
pub const MORE_BELOW: &str = "more below: Down";
/// A proof that found a thing that must not be there.
pub const PRESENT: &str = "PRESENT";
/// Heading of unused hardware.
pub const UNUSED: &str = "Present, but without a driver or never opened";
/// No such hardware.
pub const NO_UNUSED: &str = "nothing";
/// Heading of the facts.
pub const MACHINE: &str = "Machine";

/// The clock.
pub fn clock(clock: &Clock) -> Words {
    words(
        OPERATOR,
        match clock.believable() {
            Ok(_) => "compare with a watch. Set the clock, or press Enter if it is right.",
            Err(_) => "compare with a watch and set the clock: it cannot be right.",
        },
        &[
            "  YYYY-MM-DD hh:mm  sets the local time, for example 2026-11-21 14:05",
            "  +hh:mm or -hh:mm  sets how far local time is ahead of UTC",
        ],
    )
}

/// A clock that cannot be right.
pub fn unbelievable(why: Unbelievable, committed: Wall) -> String {
    match why {
        Unbelievable::Unread => format!("  {why}"),
        Unbelievable::BeforeBuild => {
            format!("  {why} ({} UTC). Set it.", committed.shown(crate::civil::Ahead(0)))
        }
    }
}

/// A clock that moved by itself.
pub fn jumped(at: Wall, by: i64) -> String {
    format!("  The clock jumped by {by} s at {} UTC. Compare it again.", at.shown(crate::civil::Ahead(0)))
}

/// The result of setting the clocks.
pub fn clock_set(set: &Set) -> String {
    match set {
        Set::Both => "  The clock is set. The board keeps the time while the machine is off.".into(),
        Set::UntilPowerOff(why) => {
            format!("  The clock is right until power-off only: the clock on the board refused: {why}")
        }
        Set::Not(why) => format!("  The clock was not set: {why}. Type another time."),
    }
}

/// Tokens and drives.
pub fn devices(devices: Option<&Devices>) -> Words {
    match devices {
        None => words(OPERATOR, "wait: looking at the USB ports.", &[]),
        Some(devices) if devices.tokens.is_empty() && devices.drives.is_empty() => {
            words(OPERATOR, "plug in a token or a drive; it appears here.", &[])
        }
        Some(devices) if !devices.clones().is_empty() => {
            words(OPERATOR, "pull out every token of the clone alarm; do not use them.", &[])
        }
        Some(_) => words(WITNESS, "compare the serials with the labels. Nothing here is proven yet.", &[]),
    }
}

/// Heading of the help.
pub const HELP: &str = "help for this screen. Any key goes back.";

/// The help of a screen.
pub fn help(preflight: &Preflight, screen: Screen) -> Vec<String> {
    let paragraphs: &[&str] = match screen {
        Screen::Medium => &[
            "This is the SHA-256 digest of the disc or stick that started this machine. The publisher of the image also published \
             this digest, and any person can compute it again.",
            "",
            "A changed image could show the right digest. So hash the medium on another computer as well; a witness keeps it \
             after the ceremony. DRIVE in the command is the name of the medium on that computer: never a name from this screen, \
             and never that computer's own disk.",
            "",
            "The challenge hides the digest and asks for six groups of it, so that no person can agree to a digest that they have \
             not compared.",
            "",
            "The firmware reports Secure Boot, above. With Secure Boot off, it starts any medium; with Secure Boot on, it was told \
             to start this medium. Secure Boot never replaces the digest.",
        ],
        Screen::AirGap => &[
            "Each line was tried a moment ago. The kernel of this image has no code for network, radio or sound, and no way to \
             load any. Hardware for them may be there, but nothing can use it.",
            "",
            "Internal disks are listed as the kernel reports them. They are never opened.",
        ],
        Screen::Clock => &[
            "Certificates and the transcript carry the time of this clock. Nothing can prove that the time is right, so people \
             compare the clock with a watch and set it by hand. If the clock jumps later, this screen says so.",
        ],
        Screen::Devices => &[
            "Tokens and drives describe themselves here. A token's certificate is a file and proves nothing. Tokens prove \
             themselves in the ceremony, before any secret is sent to them.",
            "",
            "Before a plan is loaded, one drive at a time is let in, and no drive is written to. F2 lets in a keyboard on USB; \
             it counts after a code was typed on it. Everything else on USB is not let in.",
            "",
            "1-4 is controller 1, port 4; 1-4.2 is port 2 of the hub there.",
        ],
    };
    let mut shown: Vec<String> = paragraphs.iter().map(|&line| line.to_owned()).collect();
    shown.push(String::new());
    let Build { version, revision, .. } = &preflight.build;
    let commit = if revision.is_empty() { "that its builder did not name" } else { revision };
    shown.push(format!("Version {version}, built from the commit {commit}"));
    let differs = match preflight.build.tree {
        Tree::Clean => return shown,
        Tree::Dirty => "with changes that are in no commit: no person can rebuild it.",
        Tree::Moved => "with other packages than that commit locks, for rehearsals and tests.",
        Tree::DirtyAndMoved => "with changes that are in no commit, and other packages than it locks.",
    };
    shown.extend([differs, "Do not hold a ceremony with it."].map(str::to_owned));
    shown
}

/// Heading of the keyboard test.
pub const KEYBOARD: &str = "type the line below; if it comes out differently, press Tab.";

/// Its keys.
pub const KEYBOARD_KEYS: &str = "Tab: next layout   Enter: keep this layout   Esc: back";

/// The line to type: keys that lie elsewhere in another layout, as every layout has them.
pub const KEYBOARD_LINE: &str = "yz YZ 09 - / ? \" @ # \\ |";

/// A keyboard that no layout fits.
pub const NO_LAYOUT_FITS: &str = "If no layout fits, use a us, uk or de keyboard.";

/// The line to type, and how the typed line compares with it.
pub fn keyboard(typed: &str) -> Vec<String> {
    let compared = match typed.trim() {
        KEYBOARD_LINE => "It is the same. Enter keeps this layout.".into(),
        typed if KEYBOARD_LINE.starts_with(typed) => "Enter keeps this layout once the whole line is the same.".into(),
        _ => format!("It differs. Press Tab for the next layout, Backspace if you mistyped. {NO_LAYOUT_FITS}"),
    };
    vec![
        "Layouts differ in few keys. A passphrase typed in the wrong layout cannot be typed again.".into(),
        "While this screen is shown, a keyboard on USB is let in; it counts after a code.".into(),
        String::new(),
        format!("  {KEYBOARD_LINE}"),
        String::new(),
        compared,
    ]
}

/// Whether the typed line is that line.
pub fn keyboard_fits(typed: &str) -> bool {
    typed.trim() == KEYBOARD_LINE
}

/// Before power-off.
pub const POWER_OFF: &str = "type off and press Enter to power off.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::POWER_OFF_WORD;

    #[test]
    fn the_power_off_screen_names_the_word_that_powers_off() {
        assert!(POWER_OFF.contains(&format!("type {POWER_OFF_WORD} ")));
    }

    #[test]
    fn long_numbers_are_grouped() {
        for (number, want) in [(0, "0"), (999, "999"), (1000, "1 000"), (7_909_376, "7 909 376")] {
            assert_eq!(digits(number), want);
        }
    }
}

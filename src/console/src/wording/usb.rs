//! Every word about devices on USB.

use crate::preflight::devices::{Chain, Dkek, Hub, Other, Port, Unanswered, Unused};
use crate::preflight::keyboards::{CODE_LEN, Code, Keyboard, Standing};
use crate::shown::Shown;
use crate::usb::gate::Never;

/// Two tokens that say they are one.
pub fn clone_alarm(serial: &Shown) -> String {
    format!("CLONE ALARM: two tokens say they are {serial}. Pull both out and keep them apart.")
}

/// Heading.
pub const TOKENS: &str = "Tokens";
/// None.
pub const NO_TOKENS: &str = "no token is plugged in";
/// Heading.
pub const DRIVES: &str = "Drives";
/// None.
pub const NO_DRIVES: &str = "no drive is plugged in";
/// Heading.
pub const HUBS: &str = "Hubs";
/// Heading.
pub const KEYBOARDS: &str = "Keyboards on USB";
/// Shown in place of the keys on a machine without a keyboard.
pub const NO_KEYBOARD: &str = "no keyboard found: plug one in by USB";
/// Heading.
pub const OTHERS: &str = "Not used";
/// A token that is being asked.
pub const ASKING: &str = "asking";
/// The state of every token before its proof.
pub const NOT_PROVEN: &str = "not yet proven";
/// A drive no plan can name.
pub const NO_SERIAL: &str = "no serial: cannot be used";

/// Which root a token's certificates lead to.
pub const fn chain(chain: &Chain) -> &'static str {
    match chain {
        Chain::Vendor => "certificates lead to the vendor's root",
        Chain::Simulated => "SIMULATED token: for rehearsals only",
        Chain::Unknown => "certificates lead to NO KNOWN ROOT: do not use it",
    }
}

/// The state of the DKEK, by the token itself.
pub fn dkek(dkek: &Dkek) -> String {
    match dkek {
        Dkek::None => "no DKEK".into(),
        Dkek::Empty => "empty key domain".into(),
        Dkek::Outstanding(outstanding, total) => format!("DKEK: {outstanding} of {total} shares outstanding"),
        Dkek::Complete(total, Some(kcv)) => format!("DKEK of {total} shares, KCV {kcv}"),
        Dkek::Complete(total, None) => format!("DKEK of {total} shares, KCV not stated"),
        Dkek::Agreed => "key agreed with other tokens".into(),
    }
}

/// The ids that a plan names a hub by, and whether a plan has to name it.
pub fn hub(hub: &Hub) -> String {
    let built_in = if hub.built_in { ", built in" } else { "" };
    format!("id {}{built_in}", hub.id)
}

/// Why a token is not used.
pub fn unanswered(why: &Unanswered) -> String {
    match why {
        Unanswered::Silent(ms) => format!("no answer for {} s: pull it out", ms / 1000),
        Unanswered::NoCard => "no card that can be read: pull it out, plug it in again".into(),
        Unanswered::NotOurs(what) => format!("no SmartCard-HSM: {what}"),
        Unanswered::OtherSerial(serial) => format!("its USB serial says {serial}: do not use it"),
        Unanswered::Failed(what) => format!("{what}: pull it out, plug it in again"),
        Unanswered::TooMany => "too many tokens at once: pull some out".into(),
    }
}

/// Why something is not used.
pub fn unused(why: &Unused) -> String {
    match why {
        Unused::Never(why) => never(*why),
        Unused::Parts(1) => "1 more part of this device is not let in".into(),
        Unused::Parts(parts) => format!("{parts} more parts of this device are not let in"),
        Unused::Waits(port) => waits(port),
        Unused::Empty => "no card or disc in it".into(),
        Unused::Optical => "optical drive: for the medium only".into(),
        Unused::Medium => "the medium: not needed any more".into(),
        Unused::Keyboard => "keyboard, shut out: F2 lets it in".into(),
        Unused::Unnamed => "not named by the plan: not let in".into(),
        Unused::Failed(what) => format!("{what}: pull it out"),
    }
}

/// A device behind a hub that hears the traffic of the hub.
pub fn overhears(other: &Other) -> String {
    format!("Pull out {:.10}: {:.22} overhears the tokens on its hub", other.port, other.product)
}

/// A keyboard that is shut out, in a ceremony.
pub fn shut_out(other: &Other) -> String {
    format!("Keyboard at {:.10} is shut out: press F2 to let it in, or pull it out", other.port)
}

fn waits(port: &Port) -> String {
    format!("one drive at a time: first take out {port}")
}

fn never(why: Never) -> String {
    match why {
        Never::Descriptors(error) => format!("not let in: {error}"),
        Never::ForeignReader => "card reader, no token known here: not let in".into(),
        Never::NoReader => "has a token's ids, is no token: not let in".into(),
        Never::MoreThanHub => "hub that is more than a hub: not let in".into(),
        Never::OtherInput => "input device, no keyboard: not let in".into(),
        Never::OtherStorage => "storage of another kind: not let in".into(),
        Never::NotOnlyOptical => "more than an optical drive: not let in".into(),
        Never::Network => "network or radio: not let in".into(),
        Never::SoundOrCamera => "sound or camera: not let in".into(),
        Never::Unknown => "nothing this machine needs: not let in".into(),
    }
}

/// Whether a keyboard counts.
pub fn standing(standing: &Standing) -> &'static str {
    match standing {
        Standing::Asked { .. } => "waits for its code",
        Standing::Counts => "counts",
        Standing::Refused => "refused after 3 wrong codes: pull it out",
    }
}

/// The question to a keyboard: lines over whatever the screen shows.
pub fn keyboard(keyboard: &Keyboard, code: Code, typed: &str, left: u8) -> Vec<String> {
    let open = "_".repeat(CODE_LEN.saturating_sub(typed.len()));
    let tries = if left == 1 { "1 try".into() } else { format!("{left} tries") };
    let asks = format!("To use it, type on it {}   typed: {typed}{open}   {tries} left", code.digits());
    vec![came(&keyboard.port, &keyboard.product), asks, IN_DISGUISE.into()]
}

/// A keyboard that is shut out, before a ceremony: lines over whatever the screen shows.
pub fn keyboard_shut_out(other: &Other) -> Vec<String> {
    vec![
        came(&other.port, &other.product),
        "It is shut out. To use it, press F2 on this machine's own keyboard.".into(),
        "If that keyboard is dead, use the power button and take another machine.".into(),
        IN_DISGUISE.into(),
    ]
}

fn came(port: &Port, product: &Shown) -> String {
    format!("A keyboard was plugged in at USB port {port}: {product:.30}")
}

/// A keyboard that no person brought.
const IN_DISGUISE: &str = "If no person plugged it in, pull it out: it is another device in disguise.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::keyboards::TRIES;
    use crate::usb::descriptors::DescriptorsError;

    #[test]
    fn the_words_name_the_number_of_tries() {
        assert!(standing(&Standing::Refused).contains(&format!("after {TRIES} wrong codes")));
    }

    #[test]
    fn every_reason_says_that_it_is_not_let_in() {
        use Never::*;
        for why in [
            Descriptors(DescriptorsError::Device),
            ForeignReader,
            NoReader,
            MoreThanHub,
            OtherInput,
            OtherStorage,
            NotOnlyOptical,
            Network,
            SoundOrCamera,
            Unknown,
        ] {
            assert!(never(why).contains("not let in"), "{why:?}");
        }
    }
}

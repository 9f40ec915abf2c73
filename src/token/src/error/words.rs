//! Words for people: the meaning of a status word, the person who acts next and the advice for now.

use super::{Came, Next, Refusal, Tried};
use crate::{
    apdu::StatusWord,
    channel::ChannelError,
    chip::ChipError,
    command::SignAlgorithm,
    cvc::UsbSerialError,
    object::{PinKind, PinState},
};

/// Advice for a token that refuses the proof that takes no PIN.
const NO_CHIP_AUTHENTICATION: &str = "Leave the token as it is: it may prove itself by a key made beside its keys. That takes its PIN, which is burnt by it and must \
     be changed. On a machine with more ports it would have stayed plugged in.";

/// Advice for a signature that does not hold. The signature is not shown, so the words say why.
const FAULTY: &str = "Set the token aside: it computes wrongly, and a faulty RSA signature gives its key away. Nothing of the \
                      signature was kept or shown.";
/// Said where a token does not know the one algorithm RSA is signed by here.
const NO_RSA_RAW: &str = "RSA is signed by this algorithm only, on a block padded here. Nothing was kept. Take a token whose \
                          firmware knows the algorithm, or plan a key on a curve.";

impl Came {
    /// The person or the thing that acts next, and the advice for now.
    pub(super) fn advice(&self, tried: Tried) -> (Next, &'static str) {
        match self {
            Came::Status(sw) => {
                let Meaning { next, todo, .. } = meaning(*sw, tried);
                (next, todo)
            }
            Came::Channel(error) => channel_advice(error),
            Came::Malformed(_) => (Next::Token, "Unplug the token, plug it in again, retry once; then set it aside."),
            Came::Refused(refusal) => refusal.advice(),
            Came::Chain(_) => {
                (Next::Token, "Set the token aside: no token of the kind the plan demands has such a certificate.")
            }
            Came::Chip(ChipError::DeviceKey { .. }) => (Next::Operator, NO_CHIP_AUTHENTICATION),
            Came::Attest(_) | Came::Chip(ChipError::Token) => {
                (Next::Token, "Set the token aside and keep it: it may be a counterfeit.")
            }
            Came::UsbSerial(UsbSerialError::CardUnread) => (Next::Operator, "Unplug the token and plug it in again."),
            Came::UsbSerial(_) | Came::OtherToken { .. } => {
                (Next::Token, "Set the token aside and keep it: its certificate may be a copy.")
            }
            Came::Signature(_) => (Next::Token, FAULTY),
            Came::Blob(_) => (Next::Token, "Wrap the key again; if it happens twice, set the token aside."),
            Came::Kcv { .. } => (Next::Operator, "Initialise this token again: imported shares cannot be taken back."),
            Came::NotDone { .. } => (Next::Token, "Do not use this token: set it aside and keep it."),
        }
    }
}

impl Refusal {
    fn advice(&self) -> (Next, &'static str) {
        match self {
            Self::SoPinFloor { .. } => {
                (Next::Operator, "Set the token aside: the last tries of an SO-PIN are not for a ceremony.")
            }
            Self::LastTry => (
                Next::Custodian,
                "Make sure of the PIN first. A wrong one blocks it; spending the try is a typed word.",
            ),
            Self::PinState { state: PinState::Blocked, pin: PinKind::User } => {
                (Next::Operator, "Unblock it with the SO-PIN if the token's options allow that, else initialise again.")
            }
            Self::PinState { state: PinState::Blocked, pin: PinKind::So } => {
                (Next::Token, "This token can never be initialised again: set it aside.")
            }
            Self::PinState { .. } => {
                (Next::Operator, "Compare the token with the plan: it is not in the state planned.")
            }
            Self::NeverInitialized => {
                (Next::Operator, "Compare the token with the plan: the plan says it was used before.")
            }
            Self::ResetForbidden { .. } => {
                (Next::Operator, "Initialise the token again; only that changes its options.")
            }
            Self::Shares(_) | Self::OtherShares { .. } => {
                (Next::Custodian, "Compare each share file with its record and read the right ones again.")
            }
            Self::NotWaiting { .. } => {
                (Next::Operator, "Initialise the token again with the number of shares of the plan.")
            }
            Self::Blob(_) | Self::OtherDkek { .. } => {
                (Next::Operator, "Compare the file of the wrapped key with its record.")
            }
            Self::Certificate(_) | Self::Attestation(_) | Self::OtherKey => {
                (Next::Us, "Report this message: such a certificate should not have come this far.")
            }
            Self::RetryCounter { .. } => {
                (Next::Operator, "Correct the retry counter in the plan, or take longer PINs.")
            }
            Self::KeyTaken { .. } | Self::NoKeyFree => {
                (Next::Operator, "Compare the list of objects with the plan: use another number, or another token.")
            }
            Self::Length { .. } => (Next::Us, "Report this message: such a length should not have come this far."),
        }
    }
}

fn channel_advice(error: &ChannelError) -> (Next, &'static str) {
    match error {
        ChannelError::Unplugged => (Next::Operator, "Plug the token in again; its state is then read anew."),
        ChannelError::Silent { .. } => {
            (Next::Operator, "Unplug the token, plug it in again; its state is then read anew.")
        }
        ChannelError::Atr { .. } => (Next::Operator, "This is no token this driver knows: check what was plugged in."),
        ChannelError::Apdu(_) | ChannelError::CommandTooLong { .. } => {
            (Next::Us, "Report this message: such a command should not have been built.")
        }
        _ => (Next::Reader, "Unplug the token, try another port; if it happens again, set the token aside."),
    }
}

/// The meaning of a status word after a certain command.
pub(super) struct Meaning {
    pub(super) words: &'static str,
    next: Next,
    todo: &'static str,
}

/// The one table of status words.
///
/// Source: ISO 7816-4 §5.1.3; where the applet differs, OpenSC `card-sc-hsm.c` and CardContact's card service. Which
/// word a card chooses for a refused SO-PIN is not published, so the three in question read alike.
pub(super) fn meaning(sw: StatusWord, tried: Tried) -> Meaning {
    use Next::{Custodian, Operator, Token, Us};
    const REPORT: &str = "Report this message: the driver asked for something the token does not know.";
    const READ_AGAIN: &str = "Read the token's state again and retry once; then set it aside.";
    const COMPARE: &str = "Compare the list of objects with the plan.";
    const NOT_ALLOWED: &str = "Compare the token's options with the plan; only initialising changes them.";
    const NO_DKEK: &str = "no DKEK was set up when the token was initialised";
    const INITIALIZE: &str = "Initialise the token with the number of DKEK shares of the plan.";
    let (words, next, todo) = match (sw.0, tried) {
        (0x6282, _) => ("the file ends before the length asked for", Token, READ_AGAIN),
        (
            0x6400 | 0x6700 | 0x6985 | 0x6986 | 0x6a80 | 0x6a81 | 0x6a86 | 0x6d00 | 0x6f00,
            Tried::Sign(_, SignAlgorithm::RsaRaw),
        ) => ("the token refuses to sign so", Token, NO_RSA_RAW),
        (0x6300, _) => ("other tokens must authenticate first", Operator, NOT_ALLOWED),
        (0x63c0..=0x63cf, _) => ("wrong PIN", Custodian, "Ask its keeper for the PIN again."),
        (0x6400 | 0x6f00, _) => ("the token failed while carrying it out", Token, READ_AGAIN),
        (0x6581, _) => ("the token's memory failed", Token, "Set the token aside; what it holds needs its backup."),
        (
            0x6982 | 0x6985 | 0x6a80 | 0x6a81 | 0x6a86 | 0x6a88 | 0x6d00,
            Tried::ChipProtocol | Tried::ChipAuthentication,
        ) => ("the token does not do chip authentication", Operator, NO_CHIP_AUTHENTICATION),
        (0x6700, _) => ("wrong length", Us, REPORT),
        (0x6900 | 0x6985 | 0x6986, Tried::Initialize) => {
            ("refused, as for a wrong SO-PIN", Custodian, "Compare the SO-PIN's tries left, then ask for it again.")
        }
        (0x6900, _) => ("the applet is not selected", Us, REPORT),
        (0x6982, _) => ("not logged in", Us, "Log in again; the token forgot the login."),
        (0x6983, _) => {
            ("the PIN is blocked", Operator, "Unblock it with the SO-PIN if the options allow that, else initialise.")
        }
        (0x6984, Tried::Sign(..)) => ("the key's use counter is used up", Operator, COMPARE),
        (0x6984, _) => ("the PIN was not set by its owner yet", Operator, NOT_ALLOWED),
        (0x6985 | 0x6986, Tried::ResetRetryCounter) => ("the token's options forbid it", Operator, NOT_ALLOWED),
        (0x6985 | 0x6986, Tried::ImportShare) => ("all shares were imported before", Operator, INITIALIZE),
        (0x6985, _) => ("the token's conditions are not met", Operator, NOT_ALLOWED),
        (0x6986, _) => ("not allowed", Operator, NOT_ALLOWED),
        (0x6a80 | 0x6a86, Tried::Unwrap(_)) => {
            ("the wrapped key does not fit this token's DKEK", Operator, "Compare the blob's KCV with the token's.")
        }
        (0x6a80, _) => ("wrong data", Us, REPORT),
        (0x6a81, _) => {
            ("not supported, or not allowed for this key", Operator, "Compare algorithm and token with the plan.")
        }
        (0x6a82, Tried::Select) => ("no SmartCard-HSM applet", Operator, "Check what was plugged in."),
        (0x6a82, _) => ("not found", Operator, COMPARE),
        (0x6a84, _) => {
            ("the token is full", Operator, "Take another token, or delete from this one what the plan allows.")
        }
        (0x6a86, Tried::KeyDomain(_)) => ("no such key domain", Operator, INITIALIZE),
        (0x6a86, _) => ("wrong parameters", Us, REPORT),
        (0x6a88, Tried::KeyDomain(_)) => ("the key domain holds no key", Operator, INITIALIZE),
        (0x6a88, Tried::Wrap(_) | Tried::Sign(..)) => ("no such key", Operator, COMPARE),
        (0x6a88, _) => ("never set", Operator, "The token was never initialised: initialise it."),
        (0x6a89, _) => ("the key domain is not empty", Operator, COMPARE),
        (0x6b00, _) => ("past the end of the file", Us, REPORT),
        (0x6d00, Tried::KeyDomain(_) | Tried::ImportShare | Tried::Wrap(_) | Tried::Unwrap(_)) => {
            (NO_DKEK, Operator, INITIALIZE)
        }
        (0x6d00 | 0x6e00, Tried::Select) => ("no SmartCard-HSM applet", Operator, "Check what was plugged in."),
        (0x6d00, _) => ("unknown instruction", Us, REPORT),
        (0x6e00, _) => ("unknown class", Us, REPORT),
        _ => ("refused with a status word that is in no table", Token, READ_AGAIN),
    };
    Meaning { words, next, todo }
}

impl StatusWord {
    /// Whether a card that answers this has checked the command and not begun to carry it out.
    pub(super) fn before_acting(self) -> bool {
        // Not 6A84: the file may exist by then. Not 64xx, 65xx, 6Fxx: it stopped half way.
        matches!(self.0, 0x6700 | 0x6900..=0x69ff | 0x6a80..=0x6a83 | 0x6a86..=0x6a89 | 0x6b00 | 0x6d00 | 0x6e00)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_word_of_the_applet_has_words_and_a_next_step() {
        for sw in [
            0x6282, 0x6300, 0x63c0, 0x63cf, 0x6400, 0x6581, 0x6700, 0x6900, 0x6982, 0x6983, 0x6984, 0x6985, 0x6986,
            0x6a80, 0x6a81, 0x6a82, 0x6a84, 0x6a86, 0x6a88, 0x6a89, 0x6b00, 0x6d00, 0x6e00, 0x6f00,
        ] {
            let meaning = meaning(StatusWord(sw), Tried::Enumerate);
            assert!(!meaning.words.contains("no table"), "{sw:04X}");
            assert!(meaning.todo.ends_with('.'), "{sw:04X}");
        }
    }
}

//! The room's four answers to a failure, for every error of token, drive and Vault.

use conclave_ceremony::event::{Failure, Next};
use conclave_ceremony::judge::failure;
use smartcard_hsm::channel::ChannelError;
use smartcard_hsm::error::{Came, Refusal, TokenError, Tried};
use smartcard_hsm::object::{PinKind, PinState};
use smartcard_hsm::session::Failed;

use crate::drives::{self, DriveError};
use crate::vault::NotMade;
use crate::wording;

/// A token's failure.
pub(super) fn of_token(error: &TokenError) -> Failure {
    failure(next(error), &format!("{error}. {}", error.what_to_do()))
}

/// A token's failure that handed its session back: the session is let go.
pub(super) fn lost<S>(failed: Failed<S>) -> Failure {
    of_token(&failed.error)
}

/// A failure of the last proof there is: a token that makes no key cannot prove itself.
pub(super) fn of_last_proof<S>(failed: Failed<S>) -> Failure {
    let error = &failed.error;
    if matches!((&error.came, error.tried), (Came::Status(_), Tried::Generate(_))) {
        let words = "It refuses every proof there is. Leave it as it is; its PIN counts as burnt.";
        return halt(&format!("{error}. {words}"));
    }
    let failed = of_token(error);
    match failed.next {
        Next::Halt if !matches!(error.came, Came::Refused(_) | Came::Chain(_)) => {
            halt(&format!("{} Its PIN counts as burnt.", failed.words))
        }
        Next::Halt | Next::Device | Next::Type | Next::LastTry | Next::Beside | Next::Again => failed,
    }
}

/// A token cannot prove itself in this way.
pub(super) fn otherwise(words: &str) -> Failure {
    failure(Next::Beside, words)
}

/// The token could not be powered on.
pub(super) fn of_channel(name: &str, error: &ChannelError) -> Failure {
    failure(Next::Device, &format!("{name}: {error}. Unplug it and plug it in again."))
}

fn next(error: &TokenError) -> Next {
    if error.wrong_pin() {
        return match error.counter.filter(|counter| counter.pin == PinKind::User).and_then(|counter| counter.after) {
            Some(PinState::TriesLeft(1)) => Next::LastTry,
            Some(PinState::Blocked) => Next::Halt,
            _ => Next::Type,
        };
    }
    match &error.came {
        Came::Channel(ChannelError::Unplugged) => Next::Device,
        // A token that refuses to sign refuses again; a faulty signature is never asked for a second time.
        Came::Status(_) if matches!(error.tried, Tried::Sign(..)) => Next::Halt,
        // The token does not do it: it proves itself in another way.
        Came::Status(_) if matches!(error.tried, Tried::ChipProtocol | Tried::ChipAuthentication) => Next::Beside,
        Came::Channel(_) | Came::Status(_) | Came::Malformed(_) => Next::Again,
        // The proof that a token is another one than it claims to be, or did not do the thing that it claims.
        Came::Chain(_)
        | Came::Attest(_)
        | Came::Signature(_)
        | Came::UsbSerial(_)
        | Came::OtherToken { .. }
        | Came::Blob(_)
        | Came::Kcv { .. }
        | Came::NotDone { .. }
        | Came::Chip(_) => Next::Halt,
        Came::Refused(refusal) => match refusal {
            Refusal::LastTry => Next::LastTry,
            Refusal::NotWaiting { .. } | Refusal::KeyTaken { .. } => Next::Again,
            _ => Next::Halt,
        },
        _ => Next::Again,
    }
}

/// A drive's failure.
pub(super) fn of_drive(name: &str, error: &DriveError) -> Failure {
    use drives::Came;
    let next = match &error.came {
        Came::Absent
        | Came::Swapped(_)
        | Came::Gone
        | Came::NoSerial
        | Came::SameSerial { .. }
        | Came::Unfit(_)
        | Came::ReadOnly => Next::Device,
        Came::NotReadBack(_) | Came::LogLength { .. } | Came::Exists(_) => Next::Halt,
        _ => Next::Again,
    };
    failure(next, &wording::drives::told(name, error))
}

/// A secret that was not made.
pub(super) fn not_made(error: NotMade) -> Failure {
    failure(Next::Again, &format!("{error}. Try again; if it happens twice, take another machine."))
}

/// An import that failed: the step code goes back to the step that initialises the token.
pub(super) fn half_imported(failed: Failure) -> Failure {
    failure(failed.next, &format!("{} It is initialised again first: half an import cannot be undone.", failed.words))
}

/// Something that must be in memory is not, although the record says so.
pub(super) fn missing(what: &str) -> Failure {
    failure(Next::Again, &format!("{what} is not in memory any more. Do the step again."))
}

/// Something that cannot be, and would be wrong to go on with.
pub(super) fn halt(words: &str) -> Failure {
    failure(Next::Halt, words)
}

/// Something that does not have the form it must have, and is not gone on with.
pub(super) fn malformed(error: impl core::fmt::Display) -> Failure {
    halt(&format!("{error}."))
}

/// Another device is needed.
pub(super) fn device(words: &str) -> Failure {
    failure(Next::Device, words)
}

/// Something was typed wrong.
pub(super) fn typed(words: &str) -> Failure {
    failure(Next::Type, words)
}

//! PIN and SO-PIN: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER.
//!
//! A try is written off before the comparison, so that cutting the power buys none.

use smartcard_hsm::apdu::{Apdu, StatusWord};
use smartcard_hsm::secret::Pin;

use super::memory::{Reference, Role, Write};
use super::profile::LogsIn;
use super::{Card, Outcome, Reply, sw};

/// Options of INITIALIZE that decide the power of RESET RETRY COUNTER.
pub(super) const OPTION_RESET: u16 = 0x0001;
/// The user PIN starts in transport state.
pub(super) const OPTION_TRANSPORT: u16 = 0x0002;
/// RESET RETRY COUNTER unblocks but sets no PIN.
pub(super) const OPTION_UNBLOCK_ONLY: u16 = 0x0020;

/// Bytes of an SO-PIN.
pub(super) const SO_PIN_LEN: usize = 8;

impl Card {
    pub(super) fn verify(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let role = role(p)?;
        let reference = self.store.read().reference(role).ok_or(sw::NO_REFERENCE)?;
        let value = command.body_bytes();
        if reference.transport {
            return Err(sw::NOT_USABLE);
        }
        if value.is_empty() {
            return match role {
                Role::User if self.session.user => Ok(Reply::done()),
                Role::SecurityOfficer if self.session.officer => Ok(Reply::done()),
                _ if reference.tries_left == 0 => Err(sw::BLOCKED),
                _ => Err(sw::tries(reference.tries_left)),
            };
        }
        if !fits(role, value) {
            return Err(sw::WRONG_LENGTH);
        }
        self.prove(role, value)?;
        self.log_in(role);
        Ok(Reply::done())
    }

    /// Compares, spending a try if it is wrong and restoring all if it is right. A wrong PIN is also a logout.
    pub(super) fn prove(&mut self, role: Role, value: &[u8]) -> Result<(), StatusWord> {
        match role {
            Role::User => self.session.user = false,
            Role::SecurityOfficer => self.session.officer = false,
        }
        let memory = self.store.read();
        let reference = memory.reference(role).ok_or(sw::NO_REFERENCE)?;
        let (tries_left, tries_max) = (reference.tries_left, reference.tries_max);
        let Some(tries_left_after) = tries_left.checked_sub(1) else {
            return Err(sw::BLOCKED);
        };
        let right = reference.value == value;
        self.store.write(Write::TriesLeft(role, tries_left_after));
        if !right {
            return Err(self.profile().wrong_pin(tries_left_after));
        }
        self.store.write(Write::TriesLeft(role, tries_max));
        Ok(())
    }

    pub(super) fn log_in(&mut self, role: Role) {
        match role {
            Role::User => self.session.user = true,
            Role::SecurityOfficer => self.session.officer = true,
        }
    }

    /// Old value and new value; the card knows where the old one ends.
    pub(super) fn change_reference(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let role = role(p)?;
        let reference = self.store.read().reference(role).ok_or(sw::NO_REFERENCE)?.clone();
        let body = command.body_bytes();
        let (old, new) = body.split_at_checked(reference.value.len()).ok_or(sw::WRONG_LENGTH)?;
        self.prove(role, old)?;
        if !fits(role, new) {
            return Err(sw::WRONG_LENGTH);
        }
        let tries_left = reference.tries_max;
        let changed = Reference { value: new.to_vec(), tries_left, transport: false, ..reference };
        self.store.write(Write::Reference(role, changed));
        if role == Role::SecurityOfficer || self.profile().change_logs_in == LogsIn::Yes {
            self.log_in(role);
        }
        Ok(Reply::done())
    }

    pub(super) fn reset_retry_counter(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let [form @ 0x00..=0x03, 0x81] = p else {
            return Err(sw::WRONG_P1_P2);
        };
        let memory = self.store.read();
        let reference = memory.reference(Role::User).ok_or(sw::NO_REFERENCE)?.clone();
        let sets_pin = matches!(form, 0x00 | 0x02);
        let allowed = memory.options & OPTION_RESET != 0 && !(sets_pin && memory.options & OPTION_UNBLOCK_ONLY != 0);
        if !allowed {
            return Err(StatusWord(memory.profile.unblock_refused));
        }
        let body = command.body_bytes();
        let new = if form < 0x02 {
            let (so_pin, new) = body.split_at_checked(SO_PIN_LEN).ok_or(sw::WRONG_LENGTH)?;
            self.prove(Role::SecurityOfficer, so_pin)?;
            new
        } else if self.session.officer {
            body
        } else {
            return Err(sw::NOT_AUTHENTICATED);
        };
        let value = match (sets_pin, new) {
            (true, new) if fits(Role::User, new) => new.to_vec(),
            (false, []) => reference.value.clone(),
            _ => return Err(sw::WRONG_LENGTH),
        };
        let tries_left = reference.tries_max;
        self.store.write(Write::Reference(Role::User, Reference { value, tries_left, ..reference }));
        Ok(Reply::done())
    }
}

/// The role a P2 names. 85 and 86 are biometric templates, which no token here has: middleware that gets another answer
/// takes the reader for one with a PIN pad.
fn role(p: [u8; 2]) -> Result<Role, StatusWord> {
    match p {
        [0x00, 0x81] => Ok(Role::User),
        [0x00, 0x88] => Ok(Role::SecurityOfficer),
        [0x00, 0x85 | 0x86] => Err(sw::NO_REFERENCE),
        _ => Err(sw::WRONG_P1_P2),
    }
}

fn fits(role: Role, value: &[u8]) -> bool {
    match role {
        Role::User => (Pin::LEN_MIN..=Pin::LEN_MAX).contains(&value.len()),
        Role::SecurityOfficer => value.len() == SO_PIN_LEN,
    }
}

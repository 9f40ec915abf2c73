//! Acts on whole tokens: found, looked at, initialised for good, tried, labelled, listed.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::event::{Failure, Outcome};
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::plan::{SoPinMay, Token};
use conclave_ceremony::public::Bytes;
use conclave_ceremony::script::Which;
use core::num::NonZeroU8;
use smartcard_hsm::command::{Reset, Setup};
use smartcard_hsm::cvc::RootKind;
use smartcard_hsm::secret::{Pin, SO_PIN_PUBLISHED, Secret, SoPin};
use smartcard_hsm::session::{Failed, LastTry, Proven, Public, Session, Unproven, User};

use super::failure::{device, halt, lost, of_channel, of_token, typed};
use super::proofs::throw_away;
use super::{Case, ChannelOf, Performer, seen};
use crate::ports::{Machine, TokenAt, Tokens};

/// A session that was kept: its proof lasts as long as it does.
pub(super) enum Held<C, R: RootKind> {
    /// No user is logged in.
    Public(Session<C, Proven<R>, Public>),
    /// The user is logged in.
    User(Session<C, Proven<R>, User>),
}

/// A token of the plan.
pub(super) fn planned(case: Case<'_>, id: TokenId) -> Result<&Token, Failure> {
    case.plan.token(id).ok_or_else(|| halt("The plan has no such token."))
}

/// Public bytes for the record.
pub(super) fn bytes(bytes: &[u8]) -> Result<Bytes, Failure> {
    Bytes::new(bytes.to_vec()).ok_or_else(|| halt("The token answered with more bytes than a record holds."))
}

/// The last try of a PIN is spent once the word for it was typed: else no act is intended on a token that has only
/// that.
pub(super) fn last(id: TokenId, case: Case<'_>) -> LastTry {
    if case.facts.last_try.contains(&id) { LastTry::Spend } else { LastTry::Refuse }
}

/// The SO-PIN of every new token.
pub(super) fn published() -> SoPin {
    Secret::filled(|so_pin| *so_pin = SO_PIN_PUBLISHED)
}

impl<M: Machine, R: RootKind> Performer<M, R> {
    /// Where a token of the plan is plugged in. The same serial twice is an alarm.
    fn find(token: &Token, machine: &mut M) -> Result<TokenAt, Failure> {
        let plugged = machine.tokens().plugged();
        let mut found = plugged.into_iter().filter(|at| at.serial.as_str().starts_with(token.serial.as_str()));
        match (found.next(), found.next()) {
            (Some(at), None) => Ok(at),
            (None, _) => {
                Err(device(&format!("{}, serial {}, is not plugged in. Plug it in.", token.name, token.serial)))
            }
            (Some(one), Some(two)) => Err(halt(&format!(
                "Two tokens say they are {}, serial {}: at port {} and at port {}. One is a copy. Keep both apart.",
                token.name, token.serial, one.port, two.port
            ))),
        }
    }

    /// A new session with a token, its certificates checked against its root and its reader.
    pub(super) fn look_at(
        &mut self,
        id: TokenId,
        case: Case<'_>,
        machine: &mut M,
    ) -> Result<Session<ChannelOf<M>, Unproven, Public>, Failure> {
        let token = planned(case, id)?;
        self.held.remove(&id);
        let at = Self::find(token, machine)?;
        let channel = machine.tokens().open(&at).map_err(|error| of_channel(token.name.as_str(), &error))?;
        let session = Session::open(channel).map_err(|error| of_token(&error))?;
        session.check_usb_serial::<R>(at.serial.as_str()).map_err(|error| of_token(&error))?;
        Ok(session)
    }

    /// The session that has proved itself. Where there is none, because the token was pulled out meanwhile, the step
    /// asks for it again, and for a proof with an entry of its own.
    pub(super) fn proven(
        &mut self,
        id: TokenId,
        case: Case<'_>,
    ) -> Result<Session<ChannelOf<M>, Proven<R>, Public>, Failure> {
        match self.held.remove(&id) {
            Some(Held::Public(session)) => Ok(session),
            Some(Held::User(session)) => session.log_out().map_err(|error| of_token(&error)),
            None => {
                let name = &planned(case, id)?.name;
                Err(device(&format!("{name} has not proved itself since it was plugged in. Plug it in again.")))
            }
        }
    }

    /// A session with the user logged in, by the PIN of the Vault.
    pub(super) fn user(
        &mut self,
        id: TokenId,
        case: Case<'_>,
    ) -> Result<Session<ChannelOf<M>, Proven<R>, User>, Failure> {
        if let Some(session) = self.logged_in(id) {
            return Ok(session);
        }
        let session = self.proven(id, case)?;
        session.log_in(&self.pin(id, case)?, last(id, case)).map_err(lost)
    }

    /// The kept session of a token with its user logged in.
    pub(super) fn logged_in(&mut self, id: TokenId) -> Option<Session<ChannelOf<M>, Proven<R>, User>> {
        match self.held.remove(&id)? {
            Held::User(session) => Some(session),
            held @ Held::Public(_) => {
                self.held.insert(id, held);
                None
            }
        }
    }

    pub(super) fn pin(&self, id: TokenId, case: Case<'_>) -> Result<Pin, Failure> {
        let name = &planned(case, id)?.name;
        self.vault.pin(id).ok_or_else(|| typed(&format!("The PIN of {name} is not in memory: its keeper types it.")))
    }

    pub(super) fn so_pin(&self, slot: Slot, token: &Token) -> Result<SoPin, Failure> {
        let missing = || typed(&format!("The SO-PIN of {} is not in memory: its keeper types it.", token.name));
        self.vault.so_pin(slot).ok_or_else(missing)
    }

    /// Keeps a session for the next act.
    pub(super) fn keep(&mut self, id: TokenId, session: Session<ChannelOf<M>, Proven<R>, User>) {
        self.held.insert(id, Held::User(session));
    }

    /// Lets a token go: it may be pulled out.
    pub fn let_go(&mut self, id: TokenId) {
        self.held.remove(&id);
    }

    pub(super) fn inspect(&mut self, id: TokenId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let mut session = self.look_at(id, case, machine)?;
        seen::token(&mut session).map_err(|error| of_token(&error))?.map(|seen| Outcome::Token(Box::new(seen)))
    }

    /// Initialised with a throw-away PIN and the published SO-PIN, as after its proof, and with the options it will
    /// have.
    pub(super) fn try_set(&mut self, id: TokenId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let session = self.proven(id, case)?;
        let (published, pin, other) = (published(), throw_away(machine)?, throw_away(machine)?);
        let tries = Token::TRIES_MIN;
        let setup = Setup { reset: Reset::Unblock, pin: &pin, so_pin: &published, tries, dkek_shares: None };
        let session = session.initialize(&setup).map_err(lost)?;
        let session = session.refuses_to_set(&published, &other).map_err(lost)?;
        self.held.insert(id, Held::Public(session));
        Ok(Outcome::Done)
    }

    /// User PIN, options and DKEK shares first, while the SO-PIN is the published one, then the SO-PIN of its own.
    pub(super) fn initialise(&mut self, id: TokenId, case: Case<'_>) -> Result<Outcome, Failure> {
        let token = planned(case, id)?;
        let (pin, own) = (self.pin(id, case)?, self.so_pin(Slot::Pin(id, Which::So), token)?);
        let mut session = self.proven(id, case)?;
        let mut has_own = false;
        if self.resumed(Act::Initialise(id)) {
            // The power may have failed after the SO-PIN was set. Asking costs one of fifteen tries at most.
            session = match session.verify_so_pin(&own) {
                Ok(session) => {
                    has_own = true;
                    session
                }
                Err(Failed { session, error }) if error.wrong_pin() => session,
                Err(failed) => return Err(lost(failed)),
            };
        }
        let published = published();
        let shares = u8::try_from(case.plan.shares.len()).ok().and_then(NonZeroU8::new);
        let so_pin = if has_own { &own } else { &published };
        let reset = match token.so_pin_may {
            SoPinMay::Nothing => Reset::Nothing,
            SoPinMay::Unblock => Reset::Unblock,
        };
        let setup = Setup { reset, pin: &pin, so_pin, tries: token.tries, dkek_shares: shares };
        let mut session = session.initialize(&setup).map_err(lost)?;
        if !has_own {
            session = session.change_so_pin(&published, &own).map_err(lost)?;
        }
        self.held.insert(id, Held::Public(session));
        Ok(Outcome::Done)
    }

    /// Both PINs are used after the card was powered off and on. The user stays logged in; the SO-PIN is not used
    /// again.
    pub(super) fn try_pin(&mut self, id: TokenId, case: Case<'_>) -> Result<Outcome, Failure> {
        let slot = Slot::Pin(id, Which::So);
        let so_pin = self.so_pin(slot, planned(case, id)?)?;
        let session = self.proven(id, case)?.restart().map_err(|error| of_token(&error))?;
        let session = session.verify_so_pin(&so_pin).map_err(lost)?;
        let session = session.log_in(&self.pin(id, case)?, last(id, case)).map_err(lost)?;
        self.vault.wipe(slot);
        self.keep(id, session);
        Ok(Outcome::Done)
    }

    pub(super) fn label(&mut self, id: TokenId, case: Case<'_>) -> Result<Outcome, Failure> {
        let mut session = self.user(id, case)?;
        session.set_label(&planned(case, id)?.label).map_err(|error| of_token(&error))?;
        self.keep(id, session);
        Ok(Outcome::Done)
    }

    pub(super) fn list(&mut self, id: TokenId, case: Case<'_>) -> Result<Outcome, Failure> {
        let mut session = self.user(id, case)?;
        let inventory = session.inventory().map_err(|error| of_token(&error))?;
        self.keep(id, session);
        Ok(Outcome::Objects(seen::objects(&inventory)?))
    }
}

//! Proofs: how a token shows that it holds its device key, and the fate of a PIN that this burns.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::event::{Failure, Next, Outcome, Way};
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::plan::Before;
use smartcard_hsm::chip::{Cipher, DRAWS_MAX, Ephemeral};
use smartcard_hsm::cvc::RootKind;
use smartcard_hsm::genuine::CurrentSoPin;
use smartcard_hsm::object::KeyId;
use smartcard_hsm::secret::{Pin, Secret, SecretBytes};
use smartcard_hsm::session::{Evidence, Failed, LastTry, Public, Session, Unproven};

use super::failure::{halt, lost, missing, of_last_proof, of_token, otherwise};
use super::tokens::{Held, bytes, last, planned, published};
use super::{Case, ChannelOf, Performer, random};
use crate::ports::Machine;

/// Bits of a head that a request carries. **Units**: bytes.
const HEAD_LEN: usize = 10;

/// The fate of a PIN that goes to a token before its proof.
const BURNT: &str = "its PIN goes to it before that, is burnt, and is changed in this step.";
/// The fate of a token that holds nothing of worth yet.
const ERASED: &str = "It holds nothing yet: it is erased once more and proves itself by a key.";

/// A token that was looked at and has shown nothing yet.
type Looked<M> = Session<ChannelOf<M>, Unproven, Public>;

/// The bits of a head that a request carries.
pub(super) fn bound(case: Case<'_>) -> [u8; HEAD_LEN] {
    case.head.bytes().first_chunk().copied().unwrap_or_default()
}

impl<M: Machine, R: RootKind> Performer<M, R> {
    pub(super) fn prove(&mut self, id: TokenId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let throw_away = throw_away(machine)?;
        let session = self.look_at(id, case, machine)?;
        match planned(case, id)?.before {
            Before::Used if !case.facts.genuine.contains(&id) => self.prove_used(id, case, session, &throw_away),
            // A token that was erased for its first proof has the published SO-PIN, until it gets its own.
            Before::New | Before::Used => self.prove_by_published(id, case, session, &throw_away),
        }
    }

    fn prove_by_published(
        &mut self,
        id: TokenId,
        case: Case<'_>,
        session: Looked<M>,
        throw_away: &Pin,
    ) -> Result<Outcome, Failure> {
        match session.prove::<R>(CurrentSoPin::Published, throw_away, &bound(case)) {
            Ok(session) => {
                let evidence = evidence(session.evidence())?;
                self.keep(id, session);
                Ok(evidence)
            }
            // Initialising it was cut off, or failed, after it got them.
            Err(failed) if failed.error.wrong_pin() && self.resumed(Act::Initialise(id)) => {
                Err(otherwise(&format!("{failed}. It has PINs of its own already: it proves itself by a key, {BURNT}")))
            }
            Err(failed) => Err(lost(failed)),
        }
    }

    fn prove_used(
        &mut self,
        id: TokenId,
        case: Case<'_>,
        session: Looked<M>,
        throw_away: &Pin,
    ) -> Result<Outcome, Failure> {
        let old = self.so_pin(Slot::OldSoPin(id), planned(case, id)?)?;
        let session = match session.prove::<R>(CurrentSoPin::Own(&old), throw_away, &bound(case)) {
            // It holds nothing of worth yet, and so its old SO-PIN need not be typed a second time.
            Ok(session) => session.change_so_pin(&old, &published()).map_err(lost)?,
            // The power failed after that.
            Err(Failed { session, error }) if error.wrong_pin() && self.resumed(Act::Prove(id)) => {
                let proven = session.prove::<R>(CurrentSoPin::Published, throw_away, &bound(case));
                proven.map_err(lost)?.log_out().map_err(|error| of_token(&error))?
            }
            Err(failed) => return Err(lost(failed)),
        };
        let evidence = evidence(session.evidence())?;
        self.held.insert(id, Held::Public(session));
        Ok(evidence)
    }

    pub(super) fn authenticate(&mut self, id: TokenId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let session = self.look_at(id, case, machine)?;
        let session = session.authenticate::<R>([ephemeral(machine)?, ephemeral(machine)?]).map_err(|failed| {
            let refused = of_token(&failed.error);
            match refused.next {
                Next::Beside if case.facts.own_pins.contains(&id) => {
                    otherwise(&format!("{failed}. It proves itself by a key beside its own, {BURNT}"))
                }
                Next::Beside => otherwise(&format!("{failed}. {ERASED}")),
                Next::Device | Next::Type | Next::LastTry | Next::Again | Next::Halt => refused,
            }
        })?;
        let evidence = evidence(session.evidence())?;
        self.held.insert(id, Held::Public(session));
        Ok(evidence)
    }

    pub(super) fn prove_again(&mut self, id: TokenId, case: Case<'_>) -> Result<Outcome, Failure> {
        let mut session = self.user(id, case)?;
        let evidence = session.prove_again(self.left(id, case), &bound(case)).map_err(|error| of_token(&error))?;
        self.keep(id, session);
        Ok(Outcome::Proof { way: Way::Key, evidence: bytes(&evidence)? })
    }

    /// The number under which a proof may have left its key, the highest, if the power failed while that key was there.
    fn left(&self, id: TokenId, case: Case<'_>) -> Option<KeyId> {
        let resumed = self.resumed(Act::ProveAgain(id)) || self.resumed(Act::ProveBeside(id));
        KeyId::all().next_back().filter(|last| resumed && case.plan.keys.iter().all(|key| key.number != *last))
    }

    /// The PIN of the Vault goes to a token that has shown nothing yet: the acts after this one change it.
    pub(super) fn prove_beside(&mut self, id: TokenId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let (burnt, left) = (self.pin(id, case)?, self.left(id, case));
        let session = self.look_at(id, case, machine)?;
        let proven = session.prove_beside::<R>(&burnt, last(id, case), left, &bound(case)).map_err(of_last_proof)?;
        let evidence = evidence(proven.evidence())?;
        self.keep(id, proven);
        Ok(evidence)
    }

    /// The PIN is changed, then used after the card was powered off and on; the user stays logged in.
    pub(super) fn change_pin(&mut self, id: TokenId, case: Case<'_>) -> Result<Outcome, Failure> {
        let burnt = self.pin(id, case)?;
        let new = self.vault.new_pin(id).ok_or_else(|| missing("The new PIN"))?;
        let session = self.proven(id, case)?.change_pin(&burnt, &new, last(id, case)).map_err(lost)?;
        self.vault.replace_pin(id);
        let session = session.restart().map_err(|error| of_token(&error))?;
        let session = session.log_in(&new, LastTry::Refuse).map_err(lost)?;
        self.keep(id, session);
        Ok(Outcome::Done)
    }
}

/// A PIN that no person knows, for a token that holds nothing of worth.
pub(super) fn throw_away(machine: &mut impl Machine) -> Result<Pin, Failure> {
    let drawn = random::<{ Pin::LEN_MAX }>(machine)?;
    Pin::new(SecretBytes::copied_from(&*drawn)).ok_or_else(|| halt("No throw-away PIN."))
}

fn ephemeral(machine: &mut impl Machine) -> Result<Ephemeral, Failure> {
    for _ in 0..DRAWS_MAX {
        let drawn = random::<32>(machine)?;
        if let Some(ephemeral) = Ephemeral::of(&Secret::filled(|scalar| *scalar = *drawn)) {
            return Ok(ephemeral);
        }
    }
    Err(halt("The kernel's random bytes repeat themselves. Take another machine."))
}

/// The evidence of a proof for the record: the attestation, or public key, nonce and answer of a chip authentication.
fn evidence(evidence: &Evidence) -> Result<Outcome, Failure> {
    let (way, bytes) = match evidence {
        Evidence::Attestation(attestation) => (Way::Key, bytes(attestation)?),
        Evidence::Chip(said) => {
            let way = match said.cipher {
                Cipher::Aes => Way::Aes,
                Cipher::TripleDes => Way::TripleDes,
            };
            (way, bytes(&[&said.ephemeral[..], &said.nonce, &said.token].concat())?)
        }
    };
    Ok(Outcome::Proof { way, evidence: bytes })
}

//! Acts on the DKEK: its shares are made, sealed, opened, compared and imported.

use conclave_ceremony::event::{Failure, Outcome};
use conclave_ceremony::ids::{ShareId, TokenId};
use conclave_ceremony::public::Octets;
use conclave_publish::Digest;
use smartcard_hsm::cvc::RootKind;
use smartcard_hsm::dkek::Kcv;
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::secret::SecretBytes;

use super::failure::{halt, malformed, missing, not_made, of_token, typed};
use super::tokens::Held;
use super::{Case, Performer, random};
use crate::export::{Exportable, Sealed};
use crate::ports::Machine;

/// Bytes of a share. The token gives as many, the kernel as many.
const SHARE_LEN: u16 = 32;

/// How the record calls a check value.
fn kcv(kcv: Kcv) -> Outcome {
    Outcome::Kcv(Octets(*kcv.bytes()))
}

/// How the record calls a file.
pub(super) fn file(bytes: &[u8]) -> Outcome {
    Outcome::File { len: bytes.len() as u64, digest: Digest::of(bytes).into() }
}

impl<M: Machine, R: RootKind> Performer<M, R> {
    /// Every share of randomness of the kernel and of the plan's first token, which the step has plugged in.
    pub(super) fn make_shares(&mut self, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let source = case.plan.token_ids().next().ok_or_else(|| halt("The plan has no token."))?;
        for share in case.plan.share_ids() {
            let of_token = self.random_of(source, case)?;
            self.vault.make_share(share, &of_token, machine).map_err(not_made)?;
        }
        self.combine()
    }

    fn random_of(&mut self, id: TokenId, case: Case<'_>) -> Result<SecretBytes, Failure> {
        // A session that failed is not kept: the next act opens another one.
        if let Some(mut session) = self.logged_in(id) {
            let random = session.random(SHARE_LEN).map_err(|error| of_token(&error))?;
            self.keep(id, session);
            return Ok(random);
        }
        let mut session = self.proven(id, case)?;
        let random = session.random(SHARE_LEN).map_err(|error| of_token(&error))?;
        self.held.insert(id, Held::Public(session));
        Ok(random)
    }

    pub(super) fn seal(&mut self, id: ShareId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let salt = *random::<8>(machine)?;
        let passphrase = self.vault.passphrase(id).ok_or_else(|| missing("The passphrase"))?;
        let share = self.vault.share(id).ok_or_else(|| missing("The share"))?;
        let share = SealedShare::seal(share, &passphrase, salt, machine.stretch(), &mut |_| ());
        let sealed = Sealed::from(&share);
        let outcome = file(sealed.bytes());
        self.sealed.insert(case.facts.share_item(id), sealed);
        Ok(outcome)
    }

    pub(super) fn open(&mut self, id: ShareId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let read = self.read.get(&case.facts.share_item(id)).ok_or_else(|| missing("The share file"))?;
        let sealed = SealedShare::parse(read).map_err(malformed)?;
        let passphrase = self.vault.passphrase(id).ok_or_else(|| missing("The passphrase"))?;
        let share = sealed
            .open(&passphrase, machine.stretch(), &mut |_| ())
            .map_err(|error| typed(&format!("{error}. Its custodian types the passphrase again.")))?;
        self.vault.put_share(id, share);
        Ok(Outcome::Done)
    }

    /// The check value of all shares in the Vault.
    pub(super) fn combine(&mut self) -> Result<Outcome, Failure> {
        self.vault.kcv().map(kcv).ok_or_else(|| halt("Two of the shares are one and the same."))
    }

    pub(super) fn import(&mut self, id: TokenId, case: Case<'_>) -> Result<Outcome, Failure> {
        let recorded = case.facts.kcv.and_then(|Octets(bytes)| Kcv::stated(bytes).ok());
        let recorded = recorded.ok_or_else(|| halt("No check value was recorded when the shares were made."))?;
        let mut session = self.proven(id, case)?;
        let status = session.import_dkek(&self.vault.shares(), recorded).map_err(|error| of_token(&error))?;
        self.held.insert(id, Held::Public(session));
        status.kcv.map(kcv).ok_or_else(|| halt("The token states no check value after the import."))
    }
}

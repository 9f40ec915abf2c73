//! DKEK and key domains: MANAGE KEY DOMAIN (80 52), which imports shares one by one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smartcard_hsm::apdu::{Apdu, StatusWord};

use super::memory::Write;
use super::profile::{NoDkek, PartialKcv};
use super::random::Randomness;
use super::{Card, Outcome, Reply, sw};

/// How the token was initialised for wrapping.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Domains {
    /// No DKEK: keys never leave.
    None,
    /// One DKEK, in domain 0.
    Dkek(Kek),
    /// Key domains, made and removed later.
    Many(Vec<Option<Kek>>),
}

/// A DKEK on its way to completion: the exclusive-or of the shares imported so far.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kek {
    pub(super) shares: u8,
    pub(super) outstanding: u8,
    #[serde(with = "serde_bytes")]
    pub(super) value: Vec<u8>,
}

/// Bytes of a DKEK and of each share.
pub(super) const KEK_LEN: usize = 32;

impl Kek {
    /// A DKEK of `shares` shares; of none, a random one that exists in this token only.
    pub(super) fn of_shares(shares: u8, random: &mut Randomness) -> Self {
        let value = if shares == 0 { random.bytes(KEK_LEN) } else { vec![0; KEK_LEN] };
        Self { shares, outstanding: shares, value }
    }

    pub(super) fn kcv(&self) -> [u8; 8] {
        let digest = Sha256::digest(&self.value);
        core::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
    }

    fn combined_with(&self, share: &[u8; KEK_LEN]) -> Self {
        let value = self.value.iter().zip(share).map(|(left, right)| left ^ right).collect();
        Self { shares: self.shares, outstanding: self.outstanding.saturating_sub(1), value }
    }
}

impl Domains {
    /// The DKEK of domain `index`.
    pub(super) fn kek(&self, index: u8) -> Result<&Kek, StatusWord> {
        match self {
            Self::None => Err(sw::INSTRUCTION),
            Self::Dkek(kek) if index == 0 => Ok(kek),
            Self::Dkek(_) => Err(sw::WRONG_P1_P2),
            Self::Many(keks) => keks.get(usize::from(index)).ok_or(sw::WRONG_P1_P2)?.as_ref().ok_or(sw::NO_REFERENCE),
        }
    }

    /// The index and DKEK of the complete domain with this key check value.
    pub(super) fn with_kcv(&self, kcv: &[u8]) -> Option<(u8, &Kek)> {
        (0..=u8::MAX)
            .map_while(|index| match self.kek(index) {
                Err(sw::INSTRUCTION | sw::WRONG_P1_P2) => None,
                other => Some((index, other.ok())),
            })
            .find_map(|(index, kek)| kek.filter(|kek| kek.outstanding == 0 && kek.kcv() == kcv).map(|kek| (index, kek)))
    }

    /// The same domains with domain `index` replaced.
    fn with(&self, index: u8, kek: Option<Kek>) -> Self {
        let mut domains = self.clone();
        match (&mut domains, kek) {
            (Self::Dkek(slot), Some(kek)) => *slot = kek,
            (Self::Many(slots), kek) => {
                if let Some(slot) = slots.get_mut(usize::from(index)) {
                    *slot = kek;
                }
            }
            _ => {}
        }
        domains
    }
}

impl Card {
    pub(super) fn manage_domain(&mut self, command: &Apdu, [operation, index]: [u8; 2]) -> Outcome {
        match operation {
            0x00 if command.body_bytes().is_empty() => self.domain_status(index),
            0x00 => self.import_share(index, command.body_bytes()),
            0x01 | 0x03 | 0x04 => self.change_domain(operation, index, command.body_bytes()),
            // XKEK domains (02) are not simulated.
            _ => Err(sw::NOT_SUPPORTED),
        }
    }

    fn domain_status(&self, index: u8) -> Outcome {
        let memory = self.store.read();
        if matches!(memory.domains, Domains::None) && index == 0 && memory.profile.no_dkek == NoDkek::Zeros {
            return Ok(Reply::ok(vec![0; 2 + 8]));
        }
        let kek = memory.domains.kek(index)?;
        let kcv = match memory.profile.partial_kcv {
            PartialKcv::Zeros if kek.outstanding > 0 => [0; 8],
            _ => kek.kcv(),
        };
        Ok(Reply::ok([&[kek.shares, kek.outstanding], &kcv[..]].concat()))
    }

    /// No PIN is asked for: the custodians who import shares may know no PIN.
    fn import_share(&mut self, index: u8, share: &[u8]) -> Outcome {
        let domains = &self.store.read().domains;
        let kek = domains.kek(index)?;
        let share = <&[u8; KEK_LEN]>::try_from(share).map_err(|_| sw::WRONG_LENGTH)?;
        if kek.outstanding == 0 {
            return Err(sw::CONDITIONS);
        }
        let domains = domains.with(index, Some(kek.combined_with(share)));
        self.store.write(Write::Domains(domains));
        self.domain_status(index)
    }

    /// Making and removing, on tokens initialised for key domains.
    fn change_domain(&mut self, operation: u8, index: u8, body: &[u8]) -> Outcome {
        self.user_needed()?;
        let memory = self.store.read();
        let Domains::Many(slots) = &memory.domains else {
            return Err(sw::INSTRUCTION);
        };
        let slot = slots.get(usize::from(index)).ok_or(sw::WRONG_P1_P2)?;
        let new = match (operation, slot, body) {
            (0x01, None, &[shares]) => Some(Kek::of_shares(shares, &mut self.random)),
            (0x01, Some(_), &[_]) => return Err(sw::NOT_EMPTY),
            (0x01, ..) => return Err(sw::WRONG_LENGTH),
            (_, None, _) => return Err(sw::NO_REFERENCE),
            (0x03, Some(_), _) if memory.keys.values().any(|key| key.domain == index) => return Err(sw::NOT_EMPTY),
            (0x03, ..) => None,
            (_, Some(kek), _) => Some(Kek { outstanding: kek.shares, value: vec![0; KEK_LEN], ..*kek }),
        };
        let domains = memory.domains.with(index, new);
        self.store.write(Write::Domains(domains));
        Ok(Reply::done())
    }
}

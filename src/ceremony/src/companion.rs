//! The companion file: what the commitments of entry 0 stand for, so that the transcript can be published without it.
//!
//! People's names, their organisations and the bags' places enter the transcript as SHA-256 over 32 random bytes and the value.
//! Who has this file can show each of them; who has the transcript alone cannot guess a name and try it.

use conclave_publish::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::Plan;
use crate::public::{Octets, Text};

/// The format this version writes and reads.
const FORMAT: u16 = 1;

/// Most bytes of a companion file.
pub const LEN_MAX: usize = 1 << 20;

/// Salts and values of the commitments, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Companion {
    /// SHA-256 of the plan.
    plan: Octets<32>,
    format: u16,
    opened: Vec<Opened>,
}

/// One commitment, opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Opened {
    salt: Octets<32>,
    value: Text,
}

/// Why bytes are no companion file of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompanionError {
    /// Not a companion file in its one encoding.
    #[error("not a companion file in its one encoding")]
    Encoding,
    /// Of another version.
    #[error("format {found}, expected {FORMAT}")]
    Format {
        /// Its version.
        found: u16,
    },
    /// Of another plan, or not of its values.
    #[error("the companion file is not of this plan")]
    OtherPlan,
    /// It opens other commitments than those of the transcript.
    #[error("the companion file does not open commitment {at} of the transcript")]
    Opens {
        /// Which, from zero.
        at: usize,
    },
}

/// What is committed to: each person's name and organisation, then each bag's place, in the order of the plan.
fn values(plan: &Plan) -> impl Iterator<Item = &Text> {
    let people = plan.people.iter().flat_map(|person| [&person.name, &person.organisation]);
    people.chain(plan.bags.iter().map(|bag| &bag.place))
}

impl Companion {
    /// Draws a salt for every value of a plan.
    ///
    /// Errors: what `salt` gives.
    pub fn draw<E>(plan: &Plan, mut salt: impl FnMut() -> Result<[u8; 32], E>) -> Result<Self, E> {
        let open = |value: &Text| salt().map(|salt| Opened { salt: Octets(salt), value: value.clone() });
        let opened = values(plan).map(open).collect::<Result<_, _>>()?;
        Ok(Self { plan: plan.digest.into(), format: FORMAT, opened })
    }

    /// What enters entry 0.
    pub fn commitments(&self) -> Vec<Octets<32>> {
        let commitment =
            |opened: &Opened| Digest::of(&[&opened.salt.0, opened.value.as_str().as_bytes()].concat()).into();
        self.opened.iter().map(commitment).collect()
    }

    /// How many commitments a plan makes.
    pub fn len_for(plan: &Plan) -> usize {
        values(plan).count()
    }

    /// The file: deterministic CBOR.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory does not fail; were it otherwise, no reader would take the bytes.
        let _ = ciborium::into_writer(self, &mut bytes);
        bytes
    }

    /// Reads a file and checks that it is of the values of the plan, whatever transcript it belongs to.
    ///
    /// Errors: [`CompanionError`].
    pub fn of_plan(bytes: &[u8], plan: &Plan) -> Result<Self, CompanionError> {
        let bounded = bytes.get(..LEN_MAX).unwrap_or(bytes);
        let read = ciborium::de::from_reader_with_recursion_limit::<Self, _>(bounded, 8);
        let companion = read.map_err(|_| CompanionError::Encoding)?;
        if companion.to_bytes() != bytes {
            return Err(CompanionError::Encoding);
        }
        if companion.format != FORMAT {
            return Err(CompanionError::Format { found: companion.format });
        }
        if Digest::from(companion.plan) != plan.digest || !companion.opened.iter().map(|o| &o.value).eq(values(plan)) {
            return Err(CompanionError::OtherPlan);
        }
        Ok(companion)
    }

    /// Reads a file and checks that it opens the commitments of entry 0 to the values of the plan.
    ///
    /// Errors: [`CompanionError`].
    pub fn read(bytes: &[u8], plan: &Plan, commitments: &[Octets<32>]) -> Result<Self, CompanionError> {
        let companion = Self::of_plan(bytes, plan)?;
        let opened = companion.commitments();
        if let Some(at) = (0..opened.len().max(commitments.len())).find(|at| opened.get(*at) != commitments.get(*at)) {
            return Err(CompanionError::Opens { at });
        }
        Ok(companion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;
    use ciborium::Value;

    type Map = Vec<(Value, Value)>;

    fn plan() -> Plan {
        plan::read(include_bytes!("../../../docs/plans/minimal.toml")).unwrap()
    }

    fn companion() -> Companion {
        let mut next = 0;
        let salt = || {
            next += 1;
            Ok::<_, ()>([next; 32])
        };
        Companion::draw(&plan(), salt).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Companion, CompanionError> {
        Companion::read(bytes, &plan(), &companion().commitments())
    }

    #[test]
    fn every_name_organisation_and_place_is_committed_to_with_a_salt_of_its_own() {
        let (plan, companion) = (plan(), companion());
        let commitments = companion.commitments();
        assert_eq!(commitments.len(), 2 * plan.people.len() + plan.bags.len());
        assert_eq!(commitments.len(), Companion::len_for(&plan));
        let name = [&[1; 32][..], plan.people[0].name.as_str().as_bytes()].concat();
        assert_eq!(commitments[0], Digest::of(&name).into());
        let place =
            [&[commitments.len() as u8; 32][..], plan.bags[plan.bags.len() - 1].place.as_str().as_bytes()].concat();
        assert_eq!(commitments.last(), Some(&Digest::of(&place).into()));
    }

    #[test]
    fn a_salt_that_cannot_be_drawn_makes_no_companion() {
        assert_eq!(Companion::draw(&plan(), || Err("no randomness")), Err("no randomness"));
    }

    #[test]
    fn a_companion_file_is_read_back() {
        assert_eq!(read(&companion().to_bytes()), Ok(companion()));
    }

    #[test]
    fn a_companion_file_with_one_defect_is_refused() {
        let good = companion().to_bytes();
        let edited = |edit: &dyn Fn(&mut Map)| {
            let mut value: Value = ciborium::from_reader(&good[..]).unwrap();
            edit(value.as_map_mut().unwrap());
            let mut bytes = Vec::new();
            ciborium::into_writer(&value, &mut bytes).unwrap();
            bytes
        };
        let opened = |map: &mut Map, at: usize, edit: &dyn Fn(&mut Map)| {
            edit(map[2].1.as_array_mut().unwrap()[at].as_map_mut().unwrap());
        };
        for (defect, bytes, expected) in [
            ("empty", vec![], CompanionError::Encoding),
            ("cut", good[..good.len() - 1].to_vec(), CompanionError::Encoding),
            ("trailing", [&good[..], &[0]].concat(), CompanionError::Encoding),
            ("fields swapped", edited(&|map| map.swap(0, 1)), CompanionError::Encoding),
            ("format", edited(&|map| map[1].1 = Value::from(2)), CompanionError::Format { found: 2 }),
            ("plan", edited(&|map| map[0].1 = Value::Bytes(vec![0; 32])), CompanionError::OtherPlan),
            (
                "name",
                edited(&|map| opened(map, 0, &|opened| opened[1].1 = Value::Text("Somebody Else".to_owned()))),
                CompanionError::OtherPlan,
            ),
            ("one missing", edited(&|map| drop(map[2].1.as_array_mut().unwrap().pop())), CompanionError::OtherPlan),
            (
                "salt",
                edited(&|map| opened(map, 3, &|opened| opened[0].1 = Value::Bytes(vec![0; 32]))),
                CompanionError::Opens { at: 3 },
            ),
        ] {
            assert_eq!(read(&bytes), Err(expected), "{defect}");
        }
        let mut more = companion().commitments();
        more.push(Octets([0; 32]));
        let at = more.len() - 1;
        assert_eq!(Companion::read(&good, &plan(), &more), Err(CompanionError::Opens { at }));
    }
}

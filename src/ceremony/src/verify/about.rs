//! The subject of a record: a verdict says it before anything else.

use conclave_publish::{Digest, Kind};

use crate::ids::{KeyIx, PersonId};
use crate::plan::{Plan, Role};
use crate::say::Say;
use crate::script::Script;

/// The subject of a record, from its plan and its first entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Whether the ceremony counts.
    pub kind: Kind,
    /// Title of the plan.
    pub title: String,
    /// SHA-256 of the plan.
    pub plan: Digest,
    /// SHA-256 of the script that was promised, if the record goes so far.
    pub script: Option<Digest>,
    /// People by role, a role each.
    pub people: Vec<(&'static str, Vec<String>)>,
    /// Keys that the plan wants: label, algorithm and purpose of each.
    pub keys: Vec<String>,
}

impl About {
    pub(super) fn new(plan: &Plan, script: Option<&Script>, say: Say<'_>) -> Self {
        let roles = [
            ("operators", Role::Operator),
            ("witnesses", Role::Witness),
            ("custodians", Role::Custodian),
            ("holders", Role::Holder),
        ];
        let of = |role| {
            let people = (0..).map(PersonId).zip(&plan.people).filter(|(_, person)| person.roles.contains(&role));
            people.map(|(id, _)| say.person(id)).collect()
        };
        let keys = (0..).map(KeyIx).zip(&plan.keys);
        Self {
            kind: plan.kind,
            title: plan.title.to_string(),
            plan: plan.digest,
            script: script.map(Script::digest),
            people: roles.map(|(name, role)| (name, of(role))).to_vec(),
            keys: keys.map(|(id, key)| format!("{}, {}, for {}", say.key(id), key.spec, key.purpose)).collect(),
        }
    }
}

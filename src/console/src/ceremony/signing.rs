//! The people who type a sign-in code for an answer: each is chosen by name before the code is typed.

use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::codes::confirm;
use conclave_ceremony::facts::Facts;
use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan::Plan;
use conclave_ceremony::step::{DEVIATION_ROLES, Waiting};

use super::desk::{Signs, Stage};

/// Keys that choose a person: as many as a plan has people.
const KEYS: &str = "123456789abcdefghijklmnopqrstuvw";

/// People with the keys that choose them.
pub fn keyed(people: &[PersonId]) -> impl Iterator<Item = (char, PersonId)> {
    KEYS.chars().zip(people.iter().copied())
}

/// The people in the room.
#[derive(Clone, Copy)]
pub struct People<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The facts so far.
    pub facts: &'a Facts,
}

impl People<'_> {
    /// For each code of a stage, the people who may type their own.
    pub fn wanted(self, waiting: &Waiting, stage: Stage, signs: Option<Signs>) -> Vec<Vec<PersonId>> {
        let there = || self.facts.present.keys().copied().filter(|person| self.facts.is_there(*person));
        let are = |who: Who| there().filter(|person| who.is(self.plan, self.facts, *person)).collect::<Vec<_>>();
        match (stage, waiting) {
            (Stage::Objection, _) => vec![there().collect()],
            (Stage::OtherBag, _) | (Stage::Form, Waiting::Asked(Ask::Again { .. } | Ask::Replace(..))) => {
                let (first, second) = DEVIATION_ROLES;
                vec![are(Who::Role(first)), are(Who::Role(second))]
            }
            (Stage::Form, Waiting::Asked(Ask::Go { who: Some(who), already })) => {
                vec![are(*who).into_iter().filter(|person| Some(*person) != *already).collect()]
            }
            (Stage::Attests | Stage::Refuses, Waiting::Asked(Ask::Attest(person))) => vec![are(Who::Person(*person))],
            (Stage::Confirms, Waiting::Asked(Ask::SignIn(whose))) => {
                let signs = signs.map_or(*whose, |signs| signs.person);
                vec![confirm(self.plan, self.facts, (signs, *whose))]
            }
            _ => Vec::new(),
        }
    }
}

/// The signers of a stage.
pub struct Signing {
    /// The stage at which they are.
    pub then: Stage,
    /// For each code, the people who may type their own.
    wanted: Vec<Vec<PersonId>>,
    /// The people chosen so far.
    signers: Vec<PersonId>,
}

impl Default for Signing {
    fn default() -> Self {
        Self::new(Stage::Form, Vec::new())
    }
}

impl Signing {
    /// The codes of a stage: for each, the people who may type their own. Where it is one person, there is no choice.
    pub fn new(then: Stage, wanted: Vec<Vec<PersonId>>) -> Self {
        let mut signing = Self { then, wanted, signers: Vec::new() };
        signing.seat();
        signing
    }

    fn seat(&mut self) {
        while let Some(&[one]) = self.may() {
            self.signers.push(one);
        }
    }

    /// Those of whom one is chosen now; nothing once everybody is.
    pub fn may(&self) -> Option<&[PersonId]> {
        self.wanted.get(self.signers.len()).map(Vec::as_slice)
    }

    /// Somebody is chosen by key.
    pub fn choose(&mut self, pressed: char) {
        let found = keyed(self.may().unwrap_or_default()).find(|(key, _)| *key == pressed);
        if let Some((_, one)) = found {
            self.signers.push(one);
            self.seat();
        }
    }

    /// The people chosen so far.
    pub fn signers(&self) -> &[PersonId] {
        &self.signers
    }

    /// Whether another person could have been chosen.
    pub fn was_chosen(&self) -> bool {
        self.wanted.iter().any(|may| may.len() > 1)
    }
}

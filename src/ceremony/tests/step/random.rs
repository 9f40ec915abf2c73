//! Anything at any time: people who answer for others, devices that fail, power that goes. No rule of the room is ever broken, and
//! whatever happened, the ceremony can be brought to its end.

use std::collections::BTreeSet;

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::codes::recorded;
use conclave_ceremony::event::{Answer, Event, Failure, Looked, Next, Outcome};
use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan::Role;
use conclave_ceremony::script::Roles;
use conclave_ceremony::step::{Unfit, Waiting};
use proptest::prelude::*;

use super::room::{Room, text};

/// Events of one run, most of which are what is waited for.
const EVENTS_MAX: usize = 400;
/// Power cuts and failures after which the rest goes well.
const ROUNDS_MAX: usize = 3;

/// A ceremony, and who was seen to agree in it.
struct Watched {
    room: Room,
    here: BTreeSet<PersonId>,
    agreed: Vec<PersonId>,
}

impl Watched {
    fn new() -> Self {
        Self { room: Room::with_alternates(), here: BTreeSet::new(), agreed: Vec::new() }
    }

    fn person(&self, which: u8) -> PersonId {
        PersonId(u16::from(which) % self.room.plan.people.len() as u16)
    }

    fn has(&self, person: PersonId, role: Role) -> bool {
        self.room.plan.people[usize::from(person.0)].roles.contains(&role)
    }

    /// Tells an event; if it fits, every rule of the room must have been kept.
    fn tell(&mut self, event: &Event) -> Result<(), Unfit> {
        let at = self.room.state.at();
        let again = self.room.state.step(&self.room.plan, &self.room.script, event);
        let acts = self.room.event(event);
        assert_eq!(again.map(|(_, acts)| acts), acts, "the same event in the same state");
        let acts = acts?;
        match event {
            Event::Interrupted { .. } => {
                self.here.clear();
                self.agreed.clear();
            }
            Event::Said(person, Answer::SignedIn { .. } | Answer::Absent { .. }) => drop(self.here.insert(*person)),
            Event::Said(person, Answer::Go) => self.agreed.push(*person),
            // A dead code agrees to nothing, and what it agreed to is open again.
            Event::Mistyped { times: 15, whose } => {
                assert!(self.here.remove(whose), "{whose:?} is not there");
                self.agreed.retain(|person| person != whose);
            }
            Event::Again { by: (one, other), .. } => self.two(*one, *other, Role::Operator, Role::Witness),
            _ => {}
        }
        if !acts.is_empty() {
            self.may(at, &acts);
        }
        let failed = matches!(event, Event::Came { outcome: Outcome::Failed(_), .. });
        if failed || !acts.is_empty() || self.room.state.at() != at {
            self.agreed.clear();
        }
        Ok(())
    }

    fn two(&self, one: PersonId, other: PersonId, a: Role, b: Role) {
        assert_ne!(one, other, "one person is not two");
        let each = (self.has(one, a) && self.has(other, b)) || (self.has(one, b) && self.has(other, a));
        assert!(each && self.here.contains(&one) && self.here.contains(&other), "{one:?} and {other:?}: {a:?}, {b:?}");
    }

    /// Acts are done only when who must agree has agreed, in this boot, for this step; before the log drives nothing is done.
    fn may(&self, at: conclave_ceremony::ids::StepId, acts: &[Act]) {
        let step = self.room.script.step(at).unwrap();
        match (step.roles, self.agreed.as_slice()) {
            (Roles::Anyone, _) => {}
            (Roles::Person(person), [.., last]) => {
                assert_eq!(self.room.state.facts().stand_in(person), *last);
                assert!(self.here.contains(last));
            }
            (Roles::One(role), [.., last]) => assert!(self.has(*last, role) && self.here.contains(last)),
            (Roles::Two(a, b), [.., one, other]) => self.two(*one, *other, a, b),
            (roles, agreed) => panic!("{:?} needs {roles:?}, had {agreed:?}", step.kind),
        }
        if self.room.state.facts().logs.len() < 2 {
            let looks = |act: &Act| matches!(act, Act::Identify(_) | Act::Write(_, Item::Plan | Item::Names));
            assert!(acts.iter().all(looks), "before the log drives: {acts:?}");
        }
    }

    /// Something that somebody might do or a device might give, instead of what is waited for.
    fn strange(&self, what: u8, which: u8) -> Event {
        let (person, words) = (self.person(which), text("the cable was loose"));
        let next = [Next::Device, Next::Type, Next::LastTry, Next::Again, Next::Halt][usize::from(which % 5)];
        let failed = Outcome::Failed(Failure { next, words: words.clone() });
        let again = Event::Again { step: self.room.kind(), by: (person, self.person(which / 16)), why: words.clone() };
        match (what % 8, self.room.waiting()) {
            // Half of the time somebody comes for who is asked to.
            (0..4, Waiting::Asked(Ask::SignIn(whose))) => {
                let by = (!which.is_multiple_of(3)).then(|| self.person(which / 16));
                Event::Said(person, Answer::Absent { by, whose, document: words })
            }
            (_, Waiting::Asked(Ask::Again { .. })) => again,
            (0 | 1, Waiting::Acting(act)) => Event::Came { act, outcome: failed },
            (0, _) => Event::Came { act: Act::MakeShares, outcome: failed },
            (1 | 2, _) => Event::Said(person, Answer::Go),
            (3, _) => again,
            (4, _) => Event::Looked(Looked::Clock { wall: i64::from(which), mono: 0 }),
            (5, _) => Event::Said(person, Answer::Objects(words)),
            (6, _) => Event::Said(person, Answer::SignedIn { by: None, document: words }),
            (7, _) if which < 192 => {
                let whose = self.person(which % 2);
                Event::Mistyped { times: recorded(self.room.state.facts(), whose) + 5, whose }
            }
            (_, _) => Event::Done([Answer::Go, Answer::Word, Answer::NoObjection][usize::from(which % 3)].clone()),
        }
    }

    /// What is waited for, said by somebody else where somebody says it.
    fn by_another(&mut self, which: u8) -> Option<Event> {
        Some(match self.room.next()? {
            Event::Said(_, answer) => Event::Said(self.person(which), answer),
            Event::Done(answer) => Event::Done(answer),
            // The devices of the room remember what they were asked to do: it is told as it came.
            other => other,
        })
    }

    /// The power fails, if there is a record to go on from.
    fn cut(&mut self) {
        let facts = self.room.state.facts();
        if facts.logs.len() == 2 {
            let _ = self.tell(&self.room.interrupted());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whoever_does_whatever_no_rule_is_broken_and_the_end_is_reached(
        events in prop::collection::vec((0_u8..32, any::<u8>()), 0..EVENTS_MAX),
    ) {
        let mut watched = Watched::new();
        let strange = events.iter().filter(|(what, _)| *what < 10).count();
        for (what, which) in events {
            // Nothing is asked any more of a ceremony that is closed.
            if watched.room.waiting() == Waiting::Closed {
                break;
            }
            let event = match what {
                0..8 => Some(watched.strange(what, which)),
                8 => watched.by_another(which),
                9 => {
                    watched.cut();
                    None
                }
                _ => watched.room.next(),
            };
            // What does not fit is not taken, and changes nothing.
            let _ = event.map(|event| watched.tell(&event));
        }
        for _ in 0..ROUNDS_MAX {
            while let Some(event) = watched.room.next() {
                watched.tell(&event).unwrap_or_else(|unfit| panic!("{event:?}: {unfit}"));
            }
            if matches!(watched.room.waiting(), Waiting::Halted(_)) {
                watched.cut();
            }
        }
        let unrecorded = watched.room.state.facts().logs.len() < 2;
        match watched.room.waiting() {
            Waiting::Closed => {}
            // A ceremony that stands before its log drives are in begins anew.
            Waiting::Halted(_) if unrecorded => {}
            waiting => prop_assert!(false, "{waiting:?} after {strange} strange events"),
        }
    }
}

//! Turns the typed lines into an event, or into words that say why they are no event.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::ask::{self, Ask, Who};
use conclave_ceremony::codes::{confirm, recorded};
use conclave_ceremony::event::{Answer, Event, Outcome};
use conclave_ceremony::ids::{Device, PersonId};
use conclave_ceremony::public::Text;
use conclave_ceremony::step::Waiting;
use smartcard_hsm::cvc::RootKind;
use smartcard_hsm::secret::SecretBytes;
use zeroize::Zeroizing;

use super::Ceremony;
use super::codes::{Compared, is_recorded};
use super::desk::{Signs, Stage};
use super::form::Form;
use super::signing::People;
use crate::drives::Drives;
use crate::ports::{Machine, Tokens};
use crate::vault::NotPublic;
use crate::wording;
use crate::wording::ceremony as text;
use crate::wording::preflight::keyboard_fits;

/// Digits of a sign-in code.
const CODE_DIGITS: usize = 4;
/// Draws of a code before a source that always gives the same is given up.
const DRAWS_MAX: usize = 64;

type Answered = Result<Option<Event>, String>;

impl<M: Machine, R: RootKind> Ceremony<M, R> {
    /// The answer where a code on the table is not its owner's: the first of them counts.
    pub(super) fn mistyped(&mut self) -> Option<Answered> {
        self.desk.form.codes().into_iter().find_map(|(at, whose)| {
            let recorded = recorded(self.state.facts(), whose);
            let typed = self.desk.form.expose(at);
            let compared = self.desk.codes.compare(whose, typed, recorded, self.now.mono_ms);
            let words = match compared {
                Compared::Right => return None,
                Compared::Wrong(times) if is_recorded(times) => {
                    return Some(Ok(Some(Event::Mistyped { times, whose })));
                }
                Compared::Wrong(times) => wording::codes::wrong(&self.plan, whose, times),
                Compared::Empty => wording::codes::EMPTY.into(),
                Compared::Waits(left) => wording::codes::waits(&self.plan, (whose, recorded), left),
            };
            self.desk.form.take(at);
            Some(Err(words))
        })
    }

    /// The person for the code at this place of the form. The code is compared before it counts.
    fn signer(&self, at: usize) -> Result<PersonId, String> {
        self.desk.signing.signers().get(at).copied().ok_or_else(|| wording::codes::EMPTY.into())
    }

    /// The event that the lines on the table are; none if the question goes on.
    pub(super) fn answered(&mut self, waiting: &Waiting, machine: &mut M) -> Answered {
        match waiting {
            Waiting::Asked(_) if self.desk.stage == Stage::Objection => self.objection(),
            Waiting::Acting(act @ Act::Reveal(slot)) => self.typed_back(*act, *slot),
            Waiting::Acting(Act::Show) => Ok(Some(Event::Came { act: Act::Show, outcome: Outcome::Done })),
            Waiting::Asked(ask) => self.answer(ask, machine),
            _ => Ok(None),
        }
    }

    fn typed_back(&mut self, act: Act, slot: Slot) -> Answered {
        let typed = self.desk.form.take(0);
        if self.performer.vault().typed_back(slot, &typed) {
            Ok(Some(Event::Came { act, outcome: Outcome::Done }))
        } else {
            Err(text::NOT_AS_SHOWN.into())
        }
    }

    fn answer(&mut self, ask: &Ask, machine: &mut M) -> Answered {
        let first = Zeroizing::new(self.desk.form.text(0).to_owned());
        let done = |answer| Ok(Some(Event::Done(answer)));
        match ask {
            Ask::Go { who: None, .. } => done(Answer::Go),
            Ask::Go { who: Some(_), .. } => Ok(Some(Event::Said(self.signer(0)?, Answer::Go))),
            Ask::Word(word) if *first == *word => done(Answer::Word),
            Ask::Word(word) => Err(text::not_the_word(word)),
            Ask::Insert(device) if self.plugged(*device, machine) => done(Answer::Inserted(*device)),
            Ask::Insert(device) => {
                let wrong = wording::plugged::wrong(&self.plan, self.state.facts(), *device, &self.plugged);
                Err(wrong.unwrap_or_else(|| text::not_plugged(&self.plan, *device)))
            }
            Ask::Remove(device) if self.plugged(*device, machine) => Err(text::still_plugged(&self.plan, *device)),
            Ask::Remove(device) => done(Answer::Removed(*device)),
            Ask::SignIn(person) => self.sign_in(*person, ask, machine),
            Ask::Keyboard if keyboard_fits(&first) => done(Answer::KeyboardFits),
            Ask::Keyboard => Err(text::keyboard_differs()),
            Ask::Type { slot, keeper, sets } => {
                let (typed, again) = (self.desk.form.take(0), self.desk.form.take(1));
                let vault = self.performer.vault_mut();
                let put = if *sets { vault.put_set(*slot, &typed) } else { vault.put(*slot, &typed) };
                put.map_err(|error| text::mistyped(&error))?;
                if *sets && !vault.typed_back(*slot, &again) {
                    vault.wipe(*slot);
                    return Err(text::SECRETS_DIFFER.into());
                }
                Ok(Some(Event::Said(*keeper, Answer::Typed(*slot))))
            }
            Ask::BagNumber(bag) => {
                if *first != self.desk.form.text(1) {
                    return Err(text::NUMBERS_DIFFER.into());
                }
                let planned = self.plan.bag(*bag).map(|bag| bag.number.to_string()).unwrap_or_default();
                let number = if first.len() == planned.len() { self.number(0)? } else { self.public(0)? };
                if *first == planned {
                    return done(Answer::BagNumber { bag: *bag, number });
                }
                if self.desk.stage != Stage::OtherBag {
                    self.desk.refused = Some(text::other_bag(&first));
                    self.goes_to(Stage::OtherBag, |form| form, ask);
                    return Ok(None);
                }
                let by = (self.signer(0)?, self.signer(1)?);
                let why = self.public(4)?;
                done(Answer::OtherBag { by, bag: *bag, why, number })
            }
            Ask::Objections => done(Answer::NoObjection),
            Ask::Attest(_) => self.attests(ask),
            Ask::Again { .. } => {
                let by = (self.signer(0)?, self.signer(1)?);
                let why = self.public(2)?;
                Ok(self.state.kind(&self.script).map(|step| Event::Again { by, why, step }))
            }
            Ask::Replace(..) => {
                let by = (self.signer(0)?, self.signer(1)?);
                Ok(Some(Event::Replaced { by, why: self.public(2)? }))
            }
            Ask::Look => Ok(None),
        }
    }

    /// An objection: its code stands in the first line, its words in the next.
    fn objection(&mut self) -> Answered {
        let words = self.public(1)?;
        Ok(Some(Event::Said(self.signer(0)?, Answer::Objects(words))))
    }

    /// Goes to a stage at which codes are typed, with the lines that lay there or without.
    fn goes_to(&mut self, stage: Stage, lines: impl FnOnce(Form) -> Form, ask: &Ask) {
        let people = People { plan: &self.plan, facts: self.state.facts() };
        let form = lines(core::mem::take(&mut self.desk.form));
        self.desk.goes_to(stage, form, &Waiting::Asked(ask.clone()), people);
    }

    /// Chosen first; a reason is shown as it will be recorded before its author types their code.
    fn attests(&mut self, ask: &Ask) -> Answered {
        match self.desk.stage {
            Stage::Attests => Ok(Some(Event::Said(self.signer(0)?, Answer::Attests))),
            Stage::Why => {
                let reason = self.public(0)?;
                self.desk.reason = Some(reason);
                self.goes_to(Stage::Refuses, |_| Form::default(), ask);
                Ok(None)
            }
            Stage::Refuses => {
                let person = self.signer(0)?;
                Ok(self.desk.reason.clone().map(|reason| Event::Said(person, Answer::Refuses(reason))))
            }
            _ => Ok(None),
        }
    }

    /// The typed text of this line, for the record. The record holds no secret and no name; a text that cannot go there
    /// is wiped from the screen.
    fn public(&mut self, at: usize) -> Result<Text, String> {
        let typed = self.desk.form.text(at);
        let checked = match self.performer.names().held_in(typed) {
            Some(id) => Err(NotPublic::Name(id.clone())),
            None => self.performer.vault().public(typed),
        };
        checked.map_err(|error| self.not_public(at, &error))
    }

    /// The number of a bag, as long as the planned one.
    fn number(&mut self, at: usize) -> Result<Text, String> {
        let checked = self.performer.vault().number(self.desk.form.text(at));
        checked.map_err(|error| self.not_public(at, &error))
    }

    fn not_public(&mut self, at: usize, error: &NotPublic) -> String {
        self.desk.form.wipe(at);
        text::not_public(error)
    }

    /// A document is chosen, a code is shown, the code is typed: by the person asked for, or by an alternate.
    fn sign_in(&mut self, asked: PersonId, ask: &Ask, machine: &mut M) -> Answered {
        if let Stage::Choose { person } = self.desk.stage {
            let chosen = self.desk.chosen.take();
            if let Some(document) = chosen.and_then(text::document) {
                self.give_code(Signs { person, document }, machine)?;
            } else if chosen == Some(text::ABSENT) {
                let comes = ask::comes_for(&self.plan, self.state.facts(), asked).filter(|comes| *comes != person);
                self.desk.stage = Stage::Choose { person: comes.ok_or(text::NO_ALTERNATE)? };
            }
            return Ok(None);
        }
        let Some(Signs { person, document }) = self.desk.signs else { return Ok(None) };
        if self.desk.stage != Stage::Confirms {
            let typed = self.desk.form.take(0);
            if !self.desk.codes.is(person, typed.expose()) {
                return Err(wording::codes::OTHER_CODE.into());
            }
            if !confirm(&self.plan, self.state.facts(), (person, asked)).is_empty() {
                self.goes_to(Stage::Confirms, |_| Form::default(), ask);
                return Ok(None);
            }
        }
        let (by, document) = (self.desk.signing.signers().first().copied(), Text::fitted(document));
        let answer = if person == asked {
            Answer::SignedIn { by, document }
        } else {
            Answer::Absent { by, whose: asked, document }
        };
        Ok(Some(Event::Said(person, answer)))
    }

    fn give_code(&mut self, signs: Signs, machine: &mut M) -> Result<(), String> {
        for _ in 0..DRAWS_MAX {
            let mut drawn = Zeroizing::new([0; CODE_DIGITS]);
            machine.random(&mut *drawn).map_err(|error| error.to_string())?;
            // 250 is the largest multiple of ten below 256.
            if drawn.iter().all(|byte| *byte < 250) {
                drawn.iter_mut().for_each(|byte| *byte = b'0' + *byte % 10);
                self.desk.give(signs, SecretBytes::copied_from(&*drawn));
                return Ok(());
            }
        }
        Err(wording::codes::NO_CODE.into())
    }

    /// Whether a device of the plan is plugged in, by the serial its bus tells.
    fn plugged(&self, device: Device, machine: &mut M) -> bool {
        match device {
            Device::Token(id) => self.plan.token(id).is_some_and(|token| {
                let serial = token.serial.as_str();
                machine.tokens().plugged().iter().any(|at| at.serial.as_str().starts_with(serial))
            }),
            Device::Drive(id) => self.plan.drive(id).is_some_and(|drive| {
                let present = machine.drives().present().unwrap_or_default();
                present.iter().any(|there| there.serial.as_str() == drive.serial.as_str())
            }),
        }
    }

    /// The people who may answer the question, for the screen.
    pub(super) fn who(ask: &Ask) -> Option<Who> {
        match ask {
            Ask::Go { who, .. } => *who,
            Ask::SignIn(person) | Ask::Attest(person) => Some(Who::Person(*person)),
            Ask::Type { keeper, .. } => Some(Who::Person(*keeper)),
            _ => None,
        }
    }
}

//! The table between two entries: lines half typed, sign-in codes, a secret that is shown. Nothing of it is recorded.

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::{PersonId, StepId};
use conclave_ceremony::public::Text;
use conclave_ceremony::step::Waiting;
use smartcard_hsm::secret::SecretBytes;

use super::codes::Codes;
use super::form::Form;
use super::signing::{People, Signing};
use crate::field::Field;
use crate::key::Key;
use crate::layout::Layout;
use crate::preflight::{Over, POWER_OFF_WORD};
use crate::wording::ceremony as text;
use crate::wording::preflight::keyboard_fits;

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its lines are typed.
    Form,
    /// A key chooses the person who types their code.
    Who,
    /// A document is chosen by its key, before the sign-in code is shown.
    Choose {
        /// The person to sign in: the one asked for, or an alternate.
        person: PersonId,
    },
    /// Somebody objects, in words and with their code.
    Objection,
    /// Two roles say why another bag is sealed.
    OtherBag,
    /// A person with a dead code signed in again: a person of another role types their own code.
    Confirms,
    /// A secret, or a sign-in code, will be shown: projector off, others look away.
    Warn,
    /// It is on the screen.
    Shown,
    /// Somebody is asked whether they attest, by key.
    Attest,
    /// They do: their code is typed.
    Attests,
    /// They do not: their reason is typed.
    Why,
    /// Their reason is on the screen as it will be recorded, and their code is typed.
    Refuses,
}

/// The person to sign in, once a document was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signs {
    /// The person asked for, or an alternate.
    pub person: PersonId,
    /// The document.
    pub document: &'static str,
}

/// The table.
pub struct Desk {
    /// How far the question is.
    pub stage: Stage,
    /// Its lines.
    pub form: Form,
    /// The overlay on the screen.
    pub over: Over,
    /// Layout in force.
    pub layout: Layout,
    /// Why the last answer was not taken.
    pub refused: Option<String>,
    /// Lines scrolled down.
    pub scroll: u16,
    /// Which of the digests that are shown at the end is on the screen.
    pub page: usize,
    /// The choice made by key, where there is one.
    pub chosen: Option<char>,
    /// Somebody confirmed by the typed word that the machine shall be switched off.
    pub power_off: bool,
    /// A line was closed that held a secret, or may have held one: the last keys that the machine keeps must be wiped.
    pub forget_keys: bool,
    /// The person to sign in: their code is shown, then typed.
    pub signs: Option<Signs>,
    /// The reason why a person does not attest, before it is recorded.
    pub reason: Option<Text>,
    /// Why the step asks again was on the screen when a key was pressed: it is known, and stays only while a device is
    /// asked for.
    pub failure_read: bool,
    /// Codes of the people who signed in.
    pub codes: Codes,
    /// The signers of this stage.
    pub signing: Signing,
    asked: Option<(StepId, Waiting)>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            stage: Stage::Form,
            form: Form::default(),
            over: Over::Nothing,
            layout: Layout::Us,
            refused: None,
            scroll: 0,
            page: 0,
            chosen: None,
            power_off: false,
            forget_keys: false,
            signs: None,
            reason: None,
            failure_read: false,
            codes: Codes::default(),
            signing: Signing::default(),
            asked: None,
        }
    }
}

impl Desk {
    /// Clears the table after an entry; codes stay.
    pub fn clear(&mut self) {
        self.asked = None;
        self.refused = None;
    }

    /// Says why the last answer was not taken; its lines are typed again.
    pub fn refuse(&mut self, words: String) {
        self.refused = Some(words);
        // A person may have typed a secret into an open line by mistake.
        self.forget_keys = true;
        let Some((_, waiting)) = &self.asked else { return };
        match (self.stage, waiting) {
            // A person need not say a thing twice. A line that differs from another line stays, to be compared with it.
            (Stage::Objection | Stage::Why, _) | (Stage::Form, Waiting::Asked(Ask::Keyboard)) => {
                self.form.to_first_empty();
            }
            // Nor is a code to be typed again that was right.
            _ if !self.form.codes().is_empty() => {
                if !self.form.to_first_empty() {
                    self.asked = None;
                }
            }
            _ => self.form = Form::of(waiting),
        }
    }

    /// Lays out the lines for the question that the room waits for, if other lines lie there.
    pub fn lay(&mut self, waiting: &Waiting, at: StepId, people: People<'_>) {
        if self.asked.as_ref().is_some_and(|(step, asked)| *step == at && asked == waiting) {
            return;
        }
        self.asked = Some((at, waiting.clone()));
        self.scroll = 0;
        self.page = 0;
        self.chosen = None;
        self.signs = None;
        self.reason = None;
        let stage = match waiting {
            Waiting::Acting(Act::Reveal(_)) => Stage::Warn,
            Waiting::Asked(Ask::SignIn(person)) => Stage::Choose { person: *person },
            Waiting::Asked(Ask::Attest(_)) => Stage::Attest,
            Waiting::Asked(Ask::Objections) => Stage::Objection,
            _ => Stage::Form,
        };
        self.goes_to(stage, Form::of(waiting), waiting, people);
    }

    /// Goes to a stage with its lines. If people can be chosen for its codes, the choice comes first.
    pub fn goes_to(&mut self, stage: Stage, form: Form, waiting: &Waiting, people: People<'_>) {
        self.signing = Signing::new(stage, people.wanted(waiting, stage, self.signs));
        self.form = form;
        self.sign(waiting, people);
    }

    /// Lays out the lines for codes, once the people are chosen.
    fn sign(&mut self, waiting: &Waiting, people: People<'_>) {
        if self.signing.may().is_some() {
            return self.stage = Stage::Who;
        }
        self.stage = self.signing.then;
        let words = match (self.stage, waiting) {
            (Stage::Objection, _) => Some(text::OBJECTION),
            (Stage::OtherBag, _) => Some(text::OTHER_BAG),
            (Stage::Form, Waiting::Asked(Ask::Again { .. })) => Some(text::REASON),
            (Stage::Form, Waiting::Asked(Ask::Replace(..))) => Some(crate::wording::drives::HOW_LOST),
            _ => None,
        };
        self.form.sign(self.signing.signers(), words, people.plan);
    }

    /// The person who types their code, if it is one person.
    pub fn signer(&self) -> Option<PersonId> {
        match self.form.codes()[..] {
            [(_, one)] => Some(one),
            _ => None,
        }
    }

    /// Discards the typed lines.
    fn lay_anew(&mut self, waiting: &Waiting) {
        self.form = Form::of(waiting);
        self.refused = None;
    }

    /// Gives somebody a code, which is shown next.
    pub fn give(&mut self, signs: Signs, code: SecretBytes) {
        self.codes.give(signs.person, code);
        self.signs = Some(signs);
        self.stage = Stage::Warn;
    }

    /// The person at this stage of a sign-in.
    pub fn signing_in(&self) -> Option<PersonId> {
        match self.stage {
            Stage::Choose { person } => Some(person),
            Stage::Objection => None,
            _ => self.signs.map(|signs| signs.person),
        }
    }

    /// Takes a key; true once an answer is complete. At the end `pages` digests are shown, one at a time.
    pub fn press(&mut self, key: Key, waiting: &Waiting, at: StepId, pages: usize, people: People<'_>) -> bool {
        self.lay(waiting, at, people);
        // Red goes with the next key.
        if self.over == Over::Nothing && !matches!(key, Key::Function(_)) {
            self.refused = None;
            self.failure_read = true;
        }
        let closes = matches!(key, Key::Enter | Key::Escape | Key::Tab);
        self.forget_keys = closes && (matches!(self.over, Over::Keyboard(_)) || self.form.is_hidden());
        match (&mut self.over, key) {
            (Over::Nothing, Key::Function(1)) => self.over = Over::Help,
            (Over::Nothing, Key::Function(2)) => self.over = Over::Keyboard(Field::default()),
            (Over::Nothing, Key::Function(3)) => self.objects(waiting, people),
            (Over::Nothing, Key::Function(10)) => self.over = Over::PowerOff(Field::default()),
            (Over::Nothing, key) if matches!(waiting, Waiting::Acting(Act::Show) | Waiting::Closed) => {
                return self.turn(key, pages);
            }
            (Over::Nothing, key) => return self.on_table(key, waiting, people),
            (_, Key::Escape) | (Over::Help, _) => self.over = Over::Nothing,
            (Over::Keyboard(field), Key::Enter) => {
                if keyboard_fits(field.text()) {
                    self.over = Over::Nothing;
                }
            }
            (Over::Keyboard(field), Key::Tab) => {
                self.layout = self.layout.next();
                *field = Field::default();
            }
            (Over::PowerOff(field), Key::Enter) => {
                self.power_off = field.text().trim() == POWER_OFF_WORD;
                self.over = Over::Nothing;
            }
            (Over::Keyboard(field) | Over::PowerOff(field), key) => {
                field.press(key);
            }
        }
        false
    }

    /// Lays the lines of an objection on the table, where something is asked.
    fn objects(&mut self, waiting: &Waiting, people: People<'_>) {
        let asked = matches!(waiting, Waiting::Asked(ask) if !matches!(ask, Ask::Look | Ask::Again { .. }));
        if asked && self.signing.then != Stage::Objection {
            self.forget_keys = self.form.is_hidden();
            self.refused = None;
            self.goes_to(Stage::Objection, Form::default(), waiting, people);
        }
    }

    /// Digests one by one; whoever goes on has seen every one of them.
    fn turn(&mut self, key: Key, pages: usize) -> bool {
        match key {
            Key::Enter | Key::Down if self.page + 1 < pages => self.page += 1,
            Key::Up => self.page = self.page.saturating_sub(1),
            Key::Enter => return true,
            _ => {}
        }
        false
    }

    fn on_table(&mut self, key: Key, waiting: &Waiting, people: People<'_>) -> bool {
        match (self.stage, key) {
            (_, Key::Down) if self.form.lines().0.is_empty() => self.scroll = self.scroll.saturating_add(1),
            (_, Key::Up) if self.form.lines().0.is_empty() => self.scroll = self.scroll.saturating_sub(1),
            (Stage::Form, Key::Tab) if *waiting == Waiting::Asked(Ask::Keyboard) => {
                self.layout = self.layout.next();
                self.form = Form::of(waiting);
            }
            (Stage::Who, Key::Char(pressed)) => {
                self.signing.choose(pressed);
                self.sign(waiting, people);
            }
            // There is no objection.
            (Stage::Who, Key::Enter) => return *waiting == Waiting::Asked(Ask::Objections),
            (Stage::Warn, Key::Enter) => self.stage = Stage::Shown,
            (Stage::Shown, Key::Enter) => self.stage = Stage::Form,
            (Stage::Form, Key::Escape)
                if self.signs.is_some() || matches!(waiting, Waiting::Acting(Act::Reveal(_))) =>
            {
                self.form = Form::of(waiting);
                self.stage = Stage::Warn;
            }
            (Stage::Form, Key::Escape) if matches!(waiting, Waiting::Asked(Ask::BagNumber(_))) => {
                self.lay_anew(waiting)
            }
            (Stage::Form, Key::Escape) if !self.form.codes().is_empty() => self.clear(),
            (Stage::Attest, Key::Char('1')) => self.goes_to(Stage::Attests, Form::default(), waiting, people),
            (Stage::Attest, Key::Char('2')) => (self.stage, self.form) = (Stage::Why, Form::refusal()),
            // A person asked for by mistake has no code. A question that an objection interrupted is asked again.
            (Stage::Objection | Stage::Confirms | Stage::Who | Stage::Choose { .. } | Stage::Warn, Key::Escape) => {
                self.codes.keep(|person| people.facts.is_there(person));
                self.clear();
            }
            (Stage::Attests | Stage::Why | Stage::Refuses | Stage::OtherBag, Key::Escape) => self.clear(),
            (Stage::Choose { .. }, Key::Char(chosen)) => {
                self.chosen = Some(chosen);
                return true;
            }
            (
                Stage::Form
                | Stage::Objection
                | Stage::OtherBag
                | Stage::Confirms
                | Stage::Attests
                | Stage::Why
                | Stage::Refuses,
                key,
            ) => return self.form.press(key),
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_ceremony::act::Slot;
    use conclave_ceremony::ids::ShareId;

    #[test]
    fn keys_are_forgotten_when_a_line_closes_that_may_have_held_a_secret() {
        let passphrase = Ask::Type { slot: Slot::Passphrase(ShareId(0)), keeper: PersonId(0), sets: false };
        let (hidden, open) =
            (Waiting::Asked(passphrase), Waiting::Asked(Ask::BagNumber(conclave_ceremony::ids::BagId(0))));
        #[track_caller]
        fn check(waiting: &Waiting, keys: &[Key], forgotten: bool) {
            let mut desk = Desk::default();
            let plan =
                conclave_ceremony::plan::read(include_bytes!("../../../../docs/plans/minimal/plan.toml")).unwrap();
            let people = People { plan: &plan, facts: &Default::default() };
            for key in keys {
                assert!(!desk.forget_keys);
                desk.press(*key, waiting, StepId(0), 1, people);
            }
            assert_eq!(desk.forget_keys, forgotten, "{keys:?}");
        }
        check(&hidden, &[Key::Char('a'), Key::Enter], true);
        check(&open, &[Key::Char('a'), Key::Enter], false);
        // People try a keyboard with the passphrase they are about to use.
        for closes in [Key::Enter, Key::Escape, Key::Tab] {
            check(&open, &[Key::Function(2), Key::Char('a'), closes], true);
        }
        check(&open, &[Key::Function(1), Key::Escape], false);
    }
}

//! What is on the table between two entries: lines half typed, sign-in codes, a secret being shown. None of it is recorded.

use std::collections::BTreeMap;

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::{PersonId, StepId};
use conclave_ceremony::step::Waiting;

use super::form::Form;
use crate::field::Field;
use crate::key::Key;
use crate::layout::Layout;
use crate::look::{Over, POWER_OFF_WORD};
use crate::text::keyboard_fits;

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its lines are typed.
    Form,
    /// A document is chosen by its key, before the sign-in code is shown.
    Choose {
        /// Who signs in: the person who is asked for, or who comes instead.
        person: PersonId,
    },
    /// A sign-in code is shown and typed.
    Code {
        /// Whose.
        person: PersonId,
        /// The document that was shown.
        document: &'static str,
    },
    /// Somebody objects while something else is asked.
    Objection,
    /// A secret will be shown: projector off, others look away.
    Warn,
    /// A secret is on the screen.
    Shown,
}

/// The table.
pub struct Desk {
    /// How far the question is.
    pub stage: Stage,
    /// Its lines.
    pub form: Form,
    /// What lies over the screen.
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
    /// A line closed that held a secret, or may have: what the machine keeps of the last keys is to be wiped.
    pub forget_keys: bool,
    codes: BTreeMap<PersonId, String>,
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
            codes: BTreeMap::new(),
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

    /// Says why the last answer was not taken; its lines are typed anew.
    pub fn refuse(&mut self, words: String) {
        self.refused = Some(words);
        // What somebody has to say is not to be said twice.
        if let (Some((_, waiting)), false) = (&self.asked, self.stage == Stage::Objection) {
            self.form = Form::of(waiting);
        }
    }

    /// Lays out the lines for what the room waits for, if others lie there.
    pub fn lay(&mut self, waiting: &Waiting, at: StepId) {
        if self.asked.as_ref().is_some_and(|(step, asked)| *step == at && asked == waiting) {
            return;
        }
        self.asked = Some((at, waiting.clone()));
        self.form = Form::of(waiting);
        self.refused = None;
        self.scroll = 0;
        self.page = 0;
        self.chosen = None;
        self.stage = match waiting {
            Waiting::Acting(Act::Reveal(_)) => Stage::Warn,
            Waiting::Asked(Ask::SignIn(person)) => Stage::Choose { person: *person },
            _ => Stage::Form,
        };
    }

    /// Takes back what was typed.
    fn lay_anew(&mut self, waiting: &Waiting) {
        self.form = Form::of(waiting);
        self.refused = None;
    }

    /// Whose code this is.
    pub fn person(&self, code: &str) -> Option<PersonId> {
        self.codes.iter().find(|(_, kept)| kept.as_str() == code).map(|(person, _)| *person)
    }

    /// The code of somebody who is signing in.
    pub fn code(&self, person: PersonId) -> Option<&str> {
        self.codes.get(&person).map(String::as_str)
    }

    /// Gives somebody a code that nobody else has; false if somebody has it.
    pub fn give(&mut self, person: PersonId, code: String) -> bool {
        let free = self.person(&code).is_none();
        if free {
            self.codes.insert(person, code);
        }
        free
    }

    /// Takes a key; true once an answer is complete. At the end `pages` digests are shown, one at a time.
    pub fn press(&mut self, key: Key, waiting: &Waiting, at: StepId, pages: usize) -> bool {
        self.lay(waiting, at);
        let closes = matches!(key, Key::Enter | Key::Escape | Key::Tab);
        self.forget_keys = closes && (matches!(self.over, Over::Keyboard(_)) || self.form.is_hidden());
        match (&mut self.over, key) {
            (Over::Nothing, Key::Function(1)) => self.over = Over::Help,
            (Over::Nothing, Key::Function(2)) => self.over = Over::Keyboard(Field::default()),
            (Over::Nothing, Key::Function(3)) => self.objects(waiting),
            (Over::Nothing, Key::Function(10)) => self.over = Over::PowerOff(Field::default()),
            (Over::Nothing, key) if matches!(waiting, Waiting::Acting(Act::Show) | Waiting::Closed) => {
                return self.turn(key, pages);
            }
            (Over::Nothing, key) => return self.on_table(key, waiting),
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
    fn objects(&mut self, waiting: &Waiting) {
        let asked = matches!(waiting, Waiting::Asked(ask) if !matches!(ask, Ask::Look | Ask::Again { .. }));
        if asked && self.stage != Stage::Objection {
            self.forget_keys = self.form.is_hidden();
            self.form = Form::objection();
            self.refused = None;
            self.stage = Stage::Objection;
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

    fn on_table(&mut self, key: Key, waiting: &Waiting) -> bool {
        match (self.stage, key) {
            (_, Key::Down) if self.form.lines().0.is_empty() => self.scroll = self.scroll.saturating_add(1),
            (_, Key::Up) if self.form.lines().0.is_empty() => self.scroll = self.scroll.saturating_sub(1),
            (Stage::Form, Key::Tab) if *waiting == Waiting::Asked(Ask::Keyboard) => self.layout = self.layout.next(),
            // Nobody objects: there is nothing to type on the second line.
            (Stage::Form, Key::Enter)
                if *waiting == Waiting::Asked(Ask::Objections) && self.form.text(0).is_empty() =>
            {
                return true;
            }
            (Stage::Warn, Key::Enter) => self.stage = Stage::Shown,
            (Stage::Shown, Key::Enter) => self.stage = Stage::Form,
            (Stage::Form, Key::Escape) if matches!(waiting, Waiting::Acting(Act::Reveal(_))) => {
                self.form = Form::of(waiting);
                self.stage = Stage::Warn;
            }
            (Stage::Form, Key::Escape) if matches!(waiting, Waiting::Asked(Ask::BagNumber(_))) => {
                self.lay_anew(waiting)
            }
            // Whoever was asked for by mistake has no code, and what an objection came between is asked anew.
            (Stage::Objection | Stage::Choose { .. } | Stage::Code { .. }, Key::Escape) => {
                if let Stage::Code { person, .. } = self.stage {
                    self.codes.remove(&person);
                }
                self.clear();
            }
            (Stage::Choose { .. }, Key::Char(chosen)) => {
                self.chosen = Some(chosen);
                return true;
            }
            (Stage::Form | Stage::Code { .. } | Stage::Objection, key) => return self.form.press(key),
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
            for key in keys {
                assert!(!desk.forget_keys);
                desk.press(*key, waiting, StepId(0), 1);
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

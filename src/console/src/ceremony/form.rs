//! The lines a question is answered on.

use std::borrow::Cow;

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan::Plan;
use conclave_ceremony::step::Waiting;
use smartcard_hsm::secret::SecretBytes;

use crate::field::Field;
use crate::key::Key;
use crate::secret_field::SecretField;
use crate::wording;
use crate::wording::ceremony as text;

/// One line.
pub struct Line {
    /// The name of the thing that is typed on it.
    pub label: Cow<'static, str>,
    /// The typed text.
    pub input: Input,
    /// The person, if the line takes a sign-in code.
    whose: Option<PersonId>,
}

/// The contents of a line.
pub enum Input {
    /// It may be read while it is typed.
    Open(Field),
    /// It may not.
    Hidden(SecretField),
}

/// The lines of a question, none for one that Enter answers.
#[derive(Default)]
pub struct Form {
    lines: Vec<Line>,
    at: usize,
}

impl Form {
    /// The lines for the question that the room waits for.
    pub fn of(waiting: &Waiting) -> Self {
        let open = |labels: &[&'static str]| {
            labels.iter().map(|label| Line::new(*label, Input::Open(Field::default()))).collect::<Vec<_>>()
        };
        let hidden = |labels: &[&'static str]| labels.iter().map(|label| hidden(*label)).collect::<Vec<_>>();
        let lines = match waiting {
            Waiting::Acting(Act::Reveal(slot)) => hidden(&[text::slot(*slot)]),
            Waiting::Asked(ask) => match ask {
                Ask::SignIn(_) => hidden(&[wording::codes::CODE]),
                Ask::Word(_) => open(&[text::WORD]),
                Ask::Keyboard => open(&[text::TRY]),
                Ask::BagNumber(_) => open(&[text::NUMBER, text::NUMBER_AGAIN]),
                Ask::Type { slot, sets: false, .. } => hidden(&[text::slot(*slot)]),
                Ask::Type { slot, sets: true, .. } => hidden(&[text::slot(*slot), text::SECRET_AGAIN]),
                // The lines for codes come once the people are known.
                Ask::Go { .. }
                | Ask::Insert(_)
                | Ask::Remove(_)
                | Ask::Look
                | Ask::Attest(_)
                | Ask::Objections
                | Ask::Replace(..)
                | Ask::Again { .. } => Vec::new(),
            },
            _ => Vec::new(),
        };
        Self { lines, at: 0 }
    }

    /// The lines with their labels, and the one keys go to.
    pub fn lines(&self) -> (&[Line], usize) {
        (&self.lines, self.at)
    }

    /// Further lines: the sign-in codes of these people, and words if they have to say something.
    pub fn sign(&mut self, signers: &[PersonId], words: Option<&'static str>, plan: &Plan) {
        if signers.is_empty() {
            return;
        }
        self.at = self.lines.len();
        let code = |whose: &PersonId| Line { whose: Some(*whose), ..hidden(wording::codes::code_of(plan, *whose)) };
        self.lines.extend(signers.iter().map(code).chain(words.map(self::words)));
    }

    /// The lines for sign-in codes, each with its person.
    pub fn codes(&self) -> Vec<(usize, PersonId)> {
        self.lines.iter().enumerate().filter_map(|(at, line)| Some((at, line.whose?))).collect()
    }

    /// The line for the reason of a person who does not attest.
    pub fn refusal() -> Self {
        Self { lines: vec![words(text::REFUSAL)], at: 0 }
    }

    /// Empties an open line.
    pub fn wipe(&mut self, at: usize) {
        if let Some(Input::Open(field)) = self.input(at) {
            field.clear();
        }
    }

    /// Goes to the first line that is empty; false if none is: hidden ones are once they were taken.
    pub fn to_first_empty(&mut self) -> bool {
        let empty = |line: &Line| match &line.input {
            Input::Open(field) => field.text().is_empty(),
            Input::Hidden(field) => field.is_empty(),
        };
        let first = self.lines.iter().position(empty);
        self.at = first.unwrap_or(self.at);
        first.is_some()
    }

    /// The text of an open line.
    pub fn text(&self, at: usize) -> &str {
        match self.lines.get(at).map(|line| &line.input) {
            Some(Input::Open(field)) => field.text().trim(),
            _ => "",
        }
    }

    /// Whether a line may not be read while it is typed.
    pub fn is_hidden(&self) -> bool {
        self.lines.iter().any(|line| matches!(line.input, Input::Hidden(_)))
    }

    /// The bytes of a hidden line, for a comparison in place.
    pub fn expose(&self, at: usize) -> &[u8] {
        match self.lines.get(at).map(|line| &line.input) {
            Some(Input::Hidden(field)) => field.expose(),
            _ => &[],
        }
    }

    /// Takes the bytes out of a hidden line.
    pub fn take(&mut self, at: usize) -> SecretBytes {
        match self.input(at) {
            Some(Input::Hidden(field)) => field.take(),
            _ => SecretBytes::copied_from(&[]),
        }
    }

    fn input(&mut self, at: usize) -> Option<&mut Input> {
        self.lines.get_mut(at).map(|line| &mut line.input)
    }

    /// Takes a key; true once the last line was ended with Enter.
    pub fn press(&mut self, key: Key) -> bool {
        let last = self.at + 1 >= self.lines.len();
        match key {
            Key::Enter if last => return true,
            Key::Enter | Key::Tab | Key::Down if !last => self.at += 1,
            Key::Up => self.at = self.at.saturating_sub(1),
            key => match self.input(self.at) {
                Some(Input::Open(field)) => {
                    field.press(key);
                }
                Some(Input::Hidden(field)) => field.press(key),
                None => {}
            },
        }
        false
    }
}

impl Line {
    fn new(label: impl Into<Cow<'static, str>>, input: Input) -> Self {
        Self { label: label.into(), input, whose: None }
    }
}

fn hidden(label: impl Into<Cow<'static, str>>) -> Line {
    Line::new(label, Input::Hidden(SecretField::default()))
}

fn words(label: &'static str) -> Line {
    Line::new(label, Input::Open(Field::words()))
}

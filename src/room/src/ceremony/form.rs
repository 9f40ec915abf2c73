//! The lines a question is answered on.

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::step::Waiting;
use smartcard_hsm::secret::SecretBytes;

use crate::field::Field;
use crate::key::Key;
use crate::secret_field::SecretField;
use crate::text_ceremony as text;

/// One line.
pub enum Input {
    /// It may be read while it is typed.
    Open(Field),
    /// It may not.
    Hidden(SecretField),
}

/// The lines of a question, none for one that Enter answers.
#[derive(Default)]
pub struct Form {
    lines: Vec<(&'static str, Input)>,
    at: usize,
}

impl Form {
    /// The lines for what the room waits for.
    pub fn of(waiting: &Waiting) -> Self {
        let open = |labels: &[&'static str]| {
            labels.iter().map(|label| (*label, Input::Open(Field::default()))).collect::<Vec<_>>()
        };
        let said = |labels: &[&'static str], words| {
            let mut lines = open(labels);
            lines.push((words, Input::Open(Field::words())));
            lines
        };
        let hidden = |labels: &[&'static str]| {
            labels.iter().map(|label| (*label, Input::Hidden(SecretField::default()))).collect::<Vec<_>>()
        };
        let lines = match waiting {
            Waiting::Acting(Act::Reveal(slot)) => hidden(&[text::slot(*slot)]),
            Waiting::Asked(ask) => match ask {
                Ask::Go { who: Some(_), .. } | Ask::SignIn(_) => open(&[text::CODE]),
                Ask::Word(_) => open(&[text::WORD]),
                Ask::Keyboard => open(&[text::TRY]),
                Ask::BagNumber(_) => open(&[text::NUMBER, text::NUMBER_AGAIN]),
                Ask::Objections => said(&[text::CODE_OF_OBJECTOR], text::OBJECTION),
                Ask::Attest(_) => said(&[text::CODE], text::REFUSAL),
                Ask::Again { .. } => said(&[text::CODE_OF_OPERATOR, text::CODE_OF_WITNESS], text::REASON),
                Ask::Type { slot, sets: false, .. } => hidden(&[text::slot(*slot)]),
                Ask::Type { slot, sets: true, .. } => hidden(&[text::slot(*slot), text::SECRET_AGAIN]),
                Ask::Go { who: None, .. } | Ask::Insert(_) | Ask::Remove(_) | Ask::Look => Vec::new(),
            },
            _ => Vec::new(),
        };
        Self { lines, at: 0 }
    }

    /// The lines with their labels, and the one keys go to.
    pub fn lines(&self) -> (&[(&'static str, Input)], usize) {
        (&self.lines, self.at)
    }

    /// The lines of an objection, whatever else is asked.
    pub fn objection() -> Self {
        let line = |label, field| (label, Input::Open(field));
        Self { lines: vec![line(text::CODE, Field::default()), line(text::OBJECTION, Field::words())], at: 0 }
    }

    /// Asks for more on further open lines; false if it asked for them already.
    pub fn asks(&mut self, more: &[&'static str]) -> bool {
        let new = !self.lines.iter().any(|(label, _)| more.contains(label));
        if new {
            self.at = self.lines.len();
            self.lines.extend(more.iter().map(|label| (*label, Input::Open(Field::words()))));
        }
        new
    }

    /// What stands in an open line.
    pub fn text(&self, at: usize) -> &str {
        match self.lines.get(at) {
            Some((_, Input::Open(field))) => field.text().trim(),
            _ => "",
        }
    }

    /// Whether a line may not be read while it is typed.
    pub fn is_hidden(&self) -> bool {
        self.lines.iter().any(|(_, input)| matches!(input, Input::Hidden(_)))
    }

    /// Takes what was typed in a hidden line.
    pub fn take(&mut self, at: usize) -> SecretBytes {
        match self.lines.get_mut(at) {
            Some((_, Input::Hidden(field))) => field.take(),
            _ => SecretBytes::copied_from(&[]),
        }
    }

    /// Takes a key; true once the last line was ended with Enter.
    pub fn press(&mut self, key: Key) -> bool {
        let last = self.at + 1 >= self.lines.len();
        match key {
            Key::Enter if last => return true,
            Key::Enter | Key::Tab | Key::Down if !last => self.at += 1,
            Key::Up => self.at = self.at.saturating_sub(1),
            key => match self.lines.get_mut(self.at) {
                Some((_, Input::Open(field))) => {
                    field.press(key);
                }
                Some((_, Input::Hidden(field))) => field.press(key),
                None => {}
            },
        }
        false
    }
}

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
        let hidden = |labels: &[&'static str]| labels.iter().map(|label| hidden(label)).collect::<Vec<_>>();
        let said = |codes: &[&'static str], words| hidden(codes).into_iter().chain([self::words(words)]).collect();
        let lines = match waiting {
            Waiting::Acting(Act::Reveal(slot)) => hidden(&[text::slot(*slot)]),
            Waiting::Asked(ask) => match ask {
                Ask::Go { who: Some(_), .. } | Ask::SignIn(_) => hidden(&[text::CODE]),
                Ask::Word(_) => open(&[text::WORD]),
                Ask::Keyboard => open(&[text::TRY]),
                Ask::BagNumber(_) => open(&[text::NUMBER, text::NUMBER_AGAIN]),
                Ask::Objections => said(&[text::CODE_OF_OBJECTOR], text::OBJECTION),
                Ask::Again { .. } => said(&[text::CODE_OF_OPERATOR, text::CODE_OF_WITNESS], text::REASON),
                Ask::Type { slot, sets: false, .. } => hidden(&[text::slot(*slot)]),
                Ask::Type { slot, sets: true, .. } => hidden(&[text::slot(*slot), text::SECRET_AGAIN]),
                Ask::Go { who: None, .. } | Ask::Insert(_) | Ask::Remove(_) | Ask::Look | Ask::Attest(_) => Vec::new(),
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
        Self { lines: vec![hidden(text::CODE), words(text::OBJECTION)], at: 0 }
    }

    /// The line for a sign-in code.
    pub fn code() -> Self {
        Self { lines: vec![hidden(text::CODE)], at: 0 }
    }

    /// The line for the reason of somebody who does not attest.
    pub fn refusal() -> Self {
        Self { lines: vec![words(text::REFUSAL)], at: 0 }
    }

    /// Asks for the codes and the reason of another bag on further lines; false if it asked for them already.
    pub fn asks_for_other_bag(&mut self) -> bool {
        let new = !self.lines.iter().any(|(label, _)| *label == text::OTHER_BAG);
        if new {
            self.at = self.lines.len();
            let codes = [text::CODE_OF_OPERATOR, text::CODE_OF_WITNESS].map(hidden);
            self.lines.extend(codes.into_iter().chain([words(text::OTHER_BAG)]));
        }
        new
    }

    /// Empties an open line.
    pub fn wipe(&mut self, at: usize) {
        if let Some((_, Input::Open(field))) = self.lines.get_mut(at) {
            field.clear();
        }
    }

    /// Goes to the first line that is empty, if one is: hidden ones are once they were taken.
    pub fn to_first_empty(&mut self) {
        let empty = |(_, input): &(&str, Input)| match input {
            Input::Open(field) => field.text().is_empty(),
            Input::Hidden(field) => field.is_empty(),
        };
        self.at = self.lines.iter().position(empty).unwrap_or(self.at);
    }

    /// Whether nothing stands in a line.
    pub fn is_empty(&self, at: usize) -> bool {
        match self.lines.get(at) {
            Some((_, Input::Open(field))) => field.text().trim().is_empty(),
            Some((_, Input::Hidden(field))) => field.is_empty(),
            None => true,
        }
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

fn hidden(label: &'static str) -> (&'static str, Input) {
    (label, Input::Hidden(SecretField::default()))
}

fn words(label: &'static str) -> (&'static str, Input) {
    (label, Input::Open(Field::words()))
}

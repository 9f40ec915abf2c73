//! The digest challenge: the digest is hidden while a witness types six groups of it from a copy of their own.

pub use conclave_ceremony::event::Source;
use conclave_publish::Challenge;
use conclave_publish::Digest;
use conclave_publish::TypedError;

use crate::field::Field;
use crate::key::Key;

/// What a digest is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The medium this machine was started from.
    Medium,
    /// The plan that comes in.
    Plan,
    /// The head of an entry, as a witness wrote it down before the power failed.
    Head,
}

/// The source that a key chooses.
fn chosen(of: Of, key: Key) -> Option<Source> {
    match (of, key) {
        (_, Key::Char('1')) => Some(Source::Paper),
        (_, Key::Char('2')) => Some(Source::Phone),
        (Of::Medium | Of::Plan, Key::Char('3')) => Some(Source::Own),
        _ => None,
    }
}

/// How far the challenge is. The digest is on the screen unless this says it is hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenged {
    /// Not asked for yet.
    Closed,
    /// Hidden: asking where the witness's copy comes from.
    Source,
    /// Hidden: randomness was asked for.
    Drawing(Source),
    /// Hidden: the groups are being typed.
    Open(Box<Open>),
    /// Hidden: what was typed is not this digest.
    Differs(Source, usize),
    /// Met.
    Met(Source),
}

/// A challenge while it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Where the copy comes from.
    pub source: Source,
    /// Which groups are asked for.
    pub challenge: Challenge,
    /// One line for each, in the order asked.
    pub typed: [Field; Challenge::GROUPS],
    /// The line keys go to.
    pub at: usize,
    /// What is wrong with a line as typed, before anything is compared.
    pub mistake: Option<(usize, TypedError)>,
}

/// What follows a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Stay,
    /// Randomness is needed.
    Draw,
    /// To the next screen.
    GoOn,
}

impl Challenged {
    /// Whether the digest must not be on the screen.
    pub fn hides_digest(&self) -> bool {
        !matches!(self, Self::Closed | Self::Met(_))
    }

    /// Takes randomness that was asked for. A source that stands still draws nothing and is asked again.
    pub fn drew(&self, random: &[u8; 32]) -> Self {
        match (self, Challenge::draw(random)) {
            (Self::Drawing(source), Some(challenge)) => Self::Open(Box::new(Open {
                source: *source,
                challenge,
                typed: Default::default(),
                at: 0,
                mistake: None,
            })),
            (Self::Drawing(_), None) => Self::Source,
            _ => self.clone(),
        }
    }

    /// Takes a key.
    pub fn pressed(&mut self, of: Of, key: Key, digest: &Digest) -> Then {
        match (&mut *self, key) {
            (Self::Closed, Key::Enter) => *self = Self::Source,
            (Self::Met(_), Key::Enter) => return Then::GoOn,
            (Self::Source, key) => {
                if let Some(source) = chosen(of, key) {
                    *self = Self::Drawing(source);
                    return Then::Draw;
                }
                if key == Key::Escape {
                    *self = Self::Closed;
                }
            }
            (Self::Differs(..), Key::Enter) => *self = Self::Source,
            (Self::Open(_), Key::Escape) => *self = Self::Closed,
            (Self::Open(open), Key::Enter | Key::Tab | Key::Down) if open.at + 1 < Challenge::GROUPS => open.at += 1,
            (Self::Open(open), Key::Up) => open.at = open.at.saturating_sub(1),
            (Self::Open(open), Key::Enter) => {
                if let Some(judged) = open.judged(digest) {
                    *self = judged;
                }
            }
            (Self::Open(open), key) => {
                if let Some(field) = open.typed.get_mut(open.at) {
                    field.press(key);
                    open.mistake = None;
                }
            }
            _ => {}
        }
        Then::Stay
    }
}

impl Open {
    /// Whether every line is the group asked for of this digest.
    pub fn is_of(&self, digest: &Digest) -> bool {
        let mut groups = self.challenge.groups(digest).zip(&self.typed);
        groups.all(|(group, field)| group.compare(field.text()).is_ok())
    }

    /// Compares all six; a line that is no group at all is pointed out instead, which tells nothing of the digest.
    fn judged(&mut self, digest: &Digest) -> Option<Challenged> {
        let mut differ = 0;
        for (line, (field, group)) in self.typed.iter().zip(self.challenge.groups(digest)).enumerate() {
            match group.compare(field.text()) {
                Ok(()) => {}
                Err(TypedError::Different { .. }) => differ += 1,
                Err(mistake) => {
                    self.at = line;
                    self.mistake = Some((line, mistake));
                    return None;
                }
            }
        }
        Some(if differ == 0 { Challenged::Met(self.source) } else { Challenged::Differs(self.source, differ) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(random: &[u8; 32]) -> Challenged {
        let mut challenged = Challenged::Closed;
        let digest = Digest::of(b"abc");
        assert_eq!(challenged.pressed(Of::Medium, Key::Enter, &digest), Then::Stay);
        assert_eq!(challenged.pressed(Of::Medium, Key::Char('2'), &digest), Then::Draw);
        challenged.drew(random)
    }

    fn random() -> [u8; 32] {
        *Digest::of(b"drawn").bytes()
    }

    fn type_all(challenged: &mut Challenged, digest: &Digest, mut spell: impl FnMut(usize, String) -> String) -> Then {
        let Challenged::Open(open) = &*challenged else { panic!("{challenged:?}") };
        let groups: Vec<String> = open.challenge.groups(digest).map(|group| group.to_string()).collect();
        let mut then = Then::Stay;
        for (at, group) in groups.into_iter().enumerate() {
            for typed in spell(at, group).chars() {
                challenged.pressed(Of::Medium, Key::Char(typed), digest);
            }
            then = challenged.pressed(Of::Medium, Key::Enter, digest);
        }
        then
    }

    #[test]
    fn the_right_groups_in_any_case_meet_it() {
        let digest = Digest::of(b"abc");
        let mut challenged = open(&random());
        assert!(challenged.hides_digest());
        type_all(&mut challenged, &digest, |_, group| format!(" {}", group.to_uppercase()));
        assert_eq!(challenged, Challenged::Met(Source::Phone));
        assert!(!challenged.hides_digest());
        assert_eq!(challenged.pressed(Of::Medium, Key::Enter, &digest), Then::GoOn);
    }

    #[test]
    fn groups_of_another_digest_are_refused_and_drawn_anew() {
        let digest = Digest::of(b"abc");
        let mut challenged = open(&random());
        type_all(&mut challenged, &digest, |at, group| if at == 3 { "0000".into() } else { group });
        assert_eq!(challenged, Challenged::Differs(Source::Phone, 1));
        assert!(challenged.hides_digest());
        challenged.pressed(Of::Medium, Key::Enter, &digest);
        assert_eq!(challenged, Challenged::Source);
        assert!(challenged.hides_digest());
    }

    #[test]
    fn a_line_that_is_no_group_is_pointed_out_before_anything_is_compared() {
        let digest = Digest::of(b"abc");
        let mut challenged = open(&random());
        type_all(&mut challenged, &digest, |at, group| if at == 1 { "12".into() } else { group });
        let Challenged::Open(open) = &challenged else { panic!("{challenged:?}") };
        assert_eq!(open.mistake, Some((1, TypedError::Length { expected: 2, found: 1 })));
        assert_eq!(open.at, 1);
    }

    #[test]
    fn randomness_that_stands_still_opens_nothing() {
        assert_eq!(open(&[0; 32]), Challenged::Source);
    }
}

//! The digest challenge: the digest is hidden while a witness types six groups of it from a copy of their own, and with
//! the plan's two of the script that it compiles to.

pub use conclave_ceremony::event::Source;
use conclave_publish::Challenge;
use conclave_publish::{Digest, Group, TypedError};

use crate::field::Field;
use crate::key::Key;

/// The thing that a digest is of.
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
    /// Hidden: the typed groups are not of this digest.
    Differs(Source, Differ),
    /// Met.
    Met(Source),
}

/// Groups asked for of the script's digest, so that the room notices an appliance that compiled another script.
const OF_SCRIPT: usize = 2;

/// The digests that a challenge compares with.
#[derive(Clone, Copy, Debug)]
pub struct Digests {
    /// Of the medium, of the plan, or the head of an entry.
    pub own: Digest,
    /// Of the script, where it is a plan's.
    pub script: Option<Digest>,
}

impl From<Digest> for Digests {
    fn from(own: Digest) -> Self {
        Self { own, script: None }
    }
}

/// How many of the typed groups are others than those asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differ {
    /// Of the digest.
    pub own: usize,
    /// Of the script's digest.
    pub script: usize,
}

/// A challenge while it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// Where the copy comes from.
    pub source: Source,
    /// Which groups of the digest are asked for.
    pub own: Challenge,
    /// Which groups of the script's digest are asked for after those, where it is a plan's.
    pub script: Option<Challenge>,
    /// One line for each, in the order asked.
    pub typed: Vec<Field>,
    /// The line keys go to.
    pub at: usize,
    /// The mistake in a typed line, before anything is compared.
    pub mistake: Option<(usize, TypedError)>,
}

/// The result of a key.
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
    pub fn drew(&self, of: Of, random: &[u8; 32]) -> Self {
        match self {
            Self::Drawing(source) => {
                Open::draw(*source, of, random).map_or(Self::Source, |open| Self::Open(Box::new(open)))
            }
            Self::Closed | Self::Source | Self::Open(_) | Self::Differs(..) | Self::Met(_) => self.clone(),
        }
    }

    /// Takes a key.
    pub fn pressed(&mut self, of: Of, key: Key, digests: &Digests) -> Then {
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
            (Self::Open(open), Key::Enter | Key::Tab | Key::Down) if open.at + 1 < open.typed.len() => open.at += 1,
            (Self::Open(open), Key::Up) => open.at = open.at.saturating_sub(1),
            (Self::Open(open), Key::Enter) => {
                if let Some(judged) = open.judged(digests) {
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
    /// The groups of the script are drawn from the digest of the random bytes that the other groups are drawn from.
    fn draw(source: Source, of: Of, random: &[u8; 32]) -> Option<Self> {
        let own = Challenge::draw(Challenge::GROUPS, random)?;
        let script = match of {
            Of::Plan => Some(Challenge::draw(OF_SCRIPT, Digest::of(random).bytes())?),
            Of::Medium | Of::Head => None,
        };
        let lines = own.positions().len() + script.as_ref().map_or(0, |script| script.positions().len());
        Some(Self { source, own, script, typed: vec![Field::default(); lines], at: 0, mistake: None })
    }

    /// The groups that answer it, in the order asked.
    pub fn groups(&self, digests: &Digests) -> impl Iterator<Item = Group> {
        let script = self.script.as_ref().zip(digests.script.as_ref());
        self.own.groups(&digests.own).chain(script.into_iter().flat_map(|(script, digest)| script.groups(digest)))
    }

    /// Whether every line is the group asked for.
    pub fn is_of(&self, digests: &Digests) -> bool {
        let mut groups = self.groups(digests);
        self.typed.iter().all(|field| groups.next().is_some_and(|group| group.compare(field.text()).is_ok()))
    }

    /// Compares every line. A line that is no group at all is pointed out instead, which tells nothing of the digest.
    fn judged(&mut self, digests: &Digests) -> Option<Challenged> {
        let groups: Vec<Group> = self.groups(digests).collect();
        let own = self.own.positions().len();
        // A script without a digest to compare with is met by no line.
        let mut differ = Differ { own: 0, script: self.typed.len().saturating_sub(groups.len()) };
        for (line, (field, group)) in self.typed.iter().zip(groups).enumerate() {
            match group.compare(field.text()) {
                Ok(()) => {}
                Err(TypedError::Different { .. }) if line < own => differ.own += 1,
                Err(TypedError::Different { .. }) => differ.script += 1,
                Err(mistake) => {
                    self.at = line;
                    self.mistake = Some((line, mistake));
                    return None;
                }
            }
        }
        let met = differ == Differ::default();
        Some(if met { Challenged::Met(self.source) } else { Challenged::Differs(self.source, differ) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: usize = 6;

    fn digests(of: Of) -> Digests {
        let script = matches!(of, Of::Plan).then(|| Digest::of(b"a script"));
        Digests { own: Digest::of(b"abc"), script }
    }

    fn open(of: Of, random: &[u8; 32]) -> Challenged {
        let mut challenged = Challenged::Closed;
        assert_eq!(challenged.pressed(of, Key::Enter, &digests(of)), Then::Stay);
        assert_eq!(challenged.pressed(of, Key::Char('2'), &digests(of)), Then::Draw);
        challenged.drew(of, random)
    }

    fn random() -> [u8; 32] {
        *Digest::of(b"drawn").bytes()
    }

    fn type_all(challenged: &mut Challenged, of: Of, mut spell: impl FnMut(usize, String) -> String) -> usize {
        let Challenged::Open(open) = &*challenged else { panic!("{challenged:?}") };
        let groups: Vec<String> = open.groups(&digests(of)).map(|group| group.to_string()).collect();
        let lines = groups.len();
        for (at, group) in groups.into_iter().enumerate() {
            for typed in spell(at, group).chars() {
                challenged.pressed(of, Key::Char(typed), &digests(of));
            }
            challenged.pressed(of, Key::Enter, &digests(of));
        }
        lines
    }

    #[test]
    fn the_right_groups_in_any_case_meet_it() {
        for (of, lines) in [(Of::Medium, 6), (Of::Plan, 8), (Of::Head, 6)] {
            let mut challenged = open(of, &random());
            assert!(challenged.hides_digest());
            assert_eq!(type_all(&mut challenged, of, |_, group| format!(" {}", group.to_uppercase())), lines);
            assert_eq!(challenged, Challenged::Met(Source::Phone));
            assert!(!challenged.hides_digest());
            assert_eq!(challenged.pressed(of, Key::Enter, &digests(of)), Then::GoOn);
        }
    }

    #[test]
    fn groups_of_another_digest_are_refused_and_drawn_again() {
        for (of, other, differ) in [
            (Of::Medium, 3, Differ { own: 1, script: 0 }),
            (Of::Plan, 3, Differ { own: 1, script: 0 }),
            (Of::Plan, SCRIPT, Differ { own: 0, script: 1 }),
            (Of::Plan, SCRIPT + 1, Differ { own: 0, script: 1 }),
        ] {
            let mut challenged = open(of, &random());
            type_all(&mut challenged, of, |at, group| if at == other { "0000".into() } else { group });
            assert_eq!(challenged, Challenged::Differs(Source::Phone, differ));
            assert!(challenged.hides_digest());
            challenged.pressed(of, Key::Enter, &digests(of));
            assert_eq!(challenged, Challenged::Source);
            assert!(challenged.hides_digest());
        }
    }

    #[test]
    fn a_plan_without_a_script_is_not_met() {
        let mut challenged = open(Of::Plan, &random());
        let own = Digests { script: None, ..digests(Of::Plan) };
        let Challenged::Open(open) = &mut challenged else { panic!("{challenged:?}") };
        let groups: Vec<Group> = open.groups(&digests(Of::Plan)).collect();
        for (field, group) in open.typed.iter_mut().zip(groups) {
            for typed in group.to_string().chars() {
                field.press(Key::Char(typed));
            }
        }
        assert!(!open.is_of(&own) && open.is_of(&digests(Of::Plan)));
        assert_eq!(open.judged(&own), Some(Challenged::Differs(Source::Phone, Differ { own: 0, script: 2 })));
    }

    #[test]
    fn a_line_that_is_no_group_is_pointed_out_before_anything_is_compared() {
        let mut challenged = open(Of::Medium, &random());
        type_all(&mut challenged, Of::Medium, |at, group| if at == 1 { "12".into() } else { group });
        let Challenged::Open(open) = &challenged else { panic!("{challenged:?}") };
        assert_eq!(open.mistake, Some((1, TypedError::Length { expected: 2, found: 1 })));
        assert_eq!(open.at, 1);
    }

    #[test]
    fn randomness_that_stands_still_opens_nothing() {
        for of in [Of::Medium, Of::Plan] {
            assert_eq!(open(of, &[0; 32]), Challenged::Source);
        }
    }
}

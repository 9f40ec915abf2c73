//! The head that a witness wrote down before the power failed. It shows that the logs were not cut back since.

use conclave_ceremony::entry::Head;

use crate::key::Key;
use crate::preflight::challenge::{Challenged, Of, Source, Then};

/// The question for a head, and the heads of the record it may be.
pub struct Written {
    /// How far the question is.
    pub challenged: Challenged,
    /// A head was typed that the record does not hold. Then a head was written down, and saying otherwise is no way
    /// out.
    pub differed: bool,
    /// Only one log drive came back: the other one is lost.
    pub alone: bool,
    heads: Vec<Head>,
    entry: Option<u64>,
}

impl Written {
    /// Asks for one of these heads, those of every entry in order.
    pub fn among(heads: Vec<Head>) -> Self {
        Self { challenged: Challenged::Closed, differed: false, alone: false, heads, entry: None }
    }

    /// Entries of the record.
    pub fn entries(&self) -> usize {
        self.heads.len()
    }

    /// The entry with the typed head. `None` until it is typed, and if no person had written a head down.
    pub fn entry(&self) -> Option<u64> {
        self.entry
    }

    /// Takes a key.
    pub fn pressed(&mut self, key: Key) -> Then {
        if self.challenged == Challenged::Source && key == Key::Char('3') {
            if !self.differed {
                self.challenged = Challenged::Met(Source::Nobody);
            }
            return Then::Stay;
        }
        // The six groups are of any entry's head, so they are compared with the one that they fit, or with the last.
        let fitting = match &self.challenged {
            Challenged::Open(open) => self.heads.iter().position(|head| open.is_of(&(*head).into())),
            _ => None,
        };
        let Some(head) = fitting.map_or(self.heads.last(), |at| self.heads.get(at)).copied() else { return Then::Stay };
        let then = self.challenged.pressed(Of::Head, key, &head.into());
        match self.challenged {
            Challenged::Met(Source::Paper | Source::Phone | Source::Own) if fitting.is_some() => {
                self.entry = fitting.map(|at| at as u64);
            }
            Challenged::Differs(..) => self.differed = true,
            Challenged::Closed
            | Challenged::Source
            | Challenged::Drawing(_)
            | Challenged::Open(_)
            | Challenged::Met(_) => {}
        }
        then
    }
}

#[cfg(test)]
mod tests {
    use conclave_publish::Digest;

    use super::*;
    use crate::preflight::challenge::Differ;

    fn heads() -> Vec<Head> {
        (0..9_u8).map(|entry| Digest::of(&[entry])).collect()
    }

    /// Draws six groups and types those of this digest.
    fn typed(written: &mut Written, digest: &Digest) {
        assert_eq!(written.pressed(Key::Char('1')), Then::Draw);
        written.challenged = written.challenged.drew(Of::Head, Digest::of(b"drawn").bytes());
        let Challenged::Open(open) = &written.challenged else { panic!("{:?}", written.challenged) };
        let groups: Vec<String> = open.groups(&(*digest).into()).map(|group| group.to_string()).collect();
        for group in groups {
            group
                .chars()
                .map(Key::Char)
                .chain([Key::Enter])
                .for_each(|key| assert_ne!(written.pressed(key), Then::GoOn));
        }
    }

    fn asked() -> Written {
        let mut written = Written::among(heads());
        assert_eq!(written.pressed(Key::Enter), Then::Stay);
        written
    }

    #[test]
    fn the_head_of_any_entry_is_found_and_its_entry_named() {
        for (entry, head) in (0..).zip(heads()) {
            let mut written = asked();
            typed(&mut written, &head);
            assert_eq!((&written.challenged, written.entry()), (&Challenged::Met(Source::Paper), Some(entry)));
            assert_eq!(written.pressed(Key::Enter), Then::GoOn);
        }
    }

    #[test]
    fn a_head_of_no_entry_is_refused_and_then_nobody_is_no_answer_until_the_right_one_is_typed() {
        let mut written = asked();
        typed(&mut written, &Digest::of(b"an entry that was cut off"));
        assert!(
            matches!(written.challenged, Challenged::Differs(Source::Paper, Differ { own: 6, script: 0 })),
            "{:?}",
            written.challenged
        );
        written.pressed(Key::Enter);
        written.pressed(Key::Char('3'));
        assert_eq!((&written.challenged, written.entry()), (&Challenged::Source, None));
        typed(&mut written, &heads()[4]);
        assert_eq!(written.entry(), Some(4));
    }

    #[test]
    fn that_nobody_wrote_one_down_is_an_answer_and_names_no_entry() {
        let mut written = asked();
        written.pressed(Key::Char('3'));
        assert_eq!((&written.challenged, written.entry()), (&Challenged::Met(Source::Nobody), None));
        assert_eq!(written.pressed(Key::Enter), Then::GoOn);
    }
}

//! An unfinished rehearsal, as it lies in its folder: the facts, besides tokens and drives, with which it is taken up
//! again.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use conclave_ceremony::plan::Plan;
use conclave_publish::{Digest, FileName, Manifest};
use conclave_sim::card::Card;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::state::Kept;
use thiserror::Error;

use super::folder::LIST;
use super::left::{Files, inside, token_file};
use crate::random;

/// The file.
pub(super) const UNFINISHED: &str = "unfinished.txt";
/// Its first line.
const FORMAT: &str = "conclave rehearsal, unfinished; what stands on the papers follows";
const HANDS: &str = "typed by hand";
const ROBOT: &str = "typed by the machine";

/// The facts with which a rehearsal is taken up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Whether a person typed.
    pub(super) hands: bool,
    /// The program in place of the image: the one it began with.
    pub(super) program: Digest,
    /// The papers that the machine wrote for everybody, each by its use.
    ///
    /// Secret: PINs and passphrases of simulated tokens, worth nothing.
    pub(super) papers: BTreeMap<String, String>,
}

/// Everything on the table of a rehearsal that is taken up.
pub struct TakenUp {
    pub(super) drives: Vec<Files>,
    pub(super) tokens: Vec<Card>,
    pub(super) unfinished: Unfinished,
}

/// Why a rehearsal is not taken up.
#[derive(Debug, Error)]
pub enum NotTakenUp {
    /// There is none.
    #[error("{} holds no unfinished rehearsal: leave out --resume to begin one, or name its folder with --folder", .0.display())]
    Nothing(PathBuf),
    /// Another program began it.
    #[error(
        "it began with another build of this program (SHA-256 {began}), and its record takes no other, as with an image; begin \
         another without --resume"
    )]
    OtherProgram {
        /// The build it began with.
        began: Digest,
    },
    /// The papers that people wrote are not known.
    #[error("it was typed by hand, and its papers are not here: add --hands")]
    ByHand,
    /// A file is not as in the list.
    #[error("{}: not as the rehearsal left it: it cannot be taken up", .0.display())]
    Changed(PathBuf),
}

impl Unfinished {
    /// The file.
    pub fn to_text(&self) -> String {
        let typed = if self.hands { HANDS } else { ROBOT };
        let papers = self.papers.iter().map(|(what, secret)| format!("{what}\t{secret}\n"));
        [format!("{FORMAT}\n{typed}\n{}\n", self.program)].into_iter().chain(papers).collect()
    }

    /// Reads the file; `None` if it is not letter by letter as written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let hands = match (lines.next()?, lines.next()?) {
            (FORMAT, HANDS) => true,
            (FORMAT, ROBOT) => false,
            _ => return None,
        };
        let program = lines.next()?.parse().ok()?;
        let paper = |line: &str| line.split_once('\t').map(|(what, secret)| (what.to_owned(), secret.to_owned()));
        let unfinished = Self { hands, program, papers: lines.map(paper).collect::<Option<_>>()? };
        // A paper twice, or out of order.
        (unfinished.to_text() == text).then_some(unfinished)
    }

    /// Reads the file of a folder about itself; `program` is the running one.
    ///
    /// Errors: there is nothing to take up, or it cannot be taken up with this program or without the people of its
    /// beginning.
    pub(super) fn of(folder: &Path, program: Digest, hands: bool) -> Result<Self, NotTakenUp> {
        let path = folder.join(UNFINISHED);
        let text = fs::read_to_string(&path).map_err(|_| NotTakenUp::Nothing(folder.to_owned()))?;
        let unfinished = Self::parse(&text).ok_or(NotTakenUp::Changed(path))?;
        if unfinished.program != program {
            return Err(NotTakenUp::OtherProgram { began: unfinished.program });
        }
        if unfinished.hands && !hands {
            return Err(NotTakenUp::ByHand);
        }
        Ok(unfinished)
    }

    /// Takes the drives and tokens of the plan out of the folder.
    ///
    /// Errors: a file is missing or another.
    pub(super) fn take_up(self, folder: &Path, plan: &Plan) -> Result<TakenUp, Box<dyn Error>> {
        let list = folder.join(LIST);
        let items = Manifest::parse(&fs::read(&list)?).map_err(|_| NotTakenUp::Changed(list))?;
        let mut drives = vec![Files::new(); plan.drives.len()];
        for item in items.items() {
            let path = folder.join(item.name.as_str());
            let changed = || NotTakenUp::Changed(path.clone());
            let (of, name) = item.name.as_str().split_once('/').ok_or_else(changed)?;
            let place =
                plan.drives.iter().zip(1..).position(|(drive, number)| inside(number, drive.name.as_str()) == of);
            let files = place.and_then(|place| drives.get_mut(place)).ok_or_else(changed)?;
            let bytes = fs::read(&path)?;
            if Digest::of(&bytes) != item.digest {
                return Err(changed().into());
            }
            files.insert(FileName::new(name.as_bytes())?, bytes);
        }
        let token = |path: PathBuf| -> Result<Card, Box<dyn Error>> {
            let kept = Kept::open(&path, Randomness::seeded(random::bytes()?), RsaSource::Generated)?;
            Ok(kept.token().card().clone())
        };
        let paths = plan.tokens.iter().map(|planned| token_file(folder, planned.serial.as_str()));
        Ok(TakenUp { drives, tokens: paths.map(token).collect::<Result<_, _>>()?, unfinished: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfinished(hands: bool) -> Unfinished {
        let papers = [("PIN of SAFIRE-1", "123456"), ("passphrase 1", "one two three")];
        let papers = papers.map(|(what, secret)| (what.to_owned(), secret.to_owned())).into();
        Unfinished { hands, program: Digest::of(b"abc"), papers }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let digest = Digest::of(b"abc").to_string();
        for hands in [true, false] {
            let text = unfinished(hands).to_text();
            assert_eq!(Unfinished::parse(&text), Some(unfinished(hands)));
            for (changed, defect) in [
                (String::new(), "nothing"),
                (text.replace(FORMAT, "conclave rehearsal"), "another first line"),
                (text.replace("typed", "wished"), "typed by nobody"),
                (text.replacen("ba", "b", 1), "a digest too short"),
                (text.replacen('\t', " ", 1), "a paper for nothing"),
                (text.trim_end().to_owned(), "cut off"),
                (format!("{text}\n"), "a line more"),
                (format!("{text}PIN of SAFIRE-1\t654321\n"), "a paper twice"),
                (text.replace(&digest, &digest.to_uppercase()), "a digest in capitals"),
            ] {
                assert_eq!(Unfinished::parse(&changed), None, "{defect}");
            }
        }
    }

    #[test]
    fn it_is_taken_up_by_the_program_and_the_hands_that_began() {
        let folder = std::env::temp_dir().join(format!("conclave-unfinished-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let of = |text: Option<&str>, program: &[u8], hands| {
            let _ = fs::remove_file(folder.join(UNFINISHED));
            if let Some(text) = text {
                fs::write(folder.join(UNFINISHED), text).unwrap();
            }
            Unfinished::of(&folder, Digest::of(program), hands)
        };
        let (by_hand, by_robot) = (unfinished(true).to_text(), unfinished(false).to_text());
        assert!(matches!(of(None, b"abc", true), Err(NotTakenUp::Nothing(_))));
        assert!(matches!(of(Some("x"), b"abc", true), Err(NotTakenUp::Changed(_))));
        assert!(matches!(of(Some(&by_hand), b"other", true), Err(NotTakenUp::OtherProgram { .. })));
        assert!(matches!(of(Some(&by_hand), b"abc", false), Err(NotTakenUp::ByHand)));
        assert_eq!(of(Some(&by_hand), b"abc", true).unwrap(), unfinished(true));
        // A person can go on with the papers that the machine wrote for everybody: they are in the file.
        assert_eq!(of(Some(&by_robot), b"abc", true).unwrap(), unfinished(false));
        let _ = fs::remove_dir_all(&folder);
    }
}

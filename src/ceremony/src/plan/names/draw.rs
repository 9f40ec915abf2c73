//! Random bytes for lines that have a name only.

use core::fmt::Write as _;

use super::{Found, Refusal, digest, table, text, written};
use crate::plan::refusal::Source;
use crate::public::Octets;

/// A file of names with random bytes on every line, and the table of the plan for it.
pub struct Drawn {
    /// The file: as it was, with random bytes on the lines that had none.
    pub file: String,
    /// How many lines got theirs now.
    pub new: usize,
    /// The table `[names]` of the plan, LF line ends.
    pub table: String,
}

/// Draws the random bytes that are missing in a file of names: a line `id = "name"` becomes one with 32 random bytes. A
/// line that has its bytes, from an earlier ceremony, keeps them, and with them its digest.
///
/// **Errors**: the error that `random` gives; in `Ok`, every refusal of the lines as they are.
pub fn draw<E>(
    bytes: &[u8],
    mut random: impl FnMut() -> Result<[u8; 32], E>,
) -> Result<Result<Drawn, Vec<Refusal>>, E> {
    let text = match text(Source::Names, bytes) {
        Ok(text) => text,
        Err(refusal) => return Ok(Err(vec![*refusal])),
    };
    let mut found = Found::new(text);
    let lines = match written(&mut found) {
        Ok(lines) => lines,
        Err(refusals) => return Ok(Err(refusals)),
    };
    let refusals = found.sorted();
    if !refusals.is_empty() {
        return Ok(Err(refusals));
    }
    let (mut file, mut from, mut new) = (String::new(), 0, 0);
    let mut digests = Vec::new();
    for line in &lines {
        let bytes = match line.random {
            Some(bytes) => bytes,
            None => {
                let bytes = random()?;
                // The name stays as its author wrote it.
                let name = text.get(line.at.clone()).unwrap_or_default();
                file.push_str(text.get(from..line.at.start).unwrap_or_default());
                // Writing to a string does not fail.
                let _ = write!(file, "{{ name = {name}, random = \"{}\" }}", Octets(bytes));
                (from, new) = (line.at.end, new + 1);
                bytes
            }
        };
        digests.push((&line.id, digest(&bytes, &line.name)));
    }
    file.push_str(text.get(from..).unwrap_or_default());
    Ok(Ok(Drawn { file, new, table: table(digests.into_iter()) }))
}

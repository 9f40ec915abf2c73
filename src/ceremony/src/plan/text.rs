//! The bytes of a plan as text, and text as refusals quote it.

use conclave_publish::Plain;

use super::refusal::Source;
use super::{Refusal, Rule};
use crate::alike::shows_nothing;

/// Most bytes of a plan, and of its names.
pub const LEN_MAX: usize = 65_536;

/// Most characters of a value that a refusal quotes.
const QUOTED_MAX: usize = 60;

/// The text of a file whose bytes no editor and no system reads otherwise.
pub(super) fn text(of: Source, bytes: &[u8]) -> Result<&str, Box<Refusal>> {
    let refuse = |at: usize, expected: &str, found: String, do_now: &str| {
        let line = bytes.get(..at).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        Box::new(Refusal {
            of,
            rule: Rule::Bytes,
            line: u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1),
            expected: expected.to_owned(),
            found,
            do_now: do_now.to_owned(),
        })
    };
    if bytes.len() > LEN_MAX {
        let found = format!("{} bytes", bytes.len());
        return Err(refuse(0, "at most 65536 bytes", found, "Shorten the comments."));
    }
    let text = core::str::from_utf8(bytes).map_err(|error| {
        let found = "bytes that are not UTF-8".to_owned();
        refuse(error.valid_up_to(), "UTF-8 text", found, "Save the file as UTF-8 without a byte-order mark.")
    })?;
    let unfit = |c: &char| shows_nothing(*c) && *c != '\n';
    match text.char_indices().find(|(_, c)| unfit(c)) {
        Some((at, '\r')) => Err(refuse(
            at,
            "lines that end in LF alone",
            "a carriage return: an editor changed the line ends, and with them the digest".to_owned(),
            "Save the file with Unix line ends; of a plan, agree on the digest anew.",
        )),
        Some((at, '\u{feff}')) => Err(refuse(
            at,
            "UTF-8 without a byte-order mark",
            "a byte-order mark (U+FEFF), which an editor puts at the beginning and does not show".to_owned(),
            "Save the file as UTF-8 without a byte-order mark (BOM); of a plan, agree on the digest anew.",
        )),
        Some((at, found)) => Err(refuse(
            at,
            "characters that show as themselves, no tabs",
            format!("U+{:04X}", found as u32),
            "Take it out; indent with spaces.",
        )),
        None => Ok(text),
    }
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> u32 {
    let before = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

/// A file that the TOML reader does not take.
pub(super) fn toml_refused(of: Source, text: &str, error: &toml::de::Error, expected: &str) -> Refusal {
    let at = error.span().map_or(0, |span| span.start);
    let (found, do_now) = dressed_up(text, at).unwrap_or_else(|| {
        (quoted_words(error.message()), "Correct the line; docs/plans has examples with every key.")
    });
    let (expected, do_now) = (expected.to_owned(), do_now.to_owned());
    Refusal { of, rule: Rule::Toml, line: line_of(text, at), expected, found, do_now }
}

/// Words of the TOML reader, which quote names as they are: one line, bounded, nothing that acts on a screen.
fn quoted_words(words: &str) -> String {
    Plain(words.replace('\n', " ")).to_string().chars().take(4 * QUOTED_MAX).collect()
}

/// A character that an office program put where TOML has a plain one, in the line that is no TOML.
///
/// Shape: the character that stands there, in words, and the one to be typed instead.
fn dressed_up(text: &str, at: usize) -> Option<(String, &'static str)> {
    let begin = text.get(..at)?.rfind('\n').map_or(0, |end| end.saturating_add(1));
    let line = text.get(begin..)?.lines().next()?;
    line.chars().find_map(|character| {
        let (name, instead) = match character {
            '“' | '”' | '„' | '‟' | '«' | '»' => ("a curly quote", "Type the straight quote \" instead."),
            '‘' | '’' | '‚' | '‛' => ("a curly quote", "Type the straight quote \" or ' instead."),
            '\u{a0}' | '\u{2007}' | '\u{202f}' => ("a space that does not break", "Type a plain space instead."),
            '–' | '—' | '−' | '‐' | '‑' => ("a dash", "Type the plain hyphen - instead."),
            _ => return None,
        };
        Some((format!("{name} (U+{:04X}), as office programs put it", u32::from(character)), instead))
    })
}

/// A value, escaped and bounded.
pub(super) fn quoted(value: &str) -> String {
    format!("{:?}", value.chars().take(QUOTED_MAX).collect::<String>())
}

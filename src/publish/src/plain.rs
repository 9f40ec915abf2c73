//! The one filter between words from outside and a terminal.
//!
//! A name, a label or a decoder's message may hold escape sequences that move the cursor, bidirectional controls that
//! turn the rest of the line around, or a line feed behind which the best verdict stands. All text that a program
//! repeats goes through here last, from every author.

use core::error::Error;
use core::fmt::{self, Write as _};
use std::ffi::OsString;

/// Words on one line in which nothing acts on a terminal: each character for which [`is_plain`] does not hold stands as
/// `\n`, `\t`, `\u{1b}`. Applied twice, it changes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain<T>(pub T);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Filter(f), "{}", self.0)
    }
}

/// A writer that filters the text it gets and writes it on.
struct Filter<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Filter<'_, '_> {
    fn write_str(&mut self, words: &str) -> fmt::Result {
        let mut from = 0;
        for (at, character) in words.char_indices().filter(|(_, character)| !is_plain(*character)) {
            self.0.write_str(words.get(from..at).unwrap_or_default())?;
            write!(self.0, "{}", escaped(character))?;
            from = at + character.len_utf8();
        }
        self.0.write_str(words.get(from..).unwrap_or_default())
    }
}

/// A character as an escape that always says which one it is.
fn escaped(character: char) -> impl fmt::Display {
    fmt::from_fn(move |f| match character {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        other => write!(f, "{}", other.escape_unicode()),
    })
}

/// Whether a character shows as itself and as nothing else: no control, format or bidirectional character, no combining
/// mark, no space but the one of ASCII, none that is not assigned, and no letter that looks like a space.
pub fn is_plain(character: char) -> bool {
    match character {
        ' '..='~' => true,
        // Letters and a symbol that are drawn as nothing: the fillers of Hangul, the empty pattern of Braille.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' => false,
        other => other.escape_debug().count() == 1,
    }
}

/// Text of several lines, each of them [`Plain`].
pub fn plain_lines(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        // Writing to a string does not fail.
        let _ = write!(plain, "{}{end}", Plain(line));
    }
    plain
}

/// A program's message about its command line. The message repeats the typed words: a line feed in a typed word begins
/// no line.
pub fn plain_usage(text: &str, typed: impl IntoIterator<Item = OsString>) -> String {
    let typed = typed.into_iter().map(|typed| typed.to_string_lossy().into_owned());
    let text = typed.fold(text.to_owned(), |text, typed| text.replace(&typed, &Plain(&typed).to_string()));
    plain_lines(&text)
}

/// An error with its causes, as a program ends with it: `PROGRAM: error`, then `because` and each cause. Lines after
/// the first are indented, so that no word from outside begins a line.
pub fn told(program: &str, error: &dyn Error) -> String {
    let mut text = format!("{program}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, "\nbecause {error}");
        cause = error.source();
    }
    plain_lines(&text.trim_end().replace('\n', "\n  ")) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_or_hides_is_shown_as_an_escape() {
        #[track_caller]
        fn check(words: &str, want: &str) {
            assert_eq!(Plain(words).to_string(), want);
            assert_eq!(Plain(want).to_string(), want);
        }
        check("Schlüssel 'a' \"b\" 鍵 C:\\x", "Schlüssel 'a' \"b\" 鍵 C:\\x");
        check("\u{1b}[2J\u{7}\r\nANCHORED\t.", r"\u{1b}[2J\u{7}\r\nANCHORED\t.");
        check("key\u{202e}gpj", r"key\u{202e}gpj");
        check("\u{2066}a\u{2069}\u{200f}\u{61c}", r"\u{2066}a\u{2069}\u{200f}\u{61c}");
        check("\u{9b}31m\u{7f}", r"\u{9b}31m\u{7f}");
        check("a\u{200b}b\u{feff}\u{ad}\u{180e}", r"a\u{200b}b\u{feff}\u{ad}\u{180e}");
        check("a\u{a0}b\u{3000}\u{2028}", r"a\u{a0}b\u{3000}\u{2028}");
        check("e\u{301}\u{fe0f}\u{e0041}", r"e\u{301}\u{fe0f}\u{e0041}");
        check("a\u{3164}\u{2800}", r"a\u{3164}\u{2800}");
        check("", "");
    }

    #[test]
    fn lines_stay_lines_and_what_is_in_them_is_filtered() {
        assert_eq!(plain_lines("a\n\u{1b}b\n\nc\r\n"), "a\n\\u{1b}b\n\nc\\r\n");
        assert_eq!(plain_lines(""), "");
    }

    #[test]
    fn what_was_typed_begins_no_line_where_it_is_repeated() {
        let typed = ["conclave", "a\nANCHORED.\u{1b}"].map(OsString::from);
        let text = "error: unexpected argument 'a\nANCHORED.\u{1b}' found\n\nUsage: conclave\n";
        let want = "error: unexpected argument 'a\\nANCHORED.\\u{1b}' found\n\nUsage: conclave\n";
        assert_eq!(plain_usage(text, typed), want);
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_none_of_its_lines_begins_like_the_programs_own() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read a\u{1b}b\nANCHORED.")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("inner\nconclave: fine")]
        struct Inner;
        let want = "conclave: cannot read a\\u{1b}b\n  ANCHORED.\n  because inner\n  conclave: fine\n";
        assert_eq!(told("conclave", &Outer(Inner)), want);
    }
}

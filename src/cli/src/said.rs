//! The output: all of it goes through the one filter, [`conclave_publish::plain_lines`]. No other file here writes to
//! standard output or standard error but the one that draws a rehearsal; `tests/architecture` asks.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, StderrLock, StdoutLock, Write};
use std::process::ExitCode;

use conclave_publish::{is_plain, plain_lines, plain_usage, told};
use serde::Serialize;

/// Standard output or standard error behind the filter.
#[derive(Debug)]
pub struct Out<W>(W);

/// Standard output, locked until it is dropped.
pub fn out() -> Out<StdoutLock<'static>> {
    Out(io::stdout().lock())
}

/// Standard error, locked until it is dropped.
pub fn err() -> Out<StderrLock<'static>> {
    Out(io::stderr().lock())
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.write_all(plain_lines(&String::from_utf8_lossy(text)).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A value as JSON for programs, in which no character acts on the terminal it may be shown in.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = String::new();
    for character in serde_json::to_string_pretty(value)?.chars() {
        if character == '\n' || is_plain(character) {
            text.push(character);
        } else {
            // Outside ASCII, and at DEL, JSON has only characters within a string.
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{unit:04x}");
            });
        }
    }
    text.push('\n');
    Ok(text)
}

/// Ends as the command line was not understood, or as help or version were asked for.
pub fn usage(error: &clap::Error) -> ExitCode {
    let text = plain_usage(&error.render().to_string(), std::env::args_os());
    // A failure here cannot be told to any person.
    let _ = match error.use_stderr() {
        true => err().write_all(text.as_bytes()),
        false => out().write_all(text.as_bytes()),
    };
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX))
}

/// Ends a program of this name with its exit code, or with its error in words.
pub fn ended(program: &str, result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        // A failure here cannot be told to any person.
        let _ = err().write_all(told(program, error.as_ref()).as_bytes());
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_the_same_and_acts_on_no_terminal() {
        let hostile = "\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{e0041}\n\"\\é";
        let text = json(&[hostile]).unwrap();
        assert!(text.chars().all(|c| c == '\n' || is_plain(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&text).unwrap(), [hostile]);
    }
}

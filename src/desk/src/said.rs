//! The printed lines: all of them go through the one filter of `conclave_publish`. No other file here writes to
//! standard output or standard error; `tests/architecture` checks it.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use conclave_publish::{Plain, plain_lines, plain_usage};

/// A line about a finding or an action.
pub(crate) fn line(words: impl Display) -> Result<(), String> {
    writeln!(io::stdout().lock(), "{}", Plain(words)).map_err(|error| format!("standard output: {error}"))
}

/// A line that a person should know and nothing depends on.
pub(crate) fn aside(words: impl Display) {
    // An error here cannot be told to any person.
    let _ = writeln!(io::stderr().lock(), "{}", Plain(words));
}

/// A question; the answer is typed behind it.
pub(crate) fn ask(question: &str) -> io::Result<()> {
    let mut err = io::stderr().lock();
    write!(err, "{}", Plain(question))?;
    err.flush()
}

/// Ends as it failed.
pub(crate) fn failed(words: &str) -> ExitCode {
    // An error here cannot be told to any person.
    let _ = writeln!(io::stderr().lock(), "{}", plain_lines(words));
    ExitCode::FAILURE
}

/// Ends as the command line was not understood, or as help or version were asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let text = plain_usage(&error.render().to_string(), std::env::args_os());
    // An error here cannot be told to any person.
    let _ = match error.use_stderr() {
        true => io::stderr().lock().write_all(text.as_bytes()),
        false => io::stdout().lock().write_all(text.as_bytes()),
    };
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX))
}

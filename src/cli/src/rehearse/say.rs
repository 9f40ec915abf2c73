//! What the rehearsal tells the people in front of it.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

/// Numbers the steps, times them, and shows how far a long one is.
pub(super) struct Say {
    step: u32,
    began: Instant,
    shown: Option<u32>,
}

impl Say {
    pub(super) fn new() -> Self {
        Self { step: 0, began: Instant::now(), shown: None }
    }

    /// A step begins.
    pub(super) fn step(&mut self, what: &str) -> io::Result<()> {
        self.step += 1;
        self.began = Instant::now();
        writeln!(io::stdout(), "{:>2}. {what}", self.step)
    }

    /// How far it is, in hundredths. Shown on a terminal only: a log has no use for a line that is written over.
    pub(super) fn percent(&mut self, percent: u32) -> io::Result<()> {
        let mut out = io::stdout();
        if out.is_terminal() && self.shown != Some(percent) {
            self.shown = Some(percent);
            write!(out, "\r    {percent:>3} %")?;
            out.flush()?;
        }
        Ok(())
    }

    /// Something that was found or made on the way.
    pub(super) fn fact(&mut self, what: &str) -> io::Result<()> {
        let clear = if self.shown.take().is_some() { "\r" } else { "" };
        writeln!(io::stdout(), "{clear}    {what}")
    }

    /// The step is done.
    pub(super) fn done(&mut self, what: &str) -> io::Result<()> {
        let seconds = self.began.elapsed().as_secs_f64();
        self.fact(&format!("{what} ({seconds:.1} s)"))
    }
}

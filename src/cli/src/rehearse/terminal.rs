//! The terminal in place of a machine's screen and keyboard; where there is none, a line for each step.

use std::io::{self, IsTerminal, Stdout, Write};
use std::process;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crossterm::style::{Attribute, SetAttribute};
use crossterm::{ExecutableCommand, cursor, event, terminal};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Style;
use thiserror::Error;

use super::keys::{Typed, typed};

/// The machine's screen in characters: a text screen of a PC, the smallest the room draws on.
pub const SCREEN: Rect = Rect { x: 0, y: 0, width: 80, height: 25 };
/// Exit code of a rehearsal that was ended by Ctrl-C: what shells give to a program ended by SIGINT.
const STOPPED: i32 = 130;

/// Why a rehearsal cannot be shown.
#[derive(Debug, Error)]
pub enum TerminalError {
    /// Nothing fits on it.
    #[error(
        "this terminal has {columns} x {rows} characters; 80 x 25 are needed: make its window larger and start again"
    )]
    Small {
        /// Its columns.
        columns: u16,
        /// Its rows.
        rows: u16,
    },
    /// The system failed.
    #[error("the terminal cannot be used; with the output in a file or pipe, a line is printed for each step instead")]
    Io(#[from] io::Error),
}

/// Where a rehearsal is watched.
pub enum Watched {
    /// On a terminal, drawn.
    Drawn(Terminal),
    /// In a file or a pipe: a line for each step.
    Lines(Lines),
}

/// A line for each step.
#[derive(Default)]
pub struct Lines {
    last: String,
}

impl Lines {
    /// Reads which step a screen is of, and prints it if it is another than before.
    pub fn read(&mut self, rows: &[String]) -> io::Result<()> {
        match step(rows) {
            Some(step) if step != self.last => {
                self.last = step;
                writeln!(io::stdout().lock(), "{}", self.last)
            }
            _ => Ok(()),
        }
    }
}

impl Watched {
    /// Whether somebody watches it while it happens.
    pub fn drawn(&self) -> bool {
        matches!(self, Self::Drawn(_))
    }

    /// Shows the machine's screen as it is now.
    pub fn show(&mut self, screen: &Buffer) -> io::Result<()> {
        match self {
            Self::Drawn(terminal) => terminal.draw(screen),
            Self::Lines(lines) => lines.read(&rows(screen)),
        }
    }
}

/// Whether standard input and output are a terminal, which the machine's screen fits on.
///
/// Errors: it does not fit.
pub fn fits() -> Result<bool, TerminalError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Ok(false);
    }
    match terminal::size()? {
        (columns, rows) if columns < SCREEN.width || rows < SCREEN.height => {
            Err(TerminalError::Small { columns, rows })
        }
        _ => Ok(true),
    }
}

/// The rows of a screen as text.
pub fn rows(screen: &Buffer) -> Vec<String> {
    let row = |cells: &[Cell]| cells.iter().map(Cell::symbol).collect();
    screen.content.chunks(usize::from(screen.area.width).max(1)).map(row).collect()
}

/// The step under way, as the middle of a ceremony's screen names it.
fn step(rows: &[String]) -> Option<String> {
    let (_, step) = rows.get(2)?.split_once("Step ")?;
    let (number, name) = step.split_once(": ")?;
    Some(format!("{number:>3} {}", name.trim_end()))
}

/// A terminal that shows nothing but the machine's screen, until it is dropped.
pub struct Terminal {
    drawn: ratatui::Terminal<CrosstermBackend<Stdout>>,
    below: &'static str,
}

impl Terminal {
    /// Takes it over. `below` is said under the machine's screen, where there is room.
    pub(super) fn open(below: &'static str) -> Result<Self, TerminalError> {
        // Who panics says why on a screen that can be read.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
        terminal::enable_raw_mode()?;
        io::stdout().execute(terminal::EnterAlternateScreen)?;
        let mut drawn = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?;
        drawn.hide_cursor()?;
        Ok(Self { drawn, below })
    }

    /// What is typed from now on. Ctrl-C ends the program from whatever it does, and gives the terminal back.
    pub fn keys(&self) -> Receiver<Typed> {
        let (send, keys) = mpsc::channel();
        thread::spawn(move || {
            while let Ok(event) = event::read() {
                let Some(key) = typed(&event) else { continue };
                if key == Typed::Stop {
                    restore();
                    // Whoever pressed it sees the prompt again, whether this can be said or not.
                    let _ = writeln!(io::stderr(), "conclave: ended by Ctrl-C; nothing was kept");
                    process::exit(STOPPED);
                }
                if send.send(key).is_err() {
                    return;
                }
            }
        });
        keys
    }

    /// Shows the machine's screen.
    pub fn draw(&mut self, screen: &Buffer) -> io::Result<()> {
        let drawn = self.drawn.draw(|frame| {
            let (area, buffer) = (frame.area(), frame.buffer_mut());
            for place in screen.area.intersection(area).positions() {
                if let (Some(to), Some(from)) = (buffer.cell_mut(place), screen.cell(place)) {
                    to.clone_from(from);
                }
            }
            if area.height > screen.area.height {
                buffer.set_string(0, screen.area.height, self.below, Style::new());
            }
        });
        drawn.map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was. What fails here cannot be told to anybody.
fn restore() {
    let mut out = io::stdout();
    let _ = out.execute(SetAttribute(Attribute::Reset)).and_then(|out| out.execute(cursor::Show));
    let _ = out.execute(terminal::LeaveAlternateScreen);
    let _ = terminal::disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_from_the_middle_of_the_screen() {
        let rows = ["", "", " √  4 Plan                Step 5: Log LOG-A   ", "Step 9: no"].map(String::from);
        assert_eq!(step(&rows).as_deref(), Some("  5 Log LOG-A"));
        assert_eq!(step(&rows[..2]), None);
    }
}

//! The terminal in place of a machine's screen and keyboard; where there is none, a line for each step.

use std::io::{self, IsTerminal, Read, Write};
use std::process;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use conclave_room::view::console_number;
use conclave_sim::world::play::rows;
use crossterm::style::{Attribute, Color as Ansi, Print, SetAttribute, SetBackgroundColor, SetForegroundColor};
use crossterm::{QueueableCommand, cursor, terminal};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use thiserror::Error;
use zeroize::Zeroizing;

use super::keys::{Typed, typed};

/// The machine's screen in characters: a text screen of a PC, the smallest the room draws on.
pub const SCREEN: Rect = Rect { x: 0, y: 0, width: 80, height: 25 };
/// Exit code of a rehearsal that was ended by Ctrl-C: what shells give to a program ended by SIGINT.
const STOPPED: i32 = 130;
/// Most bytes taken from the keyboard at once.
const READ_LEN: usize = 256;

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

/// The step under way, as the middle of a ceremony's screen names it.
fn step(rows: &[String]) -> Option<String> {
    let (_, step) = rows.get(2)?.split_once("Step ")?;
    let (number, name) = step.split_once(": ")?;
    Some(format!("{number:>3} {}", name.trim_end()))
}

/// A terminal that shows nothing but the machine's screen, until it is dropped.
pub struct Terminal {
    drawn: Option<Buffer>,
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
        let mut out = io::stdout();
        out.queue(terminal::EnterAlternateScreen)?
            .queue(cursor::Hide)?
            .queue(terminal::Clear(terminal::ClearType::All))?;
        out.flush()?;
        Ok(Self { drawn: None, below })
    }

    /// What is typed from now on. Ctrl-C ends the program from whatever it does, and gives the terminal back.
    pub fn keys(&self) -> Receiver<Typed> {
        let (send, keys) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Zeroizing::new([0; READ_LEN]);
            while let Ok(len @ 1..) = io::stdin().read(bytes.as_mut_slice()) {
                for key in typed(bytes.get(..len).unwrap_or_default()) {
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
            }
        });
        keys
    }

    /// Shows the machine's screen, if it is another than before.
    pub fn draw(&mut self, screen: &Buffer) -> io::Result<()> {
        if self.drawn.as_ref() == Some(screen) {
            return Ok(());
        }
        let mut out = Vec::new();
        for (row, cells) in (0..).zip(screen.content.chunks(usize::from(screen.area.width).max(1))) {
            out.queue(cursor::MoveTo(0, row))?;
            paint(&mut out, cells)?;
        }
        out.queue(SetAttribute(Attribute::Reset))?;
        if terminal::size()?.1 > screen.area.height {
            let below = terminal::Clear(terminal::ClearType::UntilNewLine);
            out.queue(cursor::MoveTo(0, screen.area.height))?.queue(Print(self.below))?.queue(below)?;
        }
        let mut terminal = io::stdout().lock();
        terminal.write_all(&out)?;
        terminal.flush()?;
        self.drawn = Some(screen.clone());
        Ok(())
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
    let _ = out.queue(SetAttribute(Attribute::Reset)).and_then(|out| out.queue(cursor::Show));
    let _ = out.queue(terminal::LeaveAlternateScreen);
    let _ = out.flush();
    let _ = terminal::disable_raw_mode();
}

/// A row; colours are said where they change.
fn paint(out: &mut Vec<u8>, cells: &[Cell]) -> io::Result<()> {
    let mut last = None;
    for cell in cells {
        let look = (cell.fg, cell.bg, cell.modifier.contains(Modifier::BOLD));
        if last != Some(look) {
            let (fore, back, bold) = look;
            let weight = if bold { Attribute::Bold } else { Attribute::NormalIntensity };
            out.queue(SetAttribute(weight))?;
            out.queue(SetForegroundColor(ansi(fore)))?.queue(SetBackgroundColor(ansi(back)))?;
            last = Some(look);
        }
        out.queue(Print(cell.symbol()))?;
    }
    Ok(())
}

/// The sixteen colours of a console; the room draws with no others.
fn ansi(colour: Color) -> Ansi {
    console_number(colour).map_or(Ansi::Reset, Ansi::AnsiValue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_painted_with_each_colour_said_once() {
        let mut screen = Buffer::empty(Rect { width: 4, height: 1, ..SCREEN });
        screen.set_string(0, 0, "ab", ratatui::style::Style::new().fg(Color::White).bg(Color::Magenta));
        screen.set_string(2, 0, "cd", ratatui::style::Style::new().fg(Color::Black).bg(Color::Gray));
        let mut out = Vec::new();
        paint(&mut out, &screen.content).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert_eq!(said, "\x1b[22m\x1b[38;5;15m\x1b[48;5;5mab\x1b[22m\x1b[38;5;0m\x1b[48;5;7mcd");
        assert_eq!(rows(&screen), ["abcd"]);
    }

    #[test]
    fn a_step_is_read_from_the_middle_of_the_screen() {
        let rows = ["", "", " √  4 Plan                Step 5: Log LOG-A   ", "Step 9: no"].map(String::from);
        assert_eq!(step(&rows).as_deref(), Some("  5 Log LOG-A"));
        assert_eq!(step(&rows[..2]), None);
    }
}

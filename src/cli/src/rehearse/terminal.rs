//! The terminal in place of a machine's screen and keyboard; where there is none, a line for each step.

use std::io::{self, IsTerminal, Read, Write};
use std::process;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use conclave_console::view::console_number;
use conclave_sim::world::play::rows;
use crossterm::style::{Attribute, Color as Ansi, Print, SetAttribute, SetBackgroundColor, SetForegroundColor};
use crossterm::{QueueableCommand, cursor, terminal};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use thiserror::Error;
use zeroize::Zeroizing;

use super::keys::{Typed, typed};
use super::left::STOPPED;
use crate::said;

/// The machine's screen in characters: a text screen of a PC, the smallest the room draws on.
pub const SCREEN: Rect = Rect { x: 0, y: 0, width: 80, height: 25 };
/// Most bytes taken from the keyboard at once.
const READ_LEN: usize = 256;

/// Why a rehearsal cannot be shown: the system failed.
#[derive(Debug, Error)]
#[error("the terminal cannot be used; with the output in a file or pipe, a line is printed for each step instead")]
pub struct TerminalError(#[from] io::Error);

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
                writeln!(said::out(), "{}", self.last)
            }
            _ => Ok(()),
        }
    }
}

impl Watched {
    /// Whether the machine's screen is seen: its terminal is large enough, or there is none.
    pub fn fits(&self) -> io::Result<bool> {
        match self {
            Self::Drawn(_) => Ok(small(terminal::size()?).is_none()),
            Self::Lines(_) => Ok(true),
        }
    }

    /// Shows the machine's screen as it is now.
    pub fn show(&mut self, screen: &Buffer) -> io::Result<()> {
        match self {
            Self::Drawn(terminal) => terminal.draw(screen),
            Self::Lines(lines) => lines.read(&rows(screen)),
        }
    }
}

/// Whether standard input and output are a terminal.
pub fn there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The words on a terminal that is too small for the machine's screen.
fn small((columns, rows): (u16, u16)) -> Option<String> {
    (columns < SCREEN.width || rows < SCREEN.height).then(|| {
        format!(
            "This window has {columns} x {rows} characters, the machine's screen has {} x {}: make the window larger, and it \
             goes on.",
            SCREEN.width, SCREEN.height
        )
    })
}

/// The step under way, as the middle of a ceremony's screen names it.
fn step(rows: &[String]) -> Option<String> {
    let (_, step) = rows.get(2)?.split_once("Step ")?;
    let (number, name) = step.split_once(": ")?;
    Some(format!("{number:>3} {}", name.trim_end()))
}

/// A terminal that shows nothing but the machine's screen, until it is dropped.
pub struct Terminal {
    drawn: Option<(Buffer, (u16, u16))>,
    below: &'static str,
    short: &'static str,
}

impl Terminal {
    /// Takes it over. The first of `said` stands under the machine's screen where there is room, else the second on it.
    pub(super) fn open([below, short]: [&'static str; 2]) -> Result<Self, TerminalError> {
        // A panic prints its reason on a screen that can be read.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
        terminal::enable_raw_mode()?;
        let mut out = io::stdout();
        out.queue(terminal::EnterAlternateScreen)?.queue(cursor::Hide)?;
        out.flush()?;
        Ok(Self { drawn: None, below, short })
    }

    /// The keys from now on. A person who has pressed Ctrl-C and does not want to wait for the end of an act presses it
    /// once more: that ends the program at once, and gives the terminal back.
    pub fn keys(&self) -> Receiver<Typed> {
        let (send, keys) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Zeroizing::new([0; READ_LEN]);
            let mut stops = false;
            while let Ok(len @ 1..) = io::stdin().read(bytes.as_mut_slice()) {
                for key in typed(bytes.get(..len).unwrap_or_default()) {
                    if key == Typed::Stop && std::mem::replace(&mut stops, true) {
                        restore();
                        // Whoever pressed it sees the prompt again, whether this can be said or not.
                        let _ = writeln!(said::err(), "conclave: ended by a second Ctrl-C; nothing was kept");
                        process::exit(STOPPED.into());
                    }
                    if send.send(key).is_err() {
                        return;
                    }
                }
            }
        });
        keys
    }

    /// Shows the machine's screen, if it or the terminal is another than before; on a terminal it does not fit on,
    /// words.
    pub fn draw(&mut self, screen: &Buffer) -> io::Result<()> {
        let size = terminal::size()?;
        let as_before = |(drawn, of): &(Buffer, (u16, u16))| *of == size && drawn == screen;
        if self.drawn.as_ref().is_some_and(as_before) {
            return Ok(());
        }
        let mut out = Vec::new();
        if self.drawn.as_ref().is_none_or(|(_, of)| *of != size) {
            out.queue(SetAttribute(Attribute::Reset))?.queue(terminal::Clear(terminal::ClearType::All))?;
        }
        if let Some(words) = small(size) {
            out.queue(cursor::MoveTo(0, 0))?.queue(Print(words))?;
        } else {
            let mut shown = screen.clone();
            let below = size.1 > shown.area.height;
            if !below {
                say_on(&mut shown, self.short);
            }
            for (row, cells) in (0..).zip(shown.content.chunks(usize::from(shown.area.width).max(1))) {
                out.queue(cursor::MoveTo(0, row))?;
                paint(&mut out, cells)?;
            }
            out.queue(SetAttribute(Attribute::Reset))?;
            if below {
                out.queue(cursor::MoveTo(0, shown.area.height))?.queue(Print(self.below))?;
            }
        }
        let mut terminal = io::stdout().lock();
        terminal.write_all(&out)?;
        terminal.flush()?;
        self.drawn = Some((screen.clone(), size));
        Ok(())
    }
}

/// Says something where the first row has room for it and a blank on either side, the farther right the better; where
/// it has none, nothing is covered.
fn say_on(screen: &mut Buffer, words: &str) {
    let len = u16::try_from(words.len()).unwrap_or(u16::MAX);
    let blank = |x: u16| screen.cell((x, 0)).is_some_and(|cell| cell.symbol() == " ");
    let fits = |from: &u16| (from.saturating_sub(1)..=from.saturating_add(len)).all(blank);
    if let Some(from) = (1..screen.area.width.saturating_sub(len)).rev().find(fits) {
        screen.set_string(from, 0, words, Style::new().fg(Color::White).bg(Color::Blue));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was. A failure here cannot be told to any person.
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
        screen.set_string(0, 0, "ab", Style::new().fg(Color::White).bg(Color::Magenta));
        screen.set_string(2, 0, "cd", Style::new().fg(Color::Black).bg(Color::Gray));
        let mut out = Vec::new();
        paint(&mut out, &screen.content).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert_eq!(said, "\x1b[22m\x1b[38;5;15m\x1b[48;5;5mab\x1b[22m\x1b[38;5;0m\x1b[48;5;7mcd");
        assert_eq!(rows(&screen), ["abcd"]);
    }

    #[test]
    fn words_go_where_the_first_row_is_blank_and_cover_nothing() {
        let said = |first: &str| {
            let mut screen = Buffer::empty(Rect { width: 20, height: 1, ..SCREEN });
            screen.set_string(0, 0, first, Style::new());
            say_on(&mut screen, " Ctrl-P ");
            rows(&screen).concat()
        };
        assert_eq!(said(" CONCLAVE"), " CONCLAVE   Ctrl-P  ");
        assert_eq!(said(" CONCLAVE      12:00"), " CONCLAVE      12:00");
        assert_eq!(said(" CON           12:00"), " CON   Ctrl-P  12:00");
        assert_eq!(said("                12:0"), "        Ctrl-P  12:0");
    }

    #[test]
    fn a_terminal_too_small_is_told_its_size_and_the_one_wanted() {
        for size in [(79, 25), (80, 24), (40, 25)] {
            let said = small(size).unwrap();
            assert!(
                said.contains(&format!("{} x {} characters", size.0, size.1)) && said.contains("80 x 25"),
                "{said}"
            );
        }
        assert_eq!((small((80, 25)), small((160, 50))), (None, None));
    }

    #[test]
    fn a_step_is_read_from_the_middle_of_the_screen() {
        let rows = ["", "", " Step 5: Log LOG-A   ", "Step 9: no"].map(String::from);
        assert_eq!(step(&rows).as_deref(), Some("  5 Log LOG-A"));
        assert_eq!(step(&rows[..2]), None);
    }
}

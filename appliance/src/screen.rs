//! The console as a ratatui backend of our own: it writes, and never asks the terminal anything, because the terminal
//! does not answer.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::{self, Write};

use conclave_console::view::console_number;
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

use crate::sys;

/// The first virtual terminal.
const CONSOLE: &str = "/dev/tty1";
/// Pixels from which the large font still leaves 80 columns and 25 rows.
const BIG_FROM: (u32, u32) = (1280, 800);

/// The kernel keeps the bytes written last, up to this many, for as long as the console is open.
const WRITE_LEN: usize = 2048;

/// The console, ready to draw on.
pub(crate) struct Console {
    terminal: File,
    size: Size,
}

impl Console {
    /// Opens the console, chooses the large font where it fits, and empties the screen.
    pub(crate) fn open() -> io::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open(CONSOLE)?;
        let pixels = read_to_string("/sys/class/graphics/fb0/virtual_size").unwrap_or_default();
        if is_big(&pixels) {
            // The small font is legible too.
            let _ = sys::big_font(&terminal);
        }
        // Keys are read elsewhere; whatever reaches the console all the same is dropped.
        sys::no_keys(&terminal)?;
        let (width, height) = sys::size(&terminal)?;
        let mut console = Self { terminal, size: Size { width, height } };
        // No line wraps: a glyph in the last column would otherwise scroll the screen.
        console.terminal.write_all(b"\x1b[?7l\x1b[?25l")?;
        console.clear()?;
        Ok(console)
    }
}

impl Backend for Console {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.terminal.write_all(paint(content).as_bytes())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.terminal.write_all(b"\x1b[?25l")
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.terminal.write_all(b"\x1b[?25h")
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking would block for ever; nothing here depends on the answer.
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        self.terminal.write_all(format!("\x1b[{};{}H", y + 1, x + 1).as_bytes())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.terminal.write_all(b"\x1b[0m\x1b[H\x1b[2J")
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        let code: &[u8] = match region {
            ClearType::All => return self.clear(),
            ClearType::AfterCursor => b"\x1b[J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[K",
        };
        self.terminal.write_all(code)
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        // Called once for each screen: wipes the kernel's copy of the screen. The console ignores NUL.
        self.terminal.write_all(&[0; WRITE_LEN])
    }
}

fn is_big(pixels: &str) -> bool {
    let Some((width, height)) = pixels.trim().split_once(',') else { return false };
    let (Ok(width), Ok(height)) = (width.parse::<u32>(), height.parse::<u32>()) else { return false };
    width >= BIG_FROM.0 && height >= BIG_FROM.1
}

/// The escape sequences that put these cells where they belong, each run of neighbours addressed once.
fn paint<'a>(cells: impl Iterator<Item = (u16, u16, &'a Cell)>) -> String {
    let mut text = String::new();
    let mut next = None;
    let mut look = None;
    for (x, y, cell) in cells {
        if next != Some((x, y)) {
            let _ = write!(text, "\x1b[{};{}H", y + 1, x + 1);
        }
        if look != Some((cell.fg, cell.bg, cell.modifier)) {
            let bold = if cell.modifier.contains(Modifier::BOLD) { ";1" } else { "" };
            let _ = write!(text, "\x1b[0{bold};{};{}m", colour(cell.fg, 30, 37), colour(cell.bg, 40, 40));
            look = Some((cell.fg, cell.bg, cell.modifier));
        }
        text += cell.symbol();
        next = Some((x.saturating_add(1), y));
    }
    text
}

/// The sixteen colours of a text console, as SGR parameters; anything else is the `default`.
fn colour(colour: Color, base: u16, default: u16) -> u16 {
    match console_number(colour).map(u16::from) {
        Some(dark @ ..8) => base + dark,
        Some(bright) => base + 60 + (bright - 8),
        None => default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    #[test]
    fn the_large_font_needs_room_for_80_by_25() {
        assert!(is_big("1280,800\n"));
        assert!(is_big("1920,1080\n"));
        assert!(!is_big("1279,800\n"));
        assert!(!is_big("1280,799\n"));
        assert!(!is_big(""));
        assert!(!is_big("wide"));
    }

    #[test]
    fn neighbours_are_addressed_once_and_colours_said_when_they_change() {
        let plain = Style::new().fg(Color::Gray).bg(Color::Black);
        let bad = Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD);
        let cell = |symbol: &'static str, style| {
            let mut cell = Cell::new(symbol);
            cell.set_style(style);
            cell
        };
        let (a, b, c, d) = (cell("a", plain), cell("b", plain), cell("█", bad), cell("d", bad));
        let painted = paint([(0, 0, &a), (1, 0, &b), (2, 0, &c), (0, 24, &d)].into_iter());
        assert_eq!(painted, "\x1b[1;1H\x1b[0;37;40mab\x1b[0;1;97;41m█\x1b[25;1Hd");
    }
}

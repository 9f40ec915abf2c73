//! One symbol: the strongest error correction that fits, drawn in half blocks.

use qrcode::bits::encode_auto;
use qrcode::{Color, EcLevel, QrCode, Version};
use thiserror::Error;

/// Room on a text console. Units: character cells, each two modules high and one wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Cells in a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

impl Grid {
    /// Modules of the largest square, its quiet zone included.
    pub(super) fn modules(self) -> usize {
        self.columns.min(self.rows.saturating_mul(2))
    }
}

/// The meaning of the console's foreground colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Light modules: a console that writes light on dark. The usual one.
    Light,
    /// Dark modules: paper, or a console that writes dark on light.
    Dark,
}

/// A QR symbol.
#[derive(Clone)]
pub struct Symbol {
    code: QrCode,
}

impl Symbol {
    /// Light modules that stay around a symbol on every side.
    pub const QUIET: usize = 4;

    /// The symbol of `text` with the strongest of the four levels of error correction at which it fits into `grid`, and
    /// the smallest version at that level.
    ///
    /// Errors: `text` is empty, contains anything but printable ASCII and line feeds (readers disagree about the rest), or
    /// does not fit at the weakest level either.
    pub fn fitting(text: &str, grid: Grid) -> Result<Self, QrError> {
        if text.is_empty() {
            return Err(QrError::Empty);
        }
        if let Some(found) = text.chars().find(|c| !matches!(c, ' '..='~' | '\n')) {
            return Err(QrError::Character { found });
        }
        let fits = |version: Version| {
            usize::try_from(version.width()).is_ok_and(|width| width + 2 * Self::QUIET <= grid.modules())
        };
        [EcLevel::H, EcLevel::Q, EcLevel::M, EcLevel::L]
            .into_iter()
            .filter_map(|level| Some((encode_auto(text.as_bytes(), level).ok()?, level)))
            .find(|(bits, _)| fits(bits.version()))
            .and_then(|(bits, level)| QrCode::with_bits(bits, level).ok())
            .map(|code| Self { code })
            .ok_or(QrError::TooLarge { bytes: text.len(), columns: grid.columns, rows: grid.rows })
    }

    /// Modules on a side, with the quiet zone.
    pub fn side(&self) -> usize {
        self.code.width() + 2 * Self::QUIET
    }

    /// Whether the module in that column and row is dark; counted from 0 with the quiet zone, light beyond it.
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        let inside = |at: usize| at.checked_sub(Self::QUIET).filter(|at| *at < self.code.width());
        match (inside(column), inside(row)) {
            (Some(column), Some(row)) => self.code[(column, row)] == Color::Dark,
            _ => false,
        }
    }

    /// The symbol as lines of text, quiet zone included: full block, upper half, lower half and space only.
    pub fn lines(&self, ink: Ink) -> Vec<String> {
        let painted = |column, row| self.is_dark(column, row) == (ink == Ink::Dark);
        let cell = |column, row| match (painted(column, 2 * row), painted(column, 2 * row + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let rows = 0..self.side().div_ceil(2);
        rows.map(|row| (0..self.side()).map(|column| cell(column, row)).collect()).collect()
    }
}

/// Why a text is not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QrError {
    /// Nothing to draw.
    #[error("QR symbol of an empty text: expected at least one character")]
    Empty,
    /// A character that readers disagree about.
    #[error("QR symbol of a text with {found:?}: expected printable ASCII and line feeds")]
    Character {
        /// The first character of this kind.
        found: char,
    },
    /// It does not fit.
    #[error("QR symbol of {bytes} bytes does not fit {columns} columns and {rows} rows: show it as numbered frames")]
    TooLarge {
        /// Bytes of the text.
        bytes: usize,
        /// Columns there are.
        columns: usize,
        /// Rows there are.
        rows: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The console of the BIOS.
    const CONSOLE: Grid = Grid { columns: 80, rows: 25 };

    fn alphanumeric(len: usize) -> String {
        "A".repeat(len)
    }

    #[test]
    fn the_strongest_level_that_fits_is_taken() {
        // 50 modules leave 42 for the symbol: version 6 with 41. ISO/IEC 18004 table 7 gives its capacities.
        for (fits, level) in [(84, EcLevel::H), (108, EcLevel::Q), (154, EcLevel::M), (195, EcLevel::L)] {
            let symbol = Symbol::fitting(&alphanumeric(fits), CONSOLE).unwrap();
            assert_eq!((symbol.side(), symbol.code.error_correction_level()), (49, level));
        }
        let error = QrError::TooLarge { bytes: 196, columns: 80, rows: 25 };
        assert_eq!(Symbol::fitting(&alphanumeric(196), CONSOLE).err(), Some(error));
    }

    #[test]
    fn the_narrower_of_columns_and_rows_decides() {
        for (columns, rows, fits) in [(29, 15, true), (28, 15, false), (29, 14, false), (80, 0, false), (0, 25, false)]
        {
            assert_eq!(Symbol::fitting("A", Grid { columns, rows }).is_ok(), fits, "{columns} x {rows}");
        }
        let anything = Grid { columns: usize::MAX, rows: usize::MAX };
        assert!(Symbol::fitting(&alphanumeric(4296), anything).is_ok());
        assert!(Symbol::fitting(&alphanumeric(4297), anything).is_err());
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        assert_eq!(Symbol::fitting("", CONSOLE).err(), Some(QrError::Empty));
        for found in ['\0', '\t', '\r', '\u{7f}', 'é', '点'] {
            let error = QrError::Character { found };
            assert_eq!(Symbol::fitting(&format!("a{found}"), CONSOLE).err(), Some(error));
        }
    }

    #[test]
    fn lines_keep_the_quiet_zone_and_say_the_same_in_both_polarities() {
        let symbol = Symbol::fitting("CONCLAVE", CONSOLE).unwrap();
        let side = symbol.side();
        let read = |ink: Ink| -> Vec<Vec<bool>> {
            let lines = symbol.lines(ink);
            assert_eq!(lines.len(), side.div_ceil(2));
            let halves = |half: fn(char) -> bool| {
                move |line: &String| line.chars().map(|cell| half(cell) == (ink == Ink::Dark)).collect::<Vec<_>>()
            };
            let upper = halves(|cell| matches!(cell, '█' | '▀'));
            let lower = halves(|cell| matches!(cell, '█' | '▄'));
            lines.iter().flat_map(|line| [upper(line), lower(line)]).collect()
        };
        for ink in [Ink::Light, Ink::Dark] {
            let dark = read(ink);
            for (row, modules) in dark.iter().enumerate() {
                assert_eq!(modules.len(), side);
                for (column, dark) in modules.iter().enumerate() {
                    assert_eq!(*dark, symbol.is_dark(column, row));
                    let quiet = |at| at < 4 || at >= side - 4;
                    assert!(!(*dark && (quiet(row) || quiet(column))));
                }
            }
            // The corners of the finder patterns.
            assert!(dark[4][4] && dark[4][side - 5] && dark[side - 5][4]);
        }
    }
}

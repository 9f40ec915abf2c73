//! Reads a screen exactly: the text buffer of a BIOS machine, or the pixels of a framebuffer by the kernel's own glyphs.

use std::collections::HashMap;
use std::path::Path;

/// Columns of both kinds of screen.
const COLUMNS: usize = 80;
/// Rows of both kinds of screen.
const ROWS: usize = 25;
/// Bytes of a 16x32 glyph, two to a row.
const GLYPH_LEN: usize = 64;
/// What a cell is read as that shows no glyph of the font.
const UNKNOWN: char = '\u{fffd}';

/// Code page 437 from 128 on; below, but for its first 32 glyphs, it is ASCII.
const HIGH: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";
const LOW: &str = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";

fn character(code: u8) -> char {
    let found = match code {
        0..32 => LOW.chars().nth(code.into()),
        32..127 => Some(code.into()),
        127 => Some('⌂'),
        128.. => HIGH.chars().nth(usize::from(code) - 128),
    };
    found.unwrap_or(UNKNOWN)
}

/// Characters of the VGA text buffer, every other byte being a colour.
pub(crate) fn text_mode(buffer: &[u8]) -> Vec<String> {
    let rows = buffer.chunks_exact(2 * COLUMNS).take(ROWS);
    rows.map(|row| row.iter().step_by(2).map(|code| character(*code)).collect()).collect()
}

/// The glyphs of the large console font.
pub(crate) struct Font(HashMap<[u8; GLYPH_LEN], char>);

impl Font {
    /// Reads the font from the kernel source the image was built from, so that no copy of it can differ.
    pub(crate) fn of_the_kernel() -> Self {
        let path = "../target/image/room/build/linux/lib/fonts/font_ter16x32.c";
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        let source = source.expect("the kernel source, left by scripts/image");
        let bytes = source.split(['{', ',', '}', '\n', '\t', ' ']).filter_map(|word| word.strip_prefix("0x"));
        let bytes: Vec<u8> = bytes.map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect();
        assert_eq!(bytes.len(), 256 * GLYPH_LEN, "{path}: 256 glyphs");
        let glyphs = bytes.chunks_exact(GLYPH_LEN).zip(0..=255);
        // Where two characters look alike, the one people type is meant.
        Self(glyphs.rev().map(|(glyph, code)| (glyph.try_into().unwrap(), character(code))).collect())
    }
}

/// Characters of a binary PPM of 1280x800 pixels.
pub(crate) fn framebuffer(ppm: &[u8], font: &Font) -> Vec<String> {
    let Some(pixels) = ppm.strip_prefix(b"P6\n1280 800\n255\n") else { return Vec::new() };
    let pixel = |x: usize, y: usize| <[u8; 3]>::try_from(&pixels[3 * (y * 1280 + x)..][..3]).unwrap();
    let cell = |column: usize, row: usize| {
        let at = |x: usize, y: usize| pixel(16 * column + x, 32 * row + y);
        let shape = |ink: [u8; 3]| {
            std::array::from_fn::<u8, GLYPH_LEN, _>(|byte| {
                let (x, y) = (byte % 2 * 8, byte / 2);
                (0..8).fold(0, |bits, bit| bits << 1 | u8::from(at(x + bit, y) == ink))
            })
        };
        // Either colour may be the ink; a cell of one colour is blank.
        let paper = at(0, 0);
        let other = (0..16 * 32).map(|at_| at(at_ % 16, at_ / 16)).find(|pixel| *pixel != paper);
        let Some(other) = other else { return ' ' };
        let found = font.0.get(&shape(other)).or_else(|| font.0.get(&shape(paper)));
        found.copied().unwrap_or(UNKNOWN)
    };
    (0..ROWS).map(|row| (0..COLUMNS).map(|column| cell(column, row)).collect()).collect()
}

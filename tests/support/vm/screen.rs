//! Reads a screen exactly: the text buffer of a BIOS machine, or the pixels of a framebuffer by the kernel's own glyphs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Columns and rows of the text buffer.
const COLUMNS: usize = 80;
const ROWS: usize = 25;
/// The character for a cell that shows no glyph of the font.
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
pub fn text_mode(buffer: &[u8]) -> Vec<String> {
    let rows = buffer.chunks_exact(2 * COLUMNS).take(ROWS);
    rows.map(|row| row.iter().step_by(2).map(|code| character(*code)).collect()).collect()
}

/// The kernel's source and objects, as the build of the image left them.
pub fn kernel_tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/image/room/build")
}

/// The glyphs of a console font, by their rows of pixels.
pub struct Font {
    width: usize,
    height: usize,
    glyphs: HashMap<Vec<u8>, char>,
}

impl Font {
    /// The large font, which is used wherever it leaves 80 columns and 25 rows.
    pub fn large() -> Self {
        Self::of_the_kernel("font_ter16x32.c", 16, 32)
    }

    /// The font of small screens.
    pub fn small() -> Self {
        Self::of_the_kernel("font_8x16.c", 8, 16)
    }

    /// Reads a font from the kernel source the image was built from, so that no copy of it can differ.
    fn of_the_kernel(name: &str, width: usize, height: usize) -> Self {
        let path = kernel_tree().join("linux/lib/fonts").join(name);
        let source = std::fs::read_to_string(path).expect("the kernel source, left by scripts/image");
        // Comments name the characters by numbers of the same form.
        let code = source.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, after)| after));
        let words = code.flat_map(|part| part.split(['{', ',', '}', '\n', '\t', ' ']));
        let bytes: Vec<u8> =
            words.filter_map(|word| word.strip_prefix("0x")).map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect();
        let len = width / 8 * height;
        assert_eq!(bytes.len(), 256 * len, "{name}: 256 glyphs");
        let glyphs = bytes.chunks_exact(len).map(<[u8]>::to_vec).zip(0..=255);
        // Where two characters look alike, the one people type is meant.
        let glyphs = glyphs.rev().map(|(glyph, code)| (glyph, character(code))).collect();
        Self { width, height, glyphs }
    }
}

/// Characters of a binary PPM, in one of these fonts.
pub fn framebuffer(ppm: &[u8], [small, large]: &[Font; 2]) -> Vec<String> {
    let mut lines = ppm.splitn(4, |byte| *byte == b'\n');
    let (Some(b"P6"), Some(size), Some(b"255"), Some(pixels)) =
        (lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return Vec::new();
    };
    let size: Vec<usize> = str::from_utf8(size).unwrap().split(' ').map(|number| number.parse().unwrap()).collect();
    let [width, height] = size[..] else { return Vec::new() };
    let font = if width >= 1280 && height >= 800 { large } else { small };
    let pixel = |x: usize, y: usize| <[u8; 3]>::try_from(&pixels[3 * (y * width + x)..][..3]).unwrap();
    let cell = |column: usize, row: usize| {
        let at = |x: usize, y: usize| pixel(font.width * column + x, font.height * row + y);
        let shape = |ink: [u8; 3]| -> Vec<u8> {
            let bytes = (0..font.height).flat_map(|y| (0..font.width / 8).map(move |byte| (8 * byte, y)));
            bytes.map(|(x, y)| (0..8).fold(0, |bits, bit| bits << 1 | u8::from(at(x + bit, y) == ink))).collect()
        };
        // Either colour may be the ink; a cell of one colour is blank.
        let paper = at(0, 0);
        let mut all = (0..font.width * font.height).map(|number| at(number % font.width, number / font.width));
        let Some(other) = all.find(|pixel| *pixel != paper) else { return ' ' };
        let found = font.glyphs.get(&shape(other)).or_else(|| font.glyphs.get(&shape(paper)));
        found.copied().unwrap_or(UNKNOWN)
    };
    (0..height / font.height).map(|row| (0..width / font.width).map(|column| cell(column, row)).collect()).collect()
}

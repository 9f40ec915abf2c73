//! QR symbols as zbarimg reads them: drawn to PNG at one to four pixels a module, and from the console's text.

use std::fs;
use std::path::Path;

use conclave_publish::Scheme;
use conclave_publish::qr::{AssembleError, Assembler, Grid, Ink, Symbol, frames};

use crate::keys::key;
use crate::tool::{folder, refuses, tool};
use crate::x509::saml_certificate;
use conclave_tests::png::Image;

/// The console of the BIOS.
const CONSOLE: Grid = Grid { columns: 80, rows: 25 };

/// A text of that many characters, without runs, of those that QR symbols pack densely. No space: zbarimg separates
/// symbols by line ends, and spaces before them are easily lost.
fn text(len: usize) -> String {
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$%*+-./:";
    let mut state = 12345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        char::from(alphabet[(state >> 16) as usize % alphabet.len()])
    };
    (0..len).map(|_| next()).collect()
}

/// The symbol on a white page. zbar reads rows from alternating sides, and at one pixel a module sees finder patterns only
/// where they begin on an odd column: hence one pixel beyond the quiet zone.
fn page(symbol: &Symbol, pixels: usize) -> Image {
    let side = symbol.side() * pixels + 2;
    let at = |pixel: usize| pixel.checked_sub(1).map_or(usize::MAX, |pixel| pixel / pixels);
    Image::drawn(side, side, |x, y| !symbol.is_dark(at(x), at(y)))
}

/// The texts that zbarimg reads from these images, in order. Each holds one symbol.
fn scan(folder: &Path, images: &[Image]) -> String {
    let names: Vec<_> = (0..images.len()).map(|at| format!("{at}.png")).collect();
    images.iter().zip(&names).for_each(|(image, name)| fs::write(folder.join(name), image.png()).unwrap());
    let options = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"];
    let arguments: Vec<_> = options.into_iter().chain(names.iter().map(String::as_str)).collect();
    tool(folder, "zbarimg", &arguments)
}

#[test]
fn zbarimg_reads_every_version_and_level_at_one_to_four_pixels_a_module() {
    let folder = folder("qr-sizes");
    let mut seen = 0;
    for version in 1..=40 {
        let side = 17 + 4 * version + 2 * Symbol::QUIET;
        let grid = Grid { columns: side, rows: side };
        let (mut fits, mut not) = (1, 4297);
        while fits + 1 < not {
            let middle = (fits + not) / 2;
            if Symbol::fitting(&text(middle), grid).is_ok() { fits = middle } else { not = middle }
        }
        // As full as each level of error correction leaves it; beyond the sizes that consoles show, the weakest and the
        // strongest.
        let percents: &[usize] = if version <= 17 { &[100, 78, 56, 42] } else { &[100, 42] };
        let texts: Vec<_> = percents.iter().map(|percent| text((fits * percent / 100).max(1))).collect();
        let mut images = Vec::new();
        for text in &texts {
            let symbol = Symbol::fitting(text, grid).unwrap();
            images.extend((1..=4).map(|pixels| page(&symbol, pixels)));
        }
        let expected: String = texts.iter().map(|text| format!("{text}\n").repeat(4)).collect();
        assert_eq!(scan(&folder, &images), expected, "version {version}");
        seen += images.len();
    }
    println!("figure: {seen} QR images read by zbarimg");
    assert_eq!(seen, (17 * 4 + 23 * 2) * 4);
}

/// The texts that leave a ceremony as one symbol.
fn published(folder: &Path) -> Vec<String> {
    let key = key("p256");
    let certificate = saml_certificate(folder, "p256", Scheme::usual(key.kind()));
    vec![
        key.digest().to_string(),
        key.digest().words(),
        key.spki_pem(),
        certificate.pem(),
        certificate.digest().to_string(),
    ]
}

#[test]
fn zbarimg_reads_what_a_ceremony_publishes() {
    let folder = folder("qr-published");
    for text in published(&folder) {
        let symbol = Symbol::fitting(&text, Grid { columns: 160, rows: 80 }).unwrap();
        for pixels in 1..=4 {
            assert_eq!(scan(&folder, &[page(&symbol, pixels)]), format!("{text}\n"), "{pixels} pixels");
        }
    }
}

/// A console's screen: `lines` from its top left, in a font with cells that wide and 16 high. Only the four block
/// characters have a shape here. VGA repeats their last column where cells are 9 wide.
fn screen(lines: &[String], ink: Ink, cell_width: usize) -> Image {
    let cells: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    assert!(cells.len() <= CONSOLE.rows && cells.iter().all(|line| line.len() <= CONSOLE.columns));
    let foreground_is_light = ink == Ink::Light;
    Image::drawn(CONSOLE.columns * cell_width, CONSOLE.rows * 16, |x, y| {
        let cell = cells.get(y / 16).and_then(|line| line.get(x / cell_width)).copied().unwrap_or(' ');
        let painted = match cell {
            '█' => true,
            '▀' => y % 16 < 8,
            '▄' => y % 16 >= 8,
            ' ' => false,
            other => panic!("{other:?} is none of the four block characters"),
        };
        painted == foreground_is_light
    })
}

#[test]
fn zbarimg_reads_symbols_from_the_console_in_both_polarities() {
    let folder = folder("qr-console");
    let certificate = published(&folder).swap_remove(3);
    let texts = [key("p256").digest().to_string(), text(195), text(84), "A".to_owned()];
    let frames = frames(certificate.as_bytes(), CONSOLE).unwrap();
    for text in texts.iter().chain(&frames) {
        let symbol = Symbol::fitting(text, CONSOLE).unwrap();
        let mut images = Vec::new();
        for ink in [Ink::Light, Ink::Dark] {
            images.extend([8, 9].map(|cell_width| screen(&symbol.lines(ink), ink, cell_width)));
        }
        assert_eq!(scan(&folder, &images), format!("{text}\n").repeat(4));
    }
}

#[test]
fn zbarimg_reads_nothing_where_a_finder_pattern_is_missing() {
    let folder = folder("qr-broken");
    let symbol = Symbol::fitting("CONCLAVE", CONSOLE).unwrap();
    let mut image = page(&symbol, 4);
    let half = image.pixels.len() / 2;
    image.pixels[..half].fill(255);
    fs::write(folder.join("broken.png"), image.png()).unwrap();
    refuses(&folder, "zbarimg", &["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", "broken.png"]);
}

#[test]
fn frames_scanned_with_loss_reorder_and_mixture_give_the_message_back() {
    let folder = folder("qr-frames");
    let message = published(&folder).swap_remove(3).into_bytes();
    let mine = frames(&message, CONSOLE).unwrap();
    let theirs = frames(&[message.as_slice(), b"!"].concat(), CONSOLE).unwrap();
    // As a camera meets them: backwards, every third not seen the first time, another message in between.
    let shown: Vec<&String> = mine
        .iter()
        .enumerate()
        .rev()
        .filter(|(at, _)| at % 3 != 0)
        .flat_map(|(at, frame)| [frame, &theirs[at]])
        .chain(&mine)
        .collect();
    let images: Vec<_> = shown.iter().map(|frame| page(&Symbol::fitting(frame, CONSOLE).unwrap(), 2)).collect();
    let scanned = scan(&folder, &images);
    assert_eq!(scanned.lines().count(), shown.len());
    let mut assembler = Assembler::default();
    let mut foreign = 0;
    for frame in scanned.lines() {
        match assembler.accept(frame) {
            Ok(_) => {}
            Err(AssembleError::OtherMessage { .. }) => foreign += 1,
            Err(error) => panic!("{frame}: {error}"),
        }
    }
    assert_eq!(foreign, mine.len() - mine.len().div_ceil(3));
    assert_eq!(assembler.message().unwrap(), message);
}

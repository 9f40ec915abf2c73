//! Screens as one animated SVG, without a script and without anything outside the file: each row of the terminal is a strip of all
//! that ever stood in it, and a CSS animation moves the strip behind a window of one row.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use vt100::{Color, Screen};

/// Pixels of a character.
const WIDTH: usize = 8;
const HEIGHT: usize = 16;
/// Pixels around the screen.
const EDGE: usize = 8;
/// The sixteen colours of a PC's text screen.
const COLOURS: [&str; 16] =
    ["000", "a00", "0a0", "a50", "00a", "a0a", "0aa", "aaa", "555", "f55", "5f5", "ff5", "55f", "f5f", "5ff", "fff"];
/// Colours where a program names none.
const INK: u8 = 7;
const PAPER: u8 = 0;

/// A character with its colours, and whether it is bold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    text: String,
    ink: u8,
    paper: u8,
    bold: bool,
}

type Row = Vec<Cell>;

/// The film of these screens, by the times at which each begins. At the time of the last it begins again.
pub(crate) fn film(screens: &[(Duration, Screen)], (columns, rows): (u16, u16)) -> String {
    let (width, height) = (usize::from(columns) * WIDTH, usize::from(rows) * HEIGHT);
    let length = screens.last().map_or(Duration::ZERO, |(at, _)| *at);
    let (mut drawn, mut strips, mut moves) = (BTreeMap::<Row, usize>::new(), String::new(), String::new());
    for y in 0..rows {
        let (mut last, mut steps) = (None, Vec::new());
        for (at, screen) in screens {
            let fresh = drawn.len();
            let row = *drawn.entry((0..columns).map(|x| cell(screen, y, x)).collect()).or_insert(fresh);
            if last != Some(row) {
                last = Some(row);
                steps.push((*at, row));
            }
        }
        strip(&mut strips, usize::from(y), &steps);
        keyframes(&mut moves, usize::from(y), &steps, length);
    }
    let mut by_number: Vec<(&Row, &usize)> = drawn.iter().collect();
    by_number.sort_by_key(|(_, number)| **number);
    let rows: String =
        by_number.into_iter().map(|(row, number)| format!("<g id=\"r{number}\">{}</g>\n", of_row(row))).collect();
    let colours: String = (0..).zip(COLOURS).map(|(at, colour)| format!(".c{at}{{fill:#{colour}}}")).collect();
    let (outer_width, outer_height) = (width + 2 * EDGE, height + 2 * EDGE);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {outer_width} {outer_height}\" width=\"{outer_width}\" height=\"{outer_height}\">\n\
         <title>A rehearsal of Conclave in a terminal, sped up</title>\n\
         <style>{colours}.b{{font-weight:bold}}\n\
         text{{font:13px 'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace;white-space:pre}}\n\
         .s{{animation:{seconds:.2}s step-end infinite}}\n{moves}</style>\n\
         <defs>\n{rows}</defs>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\"/>\n<g transform=\"translate({EDGE} {EDGE})\">\n{strips}</g>\n</svg>\n",
        seconds = length.as_secs_f64(),
    )
}

/// A window of one row, and the rows behind it.
fn strip(out: &mut String, y: usize, steps: &[(Duration, usize)]) {
    let _ = write!(out, "<svg y=\"{}\" width=\"100%\" height=\"{HEIGHT}\"><g class=\"s m{y}\">", y * HEIGHT);
    for (at, (_, row)) in steps.iter().enumerate() {
        let _ = write!(out, "<use href=\"#r{row}\" y=\"{}\"/>", at * HEIGHT);
    }
    out.push_str("</g></svg>\n");
}

/// When the strip of a row moves on, in percent of the film.
fn keyframes(out: &mut String, y: usize, steps: &[(Duration, usize)], length: Duration) {
    let _ = write!(out, ".m{y}{{animation-name:k{y}}}@keyframes k{y}{{");
    for (at, (when, _)) in steps.iter().enumerate() {
        let percent = 100.0 * when.as_secs_f64() / length.as_secs_f64().max(f64::MIN_POSITIVE);
        let _ = write!(out, "{percent:.2}%{{transform:translateY(-{}px)}}", at * HEIGHT);
    }
    out.push_str("}\n");
}

fn cell(screen: &Screen, y: u16, x: u16) -> Cell {
    let Some(cell) = screen.cell(y, x) else {
        return Cell { text: String::new(), ink: INK, paper: PAPER, bold: false };
    };
    let (ink, paper) = (number(cell.fgcolor(), INK), number(cell.bgcolor(), PAPER));
    let (ink, paper) = if cell.inverse() { (paper, ink) } else { (ink, paper) };
    Cell { text: cell.contents().trim().to_owned(), ink, paper, bold: cell.bold() }
}

/// One of the sixteen; the room and the lists after a rehearsal have no others.
fn number(colour: Color, unnamed: u8) -> u8 {
    match colour {
        Color::Default => unnamed,
        Color::Idx(number) => number.min(15),
        Color::Rgb(..) => INK,
    }
}

/// Its papers, then its characters: blocks as rectangles, so that they join without seams, everything else as text.
fn of_row(row: &Row) -> String {
    let mut out = String::new();
    for (x, run) in runs(row, |one, other| one.paper == other.paper) {
        if run[0].paper != PAPER {
            rectangle(&mut out, (x, 0, run.len(), HEIGHT), run[0].paper);
        }
    }
    for (x, run) in runs(row, |one, other| one.text == other.text && one.ink == other.ink) {
        let (top, height) = match run[0].text.as_str() {
            "█" => (0, HEIGHT),
            "▀" => (0, HEIGHT / 2),
            "▄" => (HEIGHT / 2, HEIGHT / 2),
            _ => continue,
        };
        rectangle(&mut out, (x, top, run.len(), height), run[0].ink);
    }
    for (x, run) in
        runs(row, |one, other| is_block(one) == is_block(other) && (one.ink, one.bold) == (other.ink, other.bold))
    {
        if !is_block(&run[0]) {
            of_text(&mut out, x, run);
        }
    }
    out
}

fn is_block(cell: &Cell) -> bool {
    matches!(cell.text.as_str(), "█" | "▀" | "▄")
}

/// Words with one blank between them are one text, stretched to its columns in any font.
fn of_text(out: &mut String, x: usize, run: &[Cell]) {
    let blank = |at: usize| run.get(at).is_none_or(|cell| cell.text.is_empty());
    let mut at = 0;
    while at < run.len() {
        let first = at;
        while !blank(at) || (at > first && !blank(at + 1)) {
            at += 1;
        }
        if at > first {
            let letter = |cell: &Cell| if cell.text.is_empty() { " ".to_owned() } else { escaped(&cell.text) };
            let text: String = run[first..at].iter().map(letter).collect();
            let bold = if run[0].bold { " b" } else { "" };
            let (left, length, ink) = ((x + first) * WIDTH, (at - first) * WIDTH, run[0].ink);
            let _ =
                write!(out, "<text x=\"{left}\" y=\"12\" class=\"c{ink}{bold}\" textLength=\"{length}\">{text}</text>");
        }
        at += 1;
    }
}

/// Neighbours that are alike, with the column of the first.
fn runs(row: &Row, alike: impl Fn(&Cell, &Cell) -> bool) -> impl Iterator<Item = (usize, &[Cell])> {
    row.chunk_by(alike).scan(0, |x, run| {
        let first = *x;
        *x += run.len();
        Some((first, run))
    })
}

fn rectangle(out: &mut String, (x, y, columns, height): (usize, usize, usize, usize), colour: u8) {
    let (x, width) = (x * WIDTH, columns * WIDTH);
    let _ = write!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"c{colour}\"/>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

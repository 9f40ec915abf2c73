//! The screen: a function of the state, in glyphs of code page 437 and sixteen colours.
//!
//! Every screen has the same frame: the program and the time above, the order of screens below them, then the role and
//! its one instruction, the facts, and the keys at the bottom. The words stand in [`crate::wording::preflight`].

mod air_gap;
mod big;
pub mod ceremony;
mod challenge;
mod clock;
mod devices;
mod intake;
mod keyboards;
mod medium;
mod over;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::preflight::challenge::Of;
use crate::preflight::{Over, Preflight, Screen, Tree};
use crate::run::Showing;
use crate::wording::preflight as text;

/// Fewest columns a screen needs.
pub const COLUMNS_MIN: u16 = 80;
/// Fewest rows a screen needs.
pub const ROWS_MIN: u16 = 25;

const PLAIN: Style = Style::new().fg(Color::Gray).bg(Color::Black);
const STRONG: Style = Style::new().fg(Color::White).bg(Color::Black).add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::LightGreen).bg(Color::Black);
const BAD: Style = Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD);
const ASK: Style = Style::new().fg(Color::LightYellow).bg(Color::Black);
const WARN: Style = Style::new().fg(Color::Black).bg(Color::Yellow);
/// The one thing asked: on a ground of its own, as nothing else is.
const ASKED: Style = Style::new().fg(Color::White).bg(Color::Blue).add_modifier(Modifier::BOLD);
/// The role in it.
const ASKED_ROLE: Style = Style::new().fg(Color::LightYellow).bg(Color::Blue).add_modifier(Modifier::BOLD);
const BAR: Style = Style::new().fg(Color::Black).bg(Color::Gray);

/// The number that escape sequences give to a colour of a text console: 0 to 7, and 8 to 15 for the same made bright.
/// `None` if a console does not have it.
pub fn console_number(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(number @ ..16) => number,
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => return None,
    })
}

/// Draws whatever is shown.
pub fn show(showing: &Showing<'_>, frame: &mut Frame) {
    match showing {
        Showing::Intake(preflight, intake) if preflight.over == Over::Nothing => intake::draw(preflight, intake, frame),
        Showing::Preflight(preflight) => draw(preflight, frame),
        Showing::Intake(preflight, _) => draw_with(preflight, crate::wording::intake::help, frame),
        Showing::Ceremony(scene) => ceremony::draw(scene, frame),
    }
}

/// Draws the whole screen of the time before a plan.
pub fn draw(preflight: &Preflight, frame: &mut Frame) {
    draw_with(preflight, || text::help(preflight, preflight.screen), frame);
}

/// As [`draw`], with the words of the help.
fn draw_with(preflight: &Preflight, help: impl FnOnce() -> Vec<String>, frame: &mut Frame) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, PLAIN);
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        return too_small(&text::title(&preflight.build), frame);
    }
    title(preflight, frame, row(area, 0));
    order(preflight, frame, row(area, 1));
    let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
    match (&preflight.over, preflight.screen) {
        (Over::Nothing, Screen::Medium) if preflight.challenged.hides_digest() => {
            challenge::draw(Of::Medium, &preflight.challenged, frame, body)
        }
        (Over::Nothing, Screen::Medium) => medium::draw(preflight, frame, body),
        (Over::Nothing, Screen::AirGap) => air_gap::draw(preflight, frame, body),
        (Over::Nothing, Screen::Clock) => clock::draw(preflight, frame, body),
        (Over::Nothing, Screen::Devices) => devices::draw(preflight, frame, body),
        (Over::Help, _) => over::help(help(), frame, body),
        (Over::Keyboard(field), _) => over::keyboard(preflight, field, frame, body),
        (Over::PowerOff(field), _) => over::power_off(field, frame, body),
    }
    keyboards::draw_all(preflight, frame, body);
    let keys = format!(" {}", text::keys(preflight));
    let style = if preflight.keyboards.are_none() { BAD } else { BAR };
    frame.render_widget(Paragraph::new(keys).style(style), row(area, area.height - 1));
}

/// The title, and the instruction for a screen too small for anything else.
fn too_small(title: &str, frame: &mut Frame) {
    let area = frame.area();
    let words = format!("{title}\n{}", text::too_small(area.width, area.height));
    frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
}

/// The look of the row at the top: red where sources were changed, yellow where inputs moved.
const fn top(tree: Tree) -> Style {
    match tree {
        Tree::Clean => BAR,
        Tree::Moved => WARN,
        Tree::Dirty | Tree::DirtyAndMoved => BAD,
    }
}

fn title(preflight: &Preflight, frame: &mut Frame, area: Rect) {
    let style = top(preflight.build.tree);
    frame.render_widget(Paragraph::new(format!(" {}", text::title(&preflight.build))).style(style), area);
    let time = match preflight.clock.now {
        Some(now) => format!("{} UTC ", now.shown(crate::civil::Ahead(0))),
        None => String::new(),
    };
    frame.render_widget(Paragraph::new(time).style(style).alignment(Alignment::Right), right(area, 25));
}

fn order(preflight: &Preflight, frame: &mut Frame, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    for screen in Screen::ALL {
        let (mark, style) = match screen.cmp(&preflight.screen) {
            core::cmp::Ordering::Less => ("√", GOOD),
            core::cmp::Ordering::Equal => ("►", STRONG),
            core::cmp::Ordering::Greater => ("·", PLAIN),
        };
        spans.push(Span::styled(format!("{mark} {}   ", text::screen(screen)), style));
    }
    frame.render_widget(Line::from(spans), area);
    let beside = match preflight.screen {
        Screen::Medium => text::secure_boot(preflight.secure_boot),
        Screen::AirGap | Screen::Clock | Screen::Devices => text::ONLY_LOOKING,
    };
    frame.render_widget(Paragraph::new(beside).alignment(Alignment::Right), right(area, 30));
}

/// The role that acts, and its one instruction.
fn instruction(frame: &mut Frame, area: Rect, role: &str, words: &str) {
    let asked = Line::from(vec![Span::styled(format!(" {role}: "), ASKED_ROLE), Span::styled(words.to_owned(), ASKED)]);
    frame.render_widget(Paragraph::new(asked).style(ASKED), area);
}

/// Lines from the top of an area, long ones wrapped.
fn lines(frame: &mut Frame, area: Rect, lines: Vec<Line<'_>>) {
    frame.render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }), area);
}

/// As [`lines`], of which people scroll to the end and no further; while there is more below, the last row says so.
fn scrolled(frame: &mut Frame, area: Rect, lines: Vec<Line<'_>>, scroll: u16) {
    // Two rows of wrapped words have more than one row's width.
    let rows_max = lines.iter().map(|line| 2 * (line.width() / usize::from(area.width.max(1))) + 2).sum::<usize>();
    let block = Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false });
    let rows = height(&block, area.width, u16::try_from(rows_max).unwrap_or(u16::MAX));
    let most = rows.saturating_sub(area.height);
    let more = u16::from(scroll < most);
    let above = Rect { height: area.height - more, ..area };
    frame.render_widget(block.scroll((scroll.min(most), 0)), above);
    if more > 0 {
        frame.render_widget(Line::styled(text::MORE_BELOW, ASK), row(area, above.height));
    }
}

/// Rows a block takes once it is wrapped, of `rows_max` at most.
fn height(block: &Paragraph<'_>, width: u16, rows_max: u16) -> u16 {
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height: rows_max });
    block.clone().render(buffer.area, &mut buffer);
    let mut rows = buffer.content.chunks(usize::from(width.max(1))).enumerate();
    let last = rows.rfind(|(_, row)| row.iter().any(|cell| cell.symbol() != " "));
    last.map_or(0, |(at, _)| u16::try_from(at + 1).unwrap_or(rows_max))
}

fn row(area: Rect, y: u16) -> Rect {
    Rect { y: area.y + y, height: 1, ..area }
}

fn rows(area: Rect, y: u16) -> Rect {
    Rect { x: area.x + 1, y: area.y + y, width: area.width - 2, height: area.height.saturating_sub(y) }
}

fn right(area: Rect, width: u16) -> Rect {
    Rect { x: area.x + area.width - width, width, ..area }
}

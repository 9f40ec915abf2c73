//! The one screen of a ceremony: role and question in the middle, the steps around this one below, then pace and head.
//!
//! There is no screen per step: the question of a step, and the words for it, make its screen.

mod digests;
mod middle;
mod secret;

use core::time::Duration;

use conclave_ceremony::act::Act;
use conclave_ceremony::kind::about;
use conclave_ceremony::step::Waiting;
use conclave_publish::Kind;
use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{ASK, BAD, BAR, COLUMNS_MIN, GOOD, PLAIN, ROWS_MIN, STRONG, keyboards, right, row, too_small, top};
use crate::ceremony::scene::Scene;
use crate::civil::Ahead;
use crate::preflight::Over;
use crate::preflight::laptop::Supply;
use crate::wording::{self, ceremony as words, preflight as text};

/// Rows above the middle: title, and the bar of a rehearsal.
const ABOVE: u16 = 2;
/// Rows below it: pace, the head in two, keys.
const BELOW: u16 = 4;
/// Rows of the phase and of the steps before and after, the last ones of the middle.
const STEPS: u16 = 4;
/// Rows that say how long the machine is at work, the gap below them included.
const WORKING: u16 = 3;
/// Columns of the battery's state.
const BATTERY: u16 = 13;
/// Columns of a date in the bar.
const DATE: usize = "YYYY-MM-DD ".len();
/// The look of a rehearsal's bar: like nothing else here. A console has eight backgrounds, none of them bright.
const REHEARSAL: Style = Style::new().fg(Color::White).bg(Color::Magenta);

/// Draws the whole screen.
pub fn draw(scene: &Scene<'_>, frame: &mut Frame) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, PLAIN);
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        return too_small(&words::bar(scene), frame);
    }
    frame.render_widget(Paragraph::new(words::bar(scene)).style(top(scene.tree)), row(area, 0));
    if scene.plan.kind == Kind::Rehearsal {
        let bar = Paragraph::new(words::REHEARSAL).style(REHEARSAL).alignment(Alignment::Center);
        frame.render_widget(bar, row(area, 1));
    }
    let body = Rect { y: area.y + ABOVE, height: area.height - ABOVE - BELOW, ..area };
    match &scene.desk.over {
        Over::Help => over(scene, wording::help::lines(scene), frame, body),
        Over::Keyboard(field) => {
            let mut lines = text::keyboard(field.text());
            lines.push(format!("layout {}:  {}_", scene.desk.layout.name(), field.text()));
            over(scene, lines, frame, body);
        }
        Over::PowerOff(field) => over(scene, vec![format!("{}_", field.text())], frame, body),
        Over::Nothing => self::body(scene, frame, body),
    }
    // Over the steps, and below the lines that say how long the machine is at work.
    keyboards::draw(scene.keyboard, frame, body);
    let (pace, style) = match (scene.overhears, scene.shut_out) {
        (Some(other), _) => (wording::usb::overhears(other), BAD),
        (None, Some(other)) => (wording::usb::shut_out(other), BAD),
        (None, None) => pace(scene),
    };
    let line = row(area, area.height - BELOW);
    frame.render_widget(Paragraph::new(format!(" {pace}")).style(style), line);
    if let (Some(battery), None, None) = (scene.battery, scene.overhears, scene.shut_out) {
        let style = match battery.supply {
            _ if battery.is_low() => BAD,
            Supply::Battery => ASK,
            Supply::Mains => PLAIN,
        };
        let words = Paragraph::new(wording::facts::battery(battery)).style(style).alignment(Alignment::Right);
        frame.render_widget(words, right(line, BATTERY));
    }
    head(scene, frame, Rect { y: area.y + area.height - 3, height: 2, ..area });
    let bar = row(area, area.height - 1);
    let keys = format!(" {}", wording::keys::of(scene));
    let left = area.width.saturating_sub(u16::try_from(keys.chars().count()).unwrap_or(u16::MAX));
    frame.render_widget(Paragraph::new(keys).style(BAR), bar);
    let time = format!(" {} UTC ", scene.now.wall.shown(Ahead(0)));
    // The keys come first: the date, then the time, gives way.
    let times = [time.as_str(), time.get(DATE..).unwrap_or_default()];
    let width = |time: &&str| u16::try_from(time.len()).unwrap_or(u16::MAX);
    if let Some(time) = times.into_iter().find(|time| width(time) < left) {
        let place = right(bar, width(&time));
        frame.render_widget(Paragraph::new(time).style(BAR).alignment(Alignment::Right), place);
    }
}

/// Draws over the last screen how long the machine is at work. Nothing else of it changes meanwhile.
pub fn working(elapsed: Duration, frame: &mut Frame) {
    let area = frame.area();
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        return;
    }
    let lines: Vec<Line> = words::working(elapsed.as_secs()).into_iter().map(|line| Line::styled(line, ASK)).collect();
    let rows = WORKING - 1;
    let y = area.y + area.height - BELOW - STEPS - WORKING;
    frame.render_widget(Paragraph::new(lines), Rect { x: area.x + 1, y, width: area.width - 1, height: rows });
}

fn body(scene: &Scene<'_>, frame: &mut Frame, body: Rect) {
    let works = scene.works();
    let ends = matches!(scene.waiting, Waiting::Acting(Act::Show) | Waiting::Closed);
    let published = ends && !scene.writes && scene.trouble.is_none();
    if published && body.height < digests::ROWS_MIN + STEPS {
        // Symbol and digest need the rows of the steps, too.
        return digests::draw(scene, frame, body);
    }
    let kept = STEPS + if works { WORKING } else { 0 };
    let middle = Rect { x: body.x + 1, width: body.width - 2, height: body.height - kept, ..body };
    steps(scene, frame, Rect { y: body.y + body.height - STEPS, height: STEPS, ..body });
    match scene.secret {
        _ if published => digests::draw(scene, frame, Rect { x: body.x, width: body.width, ..middle }),
        Some(secret) => secret::draw(scene, secret, frame, middle),
        None => middle::draw(scene, frame, middle),
    }
    if works {
        working(Duration::ZERO, frame);
    }
}

/// The phase and the planned end; below them three steps that are done and six that follow. The step under way is the
/// title of the middle.
fn steps(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let (phase, end) = (wording::edge::phase(scene), wording::edge::planned_end(scene).unwrap_or_default());
    let gap = usize::from(area.width).saturating_sub(phase.chars().count() + end.chars().count());
    frame.render_widget(Line::from(format!("{phase}{}{end}", "─".repeat(gap))), row(area, 0));
    let at = usize::from(scene.state.at().0);
    let rows = usize::from(STEPS - 1);
    let width = area.width / 3;
    let columns = [at.saturating_sub(rows)..at, at + 1..at + 1 + rows, at + 1 + rows..at + 1 + 2 * rows];
    for (column, places) in (0..).zip(columns) {
        for (y, place) in (1..).zip(places) {
            let Some(step) = scene.script.steps.get(place) else { continue };
            let (mark, style) = if place < at { ("√", GOOD) } else { ("·", PLAIN) };
            let name = shortened(&about(scene.plan, step.kind).name, usize::from(width) - 7);
            let line = Line::styled(format!(" {mark}{:>3} {name}", place + 1), style);
            frame.render_widget(line, Rect { x: area.x + column * width, width, ..row(area, y) });
        }
    }
}

/// The head of the record with the numbers of its groups, and the entries that it fixes.
fn head(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let (words, is_written) = wording::edge::head(scene);
    let (said, shown) = if is_written { (ASK, STRONG) } else { (PLAIN, PLAIN) };
    let groups = scene.head.groups().map(|group| group.to_string());
    let half = groups.len() / 2;
    for (at, (words, groups)) in words.into_iter().zip(groups.chunks(half)).enumerate() {
        let (first, last) = (at * half + 1, (at + 1) * half);
        let line = row(area, u16::try_from(at).unwrap_or_default());
        frame.render_widget(Line::styled(format!(" {words}"), said), line);
        let groups = Line::styled(format!("{first:>2}  {}  {last:>2} ", groups.join(" ")), shown);
        let width = u16::try_from(groups.width()).unwrap_or(u16::MAX);
        frame.render_widget(groups, right(line, width));
    }
}

/// A name that fits: of a longer one the middle is left out, because names of one plan differ at the end.
fn shortened(name: &str, columns: usize) -> String {
    const GAP: &str = "..";
    let len = name.chars().count();
    if len <= columns {
        return name.to_owned();
    }
    let kept = columns.saturating_sub(GAP.len());
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    name.chars().take(head).chain(GAP.chars()).chain(name.chars().skip(len - tail)).collect()
}

/// The overlay on the ceremony: its role and question, and the words below.
fn over(scene: &Scene<'_>, lines: Vec<String>, frame: &mut Frame, area: Rect) {
    let area = Rect { x: area.x + 2, width: area.width - 4, ..area };
    let lines = lines.into_iter().map(Line::from).collect();
    middle::stack([Vec::new(), middle::asked(scene), lines, Vec::new(), Vec::new()], 0, frame, area);
}

/// Planned against elapsed time; it stands out once a step takes longer than planned.
fn pace(scene: &Scene<'_>) -> (String, Style) {
    /// Minutes beyond which the line would not fit; a person who sees them knows enough.
    const MINUTES_MAX: u64 = 999;
    let step = scene.script.step(scene.state.at());
    let budget = step.map_or(0, |step| step.budget);
    let steps = scene.script.steps.len();
    let planned: u32 = scene.script.steps.iter().map(|step| u32::from(step.budget)).sum();
    let minutes = |from| wording::edge::minutes(scene.now, from);
    let (here, whole) = (minutes(scene.since.0), minutes(scene.since.1));
    let at = match step {
        Some(step) => format!("Step {} of {steps}: {} of {budget} min", step.id.0 + 1, here.min(MINUTES_MAX)),
        None => format!("All {steps} steps are done"),
    };
    let words = format!("{at}   Ceremony: {} of {planned} min", whole.min(MINUTES_MAX));
    (words, if step.is_some() && here > u64::from(budget) { ASK } else { PLAIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_at_the_end_differ_in_the_list_of_steps_too() {
        assert_eq!(shortened("Sign in custodian-1", 19), "Sign in custodian-1");
        assert_eq!(shortened("Make metadata-signing-2026", 19), "Make meta..ing-2026");
        assert_eq!(shortened("Make metadata-signing-2026-ec", 19), "Make meta..-2026-ec");
    }
}

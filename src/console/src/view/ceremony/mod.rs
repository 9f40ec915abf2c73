//! The one screen of a ceremony: the steps at the left, role and question in the middle, pace and head at the edge.
//!
//! There is no screen per step: the question of a step, and the words for it, make its screen.

mod digests;
mod middle;
mod secret;

use core::time::Duration;

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::kind::about;
use conclave_ceremony::step::Waiting;
use conclave_publish::Kind;
use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{ASK, BAD, BAR, COLUMNS_MIN, GOOD, PLAIN, ROWS_MIN, STRONG, keyboards, right, row, too_small, top};
use crate::ceremony::desk::Stage;
use crate::ceremony::scene::Scene;
use crate::civil::Ahead;
use crate::preflight::Over;
use crate::preflight::laptop::Supply;
use crate::wording::{self, ceremony as words, preflight as text};

/// Rows above the middle: title, and the bar of a rehearsal.
const ABOVE: u16 = 2;
/// Rows below it: pace, head, keys.
const BELOW: u16 = 3;
/// Columns of the list of steps.
const STEPS: u16 = 26;
/// Rows that say how long the machine is at work, the gap above them included.
const WORKING: u16 = 3;
/// Columns of the battery's state.
const BATTERY: u16 = 13;
/// Columns of a time in the bar.
const TIME: u16 = 25;
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
        Over::Help => over(scene, words::help(scene), frame, body),
        Over::Keyboard(field) => {
            let mut lines = text::keyboard(field.text());
            lines.push(format!("layout {}:  {}_", scene.desk.layout.name(), field.text()));
            over(scene, lines, frame, body);
        }
        Over::PowerOff(field) => over(scene, vec![format!("{}_", field.text())], frame, body),
        Over::Nothing => self::body(scene, frame, body),
    }
    // Above the lines that say how long the machine is at work.
    let working = if scene.works() { WORKING } else { 0 };
    keyboards::draw(scene.keyboard, frame, Rect { height: body.height - working, ..body });
    let (pace, style) = match (scene.overhears, scene.shut_out) {
        (Some(other), _) => (wording::usb::overhears(other), BAD),
        (None, Some(other)) => (wording::usb::shut_out(other), BAD),
        (None, None) => pace(scene),
    };
    let line = row(area, area.height - 3);
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
    let head = scene.head.groups().map(|group| group.to_string()).join(" ");
    frame.render_widget(Paragraph::new(head).style(STRONG).alignment(Alignment::Center), row(area, area.height - 2));
    let bar = row(area, area.height - 1);
    frame.render_widget(Paragraph::new(format!(" {}", keys(scene))).style(BAR), bar);
    let time = format!("{} UTC ", scene.now.wall.shown(Ahead(0)));
    frame.render_widget(Paragraph::new(time).style(BAR).alignment(Alignment::Right), right(bar, TIME));
}

/// Draws over the last screen how long the machine is at work. Nothing else of it changes meanwhile.
pub fn working(elapsed: Duration, frame: &mut Frame) {
    let area = frame.area();
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        return;
    }
    let lines: Vec<Line> = words::working(elapsed.as_secs()).into_iter().map(|line| Line::styled(line, ASK)).collect();
    let rows = WORKING - 1;
    let place =
        Rect { x: area.x + STEPS, y: area.y + area.height - BELOW - rows, width: area.width - STEPS, height: rows };
    frame.render_widget(Paragraph::new(lines), place);
}

fn body(scene: &Scene<'_>, frame: &mut Frame, body: Rect) {
    let works = scene.works();
    let height = if works { body.height - WORKING } else { body.height };
    let middle = Rect { x: body.x + STEPS, width: body.width - STEPS, height, ..body };
    let ends = matches!(scene.waiting, Waiting::Acting(Act::Show) | Waiting::Closed);
    let published = ends && !scene.writes && scene.trouble.is_none();
    if published && !digests::fit(middle) {
        // Symbol and digest need the list's columns, too.
        return digests::draw(scene, frame, body);
    }
    steps(scene, frame, Rect { width: STEPS, ..body });
    match scene.secret {
        _ if published => digests::draw(scene, frame, middle),
        Some(secret) => secret::draw(scene, secret, frame, middle),
        None => middle::draw(scene, frame, middle),
    }
    if works {
        working(Duration::ZERO, frame);
    }
}

/// Done, now, next: the step under way is always in sight.
fn steps(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let at = usize::from(scene.state.at().0);
    let height = usize::from(area.height);
    let first = at.saturating_sub(height / 3).min(scene.script.steps.len().saturating_sub(height));
    let shown = scene.script.steps.iter().enumerate().skip(first).take(height);
    let lines: Vec<Line> = shown
        .map(|(place, step)| {
            let (mark, style) = match place.cmp(&at) {
                core::cmp::Ordering::Less => ("√", GOOD),
                core::cmp::Ordering::Equal => ("►", STRONG),
                core::cmp::Ordering::Greater => ("·", PLAIN),
            };
            let name = shortened(&about(scene.plan, step.kind).name, usize::from(STEPS) - 7);
            Line::styled(format!(" {mark}{:>3} {name}", place + 1), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
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
    let minutes = |from: crate::ports::Now| scene.now.mono_ms.saturating_sub(from.mono_ms) / 60_000;
    let step = scene.script.step(scene.state.at());
    let budget = step.map_or(0, |step| step.budget);
    let steps = scene.script.steps.len();
    let planned: u32 = scene.script.steps.iter().map(|step| u32::from(step.budget)).sum();
    let (here, whole) = (minutes(scene.since.0), minutes(scene.since.1));
    let at = match step {
        Some(step) => format!("step {} of {steps}: {} of {budget} min", step.id.0 + 1, here.min(MINUTES_MAX)),
        None => format!("all {steps} steps are done"),
    };
    let words = format!("{at}   ceremony: {} of {planned} min   head:", whole.min(MINUTES_MAX));
    (words, if step.is_some() && here > u64::from(budget) { ASK } else { PLAIN })
}

fn keys(scene: &Scene<'_>) -> &'static str {
    match (&scene.desk.over, &scene.waiting, scene.desk.stage) {
        (Over::Help, ..) => "any key: back",
        (Over::Keyboard(_), ..) => text::KEYBOARD_KEYS,
        (Over::PowerOff(_), ..) => "Enter: do it   Esc: back",
        _ if scene.trouble.is_some() => "F1 help   F2 keyboard   F10 off   Enter: try again",
        _ if scene.writes => "no key is read while a drive is written to",
        (_, Waiting::Acting(Act::Reveal(_)), Stage::Form) => "F1 help   Enter: compare   Esc: see it again",
        (_, Waiting::Acting(Act::Reveal(_)), _) => "F1 help   Enter: go on",
        (_, Waiting::Acting(Act::Show), _) => "F1 help   Up Down: one by one   Enter: go on",
        (_, Waiting::Closed, _) => "F1 help   Up Down: one by one   F10 off",
        (_, Waiting::Acting(_), _) => "no key is read while a device works",
        (_, Waiting::Halted(_), _) => "F1 help   Up Down: scroll   F10 off",
        (.., Stage::Who) if scene.desk.signing.then == Stage::Form => {
            "F1 help  F2 keyboard  F3 object  F10 off  1 2: choose"
        }
        (_, Waiting::Asked(Ask::Objections), Stage::Who) => "F1 help  F10 off   1 2: choose   Enter: no objection",
        (.., Stage::Who) => "F1 help   1 2: choose   Esc: back",
        (_, Waiting::Asked(Ask::SignIn(_)), Stage::Form) => "F1 help   Enter: go on   Esc: see it again",
        (_, Waiting::Asked(Ask::Go { .. }), Stage::Form) if scene.desk.signing.was_chosen() => {
            "F1 help  F3 object  F10 off  Enter: go on  Esc: back"
        }
        (
            ..,
            Stage::Objection
            | Stage::OtherBag
            | Stage::Confirms
            | Stage::Warn
            | Stage::Attests
            | Stage::Why
            | Stage::Refuses,
        )
        | (_, Waiting::Asked(Ask::BagNumber(_)), _) => "F1 help   Enter: go on   Esc: back",
        (.., Stage::Shown) => "F1 help   Enter: go on",
        (.., Stage::Attest) => "F1 help  F2 keyboard  F3 object  F10 off  1 2: choose",
        (_, Waiting::Asked(Ask::Again { .. }), _) => "F1 help  F2 keyboard  F10 off  Enter: go on",
        _ => "F1 help  F2 keyboard  F3 object  F10 off  Enter: go on",
    }
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

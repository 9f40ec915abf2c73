//! The one screen of a ceremony: the steps left, who acts and what is asked in the middle, the head at the edge.
//!
//! There is no screen per step: what a step asks, and the words for it, make its screen.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::script::Step;
use conclave_ceremony::step::Waiting;
use conclave_publish::Kind;
use conclave_publish::qr::{Grid, Ink, Symbol};
use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::{ASK, BAD, BAR, COLUMNS_MIN, GOOD, PLAIN, ROWS_MIN, STRONG, right, row};
use crate::ceremony::desk::Stage;
use crate::ceremony::form::Input;
use crate::ceremony::scene::Scene;
use crate::civil::Ahead;
use crate::look::Over;
use crate::{text, text_ceremony as words};

/// Columns of the list of steps.
const STEPS: u16 = 26;
/// What a rehearsal's bar looks like: like nothing else here. A console has eight backgrounds, none of them bright.
const REHEARSAL: Style = Style::new().fg(Color::White).bg(Color::Magenta);

/// Draws the whole screen.
pub fn draw(scene: &Scene<'_>, frame: &mut Frame) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, PLAIN);
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        let words = text::too_small(area.width, area.height);
        frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
        return;
    }
    let time = format!("{} UTC ", scene.now.wall.shown(Ahead(0)));
    frame.render_widget(Paragraph::new(format!(" CONCLAVE  {}", scene.plan.title)).style(BAR), row(area, 0));
    frame.render_widget(Paragraph::new(time).style(BAR).alignment(Alignment::Right), right(row(area, 0), 25));
    if scene.plan.kind == Kind::Rehearsal {
        let bar = Paragraph::new(words::REHEARSAL).style(REHEARSAL).alignment(Alignment::Center);
        frame.render_widget(bar, row(area, 1));
    }
    let body = Rect { y: area.y + 2, height: area.height - 5, ..area };
    match &scene.desk.over {
        Over::Help => over(words::help(scene), frame, body),
        Over::Keyboard(field) => {
            let mut lines = text::keyboard(scene.desk.layout);
            lines.push(format!("layout {}:  {}_", scene.desk.layout.name(), field.text()));
            over(lines, frame, body);
        }
        Over::PowerOff(field) => over(vec![text::POWER_OFF.into(), format!("{}_", field.text())], frame, body),
        Over::Nothing => {
            steps(scene, frame, Rect { width: STEPS, ..body });
            let middle = Rect { x: body.x + STEPS, width: body.width - STEPS, ..body };
            if scene.secret.is_some() { secret(scene, frame, middle) } else { self::middle(scene, frame, middle) }
        }
    }
    frame.render_widget(Paragraph::new(format!(" {}", pace(scene))), row(area, area.height - 3));
    let head = scene.head.groups().map(|group| group.to_string()).join(" ");
    frame.render_widget(Paragraph::new(head).style(STRONG).alignment(Alignment::Center), row(area, area.height - 2));
    frame.render_widget(Paragraph::new(format!(" {}", keys(scene))).style(BAR), row(area, area.height - 1));
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
            let name: String = words::step(scene.plan, step.kind).chars().take(usize::from(STEPS) - 7).collect();
            Line::styled(format!(" {mark}{:>3} {name}", place + 1), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn middle(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let mut lines = Vec::new();
    let step = scene.script.step(scene.state.at());
    if let Some(Step { id, kind, .. }) = step {
        let name = words::step(scene.plan, *kind);
        let style = if words::irreversible(*kind) { BAD } else { STRONG };
        let mark = if words::irreversible(*kind) { format!("   {}", words::IRREVERSIBLE) } else { String::new() };
        lines.push(Line::styled(format!("Step {}: {name}{mark}", id.0 + 1), style));
    }
    lines.push(Line::from(""));
    lines.push(Line::from(vec![
        Span::styled(format!("{}: ", words::asked(scene)), ASK),
        Span::styled(words::instruction(scene), STRONG),
    ]));
    lines.push(Line::from(""));
    if let Some(failure) = scene.state.failed().filter(|_| scene.trouble.is_none()) {
        lines.extend([Line::styled(failure.words.to_string(), BAD), Line::from("")]);
    }
    facts(scene, &mut lines);
    form(scene, &mut lines);
    if let Some(refused) = &scene.desk.refused {
        lines.extend([Line::from(""), Line::styled(refused.clone(), BAD)]);
    }
    let shows = matches!(scene.waiting, Waiting::Acting(Act::Show) | Waiting::Closed);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }).scroll((scene.desk.scroll, 0)), area);
    if shows {
        code(scene, frame, area);
    }
}

fn facts(scene: &Scene<'_>, lines: &mut Vec<Line<'_>>) {
    if let Some(trouble) = scene.trouble {
        lines.push(Line::styled(trouble.to_string(), BAD));
        return;
    }
    match &scene.waiting {
        Waiting::Halted(failure) | Waiting::Asked(Ask::Again { failure }) => {
            lines.push(Line::styled(failure.words.to_string(), BAD));
        }
        Waiting::Acting(Act::Show) | Waiting::Closed => {
            lines.push(Line::styled("Head, in words:", ASK));
            lines.push(Line::from(scene.head.words()));
            for (id, key) in &scene.state.facts().keys {
                let label = scene.plan.keys.get(usize::from(id.0)).map_or("", |key| key.label.as_str());
                if let Some(certificate) = &key.certificate {
                    lines.push(Line::styled(format!("Certificate of {label}, SHA-256:"), ASK));
                    lines.push(Line::from(conclave_publish::Digest::of(certificate.get()).to_string()));
                }
            }
        }
        Waiting::Asked(Ask::SignIn(person)) => match scene.desk.stage {
            Stage::Code { person, .. } => {
                let code = scene.desk.code(person).unwrap_or_default();
                lines.push(Line::from(vec![Span::raw("Your code: "), Span::styled(code.to_owned(), STRONG)]));
            }
            _ => {
                let name = scene.plan.people.get(usize::from(person.0));
                let full = name.map_or_else(String::new, |name| format!("{}, {}", name.name, name.organisation));
                lines.extend([full, String::new()].map(Line::from));
                let choices = ["1  passport", "2  identity card", "3  known to those present", "a  does not come"];
                lines.extend(choices.map(Line::from));
            }
        },
        _ => {
            let kind = scene.script.step(scene.state.at()).map(|step| step.kind);
            lines.extend(kind.map(|kind| Line::from(words::purpose(scene.plan, kind))));
            if let Some(kcv) = scene.state.facts().kcv {
                lines.push(Line::from(format!("Check value of the DKEK: {kcv}")));
            }
        }
    }
}

fn form(scene: &Scene<'_>, lines: &mut Vec<Line<'_>>) {
    if matches!(scene.desk.stage, Stage::Warn | Stage::Choose | Stage::Shown) {
        return;
    }
    let (inputs, at) = scene.desk.form.lines();
    for (place, (label, input)) in inputs.iter().enumerate() {
        let typed = match input {
            Input::Open(field) => field.text().to_owned(),
            Input::Hidden(field) => "*".repeat(field.len()),
        };
        let (cursor, style) = if place == at { ("_", STRONG) } else { ("", PLAIN) };
        lines.push(Line::from(""));
        lines.push(Line::from(vec![Span::styled(format!("{label}: "), ASK), Span::styled(typed + cursor, style)]));
    }
}

/// A secret before its keeper's eyes. It goes straight into the cells of the screen, which the next drawing overwrites: no
/// line of text is made of it.
fn secret(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let Some(secret) = scene.secret else { return };
    let line = Line::from(vec![
        Span::styled(format!("{}: ", words::asked(scene)), ASK),
        Span::styled(words::instruction(scene), STRONG),
    ]);
    frame.render_widget(Paragraph::new(line).wrap(Wrap { trim: false }), Rect { y: area.y + 1, height: 2, ..area });
    let words_of = matches!(scene.waiting, Waiting::Acting(Act::Reveal(Slot::Passphrase(_))));
    let group = if words_of { usize::MAX } else { 4 };
    let (mut x, mut y) = (area.x + 4, area.y + 5);
    let buffer = frame.buffer_mut();
    for (at, byte) in secret.expose().iter().enumerate() {
        if *byte == b' ' {
            (x, y) = (area.x + 4, y + 2);
            continue;
        }
        if at > 0 && at % group == 0 {
            x += 2;
        }
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_char(char::from(*byte)).set_style(STRONG);
        }
        x += if words_of { 1 } else { 2 };
    }
}

/// The head as a QR code, where there is room beside the words.
fn code(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let text = scene.head.to_string().replace(' ', "").to_uppercase();
    let grid = Grid { columns: usize::from(area.width), rows: usize::from(area.height) };
    let Ok(symbol) = Symbol::fitting(&text, grid) else { return };
    let side = u16::try_from(symbol.side()).unwrap_or(area.width);
    let rows = side.div_ceil(2).min(area.height);
    if area.width < side + 54 {
        return;
    }
    let place = Rect { x: area.x + area.width - side, y: area.y, width: side, height: rows };
    let lines: Vec<Line> = symbol.lines(Ink::Light).into_iter().map(|line| Line::styled(line, STRONG)).collect();
    frame.render_widget(Paragraph::new(lines), place);
}

fn over(lines: Vec<String>, frame: &mut Frame, area: Rect) {
    let area = Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 1 };
    let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}

/// Planned against elapsed time.
fn pace(scene: &Scene<'_>) -> String {
    let minutes = |from: crate::ports::Now| scene.now.mono_ms.saturating_sub(from.mono_ms) / 60_000;
    let step = scene.script.step(scene.state.at());
    let budget = step.map_or(0, |step| step.budget);
    let steps = scene.script.steps.len();
    let planned: u32 = scene.script.steps.iter().map(|step| u32::from(step.budget)).sum();
    format!(
        "step {} of {steps}: {} of {budget} min    ceremony: {} of {planned} min    head of the record:",
        (usize::from(scene.state.at().0) + 1).min(steps),
        minutes(scene.since.0),
        minutes(scene.since.1),
    )
}

fn keys(scene: &Scene<'_>) -> &'static str {
    match (&scene.desk.over, &scene.waiting, scene.desk.stage) {
        (Over::Help, ..) => "any key: back",
        (Over::Keyboard(_), ..) => "Tab: next layout   Enter: keep this layout",
        (Over::PowerOff(_), ..) => "Enter: do it   Esc: back",
        _ if scene.writes => "no key is read while a drive is written to",
        (_, Waiting::Acting(Act::Reveal(_)), Stage::Form) => "F1 help   Enter: compare   Esc: see it again",
        (_, Waiting::Acting(Act::Reveal(_)), _) => "F1 help   Enter: go on",
        (_, Waiting::Acting(Act::Show), _) => "F1 help   Up Down: scroll   Enter: go on",
        (_, Waiting::Acting(_), _) => "no key is read while a device works",
        _ => "F1 help   F2 keyboard   F10 off   Enter: go on",
    }
}

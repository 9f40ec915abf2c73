//! The middle of the screen: the step, the instruction and its role, the facts, the lines to type on.

use conclave_ceremony::ask::Ask;
use conclave_ceremony::kind::about;
use conclave_ceremony::step::Waiting;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Padding, Paragraph, Wrap};

use super::super::{ASKED, ASKED_ROLE, height};
use super::{ASK, BAD, GOOD, PLAIN, STRONG};
use crate::ceremony::desk::Stage;
use crate::ceremony::form::{Input, Line as FormLine};
use crate::ceremony::scene::Scene;
use crate::wording::plugged::Says;
use crate::wording::{self, ceremony as words};

/// Rows no block has more of: the longest words of a failure, wrapped, are a tenth of that.
const ROWS_MAX: u16 = 100;
/// Rows of the frame around the thing asked.
const FRAME: u16 = 2;
/// The same on a large screen.
const LARGE_FRAME: u16 = 6;

pub(super) fn draw(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let refused = scene.desk.refused.iter().map(|refused| Line::styled(refused.clone(), BAD)).collect();
    let typed = plugged(scene).into_iter().chain(form(scene)).collect();
    let blocks = [title(scene, area.width), asked(scene), facts(scene), typed, refused];
    stack(blocks, scene.desk.scroll, frame, area);
}

/// Draws blocks of lines below one another; the third, the facts, gives way. Where room is short the gaps between the
/// blocks go first, then facts are scrolled: the question and the typed lines stay in sight.
pub(super) fn stack(blocks: [Vec<Line<'_>>; 5], scroll: u16, frame: &mut Frame, area: Rect) {
    let blocks = blocks.map(|lines| (!lines.is_empty()).then(|| Paragraph::new(lines).wrap(Wrap { trim: false })));
    let mut heights =
        blocks.each_ref().map(|block| block.as_ref().map_or(0, |block| height(block, area.width, ROWS_MAX)));
    let (sum, gaps) = (heights.iter().sum::<u16>(), blocks.iter().flatten().count().saturating_sub(1));
    let gap = u16::from(usize::from(sum) + gaps <= usize::from(area.height));
    let lacks = sum.saturating_sub(area.height);
    let [_, asked, facts, _, _] = &mut heights;
    *facts = facts.saturating_sub(lacks);
    // The frame is the first thing that gives way; a large screen has a larger one.
    let has_room = |rows: u16| usize::from(sum + rows) + gaps <= usize::from(area.height);
    let frame_rows = [LARGE_FRAME, FRAME].into_iter().find(|rows| has_room(3 * rows - 2 * FRAME));
    *asked += frame_rows.unwrap_or(0);
    let mut y = area.y;
    for (at, (block, rows)) in blocks.into_iter().zip(heights).enumerate() {
        let Some(block) = block else { continue };
        let block = match at {
            1 => match frame_rows {
                Some(rows) => block.style(ASKED).block(frame_of_asked(rows)),
                None => block.style(ASKED),
            },
            2 => block.scroll((scroll.min(lacks), 0)),
            _ => block,
        };
        frame.render_widget(block, Rect { y, height: rows, ..area }.intersection(area));
        y += rows + gap;
    }
}

/// Rows of lines once they are wrapped.
pub(super) fn rows(lines: Vec<Line<'_>>, width: u16) -> u16 {
    height(&Paragraph::new(lines).wrap(Wrap { trim: false }), width, ROWS_MAX)
}

fn frame_of_asked(rows: u16) -> Block<'static> {
    Block::new().borders(Borders::TOP | Borders::BOTTOM).padding(Padding::vertical((rows - FRAME) / 2))
}

/// The one thing asked in its frame, at the top of an area.
pub(super) fn boxed(lines: Vec<Line<'_>>, frame: &mut Frame, area: Rect) {
    let asked = Paragraph::new(lines).wrap(Wrap { trim: false });
    let rows = height(&asked, area.width, ROWS_MAX) + FRAME;
    let place = Rect { height: rows, ..area }.intersection(area);
    frame.render_widget(asked.style(ASKED).block(frame_of_asked(FRAME)), place);
}

/// The step, and across the whole width whether it cannot be undone, where people agree to it.
pub(super) fn title(scene: &Scene<'_>, width: u16) -> Vec<Line<'static>> {
    let Some(step) = scene.script.step(scene.state.at()) else { return Vec::new() };
    let name = format!("Step {}: {}", step.id.0 + 1, about(scene.plan, step.kind).name);
    let mut lines = vec![Line::styled(name, STRONG)];
    let agrees = matches!(scene.waiting, Waiting::Asked(Ask::Go { who: Some(_), .. } | Ask::Word(_)));
    if agrees && !scene.writes && about(scene.plan, step.kind).gravity.is_final() {
        lines.push(Line::styled(format!("{:^1$}", words::IRREVERSIBLE, usize::from(width)), BAD));
    }
    lines
}

/// The role that acts, and its one instruction.
pub(super) fn asked(scene: &Scene<'_>) -> Vec<Line<'static>> {
    let who = Span::styled(format!(" {}: ", words::asked(scene)), ASKED_ROLE);
    vec![Line::from(vec![who, Span::styled(words::instruction(scene), ASKED)])]
}

fn facts(scene: &Scene<'_>) -> Vec<Line<'static>> {
    if let Some(trouble) = scene.trouble {
        return vec![Line::styled(trouble.to_string(), BAD)];
    }
    let plain = |words: Vec<String>| words.into_iter().map(Line::from).collect();
    match &scene.waiting {
        Waiting::Halted(failure) | Waiting::Asked(Ask::Again { failure }) => {
            vec![Line::styled(failure.words.to_string(), BAD)]
        }
        Waiting::Asked(Ask::Replace(lost, spare)) => plain(wording::drives::replaced(scene.plan, *lost, *spare)),
        Waiting::Asked(Ask::SignIn(asked)) if !scene.works() => {
            let choices = wording::facts::CHOICES.into_iter().filter(|_| scene.desk.signs.is_none());
            let person = wording::facts::person(scene, scene.desk.signing_in().unwrap_or(*asked));
            let dead = wording::codes::dead(scene, *asked).into_iter().flat_map(|dead| [dead, String::new()]);
            plain(dead.chain([person, String::new()]).chain(choices.map(str::to_owned)).collect())
        }
        _ => {
            let Some(step) = scene.script.step(scene.state.at()) else { return Vec::new() };
            let burnt = if scene.works() { Vec::new() } else { wording::facts::burnt(scene) };
            let facts: Vec<String> = burnt.into_iter().chain(wording::facts::of_step(scene, step.kind)).collect();
            let mut lines = vec![about(scene.plan, step.kind).purpose];
            if !facts.is_empty() {
                lines.push(String::new());
            }
            // The device that failed may not be the first that is asked for again.
            let device = matches!(scene.waiting, Waiting::Asked(Ask::Insert(_) | Ask::Remove(_)));
            let failed = scene.state.failed().filter(|_| device || !scene.desk.failure_read);
            let failed = failed.map(|failure| Line::styled(failure.words.to_string(), BAD));
            let lines = lines.into_iter().chain(facts).map(Line::from);
            failed.into_iter().flat_map(|failed| [failed, Line::from("")]).chain(lines).collect()
        }
    }
}

/// The devices in the ports. A refused answer names the wrong device by itself.
fn plugged(scene: &Scene<'_>) -> Vec<Line<'static>> {
    if scene.works() || scene.writes {
        return Vec::new();
    }
    let says = wording::plugged::of_step(scene.plan, scene.state.facts(), &scene.waiting, scene.plugged);
    let line = |says: Says| match says {
        Says::Wrong(_) if scene.desk.refused.is_some() => None,
        Says::Right(words) => Some(Line::styled(words, GOOD)),
        Says::Wrong(words) => Some(Line::styled(words, ASK)),
        Says::All(words) => Some(Line::from(words)),
    };
    says.into_iter().filter_map(line).collect()
}

fn form(scene: &Scene<'_>) -> Vec<Line<'static>> {
    // Once an answer is taken, its lines go, also while the machine works or writes: a code does not stay on the
    // screen.
    if scene.works()
        || scene.writes
        || matches!(scene.desk.stage, Stage::Warn | Stage::Choose { .. } | Stage::Shown | Stage::Attest)
    {
        return Vec::new();
    }
    let waits = wording::codes::waiting(scene).into_iter().map(|words| Line::styled(words, ASK));
    if scene.desk.stage == Stage::Who {
        return waits.chain(wording::codes::choices(scene).into_iter().map(Line::from)).collect();
    }
    let (lines, at) = scene.desk.form.lines();
    let line = |(place, FormLine { label, input, .. }): (usize, &FormLine)| {
        let (typed, behind) = match input {
            Input::Open(field) => (field.text().to_owned(), if field.is_full() { words::FULL } else { "" }),
            Input::Hidden(field) => ("*".repeat(field.len()), if field.refused() { words::NOT_TAKEN } else { "" }),
        };
        let behind = Span::styled(behind, BAD);
        let (cursor, style) = if place == at { ("_", STRONG) } else { ("", PLAIN) };
        Line::from(vec![Span::styled(format!("{label}: "), ASK), Span::styled(typed + cursor, style), behind])
    };
    waits.chain(lines.iter().enumerate().map(line)).collect()
}

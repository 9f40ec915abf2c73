//! The challenge: no group of the digest is on this screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{ASK, BAD, PLAIN, STRONG, instruction, lines, row, rows};
use crate::preflight::challenge::{Challenged, Of, Open};
use crate::wording::preflight as text;

pub(super) fn draw(of: Of, challenged: &Challenged, frame: &mut Frame, area: Rect) {
    let words = text::challenge(of, challenged);
    instruction(frame, row(area, 1), words.role, &words.instruction);
    let mut shown: Vec<Line> = Vec::new();
    if let Challenged::Open(open) = challenged {
        shown = asked(open);
        shown.push(Line::from(""));
    }
    let style = if matches!(challenged, Challenged::Differs(..)) { BAD } else { PLAIN };
    shown.extend(words.facts.into_iter().map(|fact| Line::styled(fact, style)));
    lines(frame, rows(area, 3), shown);
}

fn asked(open: &Open) -> Vec<Line<'static>> {
    let mut shown = Vec::new();
    let own = open.own.positions().iter().map(|position| (text::OF_DIGEST, position));
    let script = open.script.iter().flat_map(|script| script.positions()).map(|position| (text::OF_SCRIPT, position));
    for (line, ((of, position), field)) in own.chain(script).zip(&open.typed).enumerate() {
        let (mark, style) = if line == open.at { ("►", STRONG) } else { (" ", PLAIN) };
        let cursor = if line == open.at { "_" } else { "" };
        shown.push(Line::from(vec![
            Span::styled(format!("  {mark} {of} {:>2} of 16:  ", position + 1), style),
            Span::styled(format!("{}{cursor}", field.text()), ASK),
        ]));
        if let Some((at, mistake)) = &open.mistake
            && *at == line
        {
            shown.push(Line::styled(format!("      {mistake}"), BAD));
        }
    }
    shown
}

//! *Clock*: UTC and local, and the typed text that sets it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{ASK, BAD, GOOD, PLAIN, STRONG, instruction, lines, row, rows};
use crate::civil::Ahead;
use crate::preflight::Preflight;
use crate::preflight::clock::Set;
use crate::wording::preflight as text;

pub(super) fn draw(preflight: &Preflight, frame: &mut Frame, area: Rect) {
    let clock = &preflight.clock;
    let words = text::clock(clock);
    instruction(frame, row(area, 1), words.role, &words.instruction);
    let mut shown = Vec::new();
    if let Some(now) = clock.now {
        shown.push(Line::styled(format!("  UTC           {}", now.shown(Ahead(0))), STRONG));
        shown.push(Line::styled(format!("  local {}  {}", clock.ahead, now.shown(clock.ahead)), STRONG));
        shown.push(Line::from(""));
    }
    if let Err(why) = clock.believable() {
        shown.push(Line::styled(text::unbelievable(why, clock.committed()), BAD));
    }
    if let Some((at, by)) = clock.jumped {
        shown.push(Line::styled(text::jumped(at, by), BAD));
    }
    if let Some(set) = &clock.set {
        let style = if *set == Set::Both { GOOD } else { BAD };
        shown.push(Line::styled(text::clock_set(set), style));
    }
    shown.extend(words.facts.into_iter().map(|fact| Line::styled(fact, PLAIN)));
    shown.push(Line::from(""));
    shown.push(Line::styled(format!("  set to: {}_", clock.typed()), ASK));
    if let Some(mistake) = clock.mistake {
        shown.push(Line::styled(format!("  {mistake}"), BAD));
    }
    lines(frame, rows(area, 3), shown);
}

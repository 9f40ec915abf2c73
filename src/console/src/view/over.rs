//! The overlays on a screen: help, the keyboard test, the question before power-off.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{ASK, BAD, instruction, lines, row, rows};
use crate::field::Field;
use crate::preflight::Preflight;
use crate::wording::preflight as text;

pub(super) fn help(words: Vec<String>, frame: &mut Frame, area: Rect) {
    instruction(frame, row(area, 1), text::ANYBODY, text::HELP);
    lines(frame, rows(area, 3), words.into_iter().map(Line::from).collect());
}

pub(super) fn keyboard(preflight: &Preflight, field: &Field, frame: &mut Frame, area: Rect) {
    instruction(frame, row(area, 1), text::OPERATOR, text::KEYBOARD);
    let mut shown: Vec<Line> = text::keyboard(field.text()).into_iter().map(Line::from).collect();
    shown.push(Line::from(""));
    shown.push(Line::styled(format!("  layout {}:  {}_", preflight.layout.name(), field.text()), ASK));
    lines(frame, rows(area, 3), shown);
}

pub(super) fn power_off(field: &Field, frame: &mut Frame, area: Rect) {
    instruction(frame, row(area, 1), text::OPERATOR, text::POWER_OFF);
    lines(frame, rows(area, 3), vec![Line::styled(format!("  {}_", field.text()), BAD)]);
}

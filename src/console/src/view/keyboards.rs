//! The question about a keyboard on USB, over any screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use super::ASK;
use crate::preflight::Preflight;
use crate::preflight::keyboards::{Keyboard, Standing};
use crate::wording;

/// The question to a keyboard that waits for its code.
pub(super) fn draw(keyboard: Option<&Keyboard>, frame: &mut Frame, area: Rect) {
    let Some(keyboard) = keyboard else { return };
    let Standing::Asked { code, typed, left } = &keyboard.standing else { return };
    boxed(wording::usb::keyboard(keyboard, *code, typed, *left), frame, area);
}

/// The question before a ceremony; if no keyboard waits for its code, that one is shut out.
pub(super) fn draw_all(preflight: &Preflight, frame: &mut Frame, area: Rect) {
    match (preflight.keyboards.asked(), preflight.shut_out()) {
        (None, Some(other)) => boxed(wording::usb::keyboard_shut_out(other), frame, area),
        (asked, _) => draw(asked, frame, area),
    }
}

/// Lines in a frame at the foot of an area.
fn boxed(words: Vec<String>, frame: &mut Frame, area: Rect) {
    let lines: Vec<Line> = words.into_iter().map(|words| Line::from(format!(" {words}"))).collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
    let at = Rect { y: area.y + area.height - height, height, ..area };
    frame.render_widget(Clear, at);
    frame.render_widget(Paragraph::new(lines).style(ASK).block(Block::bordered().style(ASK)), at);
}

//! The question to a keyboard on USB, over whatever the screen shows.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use super::ASK;
use crate::look::keyboards::{Keyboard, Standing};
use crate::text_usb;

/// Rows of the box: three of words and its frame.
const HEIGHT: u16 = 5;

pub(super) fn draw(keyboard: Option<&Keyboard>, frame: &mut Frame, area: Rect) {
    let Some(keyboard) = keyboard else { return };
    let Standing::Asked { code, typed, left } = &keyboard.standing else { return };
    let lines = text_usb::keyboard(keyboard, *code, typed, *left).map(|words| Line::from(format!(" {words}")));
    let at = Rect { y: area.y + area.height.saturating_sub(HEIGHT), height: HEIGHT.min(area.height), ..area };
    frame.render_widget(Clear, at);
    frame.render_widget(Paragraph::new(lines.to_vec()).style(ASK).block(Block::bordered().style(ASK)), at);
}

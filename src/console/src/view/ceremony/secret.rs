//! A secret before its keeper's eyes.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::step::Waiting;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use smartcard_hsm::secret::SecretBytes;

use super::{STRONG, middle};
use crate::ceremony::scene::Scene;

/// Rows from the top of the middle to the secret: room for role and question.
const BELOW: u16 = 4;

/// Draws it straight into the cells of the screen, which the next drawing overwrites: no line of text is made of it.
pub(super) fn draw(scene: &Scene<'_>, secret: &SecretBytes, frame: &mut Frame, area: Rect) {
    middle::boxed(middle::asked(scene), frame, Rect { height: BELOW, ..area });
    let words = matches!(scene.waiting, Waiting::Acting(Act::Reveal(Slot::Passphrase(_))));
    let group = if words { usize::MAX } else { 4 };
    let (mut x, mut y) = (area.x + 4, area.y + BELOW);
    let buffer = frame.buffer_mut();
    // Words are written down with their numbers, so that one that is left out is noticed.
    let mut numbers = ('1'..='9').filter(|_| words);
    let mut number = |(x, y): (u16, u16), buffer: &mut Buffer| {
        let Some(number) = numbers.next() else { return x };
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_char(number);
        }
        x + 3
    };
    x = number((x, y), buffer);
    for (at, byte) in secret.expose().iter().enumerate() {
        if *byte == b' ' {
            y += 2;
            x = number((area.x + 4, y), buffer);
            continue;
        }
        if at > 0 && at % group == 0 {
            x += 2;
        }
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_char(char::from(*byte)).set_style(STRONG);
        }
        x += if words { 1 } else { 2 };
    }
}

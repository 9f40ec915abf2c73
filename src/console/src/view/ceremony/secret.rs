//! A secret before its keeper's eyes.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::step::Waiting;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Paragraph, Wrap};
use smartcard_hsm::secret::SecretBytes;

use super::{STRONG, middle};
use crate::ceremony::scene::Scene;

/// Rows from the top of the middle to the secret: room for role and question.
const BELOW: u16 = 5;

/// Draws it straight into the cells of the screen, which the next drawing overwrites: no line of text is made of it.
pub(super) fn draw(scene: &Scene<'_>, secret: &SecretBytes, frame: &mut Frame, area: Rect) {
    let asked = Paragraph::new(middle::asked(scene)).wrap(Wrap { trim: false });
    frame.render_widget(asked, Rect { y: area.y + 1, height: BELOW - 2, width: area.width - 1, ..area });
    let words = matches!(scene.waiting, Waiting::Acting(Act::Reveal(Slot::Passphrase(_))));
    let group = if words { usize::MAX } else { 4 };
    let (mut x, mut y) = (area.x + 4, area.y + BELOW);
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
        x += if words { 1 } else { 2 };
    }
}

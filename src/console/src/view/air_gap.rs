//! *Air gap*: every proof with its result, the unused hardware, the machine.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{BAD, GOOD, PLAIN, STRONG, instruction, row, rows, scrolled};
use crate::preflight::Preflight;
use crate::preflight::air_gap::{AirGap, Found};
use crate::wording::preflight as text;

/// Columns of a proof and its result.
const PROOF: u16 = 40;

pub(super) fn draw(preflight: &Preflight, frame: &mut Frame, area: Rect) {
    let words = text::air_gap(&preflight.air_gap);
    instruction(frame, row(area, 0), words.role, &words.instruction);
    let AirGap::Tried { proofs, unused, machine, scroll, .. } = &preflight.air_gap else { return };
    let verdict = Line::styled(text::ways_out(proofs), if preflight.air_gap.holds() { GOOD } else { BAD });
    frame.render_widget(verdict, rows(area, 1));
    let mut shown = Vec::new();
    for two in proofs.chunks(usize::from(area.width / PROOF).max(1)) {
        let mut spans = Vec::new();
        for proof in two {
            let (result, style) = match &proof.found {
                Found::Absent(how) => (format!("absent ({how})"), GOOD),
                Found::Present => (text::PRESENT.to_owned(), BAD),
                Found::Untried(why) => (format!("not tried: {why}"), BAD),
            };
            spans.push(Span::styled(format!("{:<21}", proof.tried), PLAIN));
            spans.push(Span::styled(format!("{result:<18}"), style));
        }
        shown.push(Line::from(spans));
    }
    shown.push(Line::styled(text::UNUSED, STRONG));
    if unused.is_empty() {
        shown.push(Line::from(text::NO_UNUSED));
    }
    shown.extend(unused.iter().map(|unused| Line::from(format!("{:<18}{}", unused.what, unused.id))));
    shown.push(Line::styled(text::MACHINE, STRONG));
    shown.extend(machine.iter().map(|fact| Line::from(format!("{:<18}{}", fact.what, fact.value))));
    scrolled(frame, rows(area, 2), shown, *scroll);
}

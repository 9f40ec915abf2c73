//! The digests that people compare and write down at the end, one at a time: in hex, in words and as a QR code.

use conclave_publish::Digest;
use conclave_publish::qr::{Grid, Ink, Symbol};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{ASK, PLAIN, STRONG, middle};
use crate::ceremony::scene::Scene;
use crate::wording;

/// Columns of the words beside the symbol, the gap included.
const WORDS: u16 = 43;
/// Fewest columns of a symbol with the 64 digits of a digest.
const SYMBOL_MIN: u16 = 37;

/// Whether symbol and words have room side by side.
pub(super) fn fit(area: Rect) -> bool {
    area.width >= SYMBOL_MIN + WORDS
}

pub(super) fn draw(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let published = scene.published();
    let at = scene.desk.page.min(published.len().saturating_sub(1));
    let Some((of, digest)) = published.get(at) else { return };
    let symbol = symbol(digest, Rect { width: area.width.saturating_sub(WORDS), ..area });
    let width = symbol.iter().map(|line| line.chars().count()).max().and_then(|width| u16::try_from(width).ok());
    let lines: Vec<Line<'_>> = symbol.into_iter().map(|line| Line::styled(line, STRONG)).collect();
    frame.render_widget(Paragraph::new(lines), area);
    let left = width.map_or(0, |width| width + 2);
    let area = Rect { x: area.x + left, width: area.width.saturating_sub(left + 1), ..area };
    let name = of.map_or_else(|| wording::facts::HEAD.to_owned(), |key| wording::facts::certificate(scene.plan, key));
    let mut facts = vec![Line::styled(format!("{name} ({} of {}):", at + 1, published.len()), ASK)];
    let groups = digest.groups().map(|group| group.to_string());
    facts.extend(groups.chunks(4).map(|row| Line::styled(row.join("  "), STRONG)));
    facts.push(Line::styled(digest.words(), PLAIN));
    let blocks = [middle::title(scene, area.width), middle::asked(scene), facts, Vec::new(), Vec::new()];
    middle::stack(blocks, 0, frame, area);
}

/// The digits of a digest as a symbol that fits: every module two columns by one row where there is room, a half of
/// that where there is not. Capitals take fewer modules, and hex is read the same.
fn symbol(digest: &Digest, area: Rect) -> Vec<String> {
    let text = digest.to_string().to_uppercase();
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    if let Ok(large) = Symbol::fitting(&text, Grid { columns: columns / 2, rows: rows / 2 }) {
        let light = |column, row| if large.is_dark(column, row) { "  " } else { "██" };
        let sides = 0..large.side();
        return sides.clone().map(|row| sides.clone().map(|column| light(column, row)).collect()).collect();
    }
    Symbol::fitting(&text, Grid { columns, rows }).map_or_else(|_| Vec::new(), |symbol| symbol.lines(Ink::Light))
}

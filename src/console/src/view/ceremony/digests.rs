//! The digests that people compare and write down at the end, one at a time: in hex, in words and as a QR code.

use conclave_publish::Group;
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
/// Fewest rows of a symbol with the 64 digits of a digest and its name.
pub(super) const ROWS_MIN: u16 = 19;

pub(super) fn draw(scene: &Scene<'_>, frame: &mut Frame, area: Rect) {
    let published = scene.published();
    let at = scene.desk.page.min(published.len().saturating_sub(1));
    let Some((of, digest)) = published.get(at) else { return };
    let kind = if of.is_none() { "HEAD" } else { "CERT" };
    let symbol = symbol(&format!("{kind} {digest}"), Rect { width: area.width.saturating_sub(WORDS), ..area });
    let width = symbol.iter().map(|line| line.chars().count()).max().and_then(|width| u16::try_from(width).ok());
    let lines: Vec<Line<'_>> = symbol.into_iter().map(|line| Line::styled(line, STRONG)).collect();
    frame.render_widget(Paragraph::new(lines), area);
    let left = width.map_or(0, |width| width + 2);
    let area = Rect { x: area.x + left, width: area.width.saturating_sub(left + 1), ..area };
    let name = of.map_or_else(|| wording::facts::HEAD.to_owned(), |key| wording::facts::certificate(scene.plan, key));
    let mut facts = vec![Line::styled(format!("{name} ({} of {}):", at + 1, published.len()), ASK)];
    let groups = digest.groups().map(|group| group.to_string());
    let with_number = |(at, group): (usize, &String)| format!("{:>2} {group}", at + 1);
    let groups: Vec<String> = groups.iter().enumerate().map(with_number).collect();
    facts.extend(groups.chunks(4).map(|row| Line::styled(row.join("  "), STRONG)));
    let (title, asked) = (middle::title(scene, area.width), middle::asked(scene));
    let rows = |lines: &[Line<'static>]| middle::rows(lines.to_vec(), area.width);
    let left = area.height.saturating_sub(rows(&title) + rows(&asked) + rows(&facts));
    let words = numbered(&digest.groups(), usize::from(area.width));
    // Long words leave no room for the numbers on a small screen; the groups above have them.
    facts.extend(if words.len() <= usize::from(left) { words } else { vec![digest.words().into()] });
    let blocks = [title, asked, facts, Vec::new(), Vec::new()];
    middle::stack(blocks, 0, frame, area);
}

/// The words of a digest, before each group its number. No row ends with a number.
fn numbered(groups: &[Group], width: usize) -> Vec<Line<'static>> {
    let mut rows = vec![String::new()];
    for (number, group) in (1..).zip(groups) {
        for word in format!("{number}\0{}", group.words()).split(' ').map(|word| word.replace('\0', " ")) {
            match rows.last_mut() {
                Some(row) if row.is_empty() => row.push_str(&word),
                Some(row) if row.len() + 1 + word.len() <= width => {
                    row.push(' ');
                    row.push_str(&word);
                }
                _ => rows.push(word),
            }
        }
    }
    rows.into_iter().map(|row| Line::styled(row, PLAIN)).collect()
}

/// The name and the digits of a digest as a symbol that fits: every module two columns by one row where there is room, a half of
/// that where there is not. Capitals take fewer modules, and hex is read the same.
fn symbol(text: &str, area: Rect) -> Vec<String> {
    let text = text.to_uppercase();
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    if let Ok(large) = Symbol::fitting(&text, Grid { columns: columns / 2, rows: rows / 2 }) {
        let light = |column, row| if large.is_dark(column, row) { "  " } else { "██" };
        let sides = 0..large.side();
        return sides.clone().map(|row| sides.clone().map(|column| light(column, row)).collect()).collect();
    }
    Symbol::fitting(&text, Grid { columns, rows }).map_or_else(|_| Vec::new(), |symbol| symbol.lines(Ink::Light))
}

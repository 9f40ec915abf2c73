//! *Medium*: the digest, large, in groups and words; or in words why there is none.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use conclave_publish::Digest;

use super::{ASK, BAD, GOOD, PLAIN, STRONG, big, instruction, lines, row, rows};
use crate::preflight::Preflight;
use crate::preflight::challenge::Challenged;
use crate::preflight::medium::{Hashed, Medium, SelfCheck};
use crate::wording::preflight as text;

pub(super) fn draw(preflight: &Preflight, frame: &mut Frame, area: Rect) {
    match &preflight.medium {
        Medium::Hashed(hashed) => hashed_medium(preflight, hashed, frame, area),
        other => {
            let words = text::medium(other);
            instruction(frame, row(area, 1), words.role, &words.instruction);
            let mut shown: Vec<Line> = words.facts.into_iter().map(Line::from).collect();
            if let Medium::Hashing { done, len, .. } = other {
                shown.push(Line::from(""));
                shown.push(Line::styled(progress(*done, *len, area.width - 4), GOOD));
            }
            lines(frame, rows(area, 3), shown);
        }
    }
}

fn hashed_medium(preflight: &Preflight, hashed: &Hashed, frame: &mut Frame, area: Rect) {
    let words = text::hashed(hashed, &preflight.challenged);
    instruction(frame, row(area, 0), words.role, &words.instruction);
    digest(frame, Rect { y: area.y + 1, height: area.height - 1, ..area }, &hashed.digest);
    let verdict = match hashed.self_check {
        SelfCheck::Holds => Span::styled(text::self_check(hashed), GOOD),
        SelfCheck::Fails => Span::styled(text::self_check(hashed), BAD),
    };
    let mut last = vec![Span::raw(" "), verdict, Span::raw("  ")];
    match (hashed.self_check, &preflight.challenged) {
        // There is nothing to compare a damaged medium with.
        (SelfCheck::Fails, _) => {}
        (_, Challenged::Met(source)) => last.push(Span::styled(text::met(*source), GOOD)),
        _ => last.push(Span::styled(text::hash_elsewhere(hashed), PLAIN)),
    }
    frame.render_widget(Line::from(last), row(area, 21));
}

/// The whole digest: large, then each group with its number and its words.
pub(super) fn digest(frame: &mut Frame, area: Rect, digest: &Digest) {
    let groups = digest.groups();
    for (at, four) in groups.chunks(4).enumerate() {
        for line in 0..big::HEIGHT {
            let large = four.iter().map(|group| big::row(&group.to_string(), line)).collect::<Vec<_>>().join("   ");
            let y = (at * big::HEIGHT + line) as u16;
            frame.render_widget(Line::styled(format!("   {large}"), STRONG), row(area, y));
        }
    }
    let half = groups.len() / 2;
    for (at, (left, right)) in groups.iter().zip(groups.iter().skip(half)).enumerate() {
        let cell = |number: usize, group: &conclave_publish::Group| {
            [
                Span::styled(format!("{number:>4} "), PLAIN),
                Span::styled(group.to_string(), ASK),
                Span::styled(format!("  {:<26}", group.words()), PLAIN),
            ]
        };
        let spans: Vec<Span> = cell(at + 1, left).into_iter().chain(cell(at + half + 1, right)).collect();
        frame.render_widget(Line::from(spans), row(area, (4 * big::HEIGHT + at) as u16));
    }
}

fn progress(done: u64, len: u64, width: u16) -> String {
    let filled = (u128::from(done) * u128::from(width)).checked_div(u128::from(len)).unwrap_or(0) as usize;
    let width = usize::from(width);
    format!("{}{}", "█".repeat(filled.min(width)), "░".repeat(width.saturating_sub(filled)))
}

//! A plan comes in.

use conclave_publish::Digest;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{
    ASK, BAD, BAR, COLUMNS_MIN, PLAIN, ROWS_MIN, STRONG, challenge, instruction, keyboards, order, row, rows, scrolled,
    title,
};
use crate::ceremony::intake::{Intake, Stage};
use crate::preflight::Preflight;
use crate::preflight::challenge::{Challenged, Of};
use crate::wording::plugged::Says;
use crate::wording::{self, intake as words, preflight as text};

pub(super) fn draw(preflight: &Preflight, intake: &Intake, frame: &mut Frame) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, PLAIN);
    if area.width < COLUMNS_MIN || area.height < ROWS_MIN {
        return super::draw(preflight, frame);
    }
    title(preflight, frame, row(area, 0));
    order(preflight, frame, row(area, 1));
    let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
    let (role, asked, mut shown) = match &intake.stage {
        Stage::Insert => (text::OPERATOR, words::INSERT, Vec::new()),
        Stage::Logs(compared) => {
            let why = if compared.is_some() { words::INTERRUPTED } else { words::CLOSED };
            (text::OPERATOR, words::LOGS, vec![Line::from(why), Line::from("")])
        }
        Stage::Refused(refusals) => {
            let refused = words::refused(refusals).into_iter().skip(intake.above).map(|line| Line::styled(line, BAD));
            (text::OPERATOR, words::REFUSED, refused.collect())
        }
        Stage::Challenge(challenged) if challenged.hides_digest() => {
            challenge::draw(Of::Plan, challenged, frame, body);
            return foot(preflight, intake, frame, body);
        }
        Stage::Written(read) if read.written.challenged.hides_digest() => {
            challenge::draw(Of::Head, &read.written.challenged, frame, body);
            return foot(preflight, intake, frame, body);
        }
        Stage::Written(read) => {
            let met = matches!(read.written.challenged, Challenged::Met(_));
            let asked = if met { words::GO_ON } else { words::WRITTEN };
            (text::WITNESS, asked, words::written(&read.written).into_iter().map(Line::from).collect())
        }
        Stage::Challenge(Challenged::Met(_)) if intake.resumes => (text::WITNESS, words::MET_AGAIN, digest(intake)),
        Stage::Challenge(Challenged::Met(_)) => (text::WITNESS, words::MET, digest(intake)),
        Stage::Challenge(_) => (text::WITNESS, words::COMPARE, digest(intake)),
    };
    instruction(frame, row(body, 1), role, asked);
    match &intake.stage {
        Stage::Insert => shown.push(plugged(wording::plugged::before_plan(&intake.plugged))),
        Stage::Challenge(Challenged::Met(_)) if !intake.resumes => {
            shown.extend([Line::from(""), plugged(wording::plugged::before_plan(&intake.plugged))]);
        }
        Stage::Logs(_) => {
            let says = intake.plan.iter().flat_map(|plan| wording::plugged::of_logs(plan, &intake.plugged));
            shown.extend(says.map(plugged));
        }
        Stage::Refused(_) | Stage::Challenge(_) | Stage::Written(_) => {}
    }
    if let Some(wrong) = &intake.wrong {
        shown.extend([Line::from(""), Line::styled(wrong.clone(), BAD)]);
    }
    scrolled(frame, rows(body, 3), shown, 0);
    foot(preflight, intake, frame, body);
}

fn plugged(says: Says) -> Line<'static> {
    match says {
        Says::All(words) | Says::Right(words) => Line::from(words),
        Says::Wrong(words) => Line::styled(words, ASK),
    }
}

/// The digest whole: hex in groups of four, and its words.
fn digest(intake: &Intake) -> Vec<Line<'static>> {
    let Some(digest) = &intake.digest else { return Vec::new() };
    let groups = |digest: &Digest, style| {
        let groups = digest.groups().map(|group| group.to_string());
        groups.chunks(8).map(|row| Line::styled(format!("  {}", row.join("  ")), style)).collect::<Vec<_>>()
    };
    let mut shown = vec![Line::from("SHA-256 of the plan:"), Line::from("")];
    shown.extend(groups(digest, STRONG));
    shown.push(Line::from(""));
    shown.push(Line::from(digest.words()));
    if let Some(script) = &intake.script {
        shown.extend([Line::from(""), Line::from(words::SCRIPT)]);
        shown.extend(groups(script, PLAIN));
    }
    shown
}

/// The keys, and the question to a keyboard over the lines above them.
fn foot(preflight: &Preflight, intake: &Intake, frame: &mut Frame, body: Rect) {
    let area = frame.area();
    keyboards::draw_all(preflight, frame, body);
    let keys = format!(" {}", words::keys(preflight, &intake.stage));
    frame.render_widget(Paragraph::new(keys).style(BAR), row(area, area.height - 1));
}

//! *Devices*: tokens, drives and everything else on USB, as far as looking tells.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{BAD, PLAIN, STRONG, instruction, lines, row, rows};
use crate::drives::Drive;
use crate::look::Look;
use crate::look::devices::{Looked, Token};
use crate::{text, text_drives};

pub(super) fn draw(look: &Look, frame: &mut Frame, area: Rect) {
    let words = text::devices(look.devices.as_ref());
    instruction(frame, row(area, 0), words.role, &words.instruction);
    let Some(devices) = &look.devices else { return };
    let mut shown: Vec<Line> =
        devices.clones().into_iter().map(|serial| Line::styled(text::clone_alarm(serial), BAD)).collect();
    shown.push(Line::styled(text::TOKENS, STRONG));
    if devices.tokens.is_empty() {
        shown.push(Line::from(text::NO_TOKENS));
    }
    shown.extend(devices.tokens.iter().flat_map(token));
    shown.push(Line::styled(text::DRIVES, STRONG));
    if devices.drives.is_empty() {
        shown.push(Line::from(text::NO_DRIVES));
    }
    shown.extend(devices.drives.iter().flat_map(drive));
    if !devices.others.is_empty() {
        shown.push(Line::styled(text::OTHERS, STRONG));
    }
    shown.extend(
        devices.others.iter().map(|other| Line::from(format!("{:<9}{:<30}{}", other.port, other.product, other.why))),
    );
    lines(frame, rows(area, 2), shown, devices.scroll);
}

fn token(token: &Token) -> Vec<Line<'static>> {
    let first = |rest: Span<'static>| {
        Line::from(vec![
            Span::styled(format!("{:<9}", token.port), PLAIN),
            Span::styled(format!("{:<18}", token.serial), STRONG),
            rest,
        ])
    };
    match &token.looked {
        Looked::Asking => vec![first(Span::styled(text::ASKING, PLAIN))],
        Looked::Refused(why) => vec![first(Span::styled(why.to_string(), BAD))],
        Looked::Answered { chain, firmware, pin, so_pin, dkek } => vec![
            first(Span::styled(format!("firmware {firmware}, {}", text::NOT_PROVEN), PLAIN)),
            Line::from(format!("{:9}chain {chain}; DKEK {dkek}", "")),
            Line::from(format!("{:9}PIN {pin}; SO-PIN {so_pin}", "")),
        ],
    }
}

fn drive(drive: &Drive) -> Vec<Line<'static>> {
    let serial = if drive.serial.as_str().is_empty() {
        Span::styled(text::NO_SERIAL, BAD)
    } else {
        Span::styled(format!("serial {}", drive.serial), STRONG)
    };
    let volume = match &drive.volume {
        Ok(volume) => Span::styled(format!("FAT32 volume {} {}", volume.id, volume.label), PLAIN),
        Err(why) => Span::styled(text_drives::unfit(why), BAD),
    };
    vec![
        Line::from(vec![Span::styled(format!("{:<9}{:<30}", drive.port, drive.model), PLAIN), serial]),
        Line::from(vec![Span::raw(format!("{:9}{} bytes, ", "", text::digits(drive.len))), volume]),
    ]
}

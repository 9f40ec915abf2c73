//! *Devices*: tokens, drives and everything else on USB, as far as looking tells.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{BAD, PLAIN, STRONG, instruction, row, rows, scrolled};
use crate::drives::Drive;
use crate::preflight::Preflight;
use crate::preflight::devices::{Chain, Looked, Other, Token};
use crate::preflight::keyboards::{Keyboard, Standing};
use crate::wording::{self, preflight as text};

pub(super) fn draw(preflight: &Preflight, frame: &mut Frame, area: Rect) {
    let words = text::devices(preflight.devices.as_ref());
    instruction(frame, row(area, 0), words.role, &words.instruction);
    let Some(devices) = &preflight.devices else { return };
    let mut shown: Vec<Line> =
        devices.clones().into_iter().map(|serial| Line::styled(wording::usb::clone_alarm(serial), BAD)).collect();
    let mut section = |heading: &'static str, none: Option<&'static str>, mut found: Vec<Line<'static>>| {
        if found.is_empty() {
            found.extend(none.map(Line::from));
        }
        if !found.is_empty() {
            shown.push(Line::styled(heading, STRONG));
            shown.append(&mut found);
        }
    };
    section(wording::usb::TOKENS, Some(wording::usb::NO_TOKENS), devices.tokens.iter().flat_map(token).collect());
    section(wording::usb::DRIVES, Some(wording::usb::NO_DRIVES), devices.drives.iter().flat_map(drive).collect());
    section(wording::usb::KEYBOARDS, None, preflight.keyboards.all().iter().map(keyboard).collect());
    section(
        wording::usb::HUBS,
        None,
        devices
            .hubs
            .iter()
            .map(|hub| named(hub.port.as_str(), hub.product.as_str(), &wording::usb::hub(hub)))
            .collect(),
    );
    section(wording::usb::OTHERS, None, devices.others.iter().map(other).collect());
    scrolled(frame, rows(area, 2), shown, devices.scroll);
}

fn named(port: &str, product: &str, rest: &str) -> Line<'static> {
    Line::from(format!("{port:<9}{product:<22} {rest}"))
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
        Looked::Asking => vec![first(Span::styled(wording::usb::ASKING, PLAIN))],
        Looked::Refused(why) => vec![first(Span::styled(wording::usb::unanswered(why), BAD))],
        Looked::Answered { chain, firmware, pin, so_pin, dkek } => {
            let style = if *chain == Chain::Unknown { BAD } else { PLAIN };
            vec![
                first(Span::styled(format!("firmware {firmware}, {}", wording::usb::NOT_PROVEN), PLAIN)),
                Line::from(vec![
                    Span::raw(format!("{:9}", "")),
                    Span::styled(wording::usb::chain(chain), style),
                    Span::raw(format!("; {}", wording::usb::dkek(dkek))),
                ]),
                Line::from(format!("{:9}PIN {pin}; SO-PIN {so_pin}", "")),
            ]
        }
    }
}

fn drive(drive: &Drive) -> Vec<Line<'static>> {
    let serial = if drive.serial.is_empty() {
        Span::styled(wording::usb::NO_SERIAL, BAD)
    } else {
        Span::styled(format!("serial {}", drive.serial), STRONG)
    };
    let volume = match &drive.volume {
        Ok(volume) => Span::styled(format!("FAT32 volume {} {}", volume.id, volume.label), PLAIN),
        Err(why) => Span::styled(wording::drives::unfit(why), BAD),
    };
    let mend =
        drive.volume.as_ref().err().map(|why| Line::from(format!("{:9}Now: {}", "", wording::drives::mend(why))));
    let lines = [
        Line::from(vec![Span::styled(format!("{:<9}{:<30}", drive.port, drive.model), PLAIN), serial]),
        Line::from(vec![Span::raw(format!("{:9}{} bytes. ", "", text::digits(drive.len))), volume]),
    ];
    lines.into_iter().chain(mend).collect()
}

fn keyboard(keyboard: &Keyboard) -> Line<'static> {
    let line = named(keyboard.port.as_str(), keyboard.product.as_str(), wording::usb::standing(&keyboard.standing));
    if keyboard.standing == Standing::Refused { line.style(BAD) } else { line }
}

fn other(other: &Other) -> Line<'static> {
    named(other.port.as_str(), other.product.as_str(), &wording::usb::unused(&other.why))
}

//! The devices beside the machine, for a person without hands on them: a list to plug in from and pull out by.

use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::Plan;
use conclave_publish::Digest;
use conclave_room::key::Key;
use conclave_room::text_ceremony;
use conclave_sim::world::robot::PLAN_DRIVE;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

/// What the person at the list wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Plug in what has this serial.
    Plug(String),
    /// Pull it out.
    Pull(String),
}

/// Every device, and whether it is in.
pub struct Menu {
    devices: Vec<OnTable>,
    copies: Vec<(&'static str, Digest)>,
    at: usize,
    open: bool,
}

struct OnTable {
    called: String,
    serial: String,
    inside: bool,
}

const LIST: Style = Style::new().fg(Color::Black).bg(Color::Cyan);
const AT: Style = Style::new().fg(Color::White).bg(Color::Blue);

impl Menu {
    /// Everything a plan names, and the drive the plan is on. `copies`: the witness's own copies of digests, by what they are of.
    pub fn new(plan: &Plan, copies: Vec<(&'static str, Digest)>) -> Self {
        let named = |device, serial: &str| OnTable {
            called: text_ceremony::device(plan, device),
            serial: serial.to_owned(),
            inside: false,
        };
        let tokens = (0..).zip(&plan.tokens).map(|(at, it)| named(Device::Token(TokenId(at)), it.serial.as_str()));
        let drives = (0..).zip(&plan.drives).map(|(at, it)| named(Device::Drive(DriveId(at)), it.serial.as_str()));
        let of_plan = OnTable { called: "drive with the plan".into(), serial: PLAN_DRIVE.to_owned(), inside: false };
        Self { devices: [of_plan].into_iter().chain(tokens).chain(drives).collect(), copies, at: 0, open: false }
    }

    /// Opens or closes it.
    pub fn turn(&mut self) {
        self.open = !self.open;
    }

    /// Takes a key if it is open; what comes of it. `None`: the key is not for it.
    pub fn press(&mut self, key: Key) -> Option<Option<Wish>> {
        self.open.then(|| self.chosen(key))
    }

    fn chosen(&mut self, key: Key) -> Option<Wish> {
        match key {
            Key::Up => self.at = self.at.saturating_sub(1),
            Key::Down => self.at = (self.at + 1).min(self.devices.len().saturating_sub(1)),
            Key::Escape => self.open = false,
            Key::Enter => {
                let device = self.devices.get_mut(self.at)?;
                device.inside = !device.inside;
                let serial = device.serial.clone();
                return Some(if device.inside { Wish::Plug(serial) } else { Wish::Pull(serial) });
            }
            _ => {}
        }
        None
    }

    /// Draws it over a screen, if it is open.
    pub fn draw(&self, screen: &mut Buffer) {
        if !self.open {
            return;
        }
        let area = Rect { x: 5, y: 3, width: 70, height: 20 }.intersection(screen.area);
        let block = Block::bordered().style(LIST).title(" Up Down: choose   Enter: plug in or pull out   Esc: back ");
        let papers: Vec<Line> = self.copies.iter().flat_map(|(of, digest)| copy(of, digest)).map(Line::from).collect();
        let rows = usize::from(block.inner(area).height).saturating_sub(papers.len());
        let first = (self.at + 1).saturating_sub(rows);
        let lines = self.devices.iter().enumerate().skip(first).take(rows).map(|(at, device)| {
            let mark = if device.inside { "IN " } else { "out" };
            Line::styled(format!(" {mark}  {} ", device.called), if at == self.at { AT } else { LIST })
        });
        let list = Paragraph::new(lines.chain(papers).collect::<Vec<_>>()).block(block);
        Clear.render(area, screen);
        list.render(area, screen);
    }
}

/// A digest as a witness carries it on paper, its groups numbered as a challenge asks for them.
fn copy(of: &str, digest: &Digest) -> [String; 3] {
    let groups: Vec<String> =
        (1..).zip(digest.groups()).map(|(number, group): (u8, _)| format!("{number:>2} {group}")).collect();
    let (first, second) = groups.split_at(groups.len() / 2);
    [format!(" Your own copy of the digest of {of}, by numbers of groups:"), first.join(" "), second.join(" ")]
}

#[cfg(test)]
mod tests {
    use conclave_sim::world::play::rows;

    use super::*;
    use crate::rehearse::terminal::SCREEN;

    fn menu() -> Menu {
        let plan = conclave_ceremony::plan::read(super::super::SAFIRE).unwrap();
        let copies = vec![("the image", Digest::of(b"abc")), ("the plan", plan.digest)];
        Menu::new(&plan, copies)
    }

    #[test]
    fn what_is_out_is_plugged_in_and_what_is_in_pulled_out() {
        let mut menu = menu();
        assert_eq!(menu.press(Key::Enter), None, "it is closed: the key is the machine's");
        menu.turn();
        assert_eq!(menu.press(Key::Up), Some(None));
        assert_eq!(menu.press(Key::Enter), Some(Some(Wish::Plug("PLAN".into()))));
        assert_eq!(menu.press(Key::Down), Some(None));
        assert_eq!(menu.press(Key::Enter), Some(Some(Wish::Plug("DENK0000001".into()))));
        assert_eq!(menu.press(Key::Enter), Some(Some(Wish::Pull("DENK0000001".into()))));
        for _ in 0..100 {
            menu.press(Key::Down);
        }
        assert_eq!(menu.press(Key::Enter), Some(Some(Wish::Plug("CONCLAVE-PUBLIC".into()))));
        assert_eq!(menu.press(Key::Escape), Some(None));
        assert_eq!(menu.press(Key::Escape), None);
    }

    #[test]
    fn the_list_shows_what_is_in_and_lies_over_the_screen_only_while_it_is_open() {
        let mut menu = menu();
        let mut screen = Buffer::filled(SCREEN, ratatui::buffer::Cell::new("x"));
        menu.draw(&mut screen);
        assert!(rows(&screen).iter().all(|row| *row == "x".repeat(80)));
        menu.turn();
        menu.press(Key::Enter);
        menu.draw(&mut screen);
        let shown = rows(&screen);
        assert!(shown[4].contains("IN   drive with the plan"), "{shown:#?}");
        assert!(shown.iter().any(|row| row.contains("out  token SAFIRE-3, serial DENK0000003")), "{shown:#?}");
        assert!(shown.iter().any(|row| row.contains("out  drive PUBLIC, serial CONCLAVE-PUBLIC")), "{shown:#?}");
        assert!(shown[0].starts_with("xx"));
        let copies = shown.iter().position(|row| row.contains("digest of the image, by numbers")).unwrap();
        assert!(shown[copies + 1].contains(" 1 ba78  2 16bf "), "{shown:#?}");
        assert!(shown[copies + 2].contains(" 9 b003 10 61a3 ") && shown[copies + 2].contains("16 15ad"), "{shown:#?}");
    }
}

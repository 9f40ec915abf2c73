//! The devices beside the machine, for a person without hands on them: a list to plug in from and pull out by.

use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::Plan;
use conclave_console::key::Key;
use conclave_console::preflight::challenge::Digests;
use conclave_console::wording;
use conclave_publish::Digest;
use conclave_sim::world::robot::{PLAN_DRIVE, copies};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

/// The wish of the person at the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Plug in the device with this serial.
    Plug(String),
    /// Pull it out.
    Pull(String),
    /// It fails.
    Fail(String, Failure),
}

/// A failure that can be practised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The power of the machine, in the middle of its next work.
    Power,
    /// A token or drive comes out in the middle of the next work with it.
    ComesOut,
    /// A token does not answer the next command.
    Hangs,
    /// A token is replaced by one that has its certificates and not its key.
    Counterfeit,
    /// A drive has no room left.
    Full,
    /// A drive says that it keeps the written bytes, and keeps other bytes.
    Lies,
}

impl Failure {
    const OF_TOKEN: &[Self] = &[Self::ComesOut, Self::Hangs, Self::Counterfeit, Self::Power];
    const OF_DRIVE: &[Self] = &[Self::ComesOut, Self::Full, Self::Lies, Self::Power];

    /// The key it is chosen by, and a word for it.
    const fn shown(self) -> (char, &'static str) {
        match self {
            Self::Power => ('x', "power cut"),
            Self::ComesOut => ('o', "comes out at work"),
            Self::Hangs => ('h', "hangs"),
            Self::Counterfeit => ('c', "counterfeit"),
            Self::Full => ('f', "full"),
            Self::Lies => ('l', "lies"),
        }
    }
}

/// Numbers of bags in a row of the list.
const BAGS: usize = 5;

/// Every device, and whether it is in.
pub struct Menu {
    devices: Vec<OnTable>,
    /// The witness's own copies of digests, each with the thing it is of.
    copies: Vec<(&'static str, Digest)>,
    /// Numbers on the bags, in the order of the plan: no screen says them.
    bags: Vec<String>,
    at: usize,
    open: bool,
    /// The failure chosen since the list was opened, in words.
    said: Option<String>,
}

struct OnTable {
    called: String,
    serial: String,
    inside: bool,
    fails: &'static [Failure],
}

const LIST: Style = Style::new().fg(Color::Black).bg(Color::Cyan);
const AT: Style = Style::new().fg(Color::White).bg(Color::Blue);

impl Menu {
    /// Everything a plan names, and the drive the plan is on. `image`: the digest of the medium, where there is one.
    /// `fails`: whether the simulated world can be let fail.
    pub fn new(plan: &Plan, image: Option<Digest>, fails: bool) -> Self {
        let named = |device, serial: &str| OnTable {
            called: wording::ceremony::device(plan, device),
            serial: serial.to_owned(),
            inside: false,
            fails: match device {
                _ if !fails => &[],
                Device::Token(_) => Failure::OF_TOKEN,
                Device::Drive(_) => Failure::OF_DRIVE,
            },
        };
        let tokens = (0..).zip(&plan.tokens).map(|(at, it)| named(Device::Token(TokenId(at)), it.serial.as_str()));
        let drives = (0..).zip(&plan.drives).map(|(at, it)| named(Device::Drive(DriveId(at)), it.serial.as_str()));
        let called = "drive with the plan".into();
        let of_plan = OnTable { called, serial: PLAN_DRIVE.to_owned(), inside: false, fails: &[] };
        let devices = [of_plan].into_iter().chain(tokens).chain(drives).collect();
        let bags = (1..).zip(&plan.bags).map(|(at, bag): (u16, _)| format!("{at} {}", bag.number)).collect();
        let Digests { own, script } = copies(plan);
        let copies = [("image", image), ("plan", Some(own)), ("script", script)];
        let copies = copies.into_iter().filter_map(|(of, digest)| Some((of, digest?))).collect();
        Self { devices, copies, bags, at: 0, open: false, said: None }
    }

    /// Opens or closes it.
    pub fn turn(&mut self) {
        self.open = !self.open;
        self.said = None;
    }

    /// Something came out without having been pulled out here.
    pub fn look(&mut self, mut is_in: impl FnMut(&str) -> bool) {
        self.devices.iter_mut().for_each(|device| device.inside = is_in(&device.serial));
    }

    /// Takes a key if the list is open, and returns the wish. `None`: the key is not for the list.
    pub fn press(&mut self, key: Key) -> Option<Option<Wish>> {
        self.open.then(|| self.chosen(key))
    }

    fn chosen(&mut self, key: Key) -> Option<Wish> {
        match key {
            Key::Up => self.at = self.at.saturating_sub(1),
            Key::Down => self.at = (self.at + 1).min(self.devices.len().saturating_sub(1)),
            Key::Escape => self.turn(),
            Key::Enter => {
                let device = self.devices.get_mut(self.at)?;
                device.inside = !device.inside;
                let serial = device.serial.clone();
                return Some(if device.inside { Wish::Plug(serial) } else { Wish::Pull(serial) });
            }
            Key::Char(key) => {
                let device = self.devices.get(self.at)?;
                let failure = *device.fails.iter().find(|failure| failure.shown().0 == key)?;
                self.said = Some(match failure {
                    Failure::Power => "the power fails in the next work".into(),
                    Failure::ComesOut | Failure::Hangs | Failure::Counterfeit | Failure::Full | Failure::Lies => {
                        format!("{}: {}", device.called, failure.shown().1)
                    }
                });
                return Some(Wish::Fail(device.serial.clone(), failure));
            }
            Key::Backspace | Key::Tab | Key::Function(_) => {}
        }
        None
    }

    /// Draws it over a screen, if it is open.
    pub fn draw(&self, screen: &mut Buffer) {
        if !self.open {
            return;
        }
        let area = Rect { x: 2, y: 2, width: 76, height: 21 }.intersection(screen.area);
        let mut block =
            Block::bordered().style(LIST).title(" Up Down: choose   Enter: plug in or pull out   Esc: back ");
        let fails = self.devices.get(self.at).map_or(&[][..], |device| device.fails);
        if !fails.is_empty() {
            let keys = fails.iter().map(|failure| failure.shown()).map(|(key, word)| format!("{key}: {word}"));
            block = block.title_bottom(format!(" {} ", keys.collect::<Vec<_>>().join("   ")));
        }
        let said = self.said.iter().map(|said| format!(" Will fail: {said}"));
        let copies = self.copies.iter().flat_map(|(of, digest)| copy(of, digest));
        let papers = [" Your own copies of digests, by numbers of groups:".to_owned()].into_iter().chain(copies);
        let bags = self.bags.chunks(BAGS).map(|bags| format!(" Bags: {}", bags.join("  ")));
        let below: Vec<Line> = said.chain(papers).chain(bags).map(Line::from).collect();
        let rows = usize::from(block.inner(area).height).saturating_sub(below.len());
        let first = (self.at + 1).saturating_sub(rows);
        let lines = self.devices.iter().enumerate().skip(first).take(rows).map(|(at, device)| {
            let mark = if device.inside { "IN " } else { "out" };
            Line::styled(format!(" {mark}  {} ", device.called), if at == self.at { AT } else { LIST })
        });
        let list = Paragraph::new(lines.chain(below).collect::<Vec<_>>()).block(block);
        Clear.render(area, screen);
        list.render(area, screen);
    }
}

/// A digest as a witness carries it on paper, its groups numbered as a challenge asks for them.
fn copy(of: &str, digest: &Digest) -> [String; 2] {
    let groups: Vec<String> =
        (1..).zip(digest.groups()).map(|(number, group): (u8, _)| format!("{number:>2} {group}")).collect();
    let (first, second) = groups.split_at(groups.len() / 2);
    [format!(" {of:6} {}", first.join(" ")), format!(" {:6} {}", "", second.join(" "))]
}

#[cfg(test)]
mod tests {
    use conclave_sim::world::play::rows;

    use super::*;
    use crate::rehearse::terminal::SCREEN;

    fn menu() -> Menu {
        let plan = conclave_ceremony::plan::read(super::super::SAFIRE).unwrap();
        Menu::new(&plan, Some(Digest::of(b"abc")), true)
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
    fn what_can_fail_is_offered_for_what_is_chosen_and_said_when_it_will() {
        let mut menu = menu();
        menu.turn();
        assert_eq!(menu.press(Key::Char('x')), Some(None), "the drive with the plan does not fail");
        for (down, keys, serial, offered) in [
            (1, "ohcx", "DENK0000001", " o: comes out at work   h: hangs   c: counterfeit   x: power cut "),
            (3, "oflx", "CONCLAVE-LOG-A", " o: comes out at work   f: full   l: lies   x: power cut "),
        ] {
            (0..down).for_each(|_| drop(menu.press(Key::Down)));
            let mut screen = Buffer::filled(SCREEN, ratatui::buffer::Cell::new("x"));
            menu.draw(&mut screen);
            assert!(rows(&screen)[22].contains(offered), "{:#?}", rows(&screen));
            for key in ['o', 'h', 'c', 'f', 'l', 'x', 'q'] {
                let wish = menu.press(Key::Char(key)).unwrap();
                let failure = wish.as_ref().map(|wish| match wish {
                    Wish::Fail(of, failure) if of == serial => failure.shown().0,
                    Wish::Fail(..) | Wish::Plug(_) | Wish::Pull(_) => panic!("{wish:?}"),
                });
                assert_eq!(failure, keys.contains(key).then_some(key));
            }
        }
        let mut screen = Buffer::filled(SCREEN, ratatui::buffer::Cell::new("x"));
        menu.draw(&mut screen);
        assert!(rows(&screen).iter().any(|row| row.contains("Will fail: the power fails in the next work")));
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
        assert!(shown[3].contains("IN   drive with the plan"), "{shown:#?}");
        assert!(shown.iter().any(|row| row.contains("out  token SAFIRE-3, serial DENK0000003")), "{shown:#?}");
        assert!(shown.iter().any(|row| row.contains("out  drive PUBLIC, serial CONCLAVE-PUBLIC")), "{shown:#?}");
        assert!(shown[0].starts_with("xx"));
        assert!(shown.iter().any(|row| row.contains(" Bags: 1 1000001  2 1000002  3 1000003")), "{shown:#?}");
        let copies = shown.iter().position(|row| row.contains("copies of digests, by numbers")).unwrap();
        assert!(shown[copies + 1].contains(" image   1 ba78  2 16bf "), "{shown:#?}");
        assert!(shown[copies + 2].contains(" 9 b003 10 61a3 ") && shown[copies + 2].contains("16 15ad"), "{shown:#?}");
        assert!(shown[copies + 3].contains(" plan    1 ") && shown[copies + 5].contains(" script  1 "), "{shown:#?}");
    }
}

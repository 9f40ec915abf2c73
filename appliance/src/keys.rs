//! Keys, read from evdev with an exclusive grab: typed keys never enter the terminal.
//!
//! The built-in keyboard is taken as it is. One on USB was let in by the gate, as one interface of a device that says it
//! is a keyboard; it is announced before its first key, with a code, and the room decides when it counts.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, canonicalize, read_dir, read_to_string};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use conclave_console::key::{KeyboardId, Press};
use conclave_console::layout::{Layout, Modifiers};
use conclave_console::preflight::Event;
use conclave_console::preflight::keyboards::Code;
use conclave_console::shown::Shown;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::disks::usb_port;
use crate::{sys, usb};

/// `BUS_I8042` and `BUS_USB` of `linux/input.h`, as sysfs prints them.
const BUILT_IN: &str = "0011";
const USB: &str = "0003";
/// `KEY_ENTER` and `KEY_1`: a device without them is no keyboard to type on.
const KEYS_NEEDED: [usize; 2] = [28, 2];
/// Bits of the words sysfs prints key capabilities in.
const WORD_BITS: usize = 64;
/// Bytes of `struct input_event` on a 64-bit machine: two longs of time, type, code, value.
const EVENT_LEN: usize = 24;
/// `EV_KEY`, and its values for a key released and pressed; 2 is a key held down.
const EV_KEY: u16 = 1;
const RELEASED: i32 = 0;
const PRESSED: i32 = 1;
/// Most keyboards taken in one boot; a person who plugs in more has to start again.
const KEYBOARDS_MAX: u8 = 64;

/// Which keyboards are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The built-in one.
    BuiltIn,
    /// Those on USB, too; the caller tells the room of them.
    Usb,
}

/// Keyboards, each held exclusively.
pub(crate) struct Keyboards {
    taken: Taken,
    held: BTreeMap<String, Keyboard>,
    ids: u8,
    news: VecDeque<Event>,
}

struct Keyboard {
    device: File,
    id: KeyboardId,
    /// Whether it is the machine's own.
    own: bool,
    modifiers: Modifiers,
}

impl Keyboards {
    pub(crate) fn new(taken: Taken) -> Self {
        Self { taken, held: BTreeMap::new(), ids: 0, news: VecDeque::new() }
    }

    /// Keyboards on USB that came or went: to be told before any press of [`Keyboards::wait`].
    pub(crate) fn news(&mut self) -> impl Iterator<Item = Event> {
        self.news.drain(..)
    }

    /// Whether the machine's own keyboard is held.
    pub(crate) fn has_own(&self) -> bool {
        self.held.values().any(|keyboard| keyboard.own)
    }

    /// Waits at most `patience_ms` for a key to go down; keyboards that appeared since are taken first.
    pub(crate) fn wait(&mut self, layout: Layout, patience_ms: u16) -> io::Result<Option<Press>> {
        self.take_new();
        let mut ready: Vec<PollFd> =
            self.held.values().map(|held| PollFd::new(held.device.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut ready, PollTimeout::from(patience_ms))?;
        let ready: Vec<bool> = ready.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let mut ready = ready.into_iter();
        let mut press = None;
        // A keyboard that cannot be read is gone; if it comes back, it is taken again.
        self.held.retain(|_, keyboard| {
            let mut event = [0; EVENT_LEN];
            if !ready.next().unwrap_or(false) || press.is_some() {
                return true;
            }
            let read = keyboard.device.read_exact(&mut event).is_ok();
            press = keyboard.turn(&event, layout).filter(|_| read);
            if !read {
                self.news.push_back(Event::KeyboardWent(keyboard.id));
            }
            read
        });
        Ok(press)
    }

    /// Wipes the last keys that the kernel keeps: each device's ring of events, which is freed only when the device is
    /// closed. The console takes no keys, so no key goes astray before it is open again.
    pub(crate) fn forget(&mut self) {
        for (name, Keyboard { device, id, own, modifiers }) in std::mem::take(&mut self.held) {
            // First, because a grab is exclusive.
            drop(device);
            // A keyboard that is gone meanwhile is taken again if it comes back.
            match hold(&name) {
                Some(device) => drop(self.held.insert(name, Keyboard { device, id, own, modifiers })),
                None => self.news.push_back(Event::KeyboardWent(id)),
            }
        }
    }

    fn take_new(&mut self) {
        for entry in read_dir("/sys/class/input").into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Some(origin) = origin(&entry.path()).filter(|_| !self.held.contains_key(&name)) else { continue };
            if self.ids == KEYBOARDS_MAX || (origin != Origin::BuiltIn && self.taken == Taken::BuiltIn) {
                continue;
            }
            if let Some(device) = hold(&name)
                && let Some(id) = self.announce(&origin)
            {
                let own = origin == Origin::BuiltIn;
                self.held.insert(name, Keyboard { device, id, own, modifiers: Modifiers::default() });
            }
        }
    }

    /// Gives a keyboard its number, and one on USB its code; without randomness for one it is not taken.
    fn announce(&mut self, origin: &Origin) -> Option<KeyboardId> {
        let id = KeyboardId(self.ids);
        if let Origin::Usb(port) = origin {
            let mut random = [0; 4];
            File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut random)).ok()?;
            let product = usb::product(Path::new("/sys"), port);
            self.news.push_back(Event::KeyboardCame { id, port: Shown::new(port), product, code: Code::new(random) });
        }
        self.ids += 1;
        Some(id)
    }
}

impl Keyboard {
    /// Takes an event: modifiers change the keyboard's state, other keys going down are presses.
    fn turn(&mut self, event: &[u8; EVENT_LEN], layout: Layout) -> Option<Press> {
        let (code, value) = key(event)?;
        let down = value != RELEASED;
        match code {
            // Left and right Shift, right Alt, Caps Lock.
            42 | 54 => self.modifiers.shift = down,
            100 => self.modifiers.alt_gr = down,
            58 if value == PRESSED => self.modifiers.caps_lock = !self.modifiers.caps_lock,
            _ if value == PRESSED => {
                let keyboard = self.id;
                return layout.key(code, self.modifiers).map(|key| Press { key, keyboard });
            }
            _ => {}
        }
        None
    }
}

/// Opens an input device for this process alone.
fn hold(name: &str) -> Option<File> {
    let device = File::open(Path::new("/dev/input").join(name)).ok()?;
    sys::grab(&device).ok().map(|()| device)
}

/// Where a keyboard is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    BuiltIn,
    /// At this port.
    Usb(String),
}

/// Where the keyboard behind this entry of `/sys/class/input` is; `None` if it is none, or none that is taken.
fn origin(event: &Path) -> Option<Origin> {
    event.file_name()?.to_str()?.strip_prefix("event")?;
    let said = |file: &str| read_to_string(event.join("device").join(file)).unwrap_or_default();
    match said("id/bustype").trim() {
        BUILT_IN => Some(Origin::BuiltIn),
        USB if KEYS_NEEDED.iter().all(|key| has_key(&said("capabilities/key"), *key)) => {
            usb_port(&canonicalize(event).ok()?).map(Origin::Usb)
        }
        _ => None,
    }
}

/// Whether the bitmap of keys, hexadecimal words with the highest first, has this one.
fn has_key(capabilities: &str, key: usize) -> bool {
    let word = capabilities.split_whitespace().rev().nth(key / WORD_BITS);
    let word = word.and_then(|word| u64::from_str_radix(word, 16).ok()).unwrap_or(0);
    word >> (key % WORD_BITS) & 1 == 1
}

/// Code and value of an event, if it is one of a key.
fn key(event: &[u8; EVENT_LEN]) -> Option<(u16, i32)> {
    let (_time, rest) = event.split_first_chunk::<16>()?;
    let (kind, rest) = rest.split_first_chunk::<2>()?;
    let (code, rest) = rest.split_first_chunk::<2>()?;
    let value = rest.first_chunk::<4>()?;
    (u16::from_le_bytes(*kind) == EV_KEY).then(|| (u16::from_le_bytes(*code), i32::from_le_bytes(*value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_console::key::Key;

    fn event(kind: u16, code: u16, value: i32) -> [u8; EVENT_LEN] {
        let mut event = [0xff; EVENT_LEN];
        event[16..18].copy_from_slice(&kind.to_le_bytes());
        event[18..20].copy_from_slice(&code.to_le_bytes());
        event[20..].copy_from_slice(&value.to_le_bytes());
        event
    }

    #[track_caller]
    fn check(events: &[(u16, u16, i32)], expected: &str) {
        let device = File::open("/dev/null").unwrap();
        let mut keyboard = Keyboard { device, id: KeyboardId(3), own: true, modifiers: Modifiers::default() };
        let presses = events.iter().filter_map(|(kind, code, value)| {
            let press = keyboard.turn(&event(*kind, *code, *value), Layout::De)?;
            assert_eq!(press.keyboard, KeyboardId(3));
            let Key::Char(typed) = press.key else { return None };
            Some(typed)
        });
        assert_eq!(presses.collect::<String>(), expected);
    }

    #[test]
    fn only_a_key_going_down_is_a_press() {
        check(&[(1, 25, 1), (1, 25, 2), (1, 25, 0), (4, 25, 1), (0, 0, 1)], "p");
    }

    #[test]
    fn modifiers_last_as_long_as_they_are_down() {
        check(&[(1, 42, 1), (1, 21, 1), (1, 42, 2), (1, 21, 1), (1, 42, 0), (1, 21, 1)], "ZZz");
        check(&[(1, 54, 1), (1, 21, 1), (1, 54, 0)], "Z");
        check(&[(1, 100, 1), (1, 16, 1), (1, 100, 0), (1, 16, 1)], "@q");
    }

    #[test]
    fn caps_lock_stays_until_it_is_pressed_again() {
        check(&[(1, 58, 1), (1, 58, 2), (1, 58, 0), (1, 21, 1), (1, 58, 1), (1, 58, 0), (1, 21, 1)], "Zz");
    }

    /// The kernel's description of an ordinary keyboard, of a mouse, and of a remote control.
    const ORDINARY: &str = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n";
    const MOUSE: &str = "1f0000 0 0 0 0\n";
    const REMOTE: &str = "3f000301ff 0 0 483ffff17aff32d bfd4444600000000 1 130ff38b17c000 677bfad9415fed 10000002\n";

    #[test]
    fn a_keyboard_is_where_its_bus_is_and_others_are_none() {
        let tree = crate::disks::tests::Tree::new("keys");
        let hid = "devices/usb1/1-1/1-1.2/1-1.2:1.0/0003:046D:C31C.0001/input/input5";
        let usb = || Some(Origin::Usb("1-1.2".into()));
        for (at, bus, keys, expected) in [
            ("devices/platform/i8042/serio0/input/input0/event0", "0011\n", ORDINARY, Some(Origin::BuiltIn)),
            (&format!("{hid}/event1"), "0003\n", ORDINARY, usb()),
            (&format!("{hid}/event2"), "0003\n", MOUSE, None),
            (&format!("{hid}/event3"), "0003\n", REMOTE, None),
            (&format!("{hid}/event4"), "0005\n", ORDINARY, None),
            (&format!("{hid}/mouse0"), "0003\n", ORDINARY, None),
            ("devices/virtual/input/input9/event5", "0003\n", ORDINARY, None),
        ] {
            let event = tree.0.join(at);
            std::fs::create_dir_all(event.join("device/id")).unwrap();
            std::fs::create_dir_all(event.join("device/capabilities")).unwrap();
            std::fs::write(event.join("device/id/bustype"), bus).unwrap();
            std::fs::write(event.join("device/capabilities/key"), keys).unwrap();
            assert_eq!(origin(&event), expected, "{at}");
        }
        assert_eq!(origin(&tree.0.join("event9")), None);
    }

    #[test]
    fn a_keyboard_on_usb_is_announced_with_a_code_and_the_built_in_one_is_not() {
        let mut keyboards = Keyboards::new(Taken::Usb);
        assert_eq!(keyboards.announce(&Origin::BuiltIn), Some(KeyboardId(0)));
        assert_eq!(keyboards.announce(&Origin::Usb("1-9.9".into())), Some(KeyboardId(1)));
        let news: Vec<Event> = keyboards.news().collect();
        let [Event::KeyboardCame { id: KeyboardId(1), port, code, .. }] = news.as_slice() else { panic!("{news:?}") };
        assert_eq!((port.as_str(), code.digits().len()), ("1-9.9", 6));
        assert_eq!(keyboards.news().count(), 0);
    }
}

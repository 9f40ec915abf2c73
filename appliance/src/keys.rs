//! Keys of the built-in keyboard, read from evdev with an exclusive grab: what is typed never enters the terminal.
//!
//! Keyboards on USB do not count here: a device that claims to be one may be anything.

use std::collections::BTreeMap;
use std::fs::{File, read_dir, read_to_string};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use conclave_room::key::{KeyboardId, Press};
use conclave_room::layout::{Layout, Modifiers};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys;

/// `BUS_I8042` of `linux/input.h`, as sysfs prints it.
const BUILT_IN: &str = "0011";
/// Bytes of `struct input_event` on a 64-bit machine: two longs of time, type, code, value.
const EVENT_LEN: usize = 24;
/// `EV_KEY`, and its values for a key released and pressed; 2 is a key held down.
const EV_KEY: u16 = 1;
const RELEASED: i32 = 0;
const PRESSED: i32 = 1;
/// Most keyboards taken in one boot.
const KEYBOARDS_MAX: u8 = 8;

/// The keyboards that count, each held exclusively.
#[derive(Default)]
pub(crate) struct Keyboards {
    held: BTreeMap<String, Keyboard>,
    taken: u8,
}

struct Keyboard {
    device: File,
    id: KeyboardId,
    modifiers: Modifiers,
}

impl Keyboards {
    /// Waits at most `patience_ms` for a key to go down; keyboards that appeared since are taken first.
    pub(crate) fn wait(&mut self, layout: Layout, patience_ms: u16) -> io::Result<Option<Press>> {
        self.take_new();
        let mut ready: Vec<PollFd> =
            self.held.values().map(|held| PollFd::new(held.device.as_fd(), PollFlags::POLLIN)).collect();
        poll(&mut ready, PollTimeout::from(patience_ms))?;
        let ready: Vec<bool> = ready.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let mut ready = ready.into_iter();
        let mut press = None;
        // A keyboard that cannot be read is gone; if it comes back it is taken anew.
        self.held.retain(|_, keyboard| {
            let mut event = [0; EVENT_LEN];
            if !ready.next().unwrap_or(false) || press.is_some() {
                return true;
            }
            let read = keyboard.device.read_exact(&mut event).is_ok();
            press = keyboard.turn(&event, layout).filter(|_| read);
            read
        });
        Ok(press)
    }

    fn take_new(&mut self) {
        for entry in read_dir("/sys/class/input").into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            if self.taken == KEYBOARDS_MAX || self.held.contains_key(&name) || !is_built_in(&entry.path()) {
                continue;
            }
            if let Ok(device) = File::open(Path::new("/dev/input").join(&name))
                && sys::grab(&device).is_ok()
            {
                let id = KeyboardId(self.taken);
                self.taken += 1;
                self.held.insert(name, Keyboard { device, id, modifiers: Modifiers::default() });
            }
        }
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

fn is_built_in(event: &Path) -> bool {
    let is_event = event.file_name().is_some_and(|name| name.to_string_lossy().starts_with("event"));
    is_event && read_to_string(event.join("device/id/bustype")).is_ok_and(|bus| bus.trim() == BUILT_IN)
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
    use conclave_room::key::Key;

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
        let mut keyboard = Keyboard { device, id: KeyboardId(3), modifiers: Modifiers::default() };
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

    #[test]
    fn a_keyboard_on_usb_does_not_count() {
        let tree = crate::disks::tests::Tree::new("keys");
        for (name, bus, expected) in
            [("event0", "0011\n", true), ("event1", "0003\n", false), ("mouse0", "0011\n", false)]
        {
            let event = tree.0.join(name);
            std::fs::create_dir_all(event.join("device/id")).unwrap();
            std::fs::write(event.join("device/id/bustype"), bus).unwrap();
            assert_eq!(is_built_in(&event), expected, "{name}");
        }
        assert!(!is_built_in(&tree.0.join("event2")));
    }
}

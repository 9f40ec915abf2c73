//! Keys as a terminal sends them: bytes, of which some are the beginning of a sequence.
//!
//! Source: ECMA-48, 5.4 (control sequences); xterm's ctlseqs, "PC-Style Function Keys" and "VT220-Style Function Keys";
//! the Linux console sends F1 to F5 as `ESC [ [ A` to `E`.

use conclave_console::key::Key;

/// The wish of a person at the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A key of the machine's keyboard.
    Key(Key),
    /// Ctrl-P: something is to be plugged in or pulled out.
    Devices,
    /// Ctrl-C: the rehearsal is to end.
    Stop,
}

const CTRL_C: u8 = 0x03;
const CTRL_P: u8 = 0x10;
const ESCAPE: u8 = 0x1b;

/// All keys in the bytes of one read of the terminal. A sequence arrives in one read: an escape at the end is the key.
///
/// Bytes that mean no key here are left out.
pub fn typed(mut bytes: &[u8]) -> Vec<Typed> {
    let mut keys = Vec::new();
    while let Some((first, rest)) = bytes.split_first() {
        let (key, rest) = match first {
            &CTRL_C => (Some(Typed::Stop), rest),
            &CTRL_P => (Some(Typed::Devices), rest),
            &ESCAPE => {
                let (key, rest) = sequence(rest);
                (key.map(Typed::Key), rest)
            }
            b'\r' | b'\n' => (Some(Typed::Key(Key::Enter)), rest),
            b'\t' => (Some(Typed::Key(Key::Tab)), rest),
            0x08 | 0x7f => (Some(Typed::Key(Key::Backspace)), rest),
            _ => character(bytes),
        };
        keys.extend(key);
        bytes = rest;
    }
    keys
}

/// One character of UTF-8; a byte that begins none is skipped.
fn character(bytes: &[u8]) -> (Option<Typed>, &[u8]) {
    let found = (1..=4).find_map(|len| {
        let (first, rest) = bytes.split_at_checked(len)?;
        let character = core::str::from_utf8(first).ok()?.chars().next()?;
        Some((character, rest))
    });
    match found {
        Some((character, rest)) => ((!character.is_control()).then_some(Typed::Key(Key::Char(character))), rest),
        None => (None, bytes.get(1..).unwrap_or_default()),
    }
}

/// The key of a sequence after an escape, and the bytes that follow.
fn sequence(bytes: &[u8]) -> (Option<Key>, &[u8]) {
    match bytes {
        [b'O', last @ b'P'..=b'S', rest @ ..] => (Some(Key::Function(last - b'P' + 1)), rest),
        [b'[', b'[', last @ b'A'..=b'E', rest @ ..] => (Some(Key::Function(last - b'A' + 1)), rest),
        [b'[' | b'O', b'A', rest @ ..] => (Some(Key::Up), rest),
        [b'[' | b'O', b'B', rest @ ..] => (Some(Key::Down), rest),
        [b'[', rest @ ..] => {
            // Parameters and intermediate bytes, then one final byte.
            let len = rest.iter().take_while(|byte| (0x20..=0x3f).contains(*byte)).count();
            let (parameters, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            let (last, rest) = rest.split_first().map_or((0, rest), |(last, rest)| (*last, rest));
            (if last == b'~' { function(parameters) } else { None }, rest)
        }
        rest => (Some(Key::Escape), rest),
    }
}

fn function(parameters: &[u8]) -> Option<Key> {
    let number: u8 = core::str::from_utf8(parameters).ok()?.parse().ok()?;
    let function = match number {
        11..=15 => number - 10,
        17..=21 => number - 11,
        23..=24 => number - 12,
        _ => return None,
    };
    Some(Key::Function(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let key = |typed| if let Typed::Key(key) = typed { key } else { panic!("{typed:?}") };
        typed(bytes).into_iter().map(key).collect()
    }

    #[test]
    fn every_key_the_room_knows_is_read_as_terminals_send_it() {
        assert_eq!(keys(b"\r\n\t\x7f\x08"), [Key::Enter, Key::Enter, Key::Tab, Key::Backspace, Key::Backspace]);
        assert_eq!(keys(b"\x1b[A\x1bOB"), [Key::Up, Key::Down]);
        assert_eq!(keys(b"\x1bOP\x1bOQ\x1b[[A\x1b[11~"), [1, 2, 1, 1].map(Key::Function));
        assert_eq!(keys(b"\x1b[15~\x1b[17~\x1b[21~\x1b[24~"), [5, 6, 10, 12].map(Key::Function));
        assert_eq!(keys("a ö€😀".as_bytes()), ['a', ' ', 'ö', '€', '😀'].map(Key::Char));
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(typed(b"\x03\x10"), [Typed::Stop, Typed::Devices]);
    }

    #[test]
    fn what_is_no_key_is_left_out_and_hides_none_after_it() {
        for (bytes, defect) in [
            (&b"\x1b[3~x"[..], "a key the room does not know"),
            (b"\x1b[300~x", "a number above any byte"),
            (b"\x1b[~x", "no number"),
            (b"\x1b[1;5Cx", "a key with a modifier"),
            (b"\xffx", "no UTF-8"),
            (b"\x80x", "the middle of a character"),
            (b"\x01x", "a control character"),
            ("\u{85}x".as_bytes(), "a control character of two bytes"),
        ] {
            assert_eq!(keys(bytes), [Key::Char('x')], "{defect}");
        }
        for (bytes, defect) in [(&b"\x1b["[..], "nothing after"), (b"\x1b[1", "cut off"), (b"\xe2\x82", "cut off")] {
            assert_eq!(keys(bytes), [], "{defect}");
        }
    }
}

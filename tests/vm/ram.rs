//! Searches the memory of a machine for secrets, in every form they can take on their way from a key to a token.
//!
//! A search that finds nothing says something only if it found the same secret while its field was open.

use std::fmt;

/// Bytes from one character to the next that are tried: 1 is plain text, 2 is UTF-16 and the text buffer of a screen, 4
/// is UTF-32, the rest are cells of a screen and rings of events. Six events of 24 bytes make one key pressed and
/// released.
const STRIDE_MAX: usize = 160;
/// Shortest secret searched for at every stride; shorter ones would be found where no program wrote them.
const STRIDE_FROM_LEN: usize = 8;
/// Strides tried for those.
const STRIDES_OF_SHORT: [usize; 5] = [1, 2, 4, 24, 144];
/// `struct input_event` on a 64-bit machine: length, and where its type, code and value stand.
const EVENT_LEN: usize = 24;
const EVENT_AT: usize = 16;
/// Most events from one key going down to the next: scan code, key, end, for each modifier and each release.
const EVENTS_BETWEEN_MAX: usize = 16;

/// Something that must not be in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planted<'a> {
    /// Its name in a report, which never holds the secret itself.
    pub(crate) name: &'a str,
    /// Its bytes. A typed secret is also searched for as key codes.
    pub(crate) bytes: &'a [u8],
}

/// Where a secret was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Which.
    pub(crate) name: String,
    /// In which form.
    pub(crate) form: String,
    /// Physical address.
    pub(crate) at: usize,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:#x}, {}", self.name, self.at, self.form)
    }
}

/// Every place where one of these secrets stands, once for each form.
pub(crate) fn find(memory: &[u8], planted: &[Planted<'_>]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for secret in planted {
        let bytes = secret.bytes;
        assert!(bytes.len() >= 6, "{}: fewer bytes are found everywhere", secret.name);
        let mut hit = |form: &str, at: usize| hits.push(Hit { name: secret.name.into(), form: form.into(), at });
        spread(memory, bytes, |stride, at| hit(&format!("a byte in every {stride}"), at));
        let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
        plain(memory, &reversed, |at| hit("reversed", at));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        plain(memory, hex.as_bytes(), |at| hit("hex", at));
        plain(memory, hex.to_uppercase().as_bytes(), |at| hit("HEX", at));
        for text in base64(bytes) {
            plain(memory, text.as_bytes(), |at| hit("base64", at));
        }
        let codes: Option<Vec<u8>> = bytes.iter().map(|byte| code(*byte)).collect();
        if let Some(codes) = codes {
            spread(memory, &codes, |stride, at| hit(&format!("a key code in every {stride} bytes"), at));
            events(memory, &codes, |at| hit("events of keys", at));
        }
    }
    hits
}

fn plain(memory: &[u8], wanted: &[u8], mut found: impl FnMut(usize)) {
    for (at, window) in memory.windows(wanted.len()).enumerate() {
        if window[0] == wanted[0] && window == wanted {
            found(at);
        }
    }
}

fn spread(memory: &[u8], wanted: &[u8], mut found: impl FnMut(usize, usize)) {
    let every: Vec<usize> = (1..=STRIDE_MAX).collect();
    let strides = if wanted.len() < STRIDE_FROM_LEN { &STRIDES_OF_SHORT[..] } else { &every };
    for (at, byte) in memory.iter().enumerate() {
        if *byte != wanted[0] {
            continue;
        }
        for stride in strides {
            if (1..wanted.len()).all(|next| memory.get(at + next * stride) == Some(&wanted[next])) {
                found(*stride, at);
            }
        }
    }
}

/// Events of these keys going down, one after the other, with releases and other events between them.
fn events(memory: &[u8], codes: &[u8], mut found: impl FnMut(usize)) {
    // Type EV_KEY, the code, value 1.
    let down = |at: usize, code: u8| memory.get(at..at + 8) == Some(&[1, 0, code, 0, 1, 0, 0, 0]);
    for start in (EVENT_AT % 8..memory.len()).step_by(8).filter(|at| down(*at, codes[0])) {
        let last = codes[1..].iter().try_fold(start, |at, code| {
            (1..=EVENTS_BETWEEN_MAX).map(|events| at + events * EVENT_LEN).find(|at| down(*at, *code))
        });
        if last.is_some() {
            found(start);
        }
    }
}

/// The base64 of these bytes at any place in a longer text, without the characters that depend on others.
fn base64(bytes: &[u8]) -> [String; 3] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    [0, 2, 1].map(|skipped| {
        let bits: String = bytes.iter().skip(skipped).map(|byte| format!("{byte:08b}")).collect();
        let sextets = bits.as_bytes().chunks_exact(6).map(|six| std::str::from_utf8(six).unwrap());
        sextets.map(|six| char::from(ALPHABET[usize::from_str_radix(six, 2).unwrap()])).collect()
    })
}

/// The evdev code of a key on a US keyboard, Shift or not.
fn code(typed: u8) -> Option<u8> {
    const ROWS: [(u8, &[u8]); 4] =
        [(2, b"1234567890-="), (16, b"qwertyuiop[]"), (30, b"asdfghjkl;'"), (44, b"zxcvbnm,./")];
    if typed == b' ' {
        return Some(57);
    }
    let typed = typed.to_ascii_lowercase();
    ROWS.iter().find_map(|(first, row)| Some(first + row.iter().position(|key| *key == typed)? as u8))
}

#[test]
fn the_search_finds_every_form_and_nothing_in_a_memory_without_it() {
    let secret = Planted { name: "a passphrase", bytes: b"correct horse 42" };
    let forms = |memory: &[u8]| {
        let hits = find(memory, &[secret]);
        assert!(hits.iter().all(|hit| !hit.to_string().contains("correct horse")), "a report must not tell it");
        hits.into_iter().map(|hit| hit.form).collect::<Vec<_>>()
    };
    let rest = vec![0x5a; 5_003];
    let around = |middle: &[u8]| [&rest, middle, &rest].concat();
    let spread = |stride: usize| -> Vec<u8> {
        let mut bytes = vec![0; secret.bytes.len() * stride];
        secret.bytes.iter().enumerate().for_each(|(at, byte)| bytes[at * stride] = *byte);
        bytes
    };
    assert_eq!(forms(&around(b"incorrect horse 42")), ["a byte in every 1"]);
    for stride in [2, 4, 40, STRIDE_MAX] {
        assert_eq!(forms(&around(&spread(stride))), [format!("a byte in every {stride}")]);
    }
    assert_eq!(forms(&around(&secret.bytes.iter().rev().copied().collect::<Vec<_>>())), ["reversed"]);
    assert_eq!(forms(&around(b"636f727265637420686f727365203432")), ["hex"]);
    assert_eq!(forms(&around(b"636F727265637420686F727365203432")), ["HEX"]);
    // printf 'correct horse 42' | base64; the same behind one and two other bytes.
    for text in ["Y29ycmVjdCBob3JzZSA0Mg==", "eGNvcnJlY3QgaG9yc2UgNDI=", "eHhjb3JyZWN0IGhvcnNlIDQy"] {
        assert_eq!(forms(&around(text.as_bytes())), ["base64"], "{text}");
    }
    let codes: Vec<u8> = secret.bytes.iter().map(|typed| code(*typed).unwrap()).collect();
    assert_eq!(codes[..5], [46, 24, 19, 19, 18]);
    assert_eq!(forms(&around(&codes)), ["a key code in every 1 bytes"]);
    let ring: Vec<u8> = codes
        .iter()
        .enumerate()
        .flat_map(|(at, code)| {
            // Now and then a Shift goes down and up between.
            let shift: &[(u8, u8, u8)] =
                if at % 3 == 1 { &[(1, 42, 1), (0, 0, 0), (1, 42, 0), (0, 0, 0)] } else { &[] };
            let key = [(4, 4, *code), (1, *code, 1), (0, 0, 0), (4, 4, *code), (1, *code, 0), (0, 0, 0)];
            [shift, &key].concat()
        })
        .flat_map(|(kind, code, value)| [[0x77; EVENT_AT].as_slice(), &[kind, 0, code, 0, value, 0, 0, 0]].concat())
        .collect();
    let rest = vec![0x5a; 4_096];
    assert_eq!(forms(&[&rest, &ring[..], &rest].concat()), ["events of keys"]);
    assert_eq!(forms(&rest), [""; 0]);
    assert_eq!(forms(b"short"), [""; 0]);
    assert_eq!(find(&[&rest, &b"648219"[..]].concat(), &[Planted { name: "a PIN", bytes: b"648219" }]).len(), 1);
}

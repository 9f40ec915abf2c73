//! The forms a secret takes when somebody types it into a line that is open: a net for accidents.
//!
//! It knows how people group, spell and encode a text that they copy from a paper. A person who means to let a secret
//! out writes it another way: nothing here stops them.

use conclave_ceremony::alike::folded;
use conclave_publish::every_word;
use zeroize::Zeroizing;

use super::make::{PASSPHRASE_WORDS, PIN_DIGITS};
use super::public::Shape;
use super::{SO_PIN_DIGITS, Vault};

/// Words of a passphrase that already give too much of it away.
pub(super) const WORDS_HELD: usize = PASSPHRASE_WORDS / 2;
/// Fewest characters of hex or base64 that are decoded: a shorter text holds no secret.
const ENCODED_MIN: usize = 8;
/// Digits by their names, in the languages of the keyboards there are.
const NUMBERS: [(&str, &str); 48] = [
    ("zero", "0"),
    ("oh", "0"),
    ("null", "0"),
    ("nought", "0"),
    ("one", "1"),
    ("eins", "1"),
    ("ein", "1"),
    ("two", "2"),
    ("zwei", "2"),
    ("zwo", "2"),
    ("three", "3"),
    ("drei", "3"),
    ("four", "4"),
    ("vier", "4"),
    ("five", "5"),
    ("fuenf", "5"),
    ("funf", "5"),
    ("six", "6"),
    ("sechs", "6"),
    ("seven", "7"),
    ("sieben", "7"),
    ("eight", "8"),
    ("acht", "8"),
    ("nine", "9"),
    ("neun", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("thirteen", "13"),
    ("fourteen", "14"),
    ("fifteen", "15"),
    ("sixteen", "16"),
    ("seventeen", "17"),
    ("eighteen", "18"),
    ("nineteen", "19"),
    ("zehn", "10"),
    ("elf", "11"),
    ("zwolf", "12"),
    ("zwoelf", "12"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("forty", "40"),
    ("fourty", "40"),
    ("fifty", "50"),
    ("sixty", "60"),
    ("seventy", "70"),
    ("eighty", "80"),
    ("ninety", "90"),
];
/// The words that people put between the groups of a secret.
const FILLERS: [&str; 12] =
    ["and", "then", "und", "dann", "plus", "dash", "minus", "hyphen", "space", "blank", "dot", "comma"];

/// A string that is wiped; reserved at once, because one that grows leaves copies behind.
type Wiped = Zeroizing<String>;

fn wiped(len: usize) -> Wiped {
    Zeroizing::new(String::with_capacity(len))
}

/// A text in the forms in which secrets are looked for.
pub(super) struct Net {
    /// As typed and folded, then everything in it that is hex or base64, decoded.
    texts: Vec<Wiped>,
    /// The same, as bytes: an SO-PIN is one of eight bytes that are no text.
    bytes: Vec<Zeroizing<Vec<u8>>>,
}

impl Net {
    pub(super) fn new(text: &str) -> Self {
        let text = Zeroizing::new(text.to_owned());
        let mut bytes = decoded(&text);
        let printable = |bytes: &&Zeroizing<Vec<u8>>| bytes.iter().all(|byte| *byte == b' ' || byte.is_ascii_graphic());
        let text_of = |bytes: &[u8]| {
            let mut text = wiped(bytes.len());
            text.extend(bytes.iter().copied().map(char::from));
            Zeroizing::new(folded(&text))
        };
        let mut texts = vec![Zeroizing::new(folded(&text))];
        texts.extend(bytes.iter().filter(printable).map(|bytes| text_of(bytes)));
        bytes.retain(|bytes| !bytes.is_empty());
        Self { texts, bytes }
    }

    /// Whether a secret of a Vault is in it, whole, in most of its digits, or in half of its words.
    pub(super) fn holds(&self, vault: &Vault) -> bool {
        vault.typed.values().any(|secret| {
            let secret = secret.expose();
            let code = Zeroizing::new(letters(secret));
            !code.is_empty() && (self.holds_code(&code) || self.holds_words(secret))
        })
    }

    fn holds_code(&self, code: &[u8]) -> bool {
        let digits = code.iter().all(u8::is_ascii_digit);
        let hex = code.iter().all(u8::is_ascii_hexdigit);
        let raw = Zeroizing::new(pairs(code));
        let as_bytes = raw.len() * 2 == code.len() && self.bytes.iter().any(|bytes| has(bytes, &raw));
        let in_text = self.texts.iter().any(|text| {
            let tokens = || tokens(text);
            near(&letters_wiped(text.as_bytes()), code)
                || (digits && near(&joined(text, tokens().filter(|token| all(token, u8::is_ascii_digit))), code))
                || (digits && near(&spelled(text, tokens()), code))
                || (hex && near(&joined(text, tokens().filter(|token| all(token, u8::is_ascii_hexdigit))), code))
        });
        as_bytes || in_text
    }

    /// Half of its words, in whatever order and with whatever between them.
    fn holds_words(&self, secret: &[u8]) -> bool {
        let words = || secret.split(|byte| *byte == b' ').filter(|word| word.len() > 3);
        words().count() >= WORDS_HELD
            && self.texts.iter().any(|text| {
                let text = letters_wiped(text.as_bytes());
                words().filter(|word| has(&text, word)).count() >= WORDS_HELD
            })
    }

    /// The first shape of a secret it holds.
    pub(super) fn shape(&self) -> Option<Shape> {
        self.texts.iter().find_map(|text| shape(text))
    }
}

fn shape(text: &str) -> Option<Shape> {
    let tokens: Vec<&str> = tokens(text).filter(|token| !FILLERS.contains(token)).collect();
    // The longest rows of tokens that are of one kind, whatever people put between them.
    let rows = |fits: &dyn Fn(&str) -> bool, len_min: usize| {
        tokens.split(|token| !fits(token)).any(|row| {
            let len: usize = row.iter().filter_map(|token| number(token).or(Some(*token))).map(str::len).sum();
            len >= len_min
        })
    };
    let digits = |token: &str| number(token).is_some();
    // Words like "a faded decade" are no SO-PIN.
    let hex = tokens.split(|token| !all(token, u8::is_ascii_hexdigit)).any(|row| {
        let len: usize = row.iter().map(|token| token.len()).sum();
        len >= SO_PIN_DIGITS && row.iter().any(|token| token.bytes().any(|byte| byte.is_ascii_digit()))
    });
    if rows(&digits, PIN_DIGITS) {
        Some(Shape::Pin)
    } else if hex {
        Some(Shape::SoPin)
    } else if in_a_row(tokens.iter().copied().map(words_of)) >= WORDS_HELD {
        Some(Shape::Passphrase)
    } else {
        None
    }
}

/// The longest row of known words, of tokens that are each one or more of them or none.
fn in_a_row(tokens: impl Iterator<Item = usize>) -> usize {
    let (mut row, mut longest) = (0, 0);
    for words in tokens {
        row = if words == 0 { 0 } else { row + words };
        longest = longest.max(row);
    }
    longest
}

/// Of how many known words a token consists, glued together; 0 if it does not.
fn words_of(token: &str) -> usize {
    let begins = |word: &&str| token.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    let rest = |word: &str| token.get(word.len()..).unwrap_or_default();
    let each = every_word().filter(begins).map(|word| match rest(word) {
        "" => 1,
        rest => words_of(rest).checked_add(1).filter(|words| *words > 1).unwrap_or(0),
    });
    each.max().unwrap_or(0)
}

/// Runs of letters or digits, each by itself: `DENK0000001` is two.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| {
        // Hex digits are mixed on purpose: they stay together.
        let whole = all(word, u8::is_ascii_hexdigit);
        let digit = move |c: char| !whole && c.is_ascii_digit();
        let mut rest = Some(word);
        core::iter::from_fn(move || {
            let word = rest.filter(|word| !word.is_empty())?;
            let first = word.starts_with(digit);
            let end = word.find(|c: char| digit(c) != first).unwrap_or(word.len());
            rest = word.get(end..);
            word.get(..end)
        })
    })
}

/// The digits a token stands for, if it is a number in digits or in words.
fn number(token: &str) -> Option<&str> {
    if all(token, u8::is_ascii_digit) {
        return Some(token);
    }
    NUMBERS.iter().find(|(word, _)| *word == token).map(|(_, digits)| *digits)
}

fn all(token: &str, fits: impl Fn(&u8) -> bool) -> bool {
    !token.is_empty() && token.bytes().all(|byte| fits(&byte))
}

/// Some tokens of a text, one behind the other.
fn joined<'a>(text: &str, tokens: impl Iterator<Item = &'a str>) -> Zeroizing<Vec<u8>> {
    let mut joined = Zeroizing::new(Vec::with_capacity(text.len()));
    tokens.for_each(|token| joined.extend_from_slice(token.as_bytes()));
    joined
}

/// The digits of a text, those that are written as words with them.
fn spelled<'a>(text: &str, tokens: impl Iterator<Item = &'a str>) -> Zeroizing<Vec<u8>> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut tens = false;
    for token in tokens {
        let Some(number) = number(token) else { continue };
        // "seventy three" is 73, not 703.
        if tens && number.len() == 1 && number != "0" {
            digits.pop();
        }
        tens = number.ends_with('0') && number.len() == 2 && number != token;
        digits.extend_from_slice(number.as_bytes());
    }
    digits
}

fn letters(bytes: &[u8]) -> Vec<u8> {
    let mut letters = Vec::with_capacity(bytes.len());
    letters.extend(bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase));
    letters
}

fn letters_wiped(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(letters(bytes))
}

fn has(text: &[u8], secret: &[u8]) -> bool {
    !secret.is_empty() && text.windows(secret.len()).any(|window| window == secret)
}

/// Whether a text holds a code, or all of it but one character that is wrong or missing. Of a short code every
/// character counts.
fn near(text: &[u8], code: &[u8]) -> bool {
    let equal = |window: &[u8], code: &[u8]| window.iter().zip(code).filter(|(one, other)| one == other).count();
    if code.len() < PIN_DIGITS {
        return has(text, code);
    }
    let wrong = |window: &[u8]| equal(window, code) + 1 >= code.len();
    let missing = |window: &[u8]| {
        (0..code.len()).any(|at| {
            let (before, after) = (code.get(..at).unwrap_or_default(), code.get(at + 1..).unwrap_or_default());
            window.starts_with(before) && window.ends_with(after)
        })
    };
    text.windows(code.len()).any(wrong) || text.windows(code.len() - 1).any(missing)
}

/// Hex digits as bytes; nothing if they are none.
fn pairs(hex: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (whole, _) = hex.as_chunks::<2>();
    let mut bytes = Vec::with_capacity(whole.len());
    bytes.extend(whole.iter().filter_map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)));
    bytes
}

/// Everything in a text that is hex or base64, decoded, from wherever it may begin.
fn decoded(text: &str) -> Vec<Zeroizing<Vec<u8>>> {
    // Both are copied in groups: blanks go, and hex may have colons between.
    let bare = |fits: fn(&char) -> bool| {
        let mut bare = wiped(text.len());
        bare.extend(text.chars().filter(fits));
        bare
    };
    let (whole, letters) = (bare(|c| !c.is_whitespace()), bare(char::is_ascii_alphanumeric));
    let mut all = Vec::new();
    let runs = |text: &str, fits: fn(char) -> bool| {
        let runs = text.split(move |c| !fits(c)).filter(|run| run.len() >= ENCODED_MIN);
        runs.map(|run| Zeroizing::new(run.as_bytes().to_vec())).collect::<Vec<_>>()
    };
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    for text in [text, &whole, &letters] {
        for run in runs(text, |c| c.is_ascii_hexdigit()) {
            all.extend((0..2).filter_map(|from| run.get(from..)).map(|run| Zeroizing::new(pairs(run))));
        }
        for run in runs(text, base64) {
            all.extend((0..4).filter_map(|from| run.get(from..)).map(sixes));
        }
    }
    all
}

/// Base64 of either alphabet as bytes.
fn sixes(run: &[u8]) -> Zeroizing<Vec<u8>> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(run.len()));
    for four in run.chunks(4) {
        let bits = four.iter().fold(0_u32, |bits, byte| bits << 6 | u32::from(value(*byte))) << (6 * (4 - four.len()));
        let [_, whole @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(whole.get(..four.len().saturating_sub(1)).unwrap_or_default());
    }
    bytes
}

//! Texts that look alike to people: what takes no room on a screen, and what two texts have in common once it is gone.

/// Whether a character shows nothing of its own: controls, line ends, those that turn the direction of writing, and all that
/// programs leave out when they draw (soft hyphens, fillers, joiners, variation selectors, tags).
///
/// **Source**: Unicode 16, `Default_Ignorable_Code_Point`, and `General_Category` Cc, Cf, Zl, Zp.
pub fn shows_nothing(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters that differ from a plain one by a stroke or an accent; small ones, because capitals are made small first.
const ACCENTED: [(&str, &str); 25] = [
    ("a", "àáâãäåāăąǎȁȃȧạảª"),
    ("ae", "æǽ"),
    ("c", "çćĉċč"),
    ("d", "ďđð"),
    ("e", "èéêëēĕėęěȅȇẹẻẽ"),
    ("g", "ĝğġģǧ"),
    ("h", "ĥħ"),
    ("i", "ìíîïĩīĭįıǐỉị"),
    ("j", "ĵǰ"),
    ("k", "ķǩ"),
    ("l", "ĺļľŀł"),
    ("n", "ñńņňŉ"),
    ("o", "òóôõöøōŏőǒọỏº"),
    ("oe", "œ"),
    ("r", "ŕŗř"),
    ("s", "śŝşšșſ"),
    ("ss", "ß"),
    ("t", "ţťŧț"),
    ("u", "ùúûüũūŭůűųǔụủ"),
    ("w", "ŵ"),
    ("y", "ýÿŷỳỵỷỹ"),
    ("z", "źżž"),
    ("-", "‐‑‒–—―−"),
    ("'", "‘’‛ʼ′`´"),
    ("\"", "“”„‟″«»"),
];
/// Forms of a letter or digit that Unicode keeps for old character sets, with what they stand for.
const COMPATIBLE: [(char, &str); 16] = [
    ('ﬀ', "ff"),
    ('ﬁ', "fi"),
    ('ﬂ', "fl"),
    ('ﬃ', "ffi"),
    ('ﬄ', "ffl"),
    ('ﬅ', "st"),
    ('ﬆ', "st"),
    ('⁰', "0"),
    ('¹', "1"),
    ('²', "2"),
    ('³', "3"),
    ('℃', "c"),
    ('№', "no"),
    ('™', "tm"),
    ('ĳ', "ij"),
    ('…', "..."),
];

/// A text as people compare it: small letters without accents, plain digits, one blank where there are some, none at the ends.
///
/// It folds what NFKC folds of the writing that plans are made in, and accents besides, in whichever form they were typed. Two
/// texts that differ only in what is folded are one name to people; letters of other alphabets that look like ours stay apart.
pub fn folded(text: &str) -> String {
    // All it can ever need, so that growing leaves no copy behind: what is folded may be a secret somebody typed.
    let mut folded = String::with_capacity(3 * text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            ' '..='~' if c != ' ' && c != '`' => folded.push(c),
            // A combining accent; the letter before it stays.
            '\u{300}'..='\u{36f}' => {}
            c if c.is_whitespace() || c == '\u{2800}' => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c if shows_nothing(c) => {}
            c => match plain(c) {
                Plain::Letters(letters) => folded.push_str(letters),
                Plain::Letter(letter) => folded.push(letter),
            },
        }
    }
    let len = folded.trim_end().len();
    folded.truncate(len);
    folded
}

/// What a character is folded to.
enum Plain {
    Letters(&'static str),
    Letter(char),
}

fn plain(c: char) -> Plain {
    if let Some((letters, _)) = ACCENTED.iter().find(|(_, accented)| accented.contains(c)) {
        return Plain::Letters(letters);
    }
    if let Some((_, letters)) = COMPATIBLE.iter().find(|(form, _)| *form == c) {
        return Plain::Letters(letters);
    }
    let at = u32::from(c);
    let ascii = |from: u32, to: char| char::from_u32(at - from + u32::from(to)).unwrap_or(c);
    Plain::Letter(match c {
        // Full width, super- and subscripts, circled and mathematical digits and letters.
        '\u{ff01}'..='\u{ff5e}' => ascii(0xff01, '!').to_ascii_lowercase(),
        '\u{2074}'..='\u{2079}' => ascii(0x2074, '4'),
        '\u{2080}'..='\u{2089}' => ascii(0x2080, '0'),
        '\u{2460}'..='\u{2468}' => ascii(0x2460, '1'),
        '\u{24d0}'..='\u{24e9}' => ascii(0x24d0, 'a'),
        '\u{1d7ce}'..='\u{1d7ff}' => char::from_u32((at - 0x1d7ce) % 10 + u32::from('0')).unwrap_or(c),
        '\u{1d400}'..='\u{1d6a3}' => char::from_u32((at - 0x1d400) % 26 + u32::from('a')).unwrap_or(c),
        _ => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_known_and_what_shows_is_not_taken_for_it() {
        for c in [
            '\u{0}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{e01ef}',
        ] {
            assert!(shows_nothing(c), "U+{:04X}", c as u32);
        }
        for c in " ~aZ09äßéŁŠ'’–Яπ漢ｱ\u{a0}\u{2003}\u{3000}\u{fffd}€".chars() {
            assert!(!shows_nothing(c), "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn two_spellings_of_one_name_are_folded_into_one() {
        for (one, other) in [
            ("Walter Witness", "walter  WITNESS "),
            ("Walter Witness", "Wal\u{ad}ter Witness"),
            ("Walter Witness", "Walter\u{a0}Witness"),
            ("Walter Witness", "Walter\u{3000}\u{2009}Witness"),
            ("Walter Witness", "Ｗａｌｔｅｒ Witness"),
            ("Walter Witness", "𝐖𝐚𝐥𝐭𝐞𝐫 Witness"),
            ("José", "Jose\u{301}"),
            ("Jörg Groß", "JO\u{308}RG GROSS"),
            ("O'Brien-Smith", "O’Brien‑Smith"),
            ("Sofﬁa", "Soffia"),
            ("room 42", "room ４₂"),
            ("İzmir", "izmir"),
        ] {
            assert_eq!(folded(one), folded(other), "{one:?} {other:?}");
        }
        assert_ne!(folded("Walter Witness"), folded("WalterWitness"));
        assert_ne!(folded("Anna"), folded("Hanna"));
        assert_eq!(folded(" \u{200b} "), "");
    }

    #[test]
    fn folding_never_outgrows_what_was_reserved() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let text = c.to_string();
            assert!(folded(&text).len() <= 3 * text.len(), "U+{:04X}", c as u32);
        }
    }
}

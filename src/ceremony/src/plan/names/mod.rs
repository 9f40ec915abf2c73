//! `names.toml`: the names behind the ids of a plan, in a file of its own beside the plan.
//!
//! A plan and its record say ids: `witness-1`, `head-office`. They can be published, and judged by strangers. The name
//! of a person, an organisation or a place stands in `names.toml`, a line an id:
//!
//! ```toml
//! witness-1 = { name = "Walter Witness", random = "3f5ce1…" }
//! ```
//!
//! `random` is 32 bytes of the line's own, 64 digits `0` to `9` and `a` to `f`. The plan holds the digest of every
//! line:
//!
//! ```toml
//! [names]
//! witness-1 = "08bd51…"
//! ```
//!
//! **The digest** is SHA-256 over the 32 bytes, followed by the name in UTF-8: [`digest`]. The bytes have one length,
//! so that no two lines have one encoding. A person who is shown one line opens one digest; a person who has the plan
//! alone cannot try names, because 32 bytes are missing for every try. The id is not in the digest: the plan joins the
//! two, and the plan's own digest is agreed on.
//!
//! **Along a chain** of ceremonies the same line gives the same digest. A later plan copies the line and its digest,
//! and a reader sees that an id stands for the same person or thing as before. Another name, or other random bytes, is
//! another digest.
//!
//! **The ids** of a plan are one list: people, the organisations they come from, the places bags go to. [`Names::read`]
//! refuses a file that has an id more or less than the plan, a line without its random bytes, bytes that stand twice, a
//! name that stands for two people (organisations, places), and a line with a digest that is not the plan's. [`draw()`]
//! makes the file from lines that have names only.
//!
//! The file leaves the appliance for the log drives only. In the room it says which person shows a document and where a
//! bag goes. It also keeps names out of free text: [`Names::held_in`].

mod draw;
#[cfg(test)]
mod tests;

use core::fmt::{self, Write as _};
use core::ops::Range;
use std::collections::BTreeMap;

use conclave_publish::Digest;
use toml::{Spanned, Table, Value};

use super::form::is_short;
use super::refusal::Source;
use super::text::{line_of, quoted, text, toml_refused};
use super::{Plan, REFUSALS_MAX, Refusal, Rule};
use crate::alike::folded;
use crate::public::Text;

pub use draw::{Drawn, draw};

/// The form of a line.
const LINE: &str = "a line `id = { name = \"…\", random = \"64 digits 0 to 9, a to f\" }`";
/// The way to make a line.
const DRAW: &str = "Write `id = \"name\"` and have the bytes drawn: conclave plan new --names PLAN.";
/// Fewest letters of a word that by itself gives a person's name away.
const WORD_LEN_MIN: usize = 4;

/// The names of a plan, every line of which has the digest the plan says.
///
/// **Private**: names of people. They go to the screen of the room and to log drives. `Debug` gives their number.
pub struct Names {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// The words that give a name away, each row with its id: words that stand one behind the other.
    telling: Vec<(Text, Vec<String>)>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names", self.lines.len())
    }
}

/// A line.
struct Line {
    id: Text,
    name: Text,
}

/// The digest a plan has of a line: SHA-256 over the random bytes and the name.
pub fn digest(random: &[u8; 32], name: &Text) -> Digest {
    Digest::of(&[&random[..], name.as_str().as_bytes()].concat())
}

impl Names {
    /// Reads the names of a plan.
    ///
    /// **Errors**: every refusal that could be told apart, at most [`REFUSALS_MAX`], in the order of the file.
    pub fn read(bytes: &[u8], plan: &Plan) -> Result<Self, Vec<Refusal>> {
        let text = text(Source::Names, bytes).map_err(|refusal| vec![*refusal])?;
        let mut found = Found::new(text);
        let written = written(&mut found)?;
        let mut lines = Vec::new();
        for line in &written {
            if let Some(line) = found.opened(line, plan) {
                lines.push(line);
            }
        }
        let ids = core::mem::take(&mut found.ids);
        for named in plan.names.iter().filter(|named| !ids.iter().any(|id| id == named.id.as_str())) {
            let expected = format!("a line for {:?}, an id of the plan", named.id.as_str());
            found.refuse::<()>(Rule::Names, 1, &expected, "none", "Bring the names this plan was made with.");
        }
        for ids in kinds(plan) {
            found.alike(&written, &ids);
        }
        let refusals = found.sorted();
        if refusals.is_empty() {
            Ok(Self { bytes: bytes.to_vec(), telling: telling(plan, &lines), lines })
        } else {
            Err(refusals)
        }
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Every id with its name, in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = (&Text, &Text)> {
        self.lines.iter().map(|line| (&line.id, &line.name))
    }

    /// The name behind an id; of an id that is none of the plan's: none.
    pub fn of(&self, id: &Text) -> Option<&Text> {
        self.all().find(|(known, _)| *known == id).map(|(_, name)| name)
    }

    /// The id of a name that stands in a text that people typed, however it is spaced and accented: the whole name, or
    /// of a person one word of four letters. Words that the ids of the plan say give nothing away.
    pub fn held_in(&self, text: &str) -> Option<&Text> {
        let text = words_of(text);
        let holds = |telling: &[String]| text.windows(telling.len()).any(|words| words == telling);
        self.telling.iter().find(|(_, telling)| holds(telling)).map(|(id, _)| id)
    }
}

/// The ids of people, of organisations, of places: two of one list never stand for the same.
fn kinds(plan: &Plan) -> [Vec<&Text>; 3] {
    let people = plan.people.iter().map(|person| &person.id).collect();
    let organisations = plan.people.iter().map(|person| &person.organisation).collect();
    [people, organisations, plan.bags.iter().map(|bag| &bag.place).collect()]
}

/// The letters of a text, however they are written, spaced and accented.
fn letters(text: &str) -> String {
    folded(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The words of a text, however they are written and accented.
fn words_of(text: &str) -> Vec<String> {
    let words = folded(text);
    words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words that give names away: every name as a whole, and each longer word of a person's, but for words that an id
/// says anyway.
fn telling(plan: &Plan, lines: &[Line]) -> Vec<(Text, Vec<String>)> {
    let said: Vec<String> = plan.names.iter().flat_map(|named| words_of(named.id.as_str())).collect();
    let mut telling = Vec::new();
    for Line { id, name } in lines {
        let words = words_of(name.as_str());
        if plan.people.iter().any(|person| person.id == *id) {
            let long = words.iter().filter(|word| word.chars().count() >= WORD_LEN_MIN && !said.contains(word));
            telling.extend(long.map(|word| (id.clone(), vec![word.clone()])));
        }
        if words.iter().any(|word| !said.contains(word)) {
            telling.push((id.clone(), words));
        }
    }
    telling
}

/// A line as it is written, its id and name of their form.
struct Written {
    /// From 1.
    line: u32,
    /// Where its value stands. Units: bytes.
    at: Range<usize>,
    id: Text,
    name: Text,
    /// None where they are still to be drawn.
    random: Option<[u8; 32]>,
}

/// Every line of the file, in its order; lines of another form are refused and left out.
fn written(found: &mut Found<'_>) -> Result<Vec<Written>, Vec<Refusal>> {
    let read = toml::from_str::<BTreeMap<Spanned<String>, Spanned<Value>>>(found.text);
    let raw = read.map_err(|error| {
        vec![toml_refused(Source::Names, found.text, &error, "TOML 1.0, a line an id, each id once")]
    })?;
    found.ids = raw.keys().map(|id| id.get_ref().clone()).collect();
    let mut lines: Vec<_> = raw.iter().filter_map(|(id, value)| found.line(id, value)).collect();
    lines.sort_by_key(|line| line.at.start);
    let mut seen = BTreeMap::new();
    for line in &lines {
        let Some(random) = line.random else { continue };
        if let Some(first) = seen.insert(random, line.line) {
            let words = format!("those of line {first}");
            found.refuse::<()>(Rule::Names, line.line, "random bytes that no other line has", &words, DRAW);
        }
    }
    Ok(lines)
}

/// Goes through the file and gathers refusals: a method is `None` where it refused.
struct Found<'a> {
    text: &'a str,
    /// Every id there is a line for, whether or not it was refused.
    ids: Vec<String>,
    refusals: Vec<Refusal>,
}

impl<'a> Found<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, ids: Vec::new(), refusals: Vec::new() }
    }

    fn refuse<T>(&mut self, rule: Rule, line: u32, expected: &str, found: &str, do_now: &str) -> Option<T> {
        if self.refusals.len() < REFUSALS_MAX {
            let [expected, found, do_now] = [expected, found, do_now].map(str::to_owned);
            self.refusals.push(Refusal { of: Source::Names, rule, line, expected, found, do_now });
        }
        None
    }

    /// The refusals, in the order of the file.
    fn sorted(self) -> Vec<Refusal> {
        let mut refusals = self.refusals;
        refusals.sort_by_key(|refusal| refusal.line);
        refusals
    }

    fn line(&mut self, id: &Spanned<String>, value: &Spanned<Value>) -> Option<Written> {
        let line = line_of(self.text, id.span().start);
        let written = id.get_ref();
        let Some(id) = Text::new(written).ok().filter(|id| is_short(id.as_str())) else {
            let expected = "an id of 1 to 24 ASCII letters, digits and hyphens";
            return self.refuse(Rule::Value, line, expected, &quoted(written), "Write the id the plan says.");
        };
        let (name, random) = match value.get_ref() {
            Value::String(name) => (name, None),
            Value::Table(table) => {
                let (name, random) = self.two(line, table)?;
                (name, Some(self.random(line, random)?))
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) => {
                return self.refuse(Rule::Names, line, LINE, "another kind of value", DRAW);
            }
        };
        match Text::new(name) {
            Ok(name) => Some(Written { line, at: value.span(), id, name, random }),
            Err(why) => self.refuse(Rule::Value, line, "a name", &why.to_string(), "Correct the name."),
        }
    }

    /// The two parts of a line.
    fn two<'t>(&mut self, line: u32, table: &'t Table) -> Option<(&'t String, &'t String)> {
        if let Some(other) = table.keys().find(|key| !["name", "random"].contains(&key.as_str())) {
            return self.refuse(Rule::Names, line, LINE, &format!("the key {}", quoted(other)), "Take it out.");
        }
        match (table.get("name"), table.get("random")) {
            (Some(Value::String(name)), Some(Value::String(random))) => Some((name, random)),
            (Some(Value::String(_)), None) => self.refuse(Rule::Names, line, LINE, "no random bytes", DRAW),
            _ => self.refuse(Rule::Names, line, LINE, "a line without name, or with something else in its place", DRAW),
        }
    }

    fn random(&mut self, line: u32, written: &str) -> Option<[u8; 32]> {
        let expected = "32 random bytes as 64 digits 0 to 9, a to f";
        let mut bytes = [0; 32];
        // The digits hide the name: a refusal is shown to the room and does not repeat them.
        let (pairs, rest) = written.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let read = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let values: Option<Vec<u8>> = pairs.iter().map(read).collect();
        match values {
            Some(values) if values.len() == bytes.len() && rest.is_empty() => {
                bytes.copy_from_slice(&values);
                Some(bytes)
            }
            Some(_) => {
                let found = format!("{} digits", written.len());
                self.refuse(Rule::Names, line, expected, &found, DRAW)
            }
            None => self.refuse(Rule::Names, line, expected, "characters that are none of these digits", DRAW),
        }
    }

    /// A line with a digest that the plan has.
    fn opened(&mut self, written: &Written, plan: &Plan) -> Option<Line> {
        let Written { line, id, name, random, .. } = written;
        let Some(random) = random else {
            return self.refuse(Rule::Names, *line, LINE, "a name without random bytes", DRAW);
        };
        let Some(planned) = plan.names.iter().find(|named| named.id == *id) else {
            let found = quoted(id.as_str());
            let do_now = "Take the line out, or bring the names this plan was made with.";
            return self.refuse(Rule::Names, *line, "an id that the plan has under [names]", &found, do_now);
        };
        let digest = digest(random, name);
        if digest == planned.digest {
            return Some(Line { id: id.clone(), name: name.clone() });
        }
        let expected = format!("the line of {id} whose digest is {}, as the plan says", planned.digest);
        let do_now = "Bring the names this plan was made with; a name that was changed wants another plan.";
        self.refuse(Rule::Names, *line, &expected, &format!("one whose digest is {digest}"), do_now)
    }

    /// Refuses a name that stands for two of these ids.
    fn alike(&mut self, written: &[Written], ids: &[&Text]) {
        let mut seen = BTreeMap::new();
        for line in written.iter().filter(|line| ids.contains(&&line.id)) {
            if let Some(first) = seen.insert(letters(line.name.as_str()), line.line) {
                let expected = format!("another name than on line {first}");
                let do_now = "Give both one id in the plan, or write both names so that people tell them apart.";
                self.refuse::<()>(Rule::Twice, line.line, &expected, "the same name again", do_now);
            }
        }
    }
}

/// The lines a plan has of names: its table `[names]`.
fn table<'a>(digests: impl Iterator<Item = (&'a Text, Digest)>) -> String {
    let mut text = String::from("[names]\n");
    for (id, digest) in digests {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{id} = \"{digest}\"");
    }
    text
}

//! Reading the first line of a plan, and its ids: every thing with a name has the digest of it.

use super::form::digest;
use super::raw::{self, At};
use super::read::Reader;
use super::refusal::Source;
use super::text::quoted;
use super::{FIRST_LINE, Named, Refusal, Rule};
use crate::public::Text;

/// The first line says the language, so that a reader of any age says whether it reads it.
pub(super) fn format(text: &str) -> Result<(), Vec<Refusal>> {
    let first = text.lines().next().unwrap_or_default();
    if first == FIRST_LINE {
        return Ok(());
    }
    let expected = format!("the first line to be `{FIRST_LINE}`: this program reads plans of format 2 and no other");
    let do_now = "Write that line first, or take the release of Conclave that the plan was written for.".to_owned();
    Err(vec![Refusal { of: Source::Plan, rule: Rule::Format, line: 1, expected, found: quoted(first), do_now }])
}

impl Reader<'_> {
    /// An id of the table of names.
    pub(super) fn id(&mut self, raw: &raw::Plan, at: &At<String>) -> Option<Text> {
        let id = self.short(at)?;
        if raw.names.contains_key(at.get_ref().as_str()) {
            return Some(id);
        }
        let do_now = "Give it a line in names.toml, and here the lines that conclave plan new --names prints.";
        self.refuse(Rule::Names, at, "an id that stands under [names] with its digest", quoted(at.get_ref()), do_now)
    }

    /// A line of the table of names: the digest of an id that the plan says somewhere.
    pub(super) fn named_of(&mut self, raw: &raw::Plan, (at, value): (&At<String>, &At<String>)) -> Option<Named> {
        let (id, digest) = (self.short(at), self.value(value, "a digest", digest));
        let people = raw.people.iter().flat_map(|person| [&person.get_ref().id, &person.get_ref().organisation]);
        let mut said = people.chain(raw.bags.iter().map(|bag| &bag.get_ref().place));
        if !said.any(|said| said.get_ref() == at.get_ref()) {
            let expected = "the id of a person, an organisation or a place of this plan";
            return self.refuse(Rule::Names, at, expected, quoted(at.get_ref()), "Take the line out.");
        }
        Some(Named { line: self.line(at), id: id?, digest: digest? })
    }
}

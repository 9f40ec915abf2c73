//! Who could do what with what they keep: the smallest sets of people, and of places, for each power over a key.
//!
//! Derived from custody alone. A token and its PIN use a key; the blobs with every share and its passphrase copy it. What
//! people remember, lend or are talked out of is not in here.

use core::fmt::{self, Write};

use crate::ids::{KeyIx, TokenId};
use crate::plan::{Key, Plan};
use crate::rules::{Kept, Thing, things};

/// Most sets of one power that are worked out; a plan with more is spread too widely to list.
const SETS_MAX: usize = 1_000;

/// Most sets of one power that are printed.
const SHOWN_MAX: usize = 24;

/// Places a set can have: more than 64 bags and 32 people that keep something in none.
type Set = u128;

/// What a set of people or places can do to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    /// Sign with it.
    Use,
    /// Make another copy of it, anywhere.
    Copy,
    /// Destroy a part of every copy: each token that holds it, and the blobs or a share they are restored with. PINs and
    /// passphrases are no part: who can only withhold them is among those that can be missing.
    Destroy,
    /// Be missing, with what they keep, so that nobody can use or restore it.
    Missing,
}

const POWERS: [Power; 4] = [Power::Use, Power::Copy, Power::Destroy, Power::Missing];

impl Power {
    const fn words(self) -> &'static str {
        match self {
            Self::Use => "can use it",
            Self::Copy => "can copy it",
            Self::Destroy => "can destroy every copy",
            Self::Missing => "if missing, nobody can use or restore it",
        }
    }
}

/// Smallest sets, fewest members first; `None` if there are more than [`SETS_MAX`].
type Sets = Option<Vec<Set>>;

/// Sets none of which contains another.
fn smallest(mut sets: Vec<Set>) -> Vec<Set> {
    sets.sort_unstable_by_key(|set| (set.count_ones(), core::cmp::Reverse(set.reverse_bits())));
    sets.dedup();
    let mut kept: Vec<Set> = Vec::new();
    for set in sets {
        if !kept.iter().any(|smaller| smaller & set == *smaller) {
            kept.push(set);
        }
    }
    kept
}

/// The smallest sets that have a member in common with each of these.
fn hitting(sets: &[Set]) -> Sets {
    let mut hits = vec![0];
    for set in sets {
        let members = (0..Set::BITS).map(|at| 1 << at).filter(|one| one & set != 0);
        let (hit, open): (Vec<Set>, Vec<Set>) = hits.iter().partition(|hit| *hit & set != 0);
        let extended = members.flat_map(|one| open.iter().map(move |hit| hit | one));
        hits = smallest(hit.into_iter().chain(extended).collect());
        if hits.len() > SETS_MAX {
            return None;
        }
    }
    Some(hits)
}

/// Who owns what: an owner is a bit.
struct Owners<'a> {
    things: &'a [Kept],
    bits: Vec<Set>,
}

impl Owners<'_> {
    /// The owners of everything that fits.
    fn of(&self, fits: impl Fn(Thing) -> bool) -> Set {
        let owned = self.things.iter().zip(&self.bits).filter(|(kept, _)| fits(kept.thing));
        owned.fold(0, |set, (_, bit)| set | bit)
    }

    /// Every way to use a key. An SO-PIN that gives new tries is none: a plan gives its token no PIN short enough to be found by
    /// trying.
    fn uses(&self, key: &Key) -> Vec<Set> {
        let token = |token| self.of(|thing| thing == Thing::Token(token) || thing == Thing::Pin(token));
        key.tokens().map(token).chain(self.restore()).collect()
    }

    /// What restores a key on a new token: the blobs, and the DKEK.
    fn restore(&self) -> Option<Set> {
        self.things
            .iter()
            .any(|kept| kept.thing == Thing::Blobs)
            .then(|| self.of(|it| it == Thing::Blobs) | self.dkek())
    }

    fn dkek(&self) -> Set {
        self.of(|thing| matches!(thing, Thing::Share(_) | Thing::Passphrase(_)))
    }

    /// Every way to copy a key: the blobs, or a token that wraps it, and the DKEK.
    fn copies(&self, key: &Key) -> Vec<Set> {
        let wrap = |token| self.of(|thing| thing == Thing::Token(token) || thing == Thing::Pin(token)) | self.dkek();
        key.tokens().map(wrap).chain(self.restore()).collect()
    }

    /// What each copy consists of: losing any of it loses the copy.
    fn bodies(&self, key: &Key) -> Vec<Set> {
        let token = |token: TokenId| self.of(|thing| thing == Thing::Token(token));
        let sealed = self.of(|thing| matches!(thing, Thing::Blobs | Thing::Share(_)));
        key.tokens().map(token).chain(self.restore().map(|_| sealed)).collect()
    }

    fn sets(&self, key: &Key, power: Power) -> Sets {
        match power {
            Power::Use => Some(smallest(self.uses(key))),
            Power::Copy => Some(smallest(self.copies(key))),
            Power::Destroy => hitting(&self.bodies(key)),
            Power::Missing => hitting(&self.uses(key)),
        }
    }
}

/// Bits of owners, by the place of each name in `names`.
fn owners<'a>(things: &'a [Kept], names: &[String], name: impl Fn(&Kept) -> String) -> Owners<'a> {
    let bit = |kept: &Kept| {
        let at = names.iter().position(|known| *known == name(kept));
        at.and_then(|at| u32::try_from(at).ok()).and_then(|at| Set::checked_shl(1, at)).unwrap_or_default()
    };
    Owners { things, bits: things.iter().map(bit).collect() }
}

fn name_of_person(plan: &Plan, kept: &Kept) -> String {
    plan.person(kept.custody.keeper).map_or_else(String::new, |person| person.id.to_string())
}

/// The place of a bag; what is in none is with its keeper.
fn name_of_place(plan: &Plan, kept: &Kept) -> String {
    let bag = kept.custody.bag.and_then(|bag| plan.bag(bag));
    bag.map_or_else(|| format!("with {}", name_of_person(plan, kept)), |bag| format!("{:?}", bag.place.as_str()))
}

fn names(things: &[Kept], name: impl Fn(&Kept) -> String) -> Vec<String> {
    let mut names = Vec::new();
    for name in things.iter().map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The coalition table of a plan that breaks no rule: for the cover of the script and the report.
pub fn table(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_table(plan, &mut text);
    text
}

fn write_table(plan: &Plan, out: &mut String) -> fmt::Result {
    let things = things(plan);
    let of_people = |kept: &Kept| name_of_person(plan, kept);
    let of_places = |kept: &Kept| name_of_place(plan, kept);
    let (people, places) = (names(&things, of_people), names(&things, of_places));
    let by_person = owners(&things, &people, of_people);
    let by_place = owners(&things, &places, of_places);
    for (tokens, keys) in by_tokens(plan) {
        let Some(key) = keys.first().and_then(|key| plan.key(*key)) else { continue };
        let labels: Vec<_> = keys.iter().filter_map(|key| plan.key(*key)).collect();
        let labels: Vec<_> = labels.iter().map(|key| key.label.as_str()).collect();
        let names: Vec<_> = tokens.iter().filter_map(|token| plan.token(*token)).collect();
        let names: Vec<_> = names.iter().map(|token| token.name.as_str()).collect();
        writeln!(out, "{} on {}", labels.join(", "), names.join(", "))?;
        for power in POWERS {
            writeln!(out, "  {}", power.words())?;
            write_sets(out, "people", by_person.sets(key, power), &people)?;
            write_sets(out, "places", by_place.sets(key, power), &places)?;
        }
    }
    Ok(())
}

/// Keys that are on the same tokens have the same table.
fn by_tokens(plan: &Plan) -> Vec<(Vec<TokenId>, Vec<KeyIx>)> {
    let mut groups: Vec<(Vec<TokenId>, Vec<KeyIx>)> = Vec::new();
    for (id, key) in (0..).map(KeyIx).zip(&plan.keys) {
        let mut tokens: Vec<_> = key.tokens().collect();
        tokens.sort_unstable();
        match groups.iter_mut().find(|(known, _)| *known == tokens) {
            Some((_, keys)) => keys.push(id),
            None => groups.push((tokens, vec![id])),
        }
    }
    groups
}

fn write_sets(out: &mut String, what: &str, sets: Sets, names: &[String]) -> fmt::Result {
    let Some(sets) = sets else { return writeln!(out, "    {what}  more than {SETS_MAX} sets") };
    for set in sets.iter().take(SHOWN_MAX) {
        let members = (0..).zip(names).filter(|(at, _)| Set::checked_shl(1, *at).is_some_and(|bit| bit & set != 0));
        let members: Vec<_> = members.map(|(_, name)| name.as_str()).collect();
        writeln!(out, "    {what}  {}", members.join(" + "))?;
    }
    match sets.len().saturating_sub(SHOWN_MAX) {
        0 => Ok(()),
        more => writeln!(out, "    {what}  and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::read;
    use crate::rules::testing::with_id;

    const SAFIRE: &str = include_str!("../../../docs/plans/safire/plan.toml");
    const MINIMAL: &str = include_str!("../../../docs/plans/minimal/plan.toml");

    fn table_of(text: &str) -> String {
        table(&read(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_table_of_two_tokens_is_as_worked_out_by_hand() {
        assert_eq!(
            table_of(MINIMAL),
            "signing on MASTER, BACKUP\n\
             \x20 can use it\n\
             \x20   people  holder + operator\n\
             \x20   people  operator + custodian-2 + custodian-1\n\
             \x20   places  with holder + with operator\n\
             \x20   places  with operator + \"second-site\"\n\
             \x20   places  with operator + with custodian-2 + with custodian-1\n\
             \x20 can copy it\n\
             \x20   people  operator + custodian-2 + custodian-1\n\
             \x20   places  with operator + with custodian-2 + with custodian-1\n\
             \x20 can destroy every copy\n\
             \x20   people  holder + operator\n\
             \x20   people  holder + custodian-2\n\
             \x20   people  holder + custodian-1\n\
             \x20   places  with holder + with operator + \"second-site\"\n\
             \x20   places  with holder + \"second-site\" + with custodian-2\n\
             \x20   places  with holder + \"second-site\" + with custodian-1\n\
             \x20 if missing, nobody can use or restore it\n\
             \x20   people  operator\n\
             \x20   people  holder + custodian-2\n\
             \x20   people  holder + custodian-1\n\
             \x20   places  with operator\n\
             \x20   places  with holder + \"second-site\" + with custodian-2\n\
             \x20   places  with holder + \"second-site\" + with custodian-1\n"
        );
    }

    #[test]
    fn keys_on_the_same_tokens_share_a_table() {
        let table = table_of(SAFIRE);
        assert!(
            table.starts_with("metadata-signing-2026, metadata-signing-2026-ec on SAFIRE-1, SAFIRE-2, SAFIRE-3\n"),
            "{table}"
        );
        assert_eq!(table.matches("can use it").count(), 1);
    }

    #[test]
    fn a_token_with_the_shares_copies_what_a_token_alone_uses() {
        // Without blobs, a copy takes the DKEK and a token that wraps.
        let text = MINIMAL.replace("holds = \"blobs\"", "holds = \"public\"");
        let table = table_of(&text);
        assert!(table.contains("can use it\n    people  holder + operator\n    places"), "{table}");
        assert!(table.contains("can copy it\n    people  holder + operator + custodian-2 + custodian-1\n"), "{table}");
        assert!(table.contains("can destroy every copy\n    people  holder\n    places"), "{table}");
        assert!(table.contains("use or restore it\n    people  holder\n    people  operator\n    places"), "{table}");
    }

    #[test]
    fn a_passphrase_is_needed_where_it_is_kept() {
        let bag = "[[bag]]\nnumber = \"2000002\"\nplace = \"bank\"\nholder = \"custodian-1\"\n\n[[token]]";
        let text = with_id(MINIMAL, "bank").replacen("[[token]]", bag, 1);
        let table =
            table_of(&text.replacen("phrase = { keeper = \"custodian-1\" }", "phrase = { bag = \"2000002\" }", 1));
        let copies = "with operator + with custodian-2 + with custodian-1 + \"bank\"\n";
        assert!(table.contains(&format!("places  {copies}")), "{table}");
    }

    #[test]
    fn smallest_sets_contain_no_other_and_hitting_sets_meet_every_one() {
        assert_eq!(smallest(vec![0b111, 0b011, 0b110, 0b011]), [0b011, 0b110]);
        assert_eq!(hitting(&[0b011, 0b110]), Some(vec![0b010, 0b101]));
        assert_eq!(hitting(&[0b001, 0b001]), Some(vec![0b001]));
        assert_eq!(hitting(&[]), Some(vec![0]));
    }

    #[test]
    fn more_sets_than_can_be_listed_are_said_to_be_more() {
        // Ten pairs without a member in common: 1,024 ways to meet each.
        let pairs: Vec<Set> = (0..10).map(|at| 0b11 << (2 * at)).collect();
        assert_eq!(hitting(&pairs), None);
        assert_eq!(hitting(&pairs[1..]).map(|sets| sets.len()), Some(512));
    }
}

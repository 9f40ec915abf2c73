//! The custody of every thing: the people that may keep it, and the things that are never together.

use super::Found;
use crate::ids::{DriveId, ShareId, TokenId};
use crate::plan::{Custody, Holds, Plan, Role, Rule};

/// Something that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A token.
    Token(TokenId),
    /// The paper with its user PIN.
    Pin(TokenId),
    /// The paper with its SO-PIN.
    SoPin(TokenId),
    /// The drive with a share.
    Share(ShareId),
    /// The passphrase of a share.
    Passphrase(ShareId),
    /// The drive with the key blobs.
    Blobs,
    /// A drive with nothing that must be kept from any person.
    Open(DriveId),
}

/// A thing with its custody.
pub(crate) struct Kept {
    /// The thing.
    pub(crate) thing: Thing,
    /// The thing in words.
    pub(crate) name: String,
    /// Where.
    pub(crate) custody: Custody,
    /// Line of the plan.
    pub(crate) line: u32,
}

/// Everything that is kept.
pub(crate) fn things(plan: &Plan) -> Vec<Kept> {
    let mut things = Vec::new();
    let mut add = |thing, name, custody, line| things.push(Kept { thing, name, custody, line });
    for (id, token) in (0..).map(TokenId).zip(&plan.tokens) {
        add(Thing::Token(id), format!("token {}", token.name), token.custody, token.line);
        add(Thing::Pin(id), format!("the PIN of {}", token.name), token.pin, token.line);
        add(Thing::SoPin(id), format!("the SO-PIN of {}", token.name), token.so_pin, token.line);
    }
    for (id, drive) in (0..).map(DriveId).zip(&plan.drives) {
        let thing = match drive.holds {
            Holds::Share(share) => Thing::Share(share),
            Holds::Blobs => Thing::Blobs,
            Holds::Transcript | Holds::SpareLog | Holds::Public => Thing::Open(id),
        };
        add(thing, format!("drive {}", drive.name), drive.custody, drive.line);
    }
    for (id, share) in (0..).map(ShareId).zip(&plan.shares) {
        let name = format!("the passphrase of share {}", id.0.saturating_add(1));
        add(Thing::Passphrase(id), name, share.passphrase, share.line);
    }
    things
}

pub(super) fn check(plan: &Plan, found: &mut Found) {
    let things = things(plan);
    for kept in &things {
        keeper(plan, kept, found);
    }
    for (at, second) in things.iter().enumerate() {
        for first in things.iter().take(at).filter(|first| never_together(first.thing, second.thing)) {
            apart(plan, first, second, Rule::Apart, found);
        }
    }
    bags(plan, &things, found);
}

fn keeper(plan: &Plan, kept: &Kept, found: &mut Found) {
    let Some(keeper) = plan.person(kept.custody.keeper) else { return };
    let (roles, words): (&[Role], _) = match kept.thing {
        // The rule for shares checks which person the passphrase belongs to.
        Thing::Passphrase(_) => return,
        Thing::Share(_) => (&[Role::Holder, Role::Custodian], "a holder or custodian"),
        Thing::Token(_) | Thing::Pin(_) | Thing::SoPin(_) | Thing::Blobs | Thing::Open(_) => {
            (&[Role::Holder], "a holder")
        }
    };
    if !keeper.roles.iter().any(|role| roles.contains(role)) {
        let found_words = format!("{}, who is none, for {}", keeper.id, kept.name);
        let do_now = "Name another keeper, or give this one the role.";
        found.refuse(Rule::Keeper, kept.line, format!("{words} as keeper"), found_words, do_now);
    }
}

/// Whether one opens the other, or both make the key.
fn never_together(one: Thing, other: Thing) -> bool {
    let pair = |one, other| match (one, other) {
        (Thing::Token(_), Thing::Share(_) | Thing::Blobs) | (Thing::Share(_), Thing::Blobs) => true,
        (Thing::Share(one), Thing::Share(other)) => one != other,
        (Thing::Token(token), Thing::Pin(of) | Thing::SoPin(of)) => token == of,
        (Thing::Share(share), Thing::Passphrase(of)) => share == of,
        _ => false,
    };
    pair(one, other) || pair(other, one)
}

/// Refuses one bag, one holder or one place for two things: in this order, because each follows from the one before.
pub(super) fn apart(plan: &Plan, first: &Kept, second: &Kept, rule: Rule, found: &mut Found) {
    let bag = |kept: &Kept| kept.custody.bag.and_then(|bag| plan.bag(bag));
    let together = match (bag(first), bag(second)) {
        (Some(one), Some(_)) if first.custody.bag == second.custody.bag => Some(format!("bag {}", one.number)),
        _ if first.custody.keeper == second.custody.keeper => {
            let keeper = plan.person(first.custody.keeper);
            keeper.map(|keeper| format!("the keeping of {}", keeper.id))
        }
        (Some(one), Some(other)) if one.place == other.place => Some(format!("the place {}", one.place)),
        _ => None,
    };
    if let Some(together) = together {
        let expected = format!("{} and {} in two bags, with two holders, in two places", first.name, second.name);
        let do_now = "Change where one of them is kept.";
        found.refuse(rule, second.line, expected, format!("both in {together}"), do_now);
    }
}

fn bags(plan: &Plan, things: &[Kept], found: &mut Found) {
    for (at, bag) in (0..).zip(&plan.bags) {
        if !things.iter().any(|kept| kept.custody.bag.is_some_and(|bag| bag.0 == at)) {
            let found_words = format!("nothing for bag {}", bag.number);
            found.refuse(Rule::Bag, bag.line, "a bag with something in it", found_words, "Take the bag out.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MINIMAL, SAFIRE, broken, used};
    use super::*;

    /// The rules the plan breaks, policies left out, when a thing is kept elsewhere.
    #[track_caller]
    fn moved(thing: &str, from: &str, to: &str) -> Vec<Rule> {
        let text = SAFIRE.replace("policies = [\"kmps\"]", "policies = []");
        let at = text.find(thing).unwrap();
        let (head, tail) = text.split_at(at);
        assert!(tail.contains(from), "{from:?} does not stand behind {thing:?}");
        let text = used(&(head.to_owned() + &tail.replacen(from, to, 1)));
        let refusals = super::super::check(&crate::plan::read(text.as_bytes()).unwrap());
        refusals.iter().map(|refusal| refusal.rule).filter(|rule| *rule != Rule::Bag).collect()
    }

    #[test]
    fn a_token_a_share_and_the_blobs_are_never_in_one_bag() {
        // Each in its own bag of other people: only the bag tells.
        assert!(moved("name = \"SHARE-1\"", "bag = \"1000006\"", "bag = \"1000001\"").contains(&Rule::Apart));
        assert!(moved("name = \"BLOBS\"", "bag = \"1000007\"", "bag = \"1000002\"").contains(&Rule::Apart));
        assert!(moved("name = \"BLOBS\"", "bag = \"1000007\"", "bag = \"1000005\"").contains(&Rule::Apart));
    }

    #[test]
    fn a_token_a_share_and_the_blobs_never_have_one_holder() {
        assert!(moved("name = \"SHARE-1\"", "bag = \"1000006\"", "keeper = \"holder-2\"").contains(&Rule::Apart));
        assert!(moved("name = \"BLOBS\"", "bag = \"1000007\"", "keeper = \"holder-1\"").contains(&Rule::Apart));
        assert!(moved("name = \"SHARE-1\"", "bag = \"1000006\"", "keeper = \"operator\"").contains(&Rule::Apart));
    }

    #[test]
    fn a_token_a_share_and_the_blobs_are_never_in_one_place() {
        let place = |number: &str, from: &str, to: &str| moved(&format!("number = \"{number}\""), from, to);
        // The place each had is no longer named: its digest goes, too.
        assert_eq!(place("1000006", "bank-west", "second-site"), [Rule::Apart]);
        assert_eq!(place("1000007", "records-office", "head-office"), [Rule::Apart]);
        assert_eq!(place("1000007", "records-office", "bank-west"), [Rule::Apart]);
        assert_eq!(moved("[[bag]]", "place = \"head-office\"", "place = \"head-office\""), []);
    }

    /// The rules the small plan breaks with the drives of its shares at these keepers.
    #[track_caller]
    fn shares_at(one: &str, other: &str) -> Vec<Rule> {
        let at = |who: &str| format!("holds = \"share\"\ncustody = {{ keeper = \"{who}\" }}");
        let text = MINIMAL.replace(&at("custodian-1"), &at(other)).replace(&at("custodian-2"), &at(one));
        super::super::testing::rules(&text)
    }

    #[test]
    fn two_shares_never_have_one_holder() {
        // A witness must not keep them either, but has nothing else they could be with.
        assert_eq!(shares_at("witness", "witness"), [Rule::Keeper, Rule::Apart]);
        assert_eq!(shares_at("custodian-2", "witness"), [Rule::Keeper]);
    }

    #[test]
    fn a_share_is_never_with_its_passphrase() {
        assert_eq!(shares_at("custodian-1", "custodian-2"), [Rule::Apart]);
        assert_eq!(shares_at("custodian-2", "custodian-1"), []);
    }

    #[test]
    fn a_token_is_never_with_its_own_pins() {
        for which in ["\npin = ", "\nso-pin = "] {
            assert_eq!(moved(which, "bag = \"1000003\"", "keeper = \"holder-1\""), [Rule::Apart], "{which}");
        }
        // That of another token may be there.
        assert_eq!(moved("name = \"SAFIRE-3\"", "pin = { bag = \"1000004\" }", "pin = { keeper = \"holder-1\" }"), []);
    }

    #[test]
    fn a_witness_keeps_nothing_and_a_custodian_no_token() {
        assert_eq!(
            broken(MINIMAL, "custody = { keeper = \"operator\" }", "custody = { keeper = \"witness\" }"),
            [Rule::Keeper]
        );
        let rules = broken(MINIMAL, "custody = { keeper = \"holder\" }", "custody = { keeper = \"custodian-1\" }");
        assert!(rules.contains(&Rule::Keeper), "{rules:?}");
    }

    #[test]
    fn no_bag_is_sealed_empty() {
        assert_eq!(
            broken(MINIMAL, "custody = { bag = \"2000001\" }", "custody = { keeper = \"holder\" }"),
            [Rule::Bag]
        );
    }
}

//! The power fails while tokens that are masters and copies of each other prove themselves before they are compared.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use conclave_ceremony::act::Act;
use conclave_ceremony::ids::TokenId;
use conclave_console::ports::Machine;
use conclave_sim::world::play::Ended;

use crate::MINIMAL;
use crate::cuts::{Cut, each, named, same};
use crate::theatre::Theatre;

/// The minimal plan with a second key, which is made on the token that the first one is copied to, and copied to the other.
static CROSSED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let plan = std::str::from_utf8(MINIMAL).unwrap();
    let (_, key) = plan.split_once("[[key]]").unwrap();
    let second = [
        ("label = \"signing\"", "label = \"second\""),
        ("id = \"01\"", "id = \"02\""),
        ("master = \"MASTER\"", "master = \"BACKUP\""),
        ("copies = [\"BACKUP\"]", "copies = [\"MASTER\"]"),
    ];
    let second = second.into_iter().fold(key.to_owned(), |key, (from, to)| {
        assert!(key.contains(from), "{from}");
        key.replacen(from, to, 1)
    });
    format!("{plan}\n[[key]]{second}").into_bytes()
});

#[test]
fn a_key_that_a_cut_proof_left_is_gone_before_the_token_is_compared() {
    let fresh = Theatre::new(&CROSSED);
    let mut theatre = fresh.clone();
    let mut ceremony = theatre.begin();
    assert_eq!(theatre.play(&mut ceremony), Ended::Closed);
    let (changes, commands) = (theatre.stage.world.tokens().changes(), theatre.commands.clone());
    let want = same(&mut theatre);

    let mut cuts = Vec::new();
    for pair in commands.windows(2) {
        let [(Act::ProveAgain(_), first), (_, next)] = pair else { continue };
        for command in (*first..*next).filter(|command| changes[*command] > 0) {
            let after = u32::try_from(changes[command]).unwrap();
            cuts.extend([Cut::Token(command, 0), Cut::Token(command, after)]);
        }
    }
    let acts = each(&cuts, &fresh, &want);
    println!("figure: {} power cuts of proofs before a comparison", cuts.len());
    assert_eq!(acts, BTreeSet::from([0, 1].map(|token| named(&Act::ProveAgain(TokenId(token))))));
}

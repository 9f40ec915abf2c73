//! The power fails while tokens that refuse chip authentication prove themselves, and while their burnt PINs are changed.

use std::collections::BTreeSet;

use conclave_ceremony::act::{Act, Slot};
use conclave_console::ports::Machine;
use conclave_sim::card::profile::{ChipAuthentication, Profile};
use conclave_sim::world::play::Ended;

use crate::MINIMAL;
use crate::cuts::{Cut, each, named, same};
use crate::theatre::Theatre;

/// Whether an act is one that a proof without chip authentication has, or leads to it after a power cut.
fn concerns(act: &Act) -> bool {
    matches!(
        act,
        Act::Authenticate(_)
            | Act::Prove(_)
            | Act::ProveBeside(_)
            | Act::ChangePin(_)
            | Act::Initialise(_)
            | Act::Make(Slot::NewPin(_))
            | Act::Reveal(Slot::NewPin(_))
    )
}

#[test]
fn wherever_the_power_fails_around_a_burnt_pin_the_ceremony_resumes_to_the_same_end() {
    let profile = Profile { chip_authentication: ChipAuthentication::Neither, ..Profile::firmware_4_1() };
    let fresh = Theatre::with(MINIMAL, &profile);
    let mut theatre = fresh.clone();
    let mut ceremony = theatre.begin();
    assert_eq!(theatre.play(&mut ceremony), Ended::Closed);
    let (changes, starts, commands) =
        (theatre.stage.world.tokens().changes(), theatre.starts.clone(), theatre.commands.clone());
    let want = same(&mut theatre);

    let mut cuts = Vec::new();
    for (at, ((_, first), start)) in commands.iter().zip(&starts).enumerate().filter(|(_, ((act, _), _))| concerns(act))
    {
        cuts.push(Cut::Drive(*start, at * 97 % 257));
        let next = commands.get(at + 1).map_or(changes.len(), |(_, next)| *next);
        for command in *first..next {
            let after = u32::try_from(changes[command]).unwrap();
            cuts.extend(BTreeSet::from([0, after]).into_iter().map(|changes| Cut::Token(command, changes)));
        }
    }
    let acts = each(&cuts, &fresh, &want);
    println!("figure: {} power cuts around burnt PINs, during {} different acts", cuts.len(), acts.len());
    let concerned: BTreeSet<String> =
        commands.iter().map(|(act, _)| act).filter(|act| concerns(act)).map(named).collect();
    assert_eq!(acts, concerned);
}

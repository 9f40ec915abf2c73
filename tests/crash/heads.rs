//! The logs are cut back to before entries whose heads a token knows: the request of a key that was made carries one.

use std::collections::BTreeMap;

use conclave_ceremony::act::Act;
use conclave_ceremony::ids::DriveId;
use conclave_console::ports::Machine;
use conclave_publish::FileName;
use conclave_sim::world::play::{Ended, play};
use conclave_sim::world::stage::Stage;
use conclave_sim::world::tokens::Fault;

use crate::MINIMAL;
use crate::theatre::{Played, Theatre};

/// The files of a log drive.
type Files = BTreeMap<FileName, Vec<u8>>;

/// The log drives with their files.
type Logs = [(DriveId, Files); 2];

/// Plays until the power fails: as it was set, or once the record has the key. Gives whether the record has the key, and the logs as
/// they were before any key was intended.
fn until_made(theatre: &mut Theatre, ceremony: &mut Played) -> (bool, Option<Logs>) {
    let ids = theatre.logs();
    let Theatre { stage, robot, .. } = theatre;
    let (mut made, mut before) = (false, None);
    let ended = play(stage, ceremony, robot, |stage, ceremony| {
        let keys = &ceremony.state().facts().keys;
        if keys.is_empty() {
            before = Some(files(stage, ids));
        }
        made = keys.values().any(|key| key.made.is_some());
        if made {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
    (made, before)
}

fn files(stage: &mut Stage, logs: [DriveId; 2]) -> Logs {
    logs.map(|log| (log, stage.stick(log).unwrap().files.clone()))
}

/// The logs are what they were, and the ceremony goes on from them.
fn cut_back(theatre: &mut Theatre, logs: Logs) -> Ended {
    theatre.power_back(0);
    for (log, files) in logs {
        theatre.stage.stick(log).unwrap().files = files;
    }
    theatre.head = None;
    let mut ceremony = theatre.resume();
    theatre.play(&mut ceremony)
}

#[test]
fn logs_without_the_entry_that_a_keys_request_names_halt_and_the_key_stays() {
    let mut theatre = Theatre::new(MINIMAL);
    let mut ceremony = theatre.begin();
    assert_eq!(theatre.play(&mut ceremony), Ended::Closed);
    let (_, first) = theatre.commands.iter().find(|(act, _)| matches!(act, Act::Generate(..))).unwrap();
    let changes = theatre.stage.world.tokens().changes();
    let generate = (*first..).find(|command| changes[*command] > 0).unwrap();

    // The making was intended and cut; in the next boot it was intended again and done. The logs lack the second boot.
    let cut = |changes| {
        let mut theatre = Theatre::new(MINIMAL);
        let mut ceremony = theatre.begin();
        theatre.stage.world.tokens().fail_at(generate, Fault::PowerCut { changes });
        assert!(!until_made(&mut theatre, &mut ceremony).0);
        theatre.power_back(0);
        let ids = theatre.logs();
        let logs = files(&mut theatre.stage, ids);
        (theatre, logs)
    };
    let (mut theatre, logs) = cut(0);
    theatre.head = None;
    let mut ceremony = theatre.resume();
    assert!(until_made(&mut theatre, &mut ceremony).0);
    for _ in 0..2 {
        let Ended::Stands(words) = cut_back(&mut theatre, logs.clone()) else {
            panic!("a key was taken over or removed")
        };
        assert!(words.contains("with a head that is in no entry of this record"), "{words}");
    }

    // Logs that lack the first intent, too, know of no key at all.
    let mut theatre = Theatre::new(MINIMAL);
    let mut ceremony = theatre.begin();
    let (made, logs) = until_made(&mut theatre, &mut ceremony);
    assert!(made);
    let Ended::Stands(words) = cut_back(&mut theatre, logs.unwrap()) else { panic!("a key was taken over or removed") };
    assert!(words.contains("this is another key than the one that was made"), "{words}");
}

//! Signatures of a ceremony on tokens that sign otherwise than most, or wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::act::{Act, Signs};
use conclave_ceremony::event::{Event, Outcome};
use conclave_ceremony::ids::{DriveId, TokenId};
use conclave_ceremony::{plan, transcript};
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ports::Machine;
use conclave_sim::card::profile::Profile;
use conclave_sim::fault::{At, Fault, Misfortune};
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, brought, start};
use smartcard_hsm::cvc::Simulated;

use super::{MEMO, MINIMAL, verified};

const MASTER: TokenId = TokenId(0);
const BACKUP: TokenId = TokenId(1);

/// INS of SIGN.
const SIGN: u8 = 0x68;

/// The minimal plan with a key of this algorithm.
fn plan_of(algorithm: &str) -> Vec<u8> {
    let plan = String::from_utf8(MINIMAL.to_vec()).unwrap();
    plan.replace("algorithm = \"P-256\"", &format!("algorithm = \"{algorithm}\"")).into_bytes()
}

struct Played {
    stage: Stage,
    ceremony: Box<Ceremony<World, Simulated>>,
    ended: Ended,
    /// Everything that was on a screen.
    seen: String,
}

/// Plays a ceremony of a key of this algorithm on tokens of this kind; `before` it begins the stage may be spoilt.
fn played(algorithm: &str, profile: &Profile, before: impl FnOnce(&mut Stage)) -> (Vec<u8>, Played) {
    let bytes = plan_of(algorithm);
    let plan = plan::read(&bytes).unwrap();
    let world = World::new([7; 32], STARTED, Arc::clone(&MEMO));
    let mut stage = Stage::with(&plan, world, profile, [3; 32]).unwrap();
    before(&mut stage);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(&bytes), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut seen = String::new();
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&plan), |_, ceremony| {
        seen.extend(screen(ceremony));
    });
    seen.extend(screen(&mut ceremony));
    (bytes, Played { stage, ceremony, ended, seen })
}

/// The outcomes of the acts so far.
fn outcomes(ceremony: &Ceremony<World, Simulated>) -> Vec<(Act, Outcome)> {
    let entries = transcript::read(ceremony.transcript()).unwrap().entries;
    let came = |event| if let Event::Came { act, outcome } = event { Some((act, outcome)) } else { None };
    entries.into_iter().filter_map(|entry| came(entry.event)).collect()
}

/// Algorithms that were asked of a token's keys.
fn algorithms(stage: &mut Stage, token: TokenId) -> Vec<u8> {
    let place = stage.place(token).unwrap();
    let asked = |token: &mut conclave_sim::token::Token| {
        let headers = token.log().exchanges().iter().map(|exchange| exchange.header());
        headers.filter(|header| header[1] == SIGN).map(|header| header[3]).collect()
    };
    stage.world.tokens().token(place, asked).unwrap()
}

/// Every file of every drive, by drive and name.
fn files(played: &mut Played) -> BTreeMap<(u16, String), Vec<u8>> {
    let mut files = BTreeMap::new();
    for at in 0..u16::try_from(played.ceremony.plan().drives.len()).unwrap() {
        let stick = played.stage.stick(DriveId(at)).unwrap();
        files.extend(stick.files.iter().map(|(name, bytes)| ((at, format!("{name:?}")), bytes.clone())));
    }
    files
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_rsa_ceremony_is_played_to_its_end_on_tokens_that_refuse_to_pad() {
    let (plan, mut played) = played("RSA-2048", &Profile::refuses_30(), |_| {});
    assert_eq!(played.ended, Ended::Closed, "{}", played.seen);
    verified(&plan, played.ceremony.transcript(), played.ceremony.head());
    // Certificate and statement; the copy's statement.
    assert_eq!(algorithms(&mut played.stage, MASTER), [0x20, 0x20]);
    assert_eq!(algorithms(&mut played.stage, BACKUP), [0x20]);
}

#[test]
fn an_rsa_ceremony_halts_in_words_on_tokens_that_refuse_a_padded_block_and_nothing_of_the_key_is_kept() {
    let (_, mut played) = played("RSA-2048", &Profile::refuses_20(), |_| {});
    let Ended::Stands(words) = &played.ended else { panic!("{:?}", played.ended) };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("SIGN with key 1, algorithm 20: the token refuses to sign so (SW 6400)"), "{words}");
    assert!(words.contains("Nothing was kept."), "{words}");
    let outcomes = outcomes(&played.ceremony);
    assert!(matches!(outcomes.last(), Some((Act::Sign(MASTER, _, Signs::Certificate), Outcome::Failed(_)))));
    let kept = |(act, outcome): &&(Act, Outcome)| {
        let of_key = matches!(act, Act::Sign(..) | Act::Wrap(..) | Act::Describe(..) | Act::Unwrap(..));
        of_key && !matches!(outcome, Outcome::Failed(_))
    };
    assert_eq!(outcomes.iter().find(kept), None);
    assert!(files(&mut played).keys().all(|(_, name)| !name.contains("wrap") && !name.contains("crt")));
    assert_eq!(algorithms(&mut played.stage, MASTER), [0x20]);
}

#[test]
fn a_signature_with_a_flipped_bit_halts_in_words_and_no_byte_of_it_is_anywhere() {
    for (algorithm, token) in [("RSA-2048", MASTER), ("RSA-2048", BACKUP), ("P-256", MASTER)] {
        let fault = Fault { at: At::Instruction { ins: SIGN, nth: 1 }, what: Misfortune::Lies };
        let (_, mut played) = played(algorithm, &Profile::firmware_4_1(), |stage| {
            let place = stage.place(token).unwrap();
            stage.world.tokens().token(place, |token| token.set_faults(vec![fault])).unwrap();
        });
        let Ended::Stands(words) = &played.ended else { panic!("{algorithm}: {:?}", played.ended) };
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("no sound signature came: the signature is not this key's over these bytes"), "{words}");
        assert!(words.contains("Set the token aside"), "{words}");
        let outcomes = outcomes(&played.ceremony);
        assert!(matches!(outcomes.last(), Some((Act::Sign(of, ..), Outcome::Failed(_))) if *of == token));

        let place = played.stage.place(token).unwrap();
        let lies = played.stage.world.tokens().token(place, |token| token.lies().to_vec()).unwrap();
        let [faulty] = &lies[..] else { panic!("{} lies", lies.len()) };
        let faulty = &faulty[..faulty.len() - 2];
        let seen: String = played.seen.split_whitespace().collect::<String>().to_lowercase();
        for part in faulty.windows(8) {
            assert!(!seen.contains(&hex(part)), "{algorithm}: on a screen");
            let here = |bytes: &[u8]| bytes.windows(part.len()).any(|bytes| bytes == part);
            assert!(!here(played.ceremony.transcript()), "{algorithm}: in the record");
        }
        for (name, bytes) in files(&mut played) {
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for part in faulty.windows(8) {
                let here = bytes.windows(part.len()).any(|bytes| bytes == part) || text.contains(&hex(part));
                assert!(!here, "{algorithm}: in {name:?}");
            }
        }
    }
}

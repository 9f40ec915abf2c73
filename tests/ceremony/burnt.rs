//! Tokens that refuse chip authentication: each proves itself by a key beside its keys, and the PIN that took is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::compile::compile;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Event, Failure, Next, Outcome, Way};
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::step::Waiting;
use conclave_ceremony::{hands, plan, transcript};
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ports::Machine;
use conclave_sim::card::profile::{ChipAuthentication, Profile};
use conclave_sim::card::random::Randomness;
use conclave_sim::fault::{At, Fault, Misfortune};
use conclave_sim::icc::Icc;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, brought, chained, resumed, start};
use smartcard_hsm::cvc::Simulated;
use smartcard_hsm::secret::SO_PIN_PUBLISHED;

use super::{MEMO, MINIMAL, account, middle, verified};

const MASTER: TokenId = TokenId(0);
const SELECT: &[u8] = b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00";

/// A ceremony with tokens that refuse AES and 3DES; the minimal plan's four ports make them change hands.
struct Refusing {
    stage: Stage,
    ceremony: Box<Ceremony<World, Simulated>>,
    robot: Robot,
    bytes: Vec<u8>,
}

impl Refusing {
    fn new(bytes: &[u8]) -> Self {
        let plan = plan::read(bytes).unwrap();
        let profile = Profile { chip_authentication: ChipAuthentication::Neither, ..Profile::firmware_4_1() };
        let mut stage = Stage::with(&plan, World::new([7; 32], STARTED, Arc::clone(&MEMO)), &profile, [3; 32]).unwrap();
        let Begun::Rehearsal(ceremony) = Begun::new(brought(bytes), start(), &mut stage.world).unwrap() else {
            panic!()
        };
        Self { stage, ceremony, robot: Robot::new(&plan), bytes: bytes.to_vec() }
    }

    fn play(&mut self, before: impl FnMut(&mut Stage, &mut Ceremony<World, Simulated>)) -> Ended {
        play(&mut self.stage, &mut self.ceremony, &mut self.robot, before)
    }

    fn closes(&mut self) {
        let ended = self.play(|_, _| ());
        assert_eq!(ended, Ended::Closed, "{}", screen(&mut self.ceremony).join("\n"));
        verified(&self.bytes, self.ceremony.transcript(), self.ceremony.head());
    }

    fn resumes(&mut self) {
        self.stage.world.restart(0);
        self.robot.signed_out();
        let Ok(Begun::Rehearsal(ceremony)) = resumed(&self.bytes, &mut self.stage.world) else { panic!("it goes on") };
        self.ceremony = ceremony;
    }

    fn entries(&self) -> Vec<Entry> {
        transcript::read(self.ceremony.transcript()).unwrap().entries
    }

    /// The answer of the master to a PIN.
    fn verify(&mut self, pin: &str) -> Vec<u8> {
        let place = self.stage.place(MASTER).unwrap();
        let mut token = self.stage.world.tokens().token(place, |token| token.clone()).unwrap();
        token.power_on();
        token.transmit(SELECT);
        let verify = [&[0x00, 0x20, 0x00, 0x81, pin.len() as u8], pin.as_bytes()].concat();
        token.transmit(&verify).response
    }
}

fn is_came(event: &Event, wanted: Act) -> bool {
    matches!(event, Event::Came { act, .. } if *act == wanted)
}

#[track_caller]
fn refused(entries: Vec<Entry>, rule: &str) {
    let account = account(MINIMAL, &chained(entries), &[]);
    assert!(account.refused.iter().any(|finding| finding.rule.name() == rule), "{rule}: {:?}", account.refused);
}

#[test]
fn tokens_that_refuse_both_ciphers_prove_themselves_by_keys_and_every_burnt_pin_is_changed() {
    let plan = plan::read(MINIMAL).unwrap();
    let expected: BTreeMap<TokenId, usize> = hands::again(&compile(&plan).unwrap()).into_iter().collect();
    assert_eq!(expected.len(), 2);
    let (mut room, mut pins) = (Refusing::new(MINIMAL), BTreeSet::new());
    let mut told = BTreeSet::new();
    let ended = {
        let Refusing { stage, ceremony, robot, .. } = &mut room;
        play(stage, ceremony, robot, |_, ceremony| {
            if let Waiting::Asked(_) = ceremony.waiting() {
                told.extend(middle(ceremony).split(". ").filter(|words| words.contains("burnt")).map(str::to_owned));
            }
        })
    };
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut room.ceremony).join("\n"));
    verified(MINIMAL, room.ceremony.transcript(), room.ceremony.head());
    assert!(
        told.iter().any(|words| words.contains("its PIN is sent to it before its proof, is burnt, and is changed")),
        "{told:?}"
    );

    // Each was asked once for a chip authentication, and never again.
    let entries = room.entries();
    let (mut proofs, mut changes, mut asked) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for entry in &entries {
        match &entry.event {
            Event::Came { act: Act::ProveBeside(token) | Act::Prove(token), outcome } => {
                assert!(matches!(outcome, Outcome::Proof { way: Way::Key, .. }), "{outcome:?}");
                *proofs.entry(*token).or_insert(0) += 1;
            }
            Event::Came { act: Act::ChangePin(token), outcome } => {
                assert_eq!(*outcome, Outcome::Done);
                *changes.entry(*token).or_insert(0) += 1;
            }
            Event::Came { act: Act::Authenticate(token), outcome } => {
                assert!(matches!(outcome, Outcome::Failed(Failure { next: Next::Beside, .. })), "{outcome:?}");
                *asked.entry(*token).or_insert(0) += 1;
            }
            _ => {}
        }
    }
    for (token, times) in expected {
        // The first proof, and one each time it was plugged in again.
        assert_eq!((proofs[&token], asked[&token]), (1 + times, 1));
        assert!(changes[&token] > 0 && changes[&token] <= times);
    }
    // The last PIN that was written down is the token's; the one before it is not.
    pins.extend(["PIN of MASTER", "before this, PIN of MASTER"].map(|paper| room.robot.papers()[paper].clone()));
    assert_eq!(pins.len(), 2);
    let [new, burnt] = ["PIN of MASTER", "before this, PIN of MASTER"].map(|paper| room.robot.papers()[paper].clone());
    assert_eq!((room.verify(&new), room.verify(&burnt)), (vec![0x90, 0x00], vec![0x63, 0xc2]));

    // The proof is anybody's to check, and is of its moment.
    let beside = entries.iter().position(|entry| is_came(&entry.event, Act::ProveBeside(MASTER))).unwrap();
    let mut replayed = entries.clone();
    let first = entries.iter().find(|entry| is_came(&entry.event, Act::Prove(MASTER))).unwrap().event.clone();
    let (Event::Came { outcome: earlier, .. }, Event::Came { outcome, .. }) = (first, &mut replayed[beside].event)
    else {
        panic!()
    };
    *outcome = earlier;
    refused(replayed, "proofs");
    // Without the change, without the new PIN's being shown, without the refusal: refused.
    let without = |left_out: &[Act]| {
        let mut fewer = entries.clone();
        for act in left_out {
            let came = fewer.iter().position(|entry| is_came(&entry.event, *act)).unwrap();
            fewer.remove(came);
            let intended = fewer.iter().position(|entry| entry.acts.contains(act)).unwrap();
            fewer[intended].acts.retain(|intended| intended != act);
        }
        fewer
    };
    let new = Slot::NewPin(MASTER);
    refused(without(&[Act::ChangePin(MASTER)]), "burnt-pin");
    refused(without(&[Act::Make(new), Act::Reveal(new), Act::ChangePin(MASTER)]), "burnt-pin");
    refused(without(&[Act::Reveal(new)]), "burnt-pin");
    let mut unasked = entries.clone();
    for entry in &mut unasked {
        if let Event::Came { act: Act::Authenticate(MASTER), outcome: Outcome::Failed(failure) } = &mut entry.event {
            failure.next = Next::Type;
        }
    }
    refused(unasked, "burnt-pin");
    // Another act than a proof cannot say that the token proves itself otherwise.
    let mut other = entries;
    let label = other.iter().position(|entry| is_came(&entry.event, Act::Label(MASTER))).unwrap();
    let words = conclave_ceremony::public::Text::new("It does not.").unwrap();
    let outcome = Outcome::Failed(Failure { next: Next::Beside, words });
    other[label].event = Event::Came { act: Act::Label(MASTER), outcome };
    refused(other, "outcomes");
}

#[test]
fn used_tokens_that_refuse_both_ciphers_are_erased_once_more_while_nothing_is_on_them() {
    let bytes = String::from_utf8(MINIMAL.to_vec()).unwrap().replace("before = \"new\"", "before = \"used\"");
    let mut room = Refusing::new(bytes.as_bytes());
    for token in ["MASTER", "BACKUP"] {
        room.robot.brings(&format!("SO-PIN it has now of {token}"), "3141592653589793");
    }
    let ended = room.play(|stage, ceremony| {
        if ceremony.waiting() == Waiting::Acting(Act::MakeShares) {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
    room.resumes();
    room.closes();
    let erased = room.entries().iter().filter(|entry| is_came(&entry.event, Act::Prove(MASTER))).count();
    assert_eq!(erased, 2);
}

#[test]
fn a_token_that_can_make_no_key_beside_its_keys_halts_the_ceremony_in_words() {
    let mut room = Refusing::new(MINIMAL);
    let ended = room.play(|stage, ceremony| {
        if ceremony.waiting() == Waiting::Acting(Act::ProveBeside(MASTER)) {
            let place = stage.place(MASTER).unwrap();
            let refuses = Fault { at: At::Instruction { ins: 0x46, nth: 1 }, what: Misfortune::Status(0x6a81) };
            stage.world.tokens().token(place, |token| token.set_faults(vec![refuses]));
        }
    });
    let Ended::Stands(words) = ended else { panic!("{ended:?}") };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("It refuses every proof there is. Leave it as it is; its PIN counts as burnt."), "{words}");
    // Put right, it goes on, and the PIN that went to it is changed.
    let place = room.stage.place(MASTER).unwrap();
    room.stage.world.tokens().token(place, |token| token.set_faults(Vec::new()));
    room.resumes();
    room.closes();
    assert!(room.entries().iter().any(|entry| is_came(&entry.event, Act::ChangePin(MASTER))));
}

#[test]
fn a_counterfeit_that_is_sent_a_pin_is_found_out_and_the_pin_is_changed_on_the_genuine_token() {
    let (mut room, mut genuine) = (Refusing::new(MINIMAL), None);
    let ended = room.play(|stage, ceremony| {
        if ceremony.waiting() == Waiting::Acting(Act::ProveBeside(MASTER)) {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
    room.resumes();
    let burnt = room.robot.papers()["PIN of MASTER"].clone();
    let ended = room.play(|stage, ceremony| {
        if ceremony.waiting() == Waiting::Acting(Act::ProveBeside(MASTER)) && genuine.is_none() {
            let place = stage.place(MASTER).unwrap();
            genuine = stage.world.tokens().token(place, |token| token.clone());
            stage.world.tokens().forge(place, Randomness::seeded([0xcf; 32]));
            // It takes the PIN it is given.
            let options = [0x80, 0x02, 0x00, 0x00, 0x81, burnt.len() as u8];
            let setup = [&options, burnt.as_bytes(), b"\x91\x01\x03\x82\x08", &SO_PIN_PUBLISHED].concat();
            let initialize = [&[0x80, 0x50, 0x00, 0x00, setup.len() as u8], &setup[..]].concat();
            let done = stage.world.tokens().token(place, |token| {
                token.power_on();
                token.transmit(SELECT);
                token.transmit(&initialize).response
            });
            assert_eq!(done, Some(vec![0x90, 0x00]));
        }
    });
    let Ended::Stands(words) = ended else { panic!("{ended:?}") };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("it may be a counterfeit. Its PIN counts as burnt."), "{words}");
    let place = room.stage.place(MASTER).unwrap();
    room.stage.world.tokens().token(place, |token| *token = genuine.unwrap());
    assert_eq!(room.verify(&burnt), [0x90, 0x00]);
    room.resumes();
    room.closes();
    assert_eq!(room.verify(&burnt), [0x63, 0xc2]);
}

//! The power fails during every act: at its first operation on a drive, half way to the next act, and at every command to a
//! token, before, amid and after the changes it makes. After each cut the ceremony resumes to the same end.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::event::Event;
use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::step::Waiting;
use conclave_ceremony::transcript;
use conclave_ceremony::verify::{Given, verify};
use conclave_console::ports::{Machine, Tokens};
use conclave_publish::FileName;
use conclave_sim::world::drives::{Fault as OfDrive, Lies};
use conclave_sim::world::play::{Ended, play};
use conclave_sim::world::tokens::Fault as OfToken;
use conclave_tests::ceremony::on_stick;
use smartcard_hsm::command::{DkekStatus, KeyDomain};
use smartcard_hsm::object::PinKind;
use smartcard_hsm::session::Session;

use crate::MINIMAL;
use crate::theatre::{Played, Theatre};

/// Boots one ceremony takes after one cut, at most.
const BOOTS_MAX: usize = 3;

/// Where the power fails.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// At this operation of a drive; of the bytes that were not synced this part is kept, in 256ths.
    Drive(u64, usize),
    /// At this command to a token, after this many changes of its memory.
    Token(usize, u32),
}

/// The state that must be the same at the end, for every place of the power cut.
#[derive(Debug, PartialEq, Eq)]
pub struct Same {
    /// Of each token: its DKEK shares, its objects, the tries left of its PIN and of its SO-PIN.
    tokens: Vec<(u8, String, String, String)>,
    /// Names of the files on each drive, without the numbers of attempts and without torn tails.
    drives: Vec<BTreeSet<String>>,
    /// Acts that gave an outcome.
    pub done: BTreeSet<String>,
}

/// An act without the parts that differ from one attempt to the next.
pub fn named(act: &Act) -> String {
    match act {
        Act::Combine(_) => "Combine".to_owned(),
        act => (2..=9).fold(format!("{act:?}"), |name, attempt| name.replace(&format!(", {attempt})"), ", 1)")),
    }
}

/// A file's name without the number of the attempt: `share-1-2.pbe`, `signing-2.wrap`.
fn file(name: &str) -> String {
    let numbered = matches!(name.rsplit_once('.'), Some((stem, "pbe")) if stem.matches('-').count() == 2)
        || matches!(name.rsplit_once('.'), Some((stem, "wrap")) if stem.contains('-'));
    let Some((stem, kind)) = name.rsplit_once('.').filter(|_| numbered) else { return name.to_owned() };
    format!("{}.{kind}", stem.rsplit_once('-').unwrap().0)
}

pub fn same(theatre: &mut Theatre) -> Same {
    let log = logs(theatre);
    let read = transcript::read(&log).unwrap();
    assert_eq!(read.torn, 0);
    let account =
        verify(Given { names: None, transcript: &log, plan: theatre.bytes, files: &BTreeMap::new(), heads: &[] });
    assert_eq!((account.refused, account.closed), (vec![], true));
    // In a later boot chip authentication takes the place of the proof, or the act for a token that refuses it.
    let done = read.entries.iter().filter_map(|entry| match &entry.event {
        Event::Came { act: Act::Authenticate(_) | Act::ProveBeside(_) | Act::ChangePin(_), .. } => None,
        Event::Came { act: Act::Make(Slot::NewPin(_)) | Act::Reveal(Slot::NewPin(_)), .. } => None,
        Event::Came { act, .. } => Some(named(act)),
        _ => None,
    });
    let done = done.collect();
    let (mut tokens, mut kcvs) = (Vec::new(), BTreeSet::new());
    for token in (0..).take(theatre.plan.tokens.len()).map(TokenId) {
        theatre.stage.plug(Device::Token(token));
        let plugged = theatre.stage.world.tokens();
        let at = plugged.plugged().remove(0);
        let mut session = Session::open(plugged.open(&at).unwrap()).unwrap();
        let domain = session.key_domain().unwrap();
        let KeyDomain::Dkek(DkekStatus { total, outstanding: 0, kcv: Some(kcv) }) = domain else { panic!("{domain}") };
        kcvs.insert(kcv.to_string());
        let tries = [PinKind::User, PinKind::So].map(|pin| session.pin_state(pin).unwrap().to_string());
        let [user, so] = tries;
        tokens.push((total, format!("{:?}", session.files().unwrap()), user, so));
        theatre.stage.pull(Device::Token(token));
    }
    assert_eq!(kcvs.len(), 1, "one DKEK in all tokens");
    let drives = (0..).take(theatre.plan.drives.len()).map(|at| {
        let files = &theatre.stage.stick(DriveId(at)).unwrap().files;
        files.keys().map(|name| file(name.as_str())).filter(|name| !name.contains("torn")).collect()
    });
    Same { drives: drives.collect(), tokens, done }
}

/// Both logs, which are the same byte by byte.
fn logs(theatre: &mut Theatre) -> Vec<u8> {
    let [one, two] = theatre.logs().map(|log| {
        let files = &theatre.stage.stick(log).unwrap().files;
        files.iter().find(|(name, _)| name.as_str() == "conclave.cbor").unwrap().1.clone()
    });
    assert!(one == two, "the logs differ: {} and {} bytes", one.len(), two.len());
    one
}

/// Whether each log intends an act once more than it has an outcome of it.
fn intended(theatre: &mut Theatre, wanted: &Act) -> bool {
    theatre.logs().into_iter().all(|log| {
        let files = &theatre.stage.stick(log).unwrap().files;
        let read = transcript::read(&files[&FileName::new(b"conclave.cbor").unwrap()]).unwrap();
        let intents = read.entries.iter().flat_map(|entry| &entry.acts).filter(|act| *act == wanted).count();
        let came = |event: &Event| matches!(event, Event::Came { act, .. } if act == wanted);
        intents > read.entries.iter().filter(|entry| came(&entry.event)).count()
    })
}

/// Plays one ceremony with the power failing once, and says during which act it did. Its log drives do this with the
/// bytes they are given.
fn played(cut: Cut, lies: Lies) -> (Theatre, Option<Act>) {
    played_on(Theatre::new(MINIMAL), cut, lies)
}

/// The same on a stage that is set.
fn played_on(mut theatre: Theatre, cut: Cut, lies: Lies) -> (Theatre, Option<Act>) {
    theatre.logs().into_iter().for_each(|log| theatre.stage.stick(log).unwrap().lies = lies);
    let mut ceremony = theatre.begin();
    match cut {
        Cut::Drive(op, _) => theatre.stage.world.drives().fail_at(op, OfDrive::PowerCut),
        Cut::Token(command, changes) => theatre.stage.world.tokens().fail_at(command, OfToken::PowerCut { changes }),
    }
    let mut during = None;
    for boot in 1..=BOOTS_MAX {
        match theatre.play(&mut ceremony) {
            Ended::Closed => return (theatre, during),
            Ended::Dark => {
                during = theatre.acting;
                let part = if let Cut::Drive(_, part) = cut { part } else { 0 };
                let kept = theatre.stage.world.drives().unsynced() * part / 256;
                drop(ceremony);
                theatre.power_back(kept);
                if let (Cut::Token(..), Some(act)) = (cut, &during) {
                    assert!(intended(&mut theatre, act), "{act:?} was under way and is not in the record");
                }
                ceremony = theatre.resume();
            }
            end => panic!("boot {boot}, cut during {during:?}: {end:?}"),
        }
    }
    panic!("not closed after {BOOTS_MAX} boots");
}

/// Until both logs are begun and a person is to sign in: the operations of drives, and the bytes not synced at
/// each.
fn to_sign_in(theatre: &mut Theatre, ceremony: &mut Played) -> Ended {
    let Theatre { stage, robot, .. } = theatre;
    play(stage, ceremony, robot, |stage, ceremony| {
        if matches!(ceremony.waiting(), Waiting::Asked(Ask::SignIn(_))) {
            stage.world.tokens().darken();
        }
    })
}

/// Plays a fresh ceremony once for each cut, two at a time; every one of them ends as `want`. Gives the acts that were cut.
pub fn each(cuts: &[Cut], fresh: &Theatre, want: &Same) -> BTreeSet<String> {
    let (next, failed, acts) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    let work = || {
        while let Some(cut) = cuts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let run = catch_unwind(|| {
                let (mut theatre, during) = played_on(fresh.clone(), *cut, Lies::Never);
                assert_eq!(same(&mut theatre), *want, "cut during {during:?}");
                during
            });
            match run {
                Ok(during) => acts.lock().unwrap().extend(during.as_ref().map(named)),
                Err(_) => failed.lock().unwrap().push(*cut),
            }
        }
    };
    std::thread::scope(|scope| [scope.spawn(work), scope.spawn(work)].map(|thread| thread.join().unwrap()));
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} cuts: {failed:?}", failed.len(), cuts.len());
    acts.into_inner().unwrap()
}

#[test]
fn a_log_whose_first_files_were_cut_off_is_set_aside_and_the_ceremony_begins() {
    let fresh = Theatre::new(MINIMAL);
    let begin = || {
        let mut theatre = fresh.clone();
        let ceremony = theatre.begin();
        (theatre, ceremony)
    };
    let (mut theatre, mut ceremony) = begin();
    assert_eq!(to_sign_in(&mut theatre, &mut ceremony), Ended::Dark);
    let ops = theatre.stage.world.drives().ops();
    let (mut aside, mut resumed) = (0, 0);
    for op in 0..ops {
        let (mut theatre, mut ceremony) = begin();
        theatre.stage.world.drives().fail_at(op, OfDrive::PowerCut);
        assert_eq!(to_sign_in(&mut theatre, &mut ceremony), Ended::Dark);
        let head = ceremony.head();
        let kept = theatre.stage.world.drives().unsynced() * (op as usize * 97 % 257) / 256;
        theatre.power_back(kept);
        let mut ceremony = theatre.resume();
        assert_eq!(to_sign_in(&mut theatre, &mut ceremony), Ended::Dark, "cut at {op}");
        assert!(matches!(ceremony.waiting(), Waiting::Asked(Ask::SignIn(_))), "cut at {op}: {:?}", ceremony.waiting());
        theatre.power_back(0);
        resumed += usize::from(ceremony.state().facts().boot > 1);
        let read = transcript::read(&logs(&mut theatre)).unwrap();
        assert!(read.torn == 0 && read.head() == ceremony.head() && read.head() != head);
        // Every earlier file is there still, under another name, and both files beside the log are whole.
        let [log, _] = theatre.logs();
        let files = &theatre.stage.stick(log).unwrap().files;
        aside += usize::from(files.keys().any(|name| name.as_str() == "conclave.cbor.torn1"));
        for (name, bytes) in on_stick(theatre.bytes) {
            assert!(files[&name] == bytes, "cut at {op}: {}", name.as_str());
        }
    }
    println!("figure: {ops} power cuts before the first sign-in, {aside} records set aside, {resumed} resumed");
    assert!(aside > 20 && resumed > 20, "{aside} {resumed}");
}

#[test]
fn an_intent_that_is_on_the_logs_after_its_act_is_found_out() {
    let mut theatre = Theatre::new(MINIMAL);
    let mut ceremony = theatre.begin();
    theatre.logs().into_iter().for_each(|log| theatre.stage.stick(log).unwrap().lies = Lies::Late);
    assert_eq!(theatre.play(&mut ceremony), Ended::Closed, "without a power cut nobody can tell");
    let changes = theatre.stage.world.tokens().changes();
    // The first token is erased: the one act of its entry.
    let first = changes.iter().position(|changes| *changes > 0).unwrap();
    for (lies, found) in [(Lies::Never, false), (Lies::Late, true)] {
        assert_eq!(catch_unwind(|| played(Cut::Token(first, 1), lies)).is_err(), found, "{lies:?}");
    }
}

#[test]
fn wherever_the_power_fails_the_ceremony_resumes_to_the_same_end() {
    let fresh = Theatre::new(MINIMAL);
    let mut theatre = fresh.clone();
    let mut ceremony = theatre.begin();
    assert_eq!(theatre.play(&mut ceremony), Ended::Closed);
    let (changes, starts) = (theatre.stage.world.tokens().changes(), theatre.starts.clone());
    let want = same(&mut theatre);

    let both = |(command, changes): (usize, &u64)| {
        let after = u32::try_from(*changes).unwrap();
        BTreeSet::from([0, after / 2, after]).into_iter().map(move |changes| Cut::Token(command, changes))
    };
    let mut cuts: Vec<Cut> = changes.iter().enumerate().flat_map(both).collect();
    for (at, pair) in starts.windows(2).enumerate() {
        let [start, next] = pair else { continue };
        cuts.extend([Cut::Drive(*start, at * 97 % 257), Cut::Drive((start + next) / 2, at * 41 % 257)]);
    }
    cuts.extend(starts.last().map(|last| Cut::Drive(*last, 128)));

    let acts = each(&cuts, &fresh, &want);
    println!("figure: {} power cuts, during {} different acts of {}", cuts.len(), acts.len(), want.done.len());
    let spared: Vec<_> = want.done.difference(&acts).collect();
    assert!(spared.is_empty(), "acts never cut: {spared:?}");
}

//! Hands that change what a token lists.

use super::room::bytes;
use super::*;
use crate::ids::KeyIx;
use crate::public::Octets;
use crate::seen::{Description, KeySeen, Object, Stored};

const KEY: KeyIx = KeyIx(0);
const GENERATE: StepKind = StepKind::Generate(KEY);
const COMPARE: StepKind = StepKind::Compare(BACKUP);

/// Where this token lists its objects in this step.
fn listing(kind: StepKind, token: TokenId) -> Room {
    until(|room| room.kind() == kind && acting(room, Act::List(token)))
}

/// Where the master lists its objects after a key was made.
fn after_making() -> Room {
    let made = |room: &Room| room.state.facts().keys.get(&KEY).is_some_and(|key| key.made.is_some());
    until(|room| made(room) && acting(room, Act::List(MASTER)))
}

fn lists(room: &mut Room, change: impl Fn(&mut Vec<Object>)) -> Event {
    let Outcome::Objects(mut objects) = room.perform(next_act(room)) else { panic!() };
    change(&mut objects);
    came(room, Outcome::Objects(objects))
}

fn key(objects: &mut [Object]) -> &mut KeySeen {
    let Object::Key(key) = &mut objects[0] else { panic!("it is a key") };
    key
}

/// A ceremony of two keys.
fn two_keys() -> Room {
    let (_, key) = room::MINIMAL.split_once("[[key]]").unwrap();
    let second = key.replacen("label = \"signing\"", "label = \"second\"", 1).replacen("id = \"01\"", "id = \"02\"", 1);
    Room::of(&format!("{}\n[[key]]{second}", room::MINIMAL))
}

/// A list that names an object twice.
fn twice(room: &mut Room) -> Event {
    lists(room, |objects| objects.push(objects[0].clone()))
}

/// The making of a key was cut when the key was made; it is there.
fn cut_after_making() -> Room {
    let mut room = after_making();
    room.interrupt();
    runs(room, |room| room.kind() == GENERATE && acting(room, Act::List(MASTER)))
}

/// A second key is made under the number of the first one, which was in the list before.
fn made_again() -> (Room, crate::public::Bytes) {
    let mut room = runs(cut_after_making(), |room| acting(room, Act::Generate(MASTER, KEY)));
    let attestation = room.request(MASTER);
    let event = came(&room, Outcome::Key { spki: bytes(&room.spki()), attestation: attestation.clone() });
    room.event(&event).unwrap();
    (room, attestation)
}

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Guard::ListedAsMade,
        "a token lists another key beside the one that was made",
        || listing(COMPARE, MASTER),
        |room| {
            lists(room, |objects| {
                objects.push(objects[0].clone());
                key(objects).stored = Stored::Other(Octets([9; 32]));
            })
        },
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Objects]),
    ),
    Row::new(
        Guard::NothingElse,
        "a token lists a file that no step put on it",
        || listing(COMPARE, MASTER),
        |room| lists(room, |objects| objects.push(Object::File { file: 0xcf00, content: None })),
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Objects]),
    ),
    Row::new(
        Guard::StillListed,
        "a key is gone when the next one is made",
        || runs(two_keys(), |room| room.kind() == StepKind::Generate(KeyIx(1)) && acting(room, Act::List(MASTER))),
        |room| {
            room.there.remove(&(MASTER, KEY));
            goes(room)
        },
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Objects]),
    ),
    Row::new(
        Guard::ListedNow,
        "a token lists the key that it had before in the place of the one that was just made",
        || made_again().0,
        goes,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::OneKey]),
    ),
    Row::new(
        Guard::NoneLost,
        "a key disappeared while another one was made",
        || {
            let (mut room, attestation) = made_again();
            room.born.insert(KEY, attestation);
            room
        },
        goes,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::OneKey]),
    ),
    Row::new(
        Guard::OneMore,
        "two objects appeared while one key was made",
        after_making,
        twice,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Objects, Rule::OneKey]),
    ),
    Row::new(
        Guard::CopyCount,
        "a copy lists one object more than the plan has keys on it",
        || listing(COMPARE, BACKUP),
        twice,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Objects, Rule::Copies]),
    ),
    Row::new(
        Guard::CopyPlanned,
        "a copy lists a key without a description",
        || listing(COMPARE, BACKUP),
        |room| lists(room, |objects| key(objects).description = Description::Nothing),
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Copies]),
    ),
    Row::new(
        Guard::CopyAsMaster,
        "the token that made the key lists it without a description, and the copy with one",
        || {
            let mut room = listing(COMPARE, MASTER);
            let event = lists(&mut room, |objects| key(objects).description = Description::Nothing);
            room.event(&event).unwrap();
            runs(room, |room| acting(room, Act::List(BACKUP)))
        },
        goes,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Copies]),
    ),
];

//! Hands that change what a device gives.

use super::room::bytes;
use super::*;
use crate::act::{Item, Signs};
use crate::ids::KeyIx;
use crate::public::Octets;
use crate::seen::Object;

/// Another file: length and digest.
fn other_file(room: &mut Room) -> Event {
    let digest = Octets([9; 32]);
    if let Act::Write(_, item) = next_act(room) {
        room.files.insert(item, digest);
    }
    came(room, Outcome::File { len: 64, digest })
}

/// The token says something else of itself.
fn inspected(room: &mut Room, change: impl Fn(&mut crate::seen::TokenSeen)) -> Event {
    let Outcome::Token(mut seen) = room.perform(next_act(room)) else { panic!() };
    change(&mut seen);
    came(room, Outcome::Token(seen))
}

fn writes(wanted: fn(&Item) -> bool) -> Room {
    until(|room| matches!(room.waiting(), Waiting::Acting(Act::Write(_, item)) if wanted(&item)))
}

const INITIALISE: Act = Act::Initialise(MASTER);
const INSPECT: Act = Act::Inspect(MASTER);

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Guard::Failed,
        "a token that could not be initialised is taken for initialised",
        || until(|room| acting(room, INITIALISE)),
        |room| fails(room, Next::Again),
        On::Fails(Next::Again),
        Off::Refused(&[Rule::Order]),
    ),
    Row::new(
        Guard::Fits,
        "a token that was initialised gives a check value",
        || until(|room| acting(room, INITIALISE)),
        |room| came(room, Outcome::Kcv(room::KCV)),
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Outcomes]),
    ),
    Row::new(
        Guard::Empty,
        "a drive that is registered holds a program",
        || until(|room| acting(room, Act::Identify(SHARE_1))),
        |room| came(room, Outcome::Drive { free: 1, names: vec![text("setup.exe")], others: 0 }),
        On::Fails(Next::Device),
        Off::Refused(&[Rule::Registered]),
    ),
    Row::new(
        Guard::PlanWritten,
        "another plan is read back from a log drive",
        || until(|room| acting(room, Act::Write(LOG_A, Item::Plan))),
        other_file,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Logs]),
    ),
    Row::new(
        Guard::ShareWritten,
        "another share file is read back than was sealed",
        || writes(|item| matches!(item, Item::Share(..))),
        other_file,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Shares]),
    ),
    Row::new(
        Guard::BlobWritten,
        "another key blob is read back than was wrapped",
        || writes(|item| matches!(item, Item::Blob(..))),
        other_file,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Blobs]),
    ),
    Row::new(
        Guard::FileRead,
        "another key blob is read than was written",
        || until(|room| matches!(room.waiting(), Waiting::Acting(Act::Read(_, Item::Blob(..))))),
        other_file,
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Blobs]),
    ),
    Row::new(
        Guard::Serial,
        "a token of another serial is plugged in",
        || until(|room| acting(room, INSPECT)),
        |room| inspected(room, |seen| seen.serial = text("DENK0000009")),
        On::Fails(Next::Device),
        Off::Refused(&[Rule::Certificates]),
    ),
    Row::new(
        Guard::New,
        "a token that is to be new holds a file",
        || until(|room| acting(room, INSPECT)),
        |room| inspected(room, |seen| seen.objects.push(Object::File { file: 0xcf00, content: None })),
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::New]),
    ),
    Row::new(
        Guard::CheckValue,
        "a token has another check value",
        || until(|room| acting(room, Act::Import(BACKUP))),
        |room| came(room, Outcome::Kcv(Octets([8; 8]))),
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::CheckValue]),
    ),
    Row::new(
        Guard::PublicKey,
        "the public half of a key is no key",
        || until(|room| acting(room, Act::Generate(MASTER, KeyIx(0)))),
        |room| {
            let Outcome::Key { spki, attestation } = room.perform(next_act(room)) else { panic!() };
            came(room, Outcome::Key { spki: bytes(&spki.get()[1..]), attestation })
        },
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Births]),
    ),
    Row::new(
        Guard::Statement,
        "a token signs another statement",
        || until(|room| matches!(room.waiting(), Waiting::Acting(Act::Sign(_, _, Signs::Statement)))),
        |room| came(room, Outcome::Signature(bytes(&room.signature(b"another")))),
        On::Fails(Next::Halt),
        Off::Refused(&[Rule::Statements]),
    ),
];

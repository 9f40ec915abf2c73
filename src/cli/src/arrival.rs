//! `conclave token inspect --arrival`: the tests of a new token by its owner, before it is used. They change nothing.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};

use smartcard_hsm::chip::{DRAWS_MAX, Ephemeral};
use smartcard_hsm::command::KeyDomain;
use smartcard_hsm::cvc::{Production, RootKind, Simulated};
use smartcard_hsm::object::{FileId, PinKind, PinState};
use smartcard_hsm::secret::Secret;
use smartcard_hsm::session::{Evidence, Public, Session, Unproven};
use thiserror::Error;

use crate::tokens::{Found, Link};
use crate::{random, said};

/// How often it is plugged in again: a unit of the defective batch of 2025 shows itself within these times.
const PLUGGINGS: u32 = 10;
/// Commands it must answer then: a unit of that batch is dead after 242.
const CHALLENGES: u32 = 2_000;
/// Bytes of every ATR of this token, in hex.
const ATR_DIGITS: usize = 48;
/// Tries of an SO-PIN that was never tried.
const SO_TRIES: u8 = 15;

/// Some answers are not as they must be.
#[derive(Debug, Error)]
#[error("{0} of the points above are not as they are with a new and sound token: see the lines that begin with NOT")]
struct NotSound(usize);

/// Lines for people, and how many of them are bad.
struct Told<W> {
    out: W,
    bad: usize,
}

impl<W: Write> Told<W> {
    fn line(&mut self, what: &str, judged: Result<String, String>) -> io::Result<()> {
        match judged {
            Ok(words) => writeln!(self.out, "{what:<14} {words}"),
            Err(words) => {
                self.bad += 1;
                writeln!(self.out, "NOT {what:<10} {words}")
            }
        }
    }
}

/// Asks one token everything and names the answers that are not as they must be.
///
/// Errors: the output cannot be written; an answer is not as it must be.
pub(crate) fn arrival(found: &Found) -> Result<(), Box<dyn Error>> {
    let mut told = Told { out: said::out(), bad: 0 };
    told.line("at", Ok(found.at.clone()))?;
    let plugged = plugged(found);
    told.line("pluggings", plugged.clone())?;
    match found.again(0).and_then(|found| Ok((found.open()?, found))) {
        Err(error) => told.line("answers", Err(error.to_string()))?,
        Ok((link, found)) => match Session::open(link) {
            Ok(session) => looked_at(session, &found.usb_serial, plugged.is_ok(), &mut told)?,
            Err(error) => told.line("answers", Err(format!("{error}. {}", error.what_to_do())))?,
        },
    }
    if told.bad == 0 { Ok(()) } else { Err(NotSound(told.bad).into()) }
}

/// The same serial and a whole ATR each time it is plugged in.
fn plugged(found: &Found) -> Result<String, String> {
    let mut seen = BTreeSet::new();
    for before in 0..PLUGGINGS {
        let nth = before + 1;
        let again = found.again(before).map_err(|error| format!("{nth} of {PLUGGINGS}: {error}"))?;
        let link = again.open().map_err(|error| {
            format!("{nth} of {PLUGGINGS}: {} tells no whole answer to reset: {error}", again.usb_serial)
        })?;
        let atr = link.atr().chars().filter(char::is_ascii_hexdigit).count();
        if atr != ATR_DIGITS {
            return Err(format!("{nth} of {PLUGGINGS}: an answer to reset of {} bytes, expected 24", atr / 2));
        }
        seen.insert(again.usb_serial.clone());
    }
    match seen.len() {
        1 => Ok(format!("{PLUGGINGS} times the same serial and the whole answer to reset")),
        _ => Err(format!("its reader tells several serials: {}", Vec::from_iter(seen).join(", "))),
    }
}

type Opened = Session<Link, Unproven, Public>;

fn looked_at<W: Write>(mut session: Opened, usb_serial: &str, sound: bool, told: &mut Told<W>) -> io::Result<()> {
    told.line("serial", Ok(session.name().holder().to_owned()))?;
    told.line("firmware", Ok(session.info().version.to_string()))?;
    let (production, simulated) = (session.certified::<Production>(), session.certified::<Simulated>());
    told.line(
        "certificates",
        match (&production, &simulated) {
            (Ok(_), _) => Ok("lead to the vendor's root".to_owned()),
            (_, Ok(_)) => Ok("lead to the simulated root: a token for rehearsals".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        },
    )?;
    if !usb_serial.is_empty() {
        let same = match &simulated {
            Ok(_) => session.check_usb_serial::<Simulated>(usb_serial),
            Err(_) => session.check_usb_serial::<Production>(usb_serial),
        };
        let judged = same.map(|()| "the one of its certificate".to_owned()).map_err(|error| error.to_string());
        told.line("USB serial", judged)?;
    }
    factory(&mut session, told)?;
    let challenges = (1..=CHALLENGES).try_for_each(|nth| {
        session.random(8).map(drop).map_err(|error| format!("it fell silent after {nth} of {CHALLENGES}: {error}"))
    });
    told.line("exchanges", challenges.map(|()| format!("{CHALLENGES} in a row answered")))?;
    if !sound {
        return Ok(());
    }
    // The last, because it consumes the session.
    match (production, simulated) {
        (Ok(_), _) => chip::<Production, W>(session, told),
        (_, Ok(_)) => chip::<Simulated, W>(session, told),
        _ => Ok(()),
    }
}

/// As the factory leaves it.
fn factory<W: Write>(session: &mut Opened, told: &mut Told<W>) -> io::Result<()> {
    let words = |error: smartcard_hsm::error::TokenError| error.to_string();
    told.line(
        "user PIN",
        session.pin_state(PinKind::User).map_err(words).and_then(|state| match state {
            PinState::NeverSet | PinState::Transport => Ok(state.to_string()),
            other => Err(format!("{other}: it was initialised before")),
        }),
    )?;
    told.line(
        "SO-PIN",
        session.pin_state(PinKind::So).map_err(words).and_then(|state| match state {
            PinState::NeverSet | PinState::TriesLeft(SO_TRIES) => Ok(state.to_string()),
            other => Err(format!("{other}, expected {SO_TRIES} tries: it was tried before")),
        }),
    )?;
    told.line(
        "keys and files",
        session.files().map_err(words).and_then(|files| {
            let left: Vec<_> = files.into_iter().filter(|file| FileId::is_erasable(*file)).collect();
            let names: Vec<_> = left.iter().map(ToString::to_string).collect();
            if left.is_empty() {
                Ok("none".to_owned())
            } else {
                Err(format!("{}: it was used before", names.join(", ")))
            }
        }),
    )?;
    told.line(
        "DKEK",
        session.key_domain().map_err(words).and_then(|domain| match domain {
            KeyDomain::None | KeyDomain::Empty => Ok("none".to_owned()),
            other => Err(format!("{other}: it was initialised before")),
        }),
    )?;
    let memory = session.memory().map_err(words);
    told.line(
        "free memory",
        memory.map(|memory| memory.map_or("not told".into(), |it| format!("{} bytes", it.free_bytes))),
    )
}

/// The device key is used: a ceremony that meets the token a second time needs its cipher.
fn chip<R: RootKind, W: Write>(session: Opened, told: &mut Told<W>) -> io::Result<()> {
    let (Some(one), Some(two)) = (ephemeral(), ephemeral()) else {
        return told.line("chip", Err("no randomness from the kernel".to_owned()));
    };
    let judged = match session.authenticate::<R>([one, two]) {
        Ok(session) => match session.evidence() {
            Evidence::Chip(said) => Ok(format!("holds the key of its certificate, shown with {}", said.cipher)),
            Evidence::Attestation(_) => Ok("holds the key of its certificate".to_owned()),
        },
        Err(failed) => Err(format!("{}. {}", failed.error, failed.error.what_to_do())),
    };
    told.line("chip", judged)
}

fn ephemeral() -> Option<Ephemeral> {
    (0..DRAWS_MAX).find_map(|_| {
        let drawn = random::bytes().ok()?;
        Ephemeral::of(&Secret::filled(|scalar| *scalar = drawn))
    })
}

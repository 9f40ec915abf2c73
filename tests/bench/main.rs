//! Figures, as ratios measured side by side in one run. Nothing here passes or fails: a slow machine is no defect.
#![allow(missing_docs, reason = "a program, not a library")]

mod ceremony;
mod hostile;
mod image;
mod medium;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use conclave_sim::card::BirthSoPin;
use conclave_sim::card::profile::Profile as Firmware;
use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::in_process::{InMemory, InProcess};
use conclave_sim::token::Token;
use conclave_tests::card::card;
use conclave_tests::opensc::Readers;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use smartcard_hsm::ccid;
use smartcard_hsm::channel::Channel;
use smartcard_hsm::dkek::Passphrase;
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::dkek::stretch::Md5Stretch;
use smartcard_hsm::link::CcidLink;
use smartcard_hsm::secret::SecretBytes;
use smartcard_hsm::session::Session;

/// Runs of each side; the median counts.
const RUNS: usize = 3;
/// Commands of one throughput run.
const COMMANDS: u32 = 2_000;

fn main() {
    image::figures();
    medium::hashing();
    key_derivation();
    shares_at_once();
    line();
    ceremony::verify_speed();
    hostile::verify_speed();
    ceremony::safire();
}

/// User and system time so far of this process (or of the children it waited for), in seconds.
fn cpu_s(who: UsageWho) -> f64 {
    let usage = getrusage(who).unwrap();
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}

fn spent(who: UsageWho, work: impl FnOnce()) -> f64 {
    let before = cpu_s(who);
    work();
    cpu_s(who) - before
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn vector(name: &str) -> Vec<u8> {
    fs::read(format!("{}/vectors/token/dkek/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn token() -> Token {
    Token::new(card("DENK0100001", Firmware::firmware_4_1(), BirthSoPin::Published, [7; 32]))
}

fn open(file: &SealedShare) {
    let passphrase = Passphrase::new(SecretBytes::copied_from(b"correct horse battery")).unwrap();
    file.open(&passphrase, &Md5Stretch, &mut |_| {}).unwrap();
}

/// Opening one share file, against sc-hsm-tool opening the same.
fn key_derivation() {
    let file = SealedShare::parse(&vector("share1.pbe")).unwrap();
    let readers = Readers::start();
    let _plugged = readers.plug(0, token());
    fs::write(readers.file("share1.pbe"), vector("share1.pbe")).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let new = ["-r", "0", "--initialize", "--so-pin", "3537363231383830", "--pin", "648219", "--dkek-shares", "2"];
        readers.run("sc-hsm-tool", new);
        let import = ["-r", "0", "--import-dkek-share", "share1.pbe", "--password", "correct horse battery"];
        theirs.push(spent(UsageWho::RUSAGE_CHILDREN, || {
            readers.run("sc-hsm-tool", import).says("DKEK share imported");
        }));
        ours.push(spent(UsageWho::RUSAGE_THREAD, || open(&file)));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "figure: opening a share file: {ours:.2} s CPU, sc-hsm-tool {theirs:.2} s, ratio {:.2} (bar 0.35)",
        ours / theirs
    );
}

/// Two share files on two threads, against one.
fn shares_at_once() {
    let file = SealedShare::parse(&vector("share1.pbe")).unwrap();
    let timed = |threads: usize| {
        let began = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| open(&file));
            }
        });
        began.elapsed().as_secs_f64()
    };
    let (one, two): (Vec<f64>, Vec<f64>) = (0..RUNS).map(|_| (timed(1), timed(2))).unzip();
    let (one, two) = (median(one), median(two));
    println!("figure: two share files at once: {two:.2} s, one {one:.2} s, ratio {:.2} (1 is ideal)", two / one);
}

/// Small commands and long answers: straight to the card, over APDU-level CCID, over T=1.
fn line() {
    let over = |profile| {
        let port = InMemory::new(CcidDevice::new(token(), profile, "DENK0100001"));
        let descriptor = ccid::descriptor(&port.descriptors().configuration).unwrap();
        CcidLink::open(port, descriptor).unwrap()
    };
    for (what, len) in [("8-byte answers", 8), ("1024-byte answers", 1024)] {
        let card = rate(InProcess::new(token()), len);
        let apdu = rate(over(Profile::Apdu), len);
        let t1 = rate(over(Profile::Tpdu { interface: 0 }), len);
        println!(
            "figure: {what}: straight {card:.0} commands/s, APDU level {apdu:.0} ({:.2}), T=1 {t1:.0} ({:.2})",
            apdu / card,
            t1 / card
        );
    }
}

fn rate(channel: impl Channel, len: u16) -> f64 {
    let mut session = Session::open(channel).unwrap();
    let began = Instant::now();
    for _ in 0..COMMANDS {
        session.random(len).unwrap();
    }
    f64::from(COMMANDS) / began.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

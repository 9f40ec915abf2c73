use std::thread;

use conclave_sim::card::profile::Profile;
use conclave_sim::card::{BirthSoPin, Card};
use conclave_sim::icc::Icc;
use conclave_tests::card::card;
use smartcard_hsm::dkek::share::{SealedShare, ShareError};
use smartcard_hsm::dkek::split::{PassphraseShare, recombine};
use smartcard_hsm::dkek::stretch::Md5Stretch;

use super::*;

#[test]
fn a_split_passphrase_that_begins_with_zero_is_recombined_here() {
    // sc-hsm-tool takes the passphrase from the card's first eight random bytes, without the top bit.
    let (card, share) = (0..)
        .find_map(|number| {
            let card = card("DENK0100001", Profile::firmware_4_1(), BirthSoPin::Unset, [number; 32]);
            let mut fork = card.clone();
            let [passphrase, _, _, share] = challenges(&mut fork, [8, 16, 8, 32]);
            (passphrase[0] & 0x7f == 0).then_some((card, share))
        })
        .unwrap();
    let other = conclave_tests::card::card("DENK0100002", Profile::firmware_3_3(), BirthSoPin::Unset, [0; 32]);
    let bench = Bench::with([card, other]);
    let orders = ["--create-dkek-share", "zero.pbe", "--pwd-shares-threshold", "2", "--pwd-shares-total", "3"];
    let ran = bench.sc_hsm_tool_typing(0, &orders, &"\n".repeat(20));
    let shares = printed(&ran.out);
    assert_eq!(shares.len(), 3, "{ran:#?}");

    let sealed = SealedShare::parse(&fs::read(bench.readers.file("zero.pbe")).unwrap()).unwrap();
    let passphrases = recombine(&[&shares[2], &shares[0]]).unwrap();
    assert_eq!(passphrases[0].expose()[0], 0);
    let opened = sealed.open(&passphrases[0], &Md5Stretch, &mut |_| ()).unwrap();
    assert_eq!(opened.expose()[..], share);
}

/// The answer of GET CHALLENGE from now on.
fn challenges<const N: usize>(card: &mut Card, lens: [u8; N]) -> [Vec<u8>; N] {
    card.power_on();
    card.transmit(b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00");
    lens.map(|len| {
        let mut response = card.transmit(&[0x00, 0x84, 0x00, 0x00, len]).response;
        response.truncate(len.into());
        response
    })
}

/// The passphrase shares `sc-hsm-tool` printed.
fn printed(out: &str) -> Vec<PassphraseShare> {
    let field = |label: &str| -> Vec<String> {
        out.lines().filter_map(|line| Some(line[line.find(label)?..].trim_end().to_owned())).collect()
    };
    let lines = field("Prime  ").into_iter().zip(field("Share ID  ")).zip(field("Share value"));
    lines.map(|((prime, id), value)| PassphraseShare::parse(&format!("{prime}\n{id}\n{value}\n")).unwrap()).collect()
}

#[test]
fn a_wrong_passphrase_that_sc_hsm_tool_takes_is_refused_here() {
    let bench = Bench::new();
    let file = include_bytes!("../vectors/dkek/share_opened_by_a_wrong_passphrase_in_sc-hsm-tool.pbe");
    let wrong = "vessel amber onion cradle ruin petrol";
    fs::write(bench.readers.file("share.pbe"), file).unwrap();
    bench.initialize(0, "1");
    bench.sc_hsm_tool(0, &[]).says("1 share(s) still missing");
    let here = thread::scope(|scope| {
        let here = scope
            .spawn(|| SealedShare::parse(file).unwrap().open(&passphrase(wrong), &Md5Stretch, &mut |_| ()).map(drop));
        bench.sc_hsm_tool(0, &["--import-dkek-share", "share.pbe", "--password", wrong]);
        here.join().unwrap()
    });
    // On that token a DKEK that no person knows is complete now, and nothing says so.
    bench.sc_hsm_tool(0, &[]).does_not_say("still missing").says("DKEK key check value");
    assert_eq!(here, Err(ShareError::Passphrase));
}

//! The simulated token on a USB port, judged by Debian: its kernel enumerates it, its libccid speaks CCID and T=1 with it,
//! its OpenSC uses it. None of them knows that it is simulated, and none of them was written here.

mod libusb;

use std::fs;
use std::sync::{Arc, Mutex};

use conclave_sim::card::BirthSoPin;
use conclave_sim::card::profile::Profile as Firmware;
use conclave_sim::ccid_device::{BlockLog, CcidDevice, Passed, Profile, Side};
use conclave_sim::fault::{At, Fault, Misfortune};
use conclave_sim::icc::Wire;
use conclave_sim::token::{Exchange, Token};
use conclave_sim::usbredir::{Ended, Plugged, plug};
use conclave_tests::card::{card, seed};
use conclave_tests::guest::Guest;
use conclave_tests::scratch::Scratch;
use conclave_tests::tool::{PCSCD, Ran, openssl};
use smartcard_hsm::apdu::StatusWord;

const PIN: &str = "648219";
const INITIALIZE: &str = "sc-hsm-tool --initialize --so-pin 3537363231383830 --pin 648219 --label Guest";
const GENERATE: u8 = 0x46;
const SIGN: u8 = 0x68;

/// A token, and the state it keeps while it is plugged in.
struct Stick {
    token: Arc<Mutex<Token>>,
    serial: String,
    profile: Profile,
}

/// A stick on a port.
struct Inserted {
    plugged: Plugged<CcidDevice<Arc<Mutex<Token>>>>,
    blocks: BlockLog,
}

impl Stick {
    fn new(serial: &str, profile: Profile) -> Self {
        let card = card(serial, Firmware::firmware_4_1(), BirthSoPin::Unset, seed(serial));
        let token = Arc::new(Mutex::new(Token::new(card)));
        // The reader's serial is the first 15 characters of the device certificate's holder.
        Self { token, serial: format!("{serial}0000"), profile }
    }

    /// Plugs it in and waits until the guest's kernel has enumerated it.
    fn insert(&self, guest: &mut Guest, port: usize) -> Inserted {
        let device = CcidDevice::new(self.token.clone(), self.profile, &self.serial);
        let blocks = device.block_log();
        let plugged = plug(&guest.machine().usb_port(port), device).unwrap();
        guest.run_until(&format!("cat /sys/bus/usb/devices/1-{port}/serial"), &self.serial);
        Inserted { plugged, blocks }
    }

    /// Commands with this instruction byte that the card carried out.
    fn done(&self, ins: u8) -> usize {
        let token = self.token.lock().unwrap();
        let done = |exchange: &&Exchange| exchange.header()[1] == ins && exchange.sw == Some(StatusWord::OK);
        token.log().exchanges().iter().filter(done).count()
    }

    /// Sets the fault of the next signature.
    fn next_signature(&self, wire: Wire) {
        let what = Misfortune::Travels(wire);
        self.token.lock().unwrap().set_faults(vec![Fault { at: At::Instruction { ins: SIGN, nth: 1 }, what }]);
    }
}

/// Starts pcscd, which without udev finds the tokens that are there, and waits until it shows this many.
fn start_pcscd(guest: &mut Guest, tokens: usize) {
    guest.run(&format!("{PCSCD} >/tmp/pcscd.log 2>&1 &"));
    guest.run_until("opensc-tool --list-readers", &format!("\n{:<5}Yes", tokens - 1));
}

fn stop_pcscd(guest: &mut Guest) {
    guest.run("kill $(pidof pcscd)");
    guest.run_until("pidof pcscd || echo gone", "gone");
}

/// Signs with a key of the token.
fn sign(guest: &mut Guest, id: &str, mechanism: &str) -> Ran {
    guest.run("rm -f /tmp/signature; echo what is signed >/tmp/data");
    guest.run(&format!(
        "pkcs11-tool --login --pin {PIN} --sign --id {id} --mechanism {mechanism} --signature-format openssl \
         --input-file /tmp/data --output-file /tmp/signature"
    ))
}

/// Signs, and checks the signature outside the guest under the public key the token shows.
#[track_caller]
fn sign_and_verify(guest: &mut Guest, id: &str, mechanism: &str) {
    let said = sign(guest, id, mechanism);
    guest.run(&format!("pkcs11-tool --read-object --type pubkey --id {id} --output-file /tmp/public"));
    let scratch = Scratch::new();
    for name in ["data", "signature", "public"] {
        assert!(guest.run(&format!("test -s /tmp/{name}")).zero, "no {name}: {said:#?}");
        fs::write(scratch.file(name), guest.read_file(&format!("/tmp/{name}"))).unwrap();
    }
    let verify = ["dgst", "-sha256", "-verify", "public", "-keyform", "DER", "-signature", "signature", "data"];
    openssl(scratch.path(), verify).says("Verified OK");
}

fn generate(guest: &mut Guest, id: &str, kind: &str) {
    guest.run(&format!("pkcs11-tool --login --pin {PIN} --keypairgen --key-type {kind} --id {id} --label key-{id}"));
}

/// Initialises, generates, signs and lists: the uses of a token.
fn use_token(stick: &Stick, reader: &str) -> Vec<Passed> {
    let mut guest = Guest::boot(1, &[]);
    let inserted = stick.insert(&mut guest, 1);
    start_pcscd(&mut guest, 1);
    guest.run("opensc-tool --list-readers").says(reader);
    guest.run("opensc-tool --atr").says("3b:de:96:ff:81:91:fe:1f:c3:80:31:81:54:48:53:4d:31:73:80:21:40:81:07:92");

    guest.run(&format!("{INITIALIZE} --dkek-shares 1"));
    guest.run("sc-hsm-tool").says("DKEK shares          : 1").says("1 share(s) still missing");
    // As sc-hsm-tool sends it, without the key derivation before, which takes minutes on an emulated processor.
    guest.run(&format!("opensc-tool --send-apdu 8052000020{}00", "01".repeat(32))).says("SW1=0x90");
    // With one share of 32 bytes 01: the first 8 bytes of `printf '\1%.0s' {1..32} | sha256sum`.
    guest.run("sc-hsm-tool").says("DKEK key check value : 72CD6E8422C407FB");

    generate(&mut guest, "01", "EC:secp256r1");
    generate(&mut guest, "02", "rsa:2048");
    sign_and_verify(&mut guest, "01", "ECDSA-SHA256");
    sign_and_verify(&mut guest, "02", "SHA256-RSA-PKCS");
    let listed = guest.run("pkcs15-tool --dump");
    listed.says("PKCS#15 Card [Guest]").says("Serial number  : DENK0100001");
    listed.says("Private EC Key [key-01]").says("Private RSA Key [key-02]");

    assert_eq!((stick.done(GENERATE), stick.done(SIGN)), (2, 2));
    guest.power_off();
    let (_, ended) = inserted.plugged.unplug().unwrap();
    assert_eq!(ended, Ended::Closed);
    inserted.blocks.blocks()
}

#[test]
fn debian_uses_a_tpdu_level_token_and_both_sides_chain_their_blocks() {
    let stick = Stick::new("DENK0100001", Profile::Tpdu { interface: 0 });
    let blocks = use_token(&stick, "Nitrokey Nitrokey HSM (DENK01000010000         ) 00 00");
    let chained = |side| blocks.iter().filter(|block| block.from == side && block.is_chained()).count();
    let (host, card) = (chained(Side::Host), chained(Side::Card));
    println!("figure: {} T=1 blocks under libccid, chained {host} by the host and {card} by the card", blocks.len());
    assert!(host > 0 && card > 0);
}

#[test]
fn debian_uses_an_apdu_level_token_without_a_single_block() {
    let stick = Stick::new("DENK0100001", Profile::Apdu);
    let blocks = use_token(&stick, "Identive SCT3522CC token [CCID Interface] (DENK01000010000) 00 00");
    assert_eq!(blocks, []);
}

#[test]
fn libccid_recovers_from_a_bad_line_and_the_card_signs_once() {
    // As a unit of 2015: its interface has the number 1.
    let stick = Stick::new("DENK0100002", Profile::Tpdu { interface: 1 });
    let mut guest = Guest::boot(1, &[]);
    let inserted = stick.insert(&mut guest, 1);
    start_pcscd(&mut guest, 1);
    guest.run(INITIALIZE);
    generate(&mut guest, "02", "rsa:2048");
    // PCBs from the host and from the card that show the recovery, and how many.
    let mut check = |wire, (from_host, host_mask, from_card), times| {
        let (signed, seen) = (stick.done(SIGN), inserted.blocks.blocks().len());
        stick.next_signature(wire);
        sign_and_verify(&mut guest, "02", "SHA256-RSA-PKCS");
        assert_eq!(stick.done(SIGN) - signed, 1, "{wire:?}");
        let blocks = inserted.blocks.blocks().split_off(seen);
        let count =
            |side, mask, pcb| blocks.iter().filter(|block| block.from == side && block.pcb & mask == pcb).count();
        assert_eq!(count(Side::Host, host_mask, from_host), times, "{wire:?}: {blocks:02x?}");
        if let Some(pcb) = from_card {
            assert_eq!(count(Side::Card, 0xff, pcb), times, "{wire:?}: {blocks:02x?}");
        }
        blocks
    };
    // R-blocks that complain of a checksum; S(WTX); S(IFS).
    check(Wire::BadLrc { blocks: 1 }, (0x81, 0xef, None), 1);
    check(Wire::BadLrc { blocks: 2 }, (0x81, 0xef, None), 2);
    check(Wire::Wtx { rounds: 5 }, (0xe3, 0xff, Some(0xc3)), 5);
    check(Wire::Ifs { ifsc: 40 }, (0xe1, 0xff, Some(0xc1)), 1);
    let blocks = check(Wire::Clean, (0xe1, 0xff, Some(0xc1)), 0);
    let longest = blocks.iter().filter(|block| block.from == Side::Host).map(|block| block.len).max();
    assert_eq!(longest, Some(40 + 4), "blocks of the size the card asked for");
    guest.power_off();
}

#[test]
fn a_token_that_failed_under_debian_works_again_after_it_was_pulled_out() {
    let stick = Stick::new("DENK0100003", Profile::Tpdu { interface: 0 });
    let mut guest = Guest::boot(1, &[]);
    let mut inserted = stick.insert(&mut guest, 1);
    start_pcscd(&mut guest, 1);
    guest.run(INITIALIZE);
    generate(&mut guest, "01", "EC:secp256r1");
    for (wire, ends) in [
        (Wire::Stall, Ended::Closed),
        (Wire::Garbage, Ended::Closed),
        (Wire::Mute, Ended::Closed),
        (Wire::Vanish { bytes: 12 }, Ended::Vanished),
    ] {
        stick.next_signature(wire);
        let said = sign(&mut guest, "01", "ECDSA-SHA256");
        assert!(!guest.run("test -s /tmp/signature").zero, "{wire:?}: {said:#?}");
        stop_pcscd(&mut guest);
        assert_eq!(inserted.plugged.unplug().unwrap().1, ends, "{wire:?}");
        guest.run_until("test -e /sys/bus/usb/devices/1-1 || echo gone", "gone");
        inserted = stick.insert(&mut guest, 1);
        start_pcscd(&mut guest, 1);
        sign_and_verify(&mut guest, "01", "ECDSA-SHA256");
    }
    guest.power_off();
}

#[test]
fn five_tokens_are_told_apart_and_one_is_swapped() {
    let mut guest = Guest::boot(5, &[]);
    let mut inserted = Vec::new();
    for number in 1..=5 {
        let profile = if number == 5 { Profile::Apdu } else { Profile::Tpdu { interface: 0 } };
        inserted.push(Stick::new(&format!("DENK020000{number}"), profile).insert(&mut guest, number));
    }
    start_pcscd(&mut guest, 5);
    let listed = guest.run("opensc-tool --list-readers");
    for number in 1..=5 {
        listed.says(&format!("(DENK020000{number}0000"));
    }
    // Each answers for itself: the serial number comes from the card, not from the reader.
    let dumps: Vec<_> = (0..5).map(|reader| guest.run(&format!("pkcs15-tool --reader {reader} --dump")).out).collect();
    for number in 1..=5 {
        let serial = format!("Serial number  : DENK020000{number}\n");
        assert_eq!(dumps.iter().filter(|dump| dump.contains(&serial)).count(), 1, "{serial}: {dumps:#?}");
    }
    inserted.remove(2).plugged.unplug().unwrap();
    inserted.push(Stick::new("DENK0200006", Profile::Tpdu { interface: 0 }).insert(&mut guest, 3));
    stop_pcscd(&mut guest);
    start_pcscd(&mut guest, 5);
    guest.run("opensc-tool --list-readers").says("(DENK02000060000").does_not_say("(DENK02000030000");
    guest.power_off();
}

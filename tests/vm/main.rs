//! Starts the shipped image, the very file, in QEMU, and reads its own screen.
//!
//! `scripts/image` builds it first. `cargo test --test vm -- --test-threads 2`: each machine wants a processor.

mod album;
mod bad_input;
mod ceremony;
mod clock;
mod cuts;
mod drive_faults;
mod drives;
mod gdb;
mod halt;
mod judges;
mod load_options;
mod main_path;
mod memory;
mod nbd;
mod ram;
mod secrets;
mod usb;

use std::fs;

use conclave_publish::Digest;
use conclave_sim::world::robot::groups_asked_for;
use conclave_tests::scratch::Scratch;

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::nbd::serve;
use conclave_tests::vm::walk::{self, SOUND, iso};

/// The sixteen groups as the screen numbers them, put together again.
fn digest_on(screen: &[String]) -> String {
    let words: Vec<&str> = screen.iter().flat_map(|line| line.split_whitespace()).collect();
    let group = |number: usize| {
        let number = number.to_string();
        let is_group = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        words.windows(2).find(|pair| pair[0] == number && is_group(pair[1])).map_or("????", |pair| pair[1])
    };
    (1..=16).map(group).collect()
}

#[track_caller]
fn shows_its_digest(firmware: Firmware, drive: Drive) {
    let iso = iso();
    let mut machine = Machine::start(firmware, &drive.with(&iso));
    let screen = machine.wait_for(SOUND);
    assert_eq!(digest_on(&screen), Digest::of(&fs::read(&iso).unwrap()).to_string(), "{}", screen.join("\n"));
}

#[test]
fn from_a_dvd_under_bios_it_shows_the_digest_of_the_file() {
    shows_its_digest(Firmware::Bios, Drive::Dvd);
}

#[test]
fn from_a_stick_under_bios_it_shows_the_digest_of_the_file() {
    shows_its_digest(Firmware::Bios, Drive::Stick);
}

#[test]
fn from_a_dvd_under_uefi_it_shows_the_digest_of_the_file() {
    shows_its_digest(Firmware::Uefi, Drive::Dvd);
}

#[test]
fn from_a_stick_under_uefi_it_shows_the_digest_of_the_file() {
    shows_its_digest(Firmware::Uefi, Drive::Stick);
}

#[test]
fn rubbish_behind_the_image_on_a_larger_stick_changes_nothing() {
    let scratch = Scratch::new();
    let stick = scratch.file("stick");
    let image = fs::read(iso()).unwrap();
    let rubbish: Vec<u8> = (0..8 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(&stick, [&image[..], &rubbish].concat()).unwrap();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Stick.with(&stick));
    let screen = machine.wait_for(SOUND);
    assert_eq!(digest_on(&screen), Digest::of(&image).to_string());
}

#[test]
fn one_flipped_byte_fails_the_self_check_and_cannot_be_gone_on_with() {
    let scratch = Scratch::new();
    let (medium, mut image) = (scratch.file("medium"), fs::read(iso()).unwrap());
    // In a file that no start needs: the kernel itself would not even unpack.
    let words = b"Boot medium of";
    let at = image.windows(words.len()).position(|window| window == words).unwrap();
    image[at] ^= 1;
    fs::write(&medium, &image).unwrap();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&medium));
    let screen = machine.wait_for("SELF-CHECK FAILED");
    assert_eq!(digest_on(&screen), Digest::of(&image).to_string());
    machine.press(&["ret"]);
    let screen = machine.wait_for("SELF-CHECK FAILED").join("\n");
    assert!(!screen.contains("begin the challenge") && !screen.contains("where does your own copy"), "{screen}");
}

#[test]
fn an_internal_disk_with_our_seal_is_not_read_where_the_seal_is_and_never_written() {
    let scratch = Scratch::new();
    let image = fs::read(iso()).unwrap();
    let [internal, stick] = ["internal", "stick"].map(|name| serve(&scratch.file(name), image.clone()));
    let mut arguments = Drive::Dvd.with(&iso());
    for (name, device) in [("internal", "ide-hd,bus=ide.1"), ("stick", "usb-storage,bus=xhci.0,removable=on")] {
        let server = format!("driver=nbd,node-name={name},server.type=unix,server.path=");
        arguments.extend(["-blockdev".into(), server + &scratch.file(name).display().to_string()]);
        arguments.extend(["-device".into(), format!("{device},drive={name}")]);
    }
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    // The stick and the DVD carry the same image, so it says so: the stick was read.
    let screen = machine.wait_for("Each of these drives carries").join("\n");
    assert!(screen.contains("/dev/sr0") && screen.matches("/dev/sd").count() == 1, "{screen}");
    let seal = 32_768..34_816;
    assert!(stick.was_read(&seal), "the log would show it");
    assert!(!internal.log().is_empty(), "the kernel itself looks for partitions, at the start and the end");
    assert!(!internal.was_read(&seal), "{:?}", internal.log());
    assert!(drives::was_only_read(&internal), "{:?}", internal.log());
}

#[test]
fn without_a_medium_it_says_so_and_switches_off_by_the_typed_word() {
    let kernel = load_options::our_kernel().display().to_string();
    let mut machine = Machine::start(Firmware::Bios, &["-kernel".into(), kernel]);
    let screen = machine.wait_for("No drive carries a Conclave image.").join("\n");
    assert!(screen.contains("no optical drive and no USB disk is connected"), "{screen}");
    walk::power_off(machine);
}

#[test]
fn a_witness_meets_the_challenge_and_no_way_out_is_found_past_three_network_cards() {
    let iso = iso();
    let digest = Digest::of(&fs::read(&iso).unwrap());
    let mut arguments = Drive::Dvd.with(&iso);
    for card in ["e1000", "virtio-net-pci", "usb-net,bus=xhci.0"] {
        arguments.extend(["-device".into(), card.into()]);
    }
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    machine.wait_for(SOUND);
    machine.press(&["ret"]);
    machine.wait_for("where does your own copy");
    machine.press(&["1"]);
    let screen = machine.wait_for("type these groups");
    for group in digest.groups() {
        assert!(
            !screen.iter().any(|line| line.contains(&group.to_string())),
            "{group} is shown: {}",
            screen.join("\n")
        );
    }
    let asked = groups_asked_for(&screen.join(" "), &digest.into());
    assert_eq!(asked.len(), 6, "{}", screen.join("\n"));

    // Another digest first: refused, and asked again.
    for _ in &asked {
        walk::enter(&mut machine, "0000");
    }
    machine.wait_for("differ from this medium");
    machine.press(&["ret"]);
    walk::answer(&mut machine, "3");
    machine.wait_for("from an image the witness built.");

    machine.press(&["ret"]);
    let screen = machine.wait_for("every way out was tried and is absent").join("\n");
    assert!(screen.contains("socket INET ") && screen.contains("absent (ENOSYS)"), "{screen}");
    let below = walk::to_facts(&mut machine);
    for screen in [&screen, &below] {
        assert!(!screen.contains("PRESENT") && !screen.contains("not tried"), "{screen}");
    }
    for proof in ["memory kept on free  absent (wiped)", "not in lockdown      absent (confidentiality)"] {
        assert!(below.contains(proof), "{proof} is not said: {below}");
    }
    for id in ["PCI 8086:100e", "PCI 1af4:1000", "USB 0525:a4a2"] {
        assert!(below.contains(id), "{id} is not named: {below}");
    }
}

#[test]
fn a_processor_that_offers_no_randomness_is_named() {
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(["-cpu", "qemu64,-rdrand,-rdseed"].map(String::from));
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    walk::to_air_gap(&mut machine);
    let facts = walk::to_facts(&mut machine);
    assert!(facts.contains("ready: timing only, no RDRAND or RDSEED"), "{facts}");
    assert!(facts.contains("lockdown          confidentiality"), "{facts}");
}

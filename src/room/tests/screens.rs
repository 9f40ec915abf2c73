//! Every screen as people see it, at the smallest size and at a large one: compared with the golden files, and asked
//! besides for who acts, what they are asked, and which digests and serials must or must not be there.
//!
//! `CONCLAVE_BLESS=1 cargo test -p conclave-room --test screens` rewrites the golden files; review the difference.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

use std::fs;
use std::path::Path;

use conclave_ceremony::plan::{self, UsbId};
use conclave_publish::Digest;
use conclave_room::ceremony::intake::{Intake, Stage};
use conclave_room::civil::Wall;
use conclave_room::drives::fat32::Unfit;
use conclave_room::drives::{Drive, Volume, VolumeId};
use conclave_room::key::{Key, KeyboardId, Press};
use conclave_room::look::air_gap::{AirGap, Fact, Found, Proof, Unused};
use conclave_room::look::challenge::{Challenged, Source};
use conclave_room::look::clock::Set;
use conclave_room::look::devices::{Chain, Devices, Dkek, Hub, Looked, Other, Token, Unanswered, Unused as NotUsed};
use conclave_room::look::keyboards::Code;
use conclave_room::look::laptop::SecureBoot;
use conclave_room::look::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use conclave_room::look::{Act, Build, Event, Look, Screen, Tree, step};
use conclave_room::ports::{Plugged, What};
use conclave_room::run::Showing;
use conclave_room::shown::{Serial, Shown};
use conclave_room::usb::gate::Never;
use conclave_room::{text, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Everything code page 437 and the kernel's console font can draw, besides ASCII, that screens here use.
const GLYPHS: &str = "█▀▄░▒▓√►·äöüÄÖÜß£§°²µ¬┌─┐│└┘";

/// The commit the screens say they were built from.
const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";

fn digest() -> Digest {
    Digest::of(b"an image")
}

fn new() -> Look {
    Look::new(Build {
        version: "0.1.0".into(),
        revision: REVISION.into(),
        tree: Tree::Clean,
        committed: Wall(1_795_000_000),
    })
}

fn after(events: impl IntoIterator<Item = Event>) -> Look {
    let read = Event::Read { wall: Wall(1_795_295_100), mono_ms: 9_000 };
    [read].into_iter().chain(events).fold(new(), |look, event| step(look, event).0)
}

fn press(key: Key) -> Event {
    Event::Pressed(Press { key, keyboard: KeyboardId(0) })
}

fn typed(text: &str) -> impl Iterator<Item = Event> {
    text.chars().map(|c| press(Key::Char(c))).collect::<Vec<_>>().into_iter()
}

fn place() -> Place {
    Place { kind: Kind::Optical, model: Shown::new("HL-DT-ST DVDRAM GT30N"), node: Shown::new("/dev/sr0") }
}

fn stick() -> Place {
    Place { kind: Kind::UsbDisk, model: Shown::new("Flash Drive"), node: Shown::new("/dev/sda") }
}

fn hashed(self_check: SelfCheck) -> Event {
    Event::Medium(Medium::Hashed(Hashed { place: place(), len: 7_909_376, digest: digest(), self_check }))
}

fn open_challenge() -> Vec<Event> {
    vec![hashed(SelfCheck::Holds), press(Key::Enter), press(Key::Char('1')), Event::Drew(*Digest::of(b"drawn").bytes())]
}

/// The groups asked for, as they must be typed.
fn answers(look: &Look) -> Vec<String> {
    let Challenged::Open(open) = &look.challenged else { panic!("{:?}", look.challenged) };
    open.challenge.groups(&digest()).map(|group| group.to_string()).collect()
}

fn met() -> Vec<Event> {
    let mut events = open_challenge();
    for group in answers(&after(events.clone())) {
        events.extend(typed(&group));
        events.push(press(Key::Enter));
    }
    events
}

/// What the appliance tries, in its order: system calls that must not be there, then paths.
const CALLS: [&str; 19] = [
    "socket INET",
    "socket INET6",
    "socket UNIX",
    "socket NETLINK",
    "socket PACKET",
    "socket BLUETOOTH",
    "socket CAN",
    "socket VSOCK",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "bpf",
    "swapon",
    "io_uring_setup",
    "userfaultfd",
    "iopl",
    "ioperm",
    "modify_ldt",
];
const PATHS: [&str; 11] = [
    "/sys/class/net",
    "/proc/net",
    "/sys/class/bluetooth",
    "/sys/class/ieee80211",
    "/sys/class/sound",
    "/dev/mem",
    "/dev/port",
    "/proc/kcore",
    "/proc/modules",
    "/proc/swaps",
    "/sys/kernel/debug",
];
/// What the appliance says of a machine.
const MACHINE: [(&str, &str); 10] = [
    ("machine", "LENOVO 20HRCTO1WW"),
    ("firmware", "UEFI, LENOVO N2JET98W"),
    ("Secure Boot", "off or in set-up"),
    ("kernel", "6.1.192-ceremony"),
    ("lockdown", "confidentiality"),
    ("randomness", "RDRAND, jitter"),
    ("processor", "Intel(R) Core(TM) i5-7300U CPU @ 2.60GHz"),
    ("microcode", "0xf6"),
    ("IOMMU", "2 in use"),
    ("hypervisor", "no"),
];

fn air_gap(bad: bool) -> Event {
    let absent = |tried, how| Proof { tried, found: Found::Absent(Shown::new(how)) };
    let no_entry = PATHS.iter().map(|path| absent(*path, "no entry"));
    let mut proofs: Vec<Proof> = CALLS.iter().map(|call| absent(*call, "ENOSYS")).chain(no_entry).collect();
    if bad {
        proofs.push(Proof { tried: "/sys/class/net", found: Found::Present });
        proofs.push(Proof { tried: "bpf", found: Found::Untried(Shown::new("EPERM")) });
    }
    Event::Tried(AirGap::Tried {
        proofs,
        unused: vec![
            Unused { what: "network card", id: Shown::new("PCI 8086:100e at 00:03.0") },
            Unused { what: "internal disk", id: Shown::new("sdb, 500 GB, SAMSUNG; never opened") },
        ],
        machine: MACHINE.map(|(what, value)| Fact { what, value: Shown::new(value) }).into(),
        weak: vec![],
        scroll: 0,
    })
}

fn devices() -> Event {
    let token = |port: &str, serial: &str| Token {
        port: Shown::new(port),
        serial: Shown::new(serial),
        looked: Looked::Answered {
            chain: Chain::Vendor,
            firmware: Shown::new("4.1"),
            pin: Shown::new("3 tries left"),
            so_pin: Shown::new("15 tries left"),
            dkek: Dkek::None,
        },
    };
    Event::Seen(Devices {
        hubs: vec![Hub {
            port: Shown::new("1-1"),
            product: Shown::new("USB2.0 Hub"),
            id: UsbId { vendor: 0x05e3, product: 0x0610 },
            built_in: false,
        }],
        tokens: vec![
            token("1-1.1", "DENK0404144"),
            token("1-2", "DENK0404144"),
            Token { looked: Looked::Refused(Unanswered::Silent(10_000)), ..token("1-3", "DENK0404200") },
        ],
        drives: vec![
            Drive {
                port: Shown::new("1-4"),
                model: Shown::new("Kingston DataTraveler"),
                serial: Serial::new("60A44C425324"),
                len: 15_502_147_584,
                volume: Ok(Volume { id: VolumeId(0x4A17_E2B0), label: Shown::new("WELLINGTON") }),
            },
            Drive {
                port: Shown::new("1-5"),
                model: Shown::new("Flash \x1b[2JDisk"),
                serial: Serial::new(""),
                len: 1_000,
                volume: Err(Unfit::Other("exFAT")),
            },
        ],
        others: vec![
            Other {
                port: Shown::new("1-6"),
                product: Shown::new("USB 2.0 Ethernet"),
                why: NotUsed::Never(Never::Network),
            },
            Other {
                port: Shown::new("1-7"),
                product: Shown::new("DataTraveler"),
                why: NotUsed::Waits(Shown::new("1-4")),
            },
        ],
        scroll: 0,
    })
}

fn at(screen: Screen, mut events: Vec<Event>) -> Vec<Event> {
    let mut all = met();
    for _ in 0..Screen::ALL.iter().position(|s| *s == screen).unwrap() {
        all.push(air_gap(false));
        all.push(press(Key::Enter));
    }
    all.append(&mut events);
    all
}

fn rendered(look: &Look, columns: u16, rows: u16) -> String {
    shown(&Showing::Look(look), columns, rows)
}

fn shown(showing: &Showing<'_>, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::show(showing, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    (0..rows)
        .map(|y| {
            let line: String = (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
            format!("{}\n", line.trim_end())
        })
        .collect()
}

/// One screen: its golden files, which build it is of, who acts, the instruction, and what must stand on it.
#[track_caller]
fn check(name: &str, look: &Look, role: &str, instruction: &str, contains: &[&str]) {
    assert!(text::keys(look).chars().count() < 79, "{name}: the keys do not fit");
    check_with(None, name, look, role, instruction, contains);
}

/// The same while a plan comes in.
#[track_caller]
fn check_with(intake: Option<&Intake>, name: &str, look: &Look, role: &str, instruction: &str, contains: &[&str]) {
    let rendered = |look: &Look, columns, rows| {
        shown(&intake.map_or(Showing::Look(look), |intake| Showing::Intake(look, intake)), columns, rows)
    };
    for (columns, rows) in [(80, 25), (160, 50)] {
        let screen = rendered(look, columns, rows);
        for glyph in screen.chars().filter(|c| *c != '\n' && !(' '..='~').contains(c)) {
            assert!(GLYPHS.contains(glyph), "{name}: the console font has no {glyph:?}");
        }
        assert!(screen.contains(&format!("{role}: {instruction}")), "{name}:\n{screen}");
        for tree in [look.build.tree, Tree::Dirty, Tree::Moved, Tree::DirtyAndMoved] {
            let mut look = look.clone();
            look.build.tree = tree;
            let screen = rendered(&look, columns, rows);
            let title = screen.lines().next().unwrap();
            assert!(title.starts_with(&format!(" {}", text::title(&look.build))), "{name}: {title}");
            assert_eq!(title.contains(REVISION), tree == Tree::Clean, "{name}: {title}");
            assert!(title.contains(tree.words()), "{name}: {title}");
        }
        for wanted in contains {
            assert!(screen.contains(wanted), "{name} lacks {wanted:?}:\n{screen}");
        }
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/golden/room/{name}-{columns}x{rows}.txt"));
        if std::env::var_os("CONCLAVE_BLESS").is_some() {
            fs::write(&path, &screen).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(screen == golden, "{name} at {columns}x{rows} differs from its golden file:\n{screen}");
    }
}

fn medium(state: Medium) -> Look {
    after([Event::Medium(state)])
}

#[test]
fn the_medium_before_it_is_read() {
    check("medium-looking", &new(), "Operator", "wait: looking for the medium", &["never opened"]);
    let missing = medium(Medium::Missing { looked_at: vec![stick()] });
    check("medium-missing", &missing, "Operator", "insert the Conclave DVD or stick", &["/dev/sda", "Flash Drive"]);
    assert_eq!(step(missing, press(Key::Enter)).1, [Act::FindMedium]);
    let several = medium(Medium::Several(vec![place(), stick()]));
    check("medium-several", &several, "Operator", "take out all but the one", &["/dev/sr0", "/dev/sda"]);
    let short = medium(Medium::Truncated { place: stick(), expected: 7_909_376, found: 4_194_304 });
    check("medium-truncated", &short, "Operator", "use another copy", &["7 909 376", "4 194 304"]);
    let unreadable = medium(Medium::Unreadable { place: place(), at: 65_536, why: Shown::new("I/O error (5)") });
    check("medium-unreadable", &unreadable, "Operator", "clean the disc", &["I/O error (5)", "65 536"]);
    let refused = medium(Medium::Refused { place: stick(), why: "its seal is damaged" });
    check("medium-refused", &refused, "Operator", "use the medium this machine", &["/dev/sda", "its seal is damaged."]);
    assert_eq!(step(refused, press(Key::Enter)).1, [Act::FindMedium]);
    let hashing = medium(Medium::Hashing { place: place(), done: 3_954_688, len: 7_909_376 });
    check("medium-hashing", &hashing, "Operator", "wait: reading the medium", &["3 954 688 of 7 909 376", "░"]);
}

#[test]
fn the_first_screen_says_what_the_firmware_says_of_secure_boot_and_the_others_that_they_only_look() {
    for (told, says) in [
        (SecureBoot::NotTold, "Secure Boot: not told"),
        (SecureBoot::Bios, "Secure Boot: none (BIOS)"),
        (SecureBoot::Off, "Secure Boot: off or in set-up"),
        (SecureBoot::On, "Secure Boot: on"),
    ] {
        for events in [vec![], vec![hashed(SelfCheck::Holds)], open_challenge(), met()] {
            let screen = rendered(&after([vec![Event::SecureBoot(told)], events].concat()), 80, 25);
            let order = screen.lines().nth(1).unwrap();
            assert!(order.starts_with(" ► Medium") && order.ends_with(says), "{screen}");
        }
    }
    let devices = rendered(&after(at(Screen::Devices, vec![Event::SecureBoot(SecureBoot::On)])), 80, 25);
    assert!(!devices.contains("Secure Boot") && devices.contains("no plan: it only looks"), "{devices}");
    let off = after([Event::SecureBoot(SecureBoot::Off), hashed(SelfCheck::Holds)]);
    check("secure-boot", &off, "Witness", "compare with your own copy", &["Secure Boot: off or in set-up"]);
}

#[test]
fn the_digest_is_shown_whole_in_groups_and_words() {
    let look = after([hashed(SelfCheck::Holds)]);
    let groups = digest().groups();
    let shown: Vec<String> = groups.iter().map(|group| format!("{group}  {}", group.words())).collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    check("medium-digest", &look, "Witness", "compare with your own copy", &shown);
    check(
        "medium-digest",
        &look,
        "Witness",
        "compare",
        &["Self-check OK.  Elsewhere: head -c 7909376 DRIVE | sha256sum (DRIVE: see F1)"],
    );
}

#[test]
fn a_damaged_medium_shows_its_digest_and_leads_nowhere() {
    let look = after([hashed(SelfCheck::Fails)]);
    check("medium-damaged", &look, "Operator", "damaged medium: power off", &["SELF-CHECK FAILED"]);
    assert!(!rendered(&look, 80, 25).contains("head -c"), "there is nothing to compare it with");
    let (next, acts) = step(look.clone(), press(Key::Enter));
    assert_eq!((next.screen, next.challenged, acts), (Screen::Medium, look.challenged, Vec::new()));
}

#[test]
fn no_group_of_the_digest_is_on_the_screen_while_the_challenge_is_open() {
    let hidden = |name, look: &Look, instruction| {
        check(name, look, "Witness", instruction, &[]);
        let screen = rendered(look, 160, 50);
        for group in digest().groups() {
            assert!(!screen.contains(&group.to_string()), "{name} shows {group}");
            for word in group.words().split(' ') {
                assert!(!screen.contains(word), "{name} shows {word}");
            }
        }
        assert!(!screen.contains('█') && !screen.contains('▀'), "{name} shows large digits");
    };
    let events = open_challenge();
    hidden("challenge-source", &after(events[..2].to_vec()), "where does your own copy");
    hidden("challenge-open", &after(events.clone()), "type these groups");
    let wrong: Vec<Event> = (0..6).flat_map(|_| typed("zz").chain([press(Key::Enter)])).collect();
    hidden("challenge-mistyped", &after(events.iter().cloned().chain(wrong)), "type these groups");
    let other: Vec<Event> = (0..6).flat_map(|_| typed("0000").chain([press(Key::Enter)])).collect();
    let differs = after(events.into_iter().chain(other));
    hidden("challenge-differs", &differs, "check your copy");
    assert_eq!(differs.screen, Screen::Medium);
}

#[test]
fn a_met_challenge_shows_both_and_goes_on() {
    let look = after(met());
    check("medium-met", &look, "Witness", "the digest is the one you brought", &["Challenge met, from a printed copy"]);
    assert_eq!(step(look, press(Key::Enter)).0.screen, Screen::AirGap);
}

#[test]
fn the_air_gap_names_every_proof_and_what_lies_unused() {
    let look = after(at(Screen::AirGap, vec![]));
    let shown = ["socket INET ", "absent (ENOSYS)", "/sys/kernel/debug", "8086:100e", "never opened"];
    check("air-gap", &look, "Witness", "every way out was tried", &shown);
    let more = |look: &Look| rendered(look, 80, 25).contains(text::MORE_BELOW);
    assert!(more(&look) && !rendered(&look, 80, 25).contains("hypervisor"));
    // However often Down is pressed, the last line stays the last, and the next Up moves.
    let down = (0..100).fold(look, |look, _| step(look, press(Key::Down)).0);
    let last = ["lockdown", "randomness", "microcode", "IOMMU", "hypervisor        no"];
    check("air-gap-end", &down, "Witness", "every way out was tried", &last);
    assert!(!more(&down) && more(&step(down, press(Key::Up)).0));
    let broken = after(at(Screen::AirGap, vec![air_gap(true)]));
    check("air-gap-broken", &broken, "Operator", "this kernel is not air-gapped", &["PRESENT", "not tried: EPERM"]);
    assert_eq!(step(broken, press(Key::Enter)).0.screen, Screen::AirGap, "nobody waves it through");
}

#[test]
fn the_clock_is_shown_set_and_refused() {
    let clock = |events: Vec<Event>| after(at(Screen::Clock, events));
    check("clock", &clock(vec![]), "Operator", "compare with a watch; set", &["2026-11-21 21:05:00"]);
    let later = Event::Read { wall: Wall(1_795_298_700), mono_ms: 3_609_000 };
    let right = clock(vec![press(Key::Enter), later]);
    assert_eq!(right.clock.compared, Some(Wall(1_795_295_100)), "when it was compared, not now");
    let early = clock(vec![Event::Read { wall: Wall(0), mono_ms: 9_500 }]);
    let words = ["before this image was made", "1970-01-01", "jumped by"];
    check("clock-early", &early, "Operator", "compare with a watch and set the clock: it cannot be right.", &words);
    assert_eq!(step(early, press(Key::Enter)).0.screen, Screen::Clock, "an impossible clock leads nowhere");
    let mistyped = clock(typed("21.11.2026").chain([press(Key::Enter)]).collect());
    check("clock-mistyped", &mistyped, "Operator", "compare with a watch", &["expected YYYY-MM-DD hh:mm"]);
    let look = clock(typed("2026-11-21 22:30").collect());
    assert_eq!(step(look, press(Key::Enter)).1, [Act::SetClock(Wall(1_795_300_200))]);
    for (name, set, said) in [
        ("clock-set", Set::Both, "Set, also on the board"),
        ("clock-not-kept", Set::UntilPowerOff(Shown::new("EIO")), "until power-off only"),
        ("clock-not-set", Set::Not(Shown::new("EINVAL")), "was not set: EINVAL"),
    ] {
        check(name, &clock(vec![Event::Set(set)]), "Operator", "compare with a watch", &[said]);
    }
}

#[test]
fn the_devices_say_what_they_are_and_prove_nothing() {
    let nobody = after(at(Screen::Devices, vec![]));
    check("devices-not-looked-at", &nobody, "Operator", "wait: looking at the USB ports", &[]);
    let none = after(at(Screen::Devices, vec![Event::Seen(Devices::default())]));
    check("devices-none", &none, "Operator", "plug in a token or a drive", &["no token", "no drive"]);
    let look = after(at(Screen::Devices, vec![devices()]));
    let shown = [
        "CLONE ALARM: two tokens say they are DENK0404144",
        "not yet proven",
        "no answer for 10 s: pull it out",
        "15 502 147 584 bytes. FAT32 volume 4A17-E2B0",
        "It holds exFAT, not FAT32.",
        "Now: take it out; on another computer: conclave drive prepare.",
        "Flash ?[2JDisk",
        "no serial: cannot be used",
    ];
    check("devices", &look, "Operator", "pull out every token of the clone alarm", &shown);
    let down =
        [press(Key::Down), press(Key::Down), devices()].into_iter().fold(look, |look, event| step(look, event).0);
    let shown = [
        "one drive at a time: first take out 1-4",
        "USB2.0 Hub             id 05e3:0610",
        "network or radio: not let in",
    ];
    check("devices-scrolled", &down, "Operator", "pull out every token of the clone alarm", &shown);
    let far = (0..100).fold(down, |look, _| step(look, press(Key::Down)).0);
    assert!(rendered(&far, 80, 25).contains(shown[0]), "the last line stays in sight");
    let Event::Seen(mut genuine) = devices() else { panic!() };
    genuine.tokens.remove(1);
    let genuine = after(at(Screen::Devices, vec![Event::Seen(genuine)]));
    check("devices-genuine", &genuine, "Witness", "compare serials with the labels", &["DENK0404144"]);
}

fn keyboard_came() -> Event {
    Event::KeyboardCame {
        id: KeyboardId(7),
        port: Shown::new("1-3"),
        product: Shown::new("Dell KB216 Wired Keyboard"),
        code: Code::new(654_321_u32.to_le_bytes()),
    }
}

#[test]
fn every_stage_of_a_plan_that_comes_in_names_its_keys() {
    let look = after(at(Screen::Devices, vec![]));
    let mut intake = Intake::default();
    let back = "Enter: go on   Esc: to the devices";
    check_with(Some(&intake), "intake-insert", &look, "Operator", "plug in the drive with the plan", &[back]);
    intake.plan = plan::read(include_bytes!("../../../docs/plans/minimal/plan.toml")).ok();
    intake.stage = Stage::Logs;
    check_with(Some(&intake), "intake-logs", &look, "Operator", "plug in both log drives", &[back, "interrupted"]);
    intake.digest = Some(digest());
    let words = digest().words();
    let whole: Vec<&str> = words.split(' ').collect();
    let mut challenged = Challenged::Closed;
    let next = |challenged: &mut Challenged, keys: &[Key]| {
        for key in keys {
            challenged.pressed(*key, &digest());
        }
        challenged.clone()
    };
    let stages = [
        (
            "closed",
            next(&mut challenged, &[]),
            "compare with your own copy",
            "Enter: begin the challenge  Esc: devices",
        ),
        ("source", next(&mut challenged, &[Key::Enter]), "where does your own copy", "1 2 3: choose   Esc: back"),
        ("met", Challenged::Met(Source::Paper), "the plan is the one you brought", back),
    ];
    for (name, stage, says, keys) in stages {
        let shows = !stage.hides_digest();
        intake.stage = Stage::Challenge(stage);
        let mut contains = vec!["F1 help  F2 keyboard us  F10 off", keys];
        contains.extend(whole.iter().filter(|_| shows));
        check_with(Some(&intake), &format!("intake-{name}"), &look, "Witness", says, &contains);
    }
    let mut challenge = next(&mut challenged, &[Key::Char('1')]).drew(Digest::of(b"drawn").bytes());
    intake.stage = Stage::Challenge(challenge.clone());
    let keys = "Enter: next   Up: back   Esc: stop";
    check_with(Some(&intake), "intake-open", &look, "Witness", "type these groups of the plan's digest", &[keys]);
    // Of the plan it speaks in the plan's words, of the medium nowhere.
    for key in (0..6).flat_map(|_| "0000".chars().map(Key::Char).chain([Key::Enter])) {
        challenge.pressed(key, &digest());
    }
    intake.stage = Stage::Challenge(challenge);
    let said = ["6 of 6 groups are not those of this plan.", "Enter: new groups"];
    check_with(Some(&intake), "intake-differs", &look, "Witness", "check your copy", &said);
    for stage in [Challenged::Source, Challenged::Differs(Source::Own, 2)] {
        intake.stage = Stage::Challenge(stage);
        let screen = shown(&Showing::Intake(&look, &intake), 80, 25);
        let body = screen.lines().skip(2).collect::<Vec<_>>().join(" ");
        assert!(body.contains("plan") && !body.contains("medium") && !body.contains("image"), "{screen}");
    }
}

#[test]
fn what_is_plugged_in_while_a_plan_comes_in_is_named() {
    let look = after(at(Screen::Devices, vec![]));
    let plugged = |port, serial, what| Plugged { port: Shown::new(port), serial: Serial::new(serial), what };
    let mut intake = Intake::default();
    check_with(Some(&intake), "intake-insert", &look, "Operator", "plug in the drive", &["Plugged in: nothing."]);
    intake.plugged = vec![plugged("1-1", "60A44C42", What::Drive), plugged("1-2", "", What::Drive)];
    let says = ["Plugged in: drive with serial 60A44C42, drive without a serial."];
    check_with(Some(&intake), "intake-plugged", &look, "Operator", "plug in the drive", &says);
    let planned = include_str!("../../../docs/plans/minimal/plan.toml").replace("CONCLAVE-LOG-A", "60A44C42");
    let hub = "\n[[hub]]\nname = \"HUB-1\"\nusb = [\"05e3:0610\", \"05e3:0620\"]\nports = 4\n";
    intake.plan = Some(plan::read((planned + hub).as_bytes()).unwrap());
    intake.stage = Stage::Logs;
    let says = ["Plugged in: LOG-A, drive without a serial."];
    check_with(Some(&intake), "intake-logs-plugged", &look, "Operator", "plug in both log drives", &says);
    let hub = |port, product, shut_out| {
        let id = UsbId { vendor: 0x05e3, product };
        plugged(port, "", What::Hub { id, shut_out })
    };
    let mut hubs = Intake::default();
    (hubs.plan, hubs.stage) = (intake.plan.take(), Stage::Logs);
    // Both halves of the plan's, a second one of its model, one of another.
    hubs.plugged =
        vec![hub("1-1", 0x0610, false), hub("1-2", 0x0610, true), hub("1-3", 0x0101, true), hub("2-1", 0x0620, false)];
    let screen = shown(&Showing::Intake(&look, &hubs), 80, 25).split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        "Plugged in: HUB-1, hub 05e3:0610 at 1-2, hub 05e3:0101 at 1-3.",
        "The plan has one hub of this id, HUB-1, and the hub 05e3:0610 at 1-2 is another: plug what is on it into the \
         machine itself, or take the hub out.",
        "The hub 05e3:0101 at 1-3 is not in the plan: plug what is on it into the machine itself, or take the hub out.",
    ] {
        assert!(screen.contains(says), "{says}: {screen}");
    }
    hubs.stage = Stage::Insert;
    let screen = shown(&Showing::Intake(&look, &hubs), 80, 25).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains("Plugged in: hub 05e3:0610 at 1-1, hub 05e3:0610 at 1-2,"), "{screen}");
    (intake.stage, intake.digest) = (Stage::Challenge(Challenged::Met(Source::Paper)), Some(digest()));
    let says = ["Plugged in: drive with serial 60A44C42, drive without a serial."];
    check_with(Some(&intake), "intake-take-out", &look, "Witness", "the plan is the one you brought", &says);
}

#[test]
fn every_rule_a_plan_breaks_can_be_read() {
    // No token has a serial, and no drive a volume. The refusals name lines of the plan: the lines that only explain are left
    // out, so that one more of them moves no golden screen.
    let explains = |line: &&str| line.is_empty() || line.starts_with('#');
    let plan = include_str!("../../../docs/plans/safire/plan.toml").lines().filter(|line| !explains(line));
    let plan = plan.collect::<Vec<_>>().join("\n");
    let plan = ["serial", "volume"].iter().fold(plan, |plan, key| {
        let (key, none) = (format!("{key} = "), format!("{key} = \"?\""));
        plan.lines().map(|line| if line.starts_with(&key) { &none } else { line }).collect::<Vec<_>>().join("\n")
    });
    let refusals = plan::read(plan.as_bytes()).unwrap_err();
    assert!(refusals.len() > 8, "{refusals:?}");
    let look = after(at(Screen::Devices, vec![]));
    let (mut intake, last) = (Intake::default(), refusals.last().unwrap().to_string());
    intake.stage = Stage::Refused(refusals.clone());
    let keys = "Enter: go on  Up Down: scroll  Esc: back";
    check_with(Some(&intake), "intake-refused", &look, "Operator", "take the drive out", &[keys]);
    let shows = |intake: &Intake, words: &str| {
        let screen = shown(&Showing::Intake(&look, intake), 80, 25);
        screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(words)
    };
    assert!(shows(&intake, text::MORE_BELOW) && !shows(&intake, &last));
    intake.above = refusals.len() - 1;
    assert!(shows(&intake, &last) && !shows(&intake, text::MORE_BELOW));
}

#[test]
fn a_keyboard_on_usb_is_asked_for_its_code_while_a_plan_comes_in() {
    let look = after(at(Screen::Devices, vec![keyboard_came()]));
    let (shown, mut intake) = (["type on it 123456   typed: ______   3 tries left"], Intake::default());
    check_with(Some(&intake), "keyboard-asked-intake", &look, "Operator", "plug in the drive with the plan", &shown);
    intake.stage = Stage::Challenge(Challenged::Source);
    check_with(Some(&intake), "keyboard-asked-challenge", &look, "Witness", "where does your own copy", &shown);
}

#[test]
fn a_keyboard_on_usb_is_asked_for_its_code_over_any_screen() {
    let came = keyboard_came();
    let pressed = |key| Event::Pressed(Press { key, keyboard: KeyboardId(7) });
    let shown = ["USB port 1-3: Dell KB216 Wired Keyboard", "type on it 123456   typed: 1_____   3 tries left"];
    let asked = after(at(Screen::Devices, vec![devices(), came, pressed(Key::Char('1')), pressed(Key::Enter)]));
    check("keyboard-asked", &asked, "Operator", "pull out every token of the clone alarm", &shown);
    assert_eq!(asked.screen, Screen::Devices, "Enter of a keyboard that does not count changes nothing");
    assert_eq!(step(asked.clone(), pressed(Key::Escape)).0.screen, Screen::Devices);
    let met = "23456".chars().fold(asked.clone(), |look, typed| step(look, pressed(Key::Char(typed))).0);
    let screen = rendered(&met, 160, 50);
    assert!(!screen.contains("type on it") && screen.contains("Dell KB216 Wired Keyboard counts"), "{screen}");
    assert_eq!(step(met, pressed(Key::Escape)).0.screen, Screen::Clock);
    let gone = step(asked, Event::KeyboardWent(KeyboardId(7))).0;
    assert!(!rendered(&gone, 160, 50).contains("Dell"));
}

#[test]
fn a_keyboard_that_is_shut_out_is_named_over_any_screen_until_f2_is_pressed() {
    let product = Shown::new("Dell KB216 Wired Keyboard");
    let others = vec![Other { port: Shown::new("1-3"), product, why: NotUsed::Keyboard }];
    let seen = Event::Seen(Devices { others, ..Devices::default() });
    let own = Event::OwnKeyboard(true);
    let look = after([own.clone(), seen.clone()]);
    let shown = [
        "USB port 1-3: Dell KB216 Wired Keyboard",
        "press F2 on this machine's own keyboard",
        "If that one is dead, switch off by the power button",
    ];
    check("keyboard-shut-out", &look, "Operator", "wait: looking for the medium", &shown);
    let devices = after(at(Screen::Devices, vec![own.clone(), seen.clone()]));
    let listed = ["Dell KB216 Wired Keyboard keyboard, shut out: F2 lets it in", shown[1]];
    check("keyboard-shut-out-devices", &devices, "Operator", "plug in a token or a drive", &listed);
    check_with(Some(&Intake::default()), "keyboard-shut-out-intake", &devices, "Operator", "plug in the drive", &shown);
    let asked = step(look, press(Key::Function(2))).0;
    assert_eq!(asked.shut_out(), None);
    // Another one that waits for its code is asked first.
    let both = after([own, seen.clone(), keyboard_came()]);
    let screen = rendered(&both, 80, 25);
    assert!(screen.contains("type on it 123456") && !screen.contains(shown[1]), "{screen}");
    // Where the machine has no keyboard, there is none to press F2 on.
    let none = after([Event::OwnKeyboard(false), seen]);
    check("keyboard-shut-out-none", &none, "Operator", "wait: looking", &["no keyboard found: plug one in by USB"]);
    assert_eq!(none.shut_out(), None);
}

#[test]
fn a_machine_without_any_keyboard_asks_for_one() {
    let look = after([Event::OwnKeyboard(false)]);
    check("no-keyboard", &look, "Operator", "wait: looking for the medium", &["no keyboard found: plug one in by USB"]);
    let came = step(look, Event::OwnKeyboard(true)).0;
    let screen = rendered(&came, 80, 25);
    assert!(!screen.contains("no keyboard") && screen.contains("F10 off"), "{screen}");
}

#[test]
fn what_lies_over_a_screen() {
    check("help", &after([press(Key::Function(1))]), "Anybody", "what this screen is for", &["Version 0.1.0"]);
    let keyboard = after([press(Key::Function(2)), press(Key::Tab), press(Key::Tab)].into_iter().chain(typed("yz")));
    let lets_in = "While this screen stands, a keyboard on USB is let in";
    check("keyboard", &keyboard, "Operator", "type the line below", &["layout de:  yz_", lets_in]);
    let differs = step(keyboard.clone(), press(Key::Char('q'))).0;
    let shown = rendered(&differs, 160, 50);
    assert!(shown.contains("It differs.") && shown.contains("use a us, uk or de keyboard"), "{shown}");
    let stays = step(differs, press(Key::Enter)).0;
    assert!(rendered(&stays, 160, 50).contains("layout de:  yzq_"), "a layout that does not fit is not kept");
    let fits = after([press(Key::Function(2))].into_iter().chain(typed(text::KEYBOARD_LINE)));
    assert!(rendered(&fits, 160, 50).contains("It is the same."));
    assert_eq!(step(fits, press(Key::Enter)).0.over, conclave_room::look::Over::Nothing);
    for closes in [Key::Enter, Key::Escape, Key::Tab] {
        let (_, acts) = step(keyboard.clone(), press(closes));
        assert_eq!(acts, [Act::ForgetKeys], "{closes:?}: people try a keyboard with a passphrase");
    }
    let off = after([press(Key::Function(10))].into_iter().chain(typed("of")));
    check("power-off", &off, "Operator", "type off and press Enter", &["of_"]);
    let (back, acts) = step(off.clone(), press(Key::Enter));
    assert_eq!((back.over, acts), (conclave_room::look::Over::Nothing, vec![]), "half a word is not the word");
    let (_, acts) = step(step(off, press(Key::Char('f'))).0, press(Key::Enter));
    assert_eq!(acts, [Act::PowerOff]);
}

#[test]
fn what_lies_over_a_screen_is_seen_while_a_plan_comes_in_too() {
    let intake = Intake::default();
    let off = vec![press(Key::Function(10))];
    for (keys, words) in [(vec![], "plug in the drive with the plan"), (off, "type off and press Enter")] {
        let look = after(at(Screen::Devices, keys));
        let shown = shown(&Showing::Intake(&look, &intake), 80, 25);
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn the_help_of_a_build_that_strangers_cannot_rebuild_says_what_follows_from_it() {
    let mut dirty = after([press(Key::Function(1))]);
    for (name, tree) in [("dirty", Tree::Dirty), ("moved", Tree::Moved), ("dirty-moved", Tree::DirtyAndMoved)] {
        dirty.build.tree = tree;
        check(name, &dirty, "Anybody", "what this screen is for", &[REVISION, "Do not hold a ceremony with it."]);
    }
    dirty.build.revision.clear();
    let unnamed = rendered(&dirty, 80, 25);
    assert!(unnamed.contains("built from the commit that its builder did not name"), "{unnamed}");
}

#[test]
fn a_screen_that_is_too_small_says_which_size_it_needs() {
    for (columns, rows) in [(79, 25), (80, 24), (40, 10), (1, 1), (0, 0)] {
        let screen = rendered(&after(met()), columns, rows).replace('\n', " ");
        if columns >= 40 {
            assert!(screen.contains(&format!("{columns} x {rows} characters")), "{screen}");
            assert!(screen.contains(REVISION) || columns < 50, "{screen}");
        }
    }
}

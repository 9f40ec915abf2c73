//! Contents of the screens in these tests, and the comparison of a screen with its golden file.

use std::path::Path;

use conclave_ceremony::plan::UsbId;
use conclave_console::ceremony::intake::Intake;
use conclave_console::civil::Wall;
use conclave_console::drives::fat32::Unfit;
use conclave_console::drives::{Drive, Volume, VolumeId};
use conclave_console::key::{Key, KeyboardId, Press};
use conclave_console::preflight::air_gap::{AirGap, Fact, Found, Proof, Unused};
use conclave_console::preflight::challenge::Challenged;
use conclave_console::preflight::devices::{
    Chain, Devices, Dkek, Hub, Looked, Other, Token, Unanswered, Unused as NotUsed,
};
use conclave_console::preflight::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use conclave_console::preflight::{Build, Event, Preflight, Screen, Tree, step};
use conclave_console::run::Showing;
use conclave_console::shown::{Serial, Shown};
use conclave_console::usb::gate::Never;
use conclave_console::view;
use conclave_console::wording::preflight as text;
use conclave_publish::Digest;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::golden;

/// Everything code page 437 and the kernel's console font can draw, besides ASCII, that screens here use.
pub(crate) const GLYPHS: &str = "█▀▄░▒▓√►·äöüÄÖÜß£§°²µ¬┌─┐│└┘";

/// The commit the screens say they were built from.
pub(crate) const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";

pub(crate) fn digest() -> Digest {
    Digest::of(b"an image")
}

pub(crate) fn new() -> Preflight {
    Preflight::new(Build {
        version: "0.1.0".into(),
        revision: REVISION.into(),
        tree: Tree::Clean,
        committed: Wall(1_795_000_000),
    })
}

pub(crate) fn after(events: impl IntoIterator<Item = Event>) -> Preflight {
    let read = Event::Read { wall: Wall(1_795_295_100), mono_ms: 9_000 };
    [read].into_iter().chain(events).fold(new(), |preflight, event| step(preflight, event).0)
}

pub(crate) fn press(key: Key) -> Event {
    Event::Pressed(Press { key, keyboard: KeyboardId(0) })
}

pub(crate) fn typed(text: &str) -> impl Iterator<Item = Event> {
    text.chars().map(|c| press(Key::Char(c))).collect::<Vec<_>>().into_iter()
}

pub(crate) fn place() -> Place {
    Place { kind: Kind::Optical, model: Shown::new("HL-DT-ST DVDRAM GT30N"), node: Shown::new("/dev/sr0") }
}

pub(crate) fn stick() -> Place {
    Place { kind: Kind::UsbDisk, model: Shown::new("Flash Drive"), node: Shown::new("/dev/sda") }
}

pub(crate) fn hashed(self_check: SelfCheck) -> Event {
    Event::Medium(Medium::Hashed(Hashed { place: place(), len: 7_909_376, digest: digest(), self_check }))
}

pub(crate) fn open_challenge() -> Vec<Event> {
    vec![hashed(SelfCheck::Holds), press(Key::Enter), press(Key::Char('1')), Event::Drew(*Digest::of(b"drawn").bytes())]
}

/// The groups asked for, as they must be typed.
pub(crate) fn answers(preflight: &Preflight) -> Vec<String> {
    let Challenged::Open(open) = &preflight.challenged else { panic!("{:?}", preflight.challenged) };
    open.groups(&digest().into()).map(|group| group.to_string()).collect()
}

pub(crate) fn met() -> Vec<Event> {
    let mut events = open_challenge();
    for group in answers(&after(events.clone())) {
        events.extend(typed(&group));
        events.push(press(Key::Enter));
    }
    events
}

/// The appliance's proofs in their order: system calls that must not be there, then paths.
pub(crate) const CALLS: [&str; 19] = [
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
pub(crate) const PATHS: [&str; 11] = [
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
/// The appliance's words about a machine.
pub(crate) const MACHINE: [(&str, &str); 10] = [
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

pub(crate) fn air_gap(bad: bool) -> Event {
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

pub(crate) fn devices() -> Event {
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

pub(crate) fn at(screen: Screen, mut events: Vec<Event>) -> Vec<Event> {
    let mut all = met();
    for _ in 0..Screen::ALL.iter().position(|s| *s == screen).unwrap() {
        all.push(air_gap(false));
        all.push(press(Key::Enter));
    }
    all.append(&mut events);
    all
}

pub(crate) fn rendered(preflight: &Preflight, columns: u16, rows: u16) -> String {
    shown(&Showing::Preflight(preflight), columns, rows)
}

pub(crate) fn shown(showing: &Showing<'_>, columns: u16, rows: u16) -> String {
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

/// One screen: its golden files, the build it is of, the role, the instruction, and the words that must stand on it.
#[track_caller]
pub(crate) fn check(name: &str, preflight: &Preflight, role: &str, instruction: &str, contains: &[&str]) {
    assert!(text::keys(preflight).chars().count() < 79, "{name}: the keys do not fit");
    check_with(None, name, preflight, role, instruction, contains);
}

/// The same while a plan comes in.
#[track_caller]
pub(crate) fn check_with(
    intake: Option<&Intake>,
    name: &str,
    preflight: &Preflight,
    role: &str,
    instruction: &str,
    contains: &[&str],
) {
    let rendered = |preflight: &Preflight, columns, rows| {
        shown(&intake.map_or(Showing::Preflight(preflight), |intake| Showing::Intake(preflight, intake)), columns, rows)
    };
    for (columns, rows) in [(80, 25), (160, 50)] {
        let screen = rendered(preflight, columns, rows);
        for glyph in screen.chars().filter(|c| *c != '\n' && !(' '..='~').contains(c)) {
            assert!(GLYPHS.contains(glyph), "{name}: the console font has no {glyph:?}");
        }
        assert!(screen.contains(&format!("{role}: {instruction}")), "{name}:\n{screen}");
        for tree in [preflight.build.tree, Tree::Dirty, Tree::Moved, Tree::DirtyAndMoved] {
            let mut preflight = preflight.clone();
            preflight.build.tree = tree;
            let screen = rendered(&preflight, columns, rows);
            let title = screen.lines().next().unwrap();
            assert!(title.starts_with(&format!(" {}", text::title(&preflight.build))), "{name}: {title}");
            assert_eq!(title.contains(REVISION), tree == Tree::Clean, "{name}: {title}");
            assert!(title.contains(tree.words()), "{name}: {title}");
        }
        for wanted in contains {
            assert!(screen.contains(wanted), "{name} lacks {wanted:?}:\n{screen}");
        }
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/golden/room/{name}-{columns}x{rows}.txt"));
        golden::compare(&path, &screen);
    }
}

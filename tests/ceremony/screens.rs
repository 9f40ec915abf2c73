//! Every screen of a played ceremony is checked: the person that acts, the question, head and digests, and whether all
//! of it fits. The screens of the first step of each kind are compared with golden files.
//!
//! `CONCLAVE_BLESS=1 cargo test -p conclave-tests --test ceremony plan_is_played` rewrites the golden files; review the
//! difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use conclave_ceremony::act::Act;
use conclave_ceremony::ids::StepId;
use conclave_ceremony::kind::about;
use conclave_ceremony::script::{Step, StepKind};
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::desk::Stage;
use conclave_console::ceremony::scene::Scene;
use conclave_console::civil::Wall;
use conclave_console::ports::Now;
use conclave_console::preflight::Tree;
use conclave_console::view;
use conclave_console::wording::ceremony as words;
use conclave_publish::{Digest, Group};
use conclave_sim::world::machine::World;
use conclave_sim::world::play::rows;
use conclave_sim::world::robot;
use conclave_tests::golden;
use conclave_tests::png::Image;
use conclave_tests::scratch::Scratch;
use conclave_tests::tool;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use ratatui::style::Color;
use ratatui::{Frame, Terminal};
use smartcard_hsm::cvc::RootKind;

/// Sizes people see: the console of the BIOS, and a large one.
const SIZES: [(u16, u16); 2] = [(80, 25), (160, 50)];
/// The signs besides ASCII that the kernel's console font can draw, as far as screens use them.
const GLYPHS: &str = "█▀▄√►·┌─┐│└┘";
/// How the lines for codes are called.
const CODES: [&str; 2] = ["Sign-in code:", "Code of "];
/// Rows above the middle of a screen.
const ABOVE: usize = 2;
/// Rows below it.
const BELOW: usize = 4;
/// Pixels of a cell of the console's font.
const CELL: (usize, usize) = (8, 16);

/// The screens seen in a ceremony.
#[derive(Default)]
pub struct Screens {
    now: Option<(StepId, Waiting, Stage, usize, bool, Option<String>)>,
    /// Which step is the first of its kind.
    first: BTreeMap<String, (StepId, Option<StepKind>)>,
    /// Screens of those steps, by golden file.
    golden: BTreeMap<String, String>,
    /// Screens with a QR code, and the text it must hold.
    codes: Vec<(Buffer, String)>,
}

impl Screens {
    /// Asks the screen, if it is another one than before.
    pub fn look<R: RootKind>(&mut self, ceremony: &mut Ceremony<World, R>) {
        let mut scene = ceremony.scene();
        let trouble = scene.trouble.map(ToString::to_string);
        let wrong = trouble.clone().or_else(|| scene.desk.refused.clone());
        let now = (scene.state.at(), scene.waiting.clone(), scene.desk.stage, scene.desk.page, scene.writes, wrong);
        // The typed text was taken: a code does not stay on the screen.
        if scene.writes {
            let screen = text(&drawn(&scene, SIZES[0]));
            assert!(CODES.iter().all(|label| !screen.contains(label)), "{screen}");
        }
        // While the log drives are written to, every step says the same.
        let writes = scene.writes && trouble.is_none();
        if self.now.as_ref() == Some(&now) || (writes && self.first.contains_key("writes")) {
            return;
        }
        stop(&mut scene);
        let list = self.golden.entry("steps.txt".to_owned()).or_default();
        if list.is_empty() {
            let step = |step: &Step| format!("{:>3} {}\n", step.id.0 + 1, about(scene.plan, step.kind).name);
            list.extend(scene.script.steps.iter().map(step));
        }
        let kind = scene.script.step(now.0).map(|step| step.kind).filter(|_| !scene.writes);
        let name = if scene.writes { "writes".to_owned() } else { kind.map_or_else(|| "closed".to_owned(), name) };
        let first = self.first.entry(name.clone()).or_insert((now.0, kind)).0 == now.0;
        for size in SIZES {
            let screen = drawn(&scene, size);
            ask(&mut scene, &screen, size);
            if matches!(scene.waiting, Waiting::Acting(Act::Show) | Waiting::Closed) && !scene.writes {
                let kind = if scene.desk.page == 0 { "HEAD" } else { "CERT" };
                self.codes.push((screen.clone(), format!("{kind} {}", published(&scene, &screen))));
            }
            if first {
                let file = self.golden.entry(format!("{name}-{}x{}.txt", size.0, size.1)).or_default();
                file.push_str(&format!("---- {:?} {:?}\n{}", now.1, now.2, without_steps(&screen)));
            }
        }
        self.now = Some(now);
    }

    /// Compares the first step of each kind with its golden files, and checks the words that each kind must show.
    pub fn compare(&self, plan: &str) {
        let seen: BTreeSet<&str> = self.golden.keys().filter_map(|name| name.strip_suffix("-80x25.txt")).collect();
        let lacks: Vec<String> = every_kind().into_iter().filter(|kind| !seen.contains(kind.as_str())).collect();
        assert_eq!(lacks, [""; 0], "kinds of step that no screen was seen of");
        for (name, (_, kind)) in &self.first {
            let Some(kind) = kind else { continue };
            let (says, irreversible) = expected(*kind);
            let screens = &self.golden[&format!("{name}-80x25.txt")];
            let screens: Vec<String> = screens.split("---- ").map(middle_of).collect();
            assert!(screens.iter().any(|screen| screen.contains(says)), "{name} says nowhere: {says}\n{screens:#?}");
            // At the moment of agreement, and at no other.
            const AGREES: [&str; 4] =
                ["who agrees?", "type your sign-in code to agree.", "type your code to agree;", "type the word"];
            let warns = |screen: &&String| screen.contains("THIS CANNOT BE UNDONE");
            let agrees = |screen: &&String| irreversible && AGREES.iter().any(|words| screen.contains(words));
            let (warned, agreed) = (screens.iter().filter(warns), screens.iter().filter(agrees));
            assert_eq!(warned.collect::<Vec<_>>(), agreed.collect::<Vec<_>>(), "{name}");
            assert!(!irreversible || screens.iter().any(|screen| warns(&screen)), "{name} never warns: {screens:#?}");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/room").join(plan);
        if golden::blesses() {
            let _ = fs::remove_dir_all(&folder);
        }
        self.golden.iter().for_each(|(name, screens)| golden::compare(&folder.join(name), screens));
    }

    /// A camera reads each QR code as the digest that stands beside it.
    pub fn scan(&self) {
        tool::require("zbar-tools", "/usr/bin/zbarimg");
        let scratch = Scratch::new();
        let mut command = Command::new("zbarimg");
        command.current_dir(scratch.path()).args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"]);
        for (at, (screen, _)) in self.codes.iter().enumerate() {
            let name = format!("{at}.png");
            fs::write(scratch.file(&name), photograph(screen).png()).unwrap();
            command.arg(name);
        }
        let wanted: String = self.codes.iter().map(|(_, text)| format!("{text}\n").to_uppercase()).collect();
        assert_eq!(tool::run(command, "").out, wanted);
    }
}

/// Golden files are of one moment: they change when the screens do, not with every entry before them.
fn stop(scene: &mut Scene<'_>) {
    scene.head = Digest::of(b"a head");
    scene.entries = 123;
    let begun = Now { wall: Wall(1_795_295_100), mono_ms: 60_000 };
    scene.now = Now { wall: Wall(1_795_302_240), mono_ms: 7_200_000 };
    scene.since = (Now { mono_ms: 7_000_000, ..begun }, begun);
}

/// A screen outside the steps: checked like the others, and for its own words; compared with a golden file of its own.
#[track_caller]
pub fn moment(name: &str, mut scene: Scene<'_>, says: &[&str]) {
    stop(&mut scene);
    for size in SIZES {
        let buffer = drawn(&scene, size);
        ask(&mut scene, &buffer, size);
        let screen = text(&buffer);
        let words = format!("{} {}", one_line(&screen), middle_of(&screen));
        says.iter().for_each(|says| assert!(words.contains(says), "{name} does not say: {says}\n{screen}"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = path.join(format!("golden/room/moments/{name}-{}x{}.txt", size.0, size.1));
        golden::compare(&path, &without_steps(&buffer));
    }
}

/// The question of a step of this kind in both examples, and whether it warns that it cannot be undone.
fn expected(kind: StepKind) -> (&'static str, bool) {
    const TWO: &str = ": type your code to agree; operator agreed, a second person must.";
    match kind {
        StepKind::Medium | StepKind::AirGap | StepKind::Clock | StepKind::Plan => {
            ("Operator: wait: the result of this check is recorded.", false)
        }
        StepKind::Log(_) => ("Operator: plug in drive LOG-A, serial CONCLAVE-LOG-A, then press Enter.", false),
        StepKind::SignIn(_) => ("operator: sign in operator: which document was shown?", false),
        StepKind::Register(_) => ("Operator: plug in drive SHARE-1, serial CONCLAVE-SHARE-1, then press Enter.", false),
        StepKind::Inspect(_) => ("serial DENK0000001, then press Enter.", false),
        StepKind::Prove(_)
        | StepKind::MakeShares
        | StepKind::Initialise(_)
        | StepKind::Import
        | StepKind::Generate(_)
        | StepKind::Certify(_)
        | StepKind::Wrap(_)
        | StepKind::Restore(_)
        | StepKind::State(_)
        | StepKind::Close => (TWO, true),
        StepKind::Keyboard => ("Anybody: type the line below, then press Enter.", false),
        StepKind::Pin(..) => ("projector off, others look away. Press Enter when only you see the screen.", false),
        StepKind::Passphrase(_) => ("custodian-1: write down the passphrase of share 1, then press Enter", false),
        StepKind::WriteShare(_) => ("share 1 is written to SHARE-1 and read back.", false),
        StepKind::OpenShare(_) => ("custodian-1: others look away; type the passphrase of share 1.", false),
        StepKind::TryPin(_) => ("its PINs are used once.", false),
        StepKind::Compare(_) => ("must hold the keys of its master", false),
        StepKind::Objections => ("Everybody: is there an objection?", false),
        StepKind::Publish(_) => ("Operator: plug in drive PUBLIC, serial CONCLAVE-PUBLIC, then press Enter.", false),
        StepKind::Show => ("Everybody: compare, then press Enter.", false),
        StepKind::Bag(_) => ("The bag holds these things and nothing else: token ", false),
        StepKind::Attest(_) => ("do you attest the ceremony as you saw it? Press 1 or 2.", false),
    }
}

/// Every kind there is, asked of its decoder, as golden files call it.
fn every_kind() -> Vec<String> {
    let error = serde_json::from_str::<StepKind>("\"?\"").unwrap_err().to_string();
    let kinds: Vec<String> = error.split('`').skip(3).step_by(2).map(dashed).collect();
    assert!(kinds.len() > 20, "{error}");
    kinds
        .into_iter()
        .flat_map(|kind| if kind == "pin" { vec!["pin-so".into(), "pin-user".into()] } else { vec![kind] })
        .collect()
}

/// `MakeShares` is `make-shares`, a PIN's name says which.
fn name(kind: StepKind) -> String {
    match kind {
        StepKind::Pin(_, which) => dashed(&format!("Pin{which:?}")),
        kind => dashed(format!("{kind:?}").split('(').next().unwrap_or_default()),
    }
}

fn dashed(name: &str) -> String {
    let parts = name.chars().map(|c| if c.is_uppercase() { format!("-{}", c.to_lowercase()) } else { c.to_string() });
    parts.collect::<String>()[1..].to_owned()
}

fn drawn(scene: &Scene<'_>, (columns, rows): (u16, u16)) -> Buffer {
    drawn_with(Size { width: columns, height: rows }, |frame| view::ceremony::draw(scene, frame))
}

fn drawn_with(size: Size, draw: impl FnOnce(&mut Frame)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    terminal.draw(draw).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    rows(buffer).iter().map(|row| format!("{}\n", row.trim_end())).collect()
}

/// A screen without its list of steps, which has a golden file of its own.
fn without_steps(screen: &Buffer) -> String {
    let is_step = |row: &&str| [" √", " ·"].iter().any(|mark| row.starts_with(mark));
    text(screen).lines().filter(|row| !is_step(row)).map(|row| format!("{row}\n")).collect()
}

/// The middle of a screen without the symbols drawn in it, in one line; of a golden file, after the line that names it.
fn middle_of(screen: &str) -> String {
    let rows = screen.lines().skip(usize::from(!screen.starts_with(" CONCLAVE"))).map(str::to_owned);
    one_line(&robot::middle(&rows.collect::<Vec<_>>()).join(" "))
}

fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The checks of every screen.
#[track_caller]
fn ask(scene: &mut Scene<'_>, screen: &Buffer, (columns, height): (u16, u16)) {
    let all = text(screen);
    for glyph in all.chars().filter(|c| *c != '\n' && !(' '..='~').contains(c)) {
        assert!(GLYPHS.contains(glyph), "the console font has no {glyph:?}:\n{all}");
    }
    // The person that acts, and the one thing asked, whole.
    let middle = middle_of(&all);
    let asked = one_line(&format!("{}: {}", words::asked(scene), words::instruction(scene)));
    assert_eq!(middle.matches(&asked).count(), 1, "{asked}:\n{all}");
    // The typed text was taken: a code does not stay on the screen, in any state of the log drives.
    assert!(!scene.writes || CODES.iter().all(|label| !all.contains(label)), "{all}");
    // The head, never abbreviated.
    let edge: Vec<String> = all.lines().map(str::to_owned).collect();
    assert_eq!(robot::edge(&edge[edge.len() - 3..]), Some(scene.head), "{all}");
    if scene.works() {
        let later = text(&drawn_with(screen.area.as_size(), |frame| {
            view::ceremony::draw(scene, frame);
            view::ceremony::working(Duration::from_millis(12_999), frame);
        }));
        assert_eq!(later.replace("At work for 12 s.", "At work for 0 s."), all, "only the seconds change");
        assert_ne!(later, all);
        assert!(all.contains("Unplug nothing, unless a token hangs for minutes."), "{all}");
    }
    // An image strangers cannot rebuild says so on every screen, in a colour and beside the title, and changes nothing else.
    let (first, below) = all.split_once('\n').unwrap();
    assert_eq!(first.trim_end(), format!(" CONCLAVE  {}", scene.plan.title), "{all}");
    for (tree, words, colour) in [
        (Tree::Dirty, "DIRTY", Color::Red),
        (Tree::Moved, "MOVED INPUTS", Color::Yellow),
        (Tree::DirtyAndMoved, "DIRTY, MOVED INPUTS", Color::Red),
    ] {
        let kept = core::mem::replace(&mut scene.tree, tree);
        let shown = drawn(scene, (columns, height));
        let [narrow, small] = [(79, 25), (80, 24)].map(|size| one_line(&text(&drawn(scene, size))));
        scene.tree = kept;
        let shown_text = text(&shown);
        let (title, rest) = shown_text.split_once('\n').unwrap();
        let whole = format!(" CONCLAVE {words} {}", scene.plan.title);
        let fits = whole.chars().take(usize::from(columns)).collect::<String>();
        assert_eq!(title.trim_end(), fits.trim_end(), "{all}");
        assert!(shown.content.iter().take(usize::from(columns)).all(|cell| cell.bg == colour), "{all}");
        assert_eq!(rest, below);
        assert!(narrow.contains(words) && small.contains(words), "{narrow} {small}");
    }
    // Nothing is cut off: more rows and more columns show no more words.
    assert_eq!(middle, middle_of(&text(&drawn(scene, (columns, 3 * height)))), "cut off:\n{all}");
    let wide = text(&drawn(scene, (400, height)));
    for (at, (row, wide)) in all.lines().zip(wide.lines()).enumerate() {
        if !(ABOVE..usize::from(height) - BELOW).contains(&at) {
            assert_eq!(without_time(row), without_time(wide), "cut off:\n{all}");
        }
    }
}

/// A row without the time at its end: the date, then the time, gives way to the keys.
fn without_time(row: &str) -> String {
    let words: Vec<&str> = row.split_whitespace().collect();
    let is_time = |word: &&str| *word == "UTC" || word.chars().all(|c| c.is_ascii_digit() || ":-".contains(c));
    let kept = words.iter().rposition(|word| !is_time(word)).map_or(0, |last| last + 1);
    if words.last() == Some(&"UTC") { words[..kept].join(" ") } else { words.join(" ") }
}

/// The digest that this page shows whole, in hex and in words.
#[track_caller]
fn published(scene: &Scene<'_>, screen: &Buffer) -> Digest {
    let shown = middle_of(&text(screen));
    let whole = |digest: &Digest| {
        let numbered = |of: fn(&Group) -> String| {
            let of = |(number, group): (usize, &Group)| format!("{number} {}", of(group));
            (1..).zip(&digest.groups()).map(of).collect::<Vec<_>>().join(" ")
        };
        let words = shown.contains(&digest.words()) || shown.contains(&numbered(Group::words));
        words && shown.contains(&numbered(Group::to_string))
    };
    let facts = scene.state.facts().keys.values().filter_map(|key| key.certificate.as_ref());
    let all: Vec<Digest> = [scene.head].into_iter().chain(facts.map(|der| Digest::of(der.get()))).collect();
    let shown: Vec<&Digest> = all.iter().filter(|digest| whole(digest)).collect();
    assert_eq!(shown, [&all[scene.desk.page]], "{}", text(screen));
    all[scene.desk.page]
}

/// The screen as a camera sees it: letters are left out, blocks are as light as their colours.
fn photograph(screen: &Buffer) -> Image {
    let (columns, rows) = (usize::from(screen.area.width), usize::from(screen.area.height));
    Image::drawn(columns * CELL.0, rows * CELL.1, |x, y| {
        let cell = &screen.content[y / CELL.1 * columns + x / CELL.0];
        let painted = match cell.symbol() {
            "█" => true,
            "▀" => y % CELL.1 < CELL.1 / 2,
            "▄" => y % CELL.1 >= CELL.1 / 2,
            _ => false,
        };
        let colour = if painted { cell.fg } else { cell.bg };
        matches!(colour, Color::White | Color::Gray)
    })
}

//! Before a plan is in, the machine only looks: at its medium, its air gap, its clock, its devices.
//!
//! [`step`] is a function of state and event alone. It never opens anything: orders to the machine leave as [`Act`]s.

pub mod air_gap;
pub mod challenge;
pub mod clock;
pub mod devices;
pub mod keyboards;
pub mod laptop;
pub mod medium;

use conclave_publish::Digest;
pub use conclave_publish::Tree;

use crate::civil::Wall;
use crate::field::Field;
use crate::key::{Key, KeyboardId, Press};
use crate::layout::Layout;
use crate::shown::Shown;
use crate::wording::preflight as text;

use air_gap::AirGap;
use challenge::{Challenged, Of};
use clock::Clock;
use devices::{Devices, Port};
use keyboards::{Code, Keyboards};
use laptop::{Battery, SecureBoot};
use medium::Medium;

/// The fixed order of the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Screen {
    /// The digest of the medium, self-check and challenge.
    Medium,
    /// The proofs that nothing leaves.
    AirGap,
    /// The clock.
    Clock,
    /// Tokens and drives.
    Devices,
}

impl Screen {
    /// Every screen, in order.
    pub const ALL: [Self; 4] = [Self::Medium, Self::AirGap, Self::Clock, Self::Devices];

    const fn next(self) -> Self {
        match self {
            Self::Medium => Self::AirGap,
            Self::AirGap => Self::Clock,
            Self::Clock | Self::Devices => Self::Devices,
        }
    }

    const fn back(self) -> Self {
        match self {
            Self::Medium | Self::AirGap => Self::Medium,
            Self::Clock => Self::AirGap,
            Self::Devices => Self::Clock,
        }
    }
}

/// The overlay on a screen until it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing.
    Nothing,
    /// The words of F1.
    Help,
    /// The typed test line of F2.
    Keyboard(Field),
    /// Power off needs a typed word.
    PowerOff(Field),
}

impl Over {
    /// Whether it is the screen of keyboards, which a key that counts asked for: it lets keyboards on USB in.
    pub const fn asks_for_keyboard(&self) -> bool {
        matches!(self, Self::Keyboard(_))
    }
}

/// The word that powers the machine off.
pub const POWER_OFF_WORD: &str = "off";

/// Which build runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Version of its sources.
    pub version: String,
    /// The commit it was built from: 40 hex digits, or empty where the builder named none.
    pub revision: String,
    /// Whether sources and inputs were those of that commit.
    pub tree: Tree,
    /// When its sources were committed: no clock can be right that shows less.
    pub committed: Wall,
}

/// Everything known before a plan is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// Which build runs.
    pub build: Build,
    /// Where in the fixed order.
    pub screen: Screen,
    /// The overlay on it.
    pub over: Over,
    /// Layout in force for every keyboard.
    pub layout: Layout,
    /// The last keyboard a key came from.
    pub keyboard: Option<KeyboardId>,
    /// Keyboards.
    pub keyboards: Keyboards,
    /// Whether the firmware checks the medium it starts.
    pub secure_boot: SecureBoot,
    /// The battery, if there is one.
    pub battery: Option<Battery>,
    /// The boot medium.
    pub medium: Medium,
    /// The challenge on its digest.
    pub challenged: Challenged,
    /// The air gap.
    pub air_gap: AirGap,
    /// The clock.
    pub clock: Clock,
    /// The devices in the ports; `None` until they are looked at.
    pub devices: Option<Devices>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key went down.
    Pressed(Press),
    /// The medium was looked for or read on.
    Medium(Medium),
    /// Randomness the machine was asked for.
    Drew([u8; 32]),
    /// The proofs of the air gap were tried.
    Tried(AirGap),
    /// The clocks were read.
    Read {
        /// Wall clock.
        wall: Wall,
        /// Milliseconds since power-on. No person can set them.
        mono_ms: u64,
    },
    /// The clocks were set, or not.
    Set(clock::Set),
    /// The devices changed, or were looked at for the first time.
    Seen(Devices),
    /// A keyboard on USB was plugged in; nothing it types comes before this.
    KeyboardCame {
        /// As its keys name it.
        id: KeyboardId,
        /// Where.
        port: Port,
        /// The name that it reports.
        product: Shown,
        /// The code that must be typed on it before it counts, drawn for it.
        code: Code,
    },
    /// A keyboard on USB was pulled out.
    KeyboardWent(KeyboardId),
    /// The machine's own keyboard was found, or was not.
    OwnKeyboard(bool),
    /// The firmware was asked whether it checks the medium it starts.
    SecureBoot(SecureBoot),
    /// The battery was looked at.
    Battery(Option<Battery>),
}

/// An order to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Look for the medium again.
    FindMedium,
    /// The medium is not needed any more: its place is another drive's.
    LeaveMedium,
    /// Draw 32 random bytes.
    Draw,
    /// From now on let keyboards on USB in, or let in no further one.
    AdmitKeyboards(bool),
    /// Wipe the last keys that the machine keeps: a line was closed that may have held a secret.
    ForgetKeys,
    /// Set the wall clock and the clock on the board.
    SetClock(Wall),
    /// Sync, unmount, switch off.
    PowerOff,
}

impl Preflight {
    /// The state at power-on.
    pub fn new(build: Build) -> Self {
        let clock = Clock::new(build.committed);
        Self {
            build,
            screen: Screen::Medium,
            over: Over::Nothing,
            layout: Layout::Us,
            keyboard: None,
            keyboards: Keyboards::default(),
            secure_boot: SecureBoot::NotTold,
            battery: None,
            medium: Medium::Looking,
            challenged: Challenged::Closed,
            air_gap: AirGap::Trying,
            clock,
            devices: None,
        }
    }

    /// A keyboard that is shut out, unless the screen that lets it in is shown, or it will be let in without.
    pub fn shut_out(&self) -> Option<&devices::Other> {
        let stays = !self.over.asks_for_keyboard() && !self.keyboards.are_none();
        self.devices.as_ref().filter(|_| stays).and_then(Devices::shut_out)
    }

    /// The digest of the medium, if it has one that held its self-check.
    pub fn digest(&self) -> Option<&Digest> {
        self.medium.sound()
    }
}

/// The next state, and the orders to the machine.
pub fn step(mut preflight: Preflight, event: Event) -> (Preflight, Vec<Act>) {
    let acts = match event {
        Event::Pressed(press) if !preflight.keyboards.counts(press) => Vec::new(),
        Event::Pressed(press) => {
            preflight.keyboard = Some(press.keyboard);
            pressed(&mut preflight, press.key)
        }
        Event::Medium(medium) => {
            // A digest once shown stays: the medium may be taken out after it.
            if preflight.medium.digest().is_none() {
                preflight.medium = medium;
            }
            Vec::new()
        }
        Event::Drew(random) => {
            preflight.challenged = preflight.challenged.drew(Of::Medium, &random);
            Vec::new()
        }
        Event::Tried(air_gap) => {
            preflight.air_gap = air_gap;
            Vec::new()
        }
        Event::Read { wall, mono_ms } => {
            preflight.clock.read(wall, mono_ms);
            preflight.keyboards.read(mono_ms);
            Vec::new()
        }
        Event::Set(set) => {
            preflight.clock.set = Some(set);
            Vec::new()
        }
        Event::Seen(mut devices) => {
            // The list stays scrolled down while a device is plugged in.
            devices.scroll = preflight.devices.map_or(0, |before| before.scroll);
            preflight.devices = Some(devices);
            Vec::new()
        }
        Event::KeyboardCame { id, port, product, code } => {
            preflight.keyboards.came(id, port, product, code);
            Vec::new()
        }
        Event::KeyboardWent(id) => {
            preflight.keyboards.went(id);
            Vec::new()
        }
        Event::OwnKeyboard(found) => {
            preflight.keyboards.own(found);
            Vec::new()
        }
        Event::SecureBoot(told) => {
            preflight.secure_boot = told;
            Vec::new()
        }
        Event::Battery(battery) => {
            preflight.battery = battery;
            Vec::new()
        }
    };
    (preflight, acts)
}

fn pressed(preflight: &mut Preflight, key: Key) -> Vec<Act> {
    match (&mut preflight.over, key) {
        (Over::Nothing, Key::Function(1)) => preflight.over = Over::Help,
        (Over::Nothing, Key::Function(2)) => preflight.over = Over::Keyboard(Field::default()),
        (Over::Nothing, Key::Function(10)) => preflight.over = Over::PowerOff(Field::default()),
        (Over::Nothing, key) => return on_screen(preflight, key),
        (Over::Keyboard(field), Key::Escape | Key::Enter) => {
            if key == Key::Escape || text::keyboard_fits(field.text()) {
                preflight.over = Over::Nothing;
            }
            return vec![Act::ForgetKeys];
        }
        (Over::Keyboard(field), Key::Tab) => {
            preflight.layout = preflight.layout.next();
            *field = Field::default();
            return vec![Act::ForgetKeys];
        }
        (_, Key::Escape) | (Over::Help, _) => preflight.over = Over::Nothing,
        (Over::PowerOff(field), Key::Enter) => {
            let meant = field.text().trim() == POWER_OFF_WORD;
            preflight.over = Over::Nothing;
            if meant {
                return vec![Act::PowerOff];
            }
        }
        (Over::Keyboard(field) | Over::PowerOff(field), key) => {
            field.press(key);
        }
    }
    Vec::new()
}

fn on_screen(preflight: &mut Preflight, key: Key) -> Vec<Act> {
    match preflight.screen {
        Screen::Medium => on_medium(preflight, key),
        Screen::Clock if key == Key::Enter && preflight.clock.typed().is_empty() => {
            if preflight.clock.compare() {
                preflight.screen = preflight.screen.next();
            }
            Vec::new()
        }
        Screen::Clock => match key {
            Key::Escape if preflight.clock.typed().is_empty() => {
                preflight.screen = preflight.screen.back();
                Vec::new()
            }
            key => preflight.clock.pressed(key).map(Act::SetClock).into_iter().collect(),
        },
        Screen::AirGap | Screen::Devices => {
            match key {
                Key::Enter if preflight.screen == Screen::AirGap && !preflight.air_gap.holds() => {}
                Key::Enter => preflight.screen = preflight.screen.next(),
                Key::Escape => preflight.screen = preflight.screen.back(),
                Key::Down => preflight.scroll(1),
                Key::Up => preflight.scroll(-1),
                _ => {}
            }
            Vec::new()
        }
    }
}

fn on_medium(preflight: &mut Preflight, key: Key) -> Vec<Act> {
    let Some(digest) = preflight.medium.sound().copied() else {
        let again = key == Key::Enter && preflight.medium.may_look_again();
        if again {
            preflight.medium = Medium::Looking;
            return vec![Act::FindMedium];
        }
        return Vec::new();
    };
    match preflight.challenged.pressed(Of::Medium, key, &digest.into()) {
        challenge::Then::Draw => vec![Act::Draw],
        challenge::Then::Stay => Vec::new(),
        challenge::Then::GoOn => {
            preflight.screen = preflight.screen.next();
            vec![Act::LeaveMedium]
        }
    }
}

impl Preflight {
    /// Whether the list on the screen goes on above or below.
    pub fn scrolls(&self) -> bool {
        let moves = |by| {
            let mut moved = self.clone();
            moved.scroll(by);
            moved != *self
        };
        moves(1) || moves(-1)
    }

    fn scroll(&mut self, by: i16) {
        /// Lines of them that the smallest screen shows.
        const SHOWN: usize = 20;
        let keyboards = self.keyboards.all().len();
        let at = match self.screen {
            Screen::AirGap => self.air_gap.scroll(),
            Screen::Devices => self.devices.as_mut().map(|devices| devices.scroll(keyboards)),
            Screen::Medium | Screen::Clock => None,
        };
        if let Some((at, lines)) = at {
            let most = u16::try_from(lines.saturating_sub(SHOWN)).unwrap_or(u16::MAX);
            *at = at.saturating_add_signed(by).min(most);
        }
    }
}

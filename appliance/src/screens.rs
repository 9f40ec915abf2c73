//! The screens: a process of its own below PID 1, so that its end, however it comes, takes its memory with it.
//!
//! This is the machine behind the ports of [`conclave_console::run`]; that module decides the consequences of an event.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use conclave_console::civil::Wall;
use conclave_console::layout::Layout;
use conclave_console::ports::{Machine, NoRandomness, Now, Plugged};
use conclave_console::preflight::{Act, Event, Preflight};
use conclave_console::run::{Ports, ScreenLost, Showing, run as run_room};
use conclave_console::usb::gate::Named;
use smartcard_hsm::dkek::stretch::{Md5Stretch, Stretch};

use crate::air_gap;
use crate::build::build;
use crate::clock;
use crate::devices::{self, Shared};
use crate::drives::UsbDrives;
use crate::entropy;
use crate::keys::{Keyboards, Taken};
use crate::laptop;
use crate::medium;
use crate::painter::Painter;
use crate::supervise::POWER_OFF;
use crate::tokens::UsbTokens;
use crate::usb::Place;

/// Longest wait for a key before anything else is looked at.
const LOOK_MS: u16 = 50;
/// Between two looks at the battery: a reading may take the firmware some time.
const BATTERY: Duration = Duration::from_secs(30);
/// Between two readings of the clock.
const TICK: Duration = Duration::from_secs(1);

/// Runs the screens until power-off is asked for; the exit code tells PID 1.
pub(crate) fn run() -> ExitCode {
    let Ok(mut around) = Around::new() else { return ExitCode::FAILURE };
    around.watch_devices();
    around.perform(Act::FindMedium);
    around.ready.push_back(Event::SecureBoot(laptop::secure_boot(Path::new("/sys"))));
    around.ready.push_back(Event::Tried(air_gap::try_all()));
    match run_room(Preflight::new(build()), &mut around) {
        Ok(()) => ExitCode::from(POWER_OFF),
        Err(_) => ExitCode::FAILURE,
    }
}

/// The devices a ceremony works with.
struct Board {
    tokens: UsbTokens,
    drives: UsbDrives,
    shared: Shared,
}

impl Machine for Board {
    type Tokens = UsbTokens;
    type Drives = UsbDrives;

    fn tokens(&mut self) -> &mut UsbTokens {
        &mut self.tokens
    }

    fn drives(&mut self) -> &mut UsbDrives {
        &mut self.drives
    }

    fn in_ports(&mut self) -> Vec<Plugged> {
        self.shared.in_ports()
    }

    fn admit(&mut self, named: Option<&Named>) {
        self.shared.rule(|rules| rules.admits.named = named.cloned());
    }

    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        entropy::draw(bytes).map_err(|_| NoRandomness)
    }

    fn now(&mut self) -> Now {
        match clock::read() {
            Some(Event::Read { wall, mono_ms }) => Now { wall, mono_ms },
            // Every reader of the record sees it: no clock stands at the beginning of 1970.
            _ => Now { wall: Wall(0), mono_ms: 0 },
        }
    }

    fn stretch(&self) -> &dyn Stretch {
        &Md5Stretch
    }
}

/// The machine with its screen and everything that happens around it.
struct Around {
    painter: Painter,
    board: Board,
    keys: Keyboards,
    /// The last report on whether the machine's own keyboard is among them.
    own: Option<bool>,
    /// The layout of the state that was drawn last: a key means the words on the screen.
    layout: Layout,
    ticked: Option<Instant>,
    /// When the battery was looked at last.
    weighed: Option<Instant>,
    ready: VecDeque<Event>,
    found: (Sender<Event>, Receiver<Event>),
    /// Where the medium was found, if on USB.
    medium: Arc<Mutex<Option<Place>>>,
}

impl Around {
    fn new() -> io::Result<Self> {
        Ok(Self {
            painter: Painter::open()?,
            board: Board {
                tokens: UsbTokens::new(Path::new("/sys")),
                drives: UsbDrives::new(),
                shared: Shared::default(),
            },
            keys: Keyboards::new(Taken::Usb),
            own: None,
            layout: Layout::Us,
            ticked: None,
            weighed: None,
            ready: VecDeque::new(),
            found: mpsc::channel(),
            medium: Arc::default(),
        })
    }

    /// Opens the USB gate, and watches the ports, beside the loop: devices may take as long as they like.
    fn watch_devices(&self) {
        let tell = self.found.0.clone();
        let shared = self.board.shared.clone();
        thread::spawn(move || devices::watch(&shared, |seen| tell.send(Event::Seen(seen)).is_ok()));
    }
}

impl Ports for Around {
    type Machine = Board;

    fn machine(&mut self) -> &mut Board {
        &mut self.board
    }

    fn draw(&mut self, showing: &Showing<'_>) -> Result<(), ScreenLost> {
        self.layout = showing.layout();
        self.painter.draw(showing).map_err(|error| ScreenLost { why: error.to_string() })
    }

    fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            let pressed = self.keys.wait(self.layout, LOOK_MS);
            self.ready.extend(self.keys.news());
            let own = self.keys.has_own();
            if self.own != Some(own) {
                self.own = Some(own);
                self.ready.push_back(Event::OwnKeyboard(own));
            }
            match pressed {
                Ok(press) => self.ready.extend(press.map(Event::Pressed)),
                // Without keys there is still the clock, and a person who sees that nothing reacts.
                Err(_) => thread::sleep(Duration::from_millis(LOOK_MS.into())),
            }
            self.ready.extend(self.found.1.try_iter());
            if self.ticked.is_none_or(|ticked| ticked.elapsed() >= TICK) {
                self.ticked = Some(Instant::now());
                self.ready.extend(clock::read());
            }
            if self.weighed.is_none_or(|weighed| weighed.elapsed() >= BATTERY) {
                self.weighed = Some(Instant::now());
                self.ready.push_back(Event::Battery(laptop::battery(Path::new("/sys"))));
            }
        }
    }

    fn perform(&mut self, act: Act) {
        match act {
            Act::FindMedium => {
                // Beside the loop, because a disc may take minutes: keys and clock go on.
                let (tell, shared, found) = (self.found.0.clone(), self.board.shared.clone(), Arc::clone(&self.medium));
                thread::spawn(move || {
                    let at = |place| *found.lock().unwrap_or_else(PoisonError::into_inner) = place;
                    medium::find(&shared, at, |known| {
                        // The receiver is gone only when the process ends.
                        let _ = tell.send(Event::Medium(known));
                    });
                });
            }
            Act::LeaveMedium => {
                let place = self.medium.lock().unwrap_or_else(PoisonError::into_inner).clone();
                self.board.shared.rule(|rules| rules.spent = place);
            }
            Act::AdmitKeyboards(admits) => self.board.shared.rule(|rules| rules.admits.keyboards = admits),
            Act::Draw => {
                let mut random = [0; 32];
                // If it fails nothing is drawn, and the screen goes on waiting.
                if entropy::draw(&mut random).is_ok() {
                    self.ready.push_back(Event::Drew(random));
                }
            }
            Act::ForgetKeys => {
                self.keys.forget();
                // The queue's slots keep the keys that passed through them.
                self.ready = self.ready.drain(..).collect();
            }
            Act::SetClock(wall) => {
                self.ready.push_back(Event::Set(clock::set(wall)));
                // Read again at once.
                self.ticked = None;
            }
            // The loop ends by itself; PID 1 switches off.
            Act::PowerOff => self.board.drives.release_all(),
        }
    }
}

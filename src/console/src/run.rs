//! The one loop of the room: draw, wait, step, perform; first it only looks, then a plan comes in, then there is a
//! ceremony.

use conclave_ceremony::event::Looked;
use conclave_ceremony::public::Text;

use crate::ceremony::begin::{Begun, Start};
use crate::ceremony::intake::{Intake, Next};
use crate::ceremony::scene::Scene;
use crate::key::Key;
use crate::layout::Layout;
use crate::ports::{Machine, Now};
use crate::preflight::air_gap::{AirGap, Found};
use crate::preflight::challenge::Challenged;
use crate::preflight::devices::Devices;
use crate::preflight::{Act, Build, Event, Over, Preflight, Screen, step};

/// The needs of the room besides the machine: a screen, and the events around it.
pub trait Ports {
    /// The machine.
    type Machine: Machine;

    /// The machine.
    fn machine(&mut self) -> &mut Self::Machine;

    /// Shows the state. A screen that cannot be drawn ends the room: people must not act on an old one.
    fn draw(&mut self, showing: &Showing<'_>) -> Result<(), ScreenLost>;

    /// The next thing that happens, however long that takes.
    fn next(&mut self) -> Event;

    /// Performs an act of the time before there is a plan. Its result arrives as an event.
    fn perform(&mut self, act: Act);
}

/// The state that the screen shows.
pub enum Showing<'a> {
    /// It only looks.
    Preflight(&'a Preflight),
    /// A plan comes in.
    Intake(&'a Preflight, &'a Intake),
    /// A ceremony.
    Ceremony(Box<Scene<'a>>),
}

impl Showing<'_> {
    /// [`Scene::works`].
    pub fn works(&self) -> bool {
        matches!(self, Self::Ceremony(scene) if scene.works())
    }

    /// The layout by which keys are read.
    pub fn layout(&self) -> Layout {
        match self {
            Self::Preflight(preflight) | Self::Intake(preflight, _) => preflight.layout,
            Self::Ceremony(scene) => scene.desk.layout,
        }
    }
}

/// The screen took no more output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the screen cannot be drawn: {why}")]
pub struct ScreenLost {
    /// The message of the system.
    pub why: String,
}

/// The room, from power-on to power-off.
struct Room<M: Machine> {
    /// Clock, keyboards and devices are looked at while a ceremony runs, too.
    preflight: Preflight,
    intake: Option<Intake>,
    begun: Option<Begun<M>>,
    /// The last order about letting keyboards in.
    keyboards: bool,
}

/// Runs until somebody powers off, or the screen is lost.
pub fn run<P: Ports>(preflight: Preflight, ports: &mut P) -> Result<(), ScreenLost> {
    let mut room = Room::<P::Machine> { preflight, intake: None, begun: None, keyboards: false };
    loop {
        ports.draw(&room.showing())?;
        if room.begun.as_ref().is_some_and(Begun::busy) {
            if let Some(begun) = &mut room.begun {
                begun.go_on(ports.machine());
            }
            continue;
        }
        let event = ports.next();
        for act in room.take(event, ports.machine()) {
            let ends = act == Act::PowerOff;
            ports.perform(act);
            if ends {
                return Ok(());
            }
        }
    }
}

impl<M: Machine> Room<M> {
    fn showing(&mut self) -> Showing<'_> {
        match (&mut self.begun, &self.intake) {
            (Some(begun), _) => {
                let keyboard = self.preflight.keyboards.asked();
                let devices = self.preflight.devices.as_ref();
                let overhears = devices.and_then(Devices::overhears);
                let shut_out = devices.filter(|_| !begun.over().asks_for_keyboard()).and_then(Devices::shut_out);
                let battery = self.preflight.battery;
                Showing::Ceremony(Box::new(Scene { keyboard, overhears, shut_out, battery, ..begun.scene() }))
            }
            (None, Some(intake)) => Showing::Intake(&self.preflight, intake),
            (None, None) => Showing::Preflight(&self.preflight),
        }
    }

    fn take(&mut self, event: Event, machine: &mut M) -> Vec<Act> {
        let mut acts = self.turn(event, machine);
        let over = self.begun.as_ref().map_or(&self.preflight.over, Begun::over);
        let keyboards = self.preflight.keyboards.come_unasked() || over.asks_for_keyboard();
        if keyboards != self.keyboards {
            self.keyboards = keyboards;
            acts.push(Act::AdmitKeyboards(keyboards));
        }
        acts
    }

    fn turn(&mut self, event: Event, machine: &mut M) -> Vec<Act> {
        let key = match event {
            // A USB keyboard counts after its code was typed, in every phase.
            Event::Pressed(press) if self.begun.is_some() || self.takes_plan(press.key) => {
                if !self.preflight.keyboards.counts(press) {
                    return Vec::new();
                }
                press.key
            }
            event => {
                if let (Event::Read { wall, mono_ms }, Some(begun)) = (&event, &mut self.begun) {
                    begun.ticked(Now { wall: *wall, mono_ms: *mono_ms });
                }
                if let (Event::Read { .. } | Event::Seen(_), Some(begun)) = (&event, &mut self.begun) {
                    begun.look(machine);
                }
                if let (Event::Read { .. } | Event::Seen(_), Some(intake)) = (&event, &mut self.intake) {
                    intake.look(machine);
                }
                let (preflight, acts) = step(self.preflight.clone(), event);
                self.preflight = preflight;
                return acts;
            }
        };
        match (&mut self.begun, &mut self.intake) {
            (Some(begun), _) => {
                begun.press(key, machine);
                let forget = begun.forgets_keys().then_some(Act::ForgetKeys);
                forget.into_iter().chain(begun.powers_off().then_some(Act::PowerOff)).collect()
            }
            (None, Some(intake)) => {
                let Some(start) = start(&self.preflight) else { return Vec::new() };
                match intake.press(key, &start, machine) {
                    Next::Stay => {}
                    Next::Back => self.intake = None,
                    Next::Begun(mut begun) => {
                        begun.lay(self.preflight.layout);
                        self.begun = Some(begun);
                    }
                }
                Vec::new()
            }
            (None, None) => {
                self.intake = Some(Intake::looking(machine));
                Vec::new()
            }
        }
    }

    /// Whether a key is the intake's: all but those that lie over every screen, once it began with Enter on the
    /// devices.
    fn takes_plan(&self, key: Key) -> bool {
        let over = self.preflight.over != Over::Nothing || matches!(key, Key::Function(_));
        !over && (self.intake.is_some() || (self.preflight.screen == Screen::Devices && key == Key::Enter))
    }
}

/// The findings so far, for the record. `None` without the digest of the medium; every way here has one.
fn start(preflight: &Preflight) -> Option<Start> {
    let image = *preflight.digest()?;
    let mut findings = Vec::new();
    if let Challenged::Met(source) = &preflight.challenged {
        findings.push(Looked::Medium { source: *source });
    }
    if let AirGap::Tried { proofs, unused, machine, weak, .. } = &preflight.air_gap {
        let absent = proofs.iter().filter(|proof| matches!(proof.found, Found::Absent(_))).count();
        findings.push(Looked::AirGap {
            weak: weak.clone(),
            absent: u16::try_from(absent).unwrap_or(u16::MAX),
            hardware: unused.iter().map(|unused| Text::fitted(&format!("{}: {}", unused.what, unused.id))).collect(),
            machine: machine.iter().map(|fact| Text::fitted(&format!("{}: {}", fact.what, fact.value))).collect(),
        });
    }
    findings.extend(preflight.clock.compared.map(|(wall, mono)| Looked::Clock { wall: wall.0, mono }));
    let Build { version, revision, tree, .. } = &preflight.build;
    let said = [version.as_str(), revision, tree.words()];
    let build = said.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    Some(Start { image, build: Text::fitted(&build.join(" ")), tree: *tree, findings })
}

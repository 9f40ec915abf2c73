//! A ceremony on its stage, boot after boot, with everybody played.
//!
//! It drives [`Ceremony`] itself, as the one loop `room::run` does and nothing more: that loop adds the screens before
//! a plan and keys on their way, and a power cut can tear neither. `tests/ceremony/run.rs` plays the loop whole, and
//! `tests/vm/cuts.rs` cuts it on the image.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use conclave_ceremony::act::Act;
use conclave_ceremony::event::{Event, Outcome};
use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::{self, Holds, Plan};
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ceremony::intake::{Intake, Next, Stage as Way};
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_console::preflight::challenge::Challenged;
use conclave_console::shown::Shown;
use conclave_publish::Digest;
use conclave_sim::card::profile::Profile;
use conclave_sim::memo::Memo;
use conclave_sim::world::drives::Stick;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::{Robot, copies};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, again, brought, meets, on_stick, start};
use smartcard_hsm::cvc::Simulated;

/// Turns of one boot, at most: a whole ceremony takes a third of it.
const TURNS_MAX: usize = 3_000;

/// Seed of tokens and machine.
const SEED: [u8; 32] = [0x5e; 32];

/// Keys of share files are derived once for all of these ceremonies: their tokens and machines have the same seed.
static MEMO: LazyLock<Arc<Memo>> = LazyLock::new(Arc::default);

pub type Played = Ceremony<World, Simulated>;

/// A stage, its people, and the plan they have.
#[derive(Clone)]
pub struct Theatre {
    pub stage: Stage,
    pub robot: Robot,
    pub plan: Plan,
    /// The act that was last under way.
    pub acting: Option<Act>,
    /// Operations of drives before each act.
    pub starts: Vec<u64>,
    /// Each act, and the commands to tokens before it.
    pub commands: Vec<(Act, usize)>,
    pub bytes: &'static [u8],
    /// The head that stood on the screen last: a witness wrote it down.
    pub head: Option<Digest>,
}

impl Theatre {
    /// Before the first boot.
    pub fn new(bytes: &'static [u8]) -> Self {
        Self::with(bytes, &Profile::firmware_4_1())
    }

    /// The same with tokens of this kind.
    pub fn with(bytes: &'static [u8], profile: &Profile) -> Self {
        let plan = plan::read(bytes).unwrap();
        let world = World::new(SEED, STARTED, Arc::clone(&MEMO));
        let stage = Stage::with(&plan, world, profile, SEED).unwrap();
        let (starts, commands) = (Vec::new(), Vec::new());
        Self { stage, robot: Robot::new(&plan), plan, acting: None, starts, commands, bytes, head: None }
    }

    /// The two log drives.
    pub fn logs(&self) -> [DriveId; 2] {
        let logs = (0..).zip(&self.plan.drives).filter(|(_, drive)| drive.holds == Holds::Transcript);
        let logs: Vec<DriveId> = logs.map(|(at, _)| DriveId(at)).collect();
        logs.try_into().unwrap()
    }

    /// The plan is in, nothing is recorded yet.
    pub fn begin(&mut self) -> Box<Played> {
        rehearsal(
            Begun::new(brought(self.bytes), start(), &mut self.stage.world).unwrap_or_else(|error| panic!("{error}")),
        )
    }

    /// The power comes back: this much of the bytes in the caches of the drives is there; only the log drives are
    /// left plugged in.
    pub fn power_back(&mut self, kept: usize) {
        self.stage.world.restart(kept);
        let tokens = (0..).take(self.plan.tokens.len()).map(|at| Device::Token(TokenId(at)));
        let drives = (0..).take(self.plan.drives.len()).map(|at| Device::Drive(DriveId(at)));
        tokens.chain(drives).for_each(|device| self.stage.pull(device));
        self.logs().into_iter().for_each(|log| self.stage.plug(Device::Drive(log)));
    }

    /// A later boot, from the devices screen on: a log drive is read, then both, and the witness types the head they
    /// wrote down last. If neither log was ever whole, the people follow the screen, and the ceremony begins with the
    /// plan's drive.
    pub fn resume(&mut self) -> Box<Played> {
        let [one, other] = self.logs().map(Device::Drive);
        let (mut intake, start) = (Intake::default(), again(&mut self.stage.world));
        self.stage.pull(other);
        intake.press(Key::Enter, &start, &mut self.stage.world);
        // Where the record itself was set aside there is a plan and nothing to resume; the plan may be torn.
        if intake.resumes && matches!(intake.stage, Way::Challenge(_)) {
            meets(&mut intake, &copies(&self.plan), &start, &mut self.stage.world);
            intake.press(Key::Enter, &start, &mut self.stage.world);
            self.stage.plug(other);
            intake.press(Key::Enter, &start, &mut self.stage.world);
            if matches!(intake.stage, Way::Written(_)) {
                match self.head {
                    Some(head) => meets(&mut intake, &head.into(), &start, &mut self.stage.world),
                    None => [Key::Enter, Key::Char('3')]
                        .into_iter()
                        .for_each(|key| drop(intake.press(key, &start, &mut self.stage.world))),
                }
                // The cut never took an entry after its head was on the screen.
                let Next::Begun(begun) = intake.press(Key::Enter, &start, &mut self.stage.world) else {
                    panic!("the head that was written down is of no entry: {:?}", intake.wrong)
                };
                return rehearsal(begun);
            }
        }
        let words = intake.wrong.clone().unwrap_or_default();
        let never_whole = [
            "holds no file plan.toml",
            "begin again with the plan's drive",
            "the names beside the log are refused",
            "names.toml",
        ];
        let challenged = matches!(intake.stage, Way::Challenge(Challenged::Closed));
        let no_record = (!intake.resumes && challenged) || matches!(intake.stage, Way::Refused(_));
        assert!(no_record || never_whole.iter().any(|why| words.contains(why)), "{words}");
        assert!(matches!(intake.press(Key::Escape, &start, &mut self.stage.world), Next::Back));
        [one, other].into_iter().for_each(|log| self.stage.pull(log));
        self.plan_comes_in()
    }

    /// The plan's drive is read, its digest met, the drive taken out.
    fn plan_comes_in(&mut self) -> Box<Played> {
        let (mut intake, mut stick) = (Intake::default(), Stick::new("9-1", "PLAN", "PLAN"));
        let start = again(&mut self.stage.world);
        stick.files.extend(on_stick(self.bytes));
        self.stage.world.drives().plug(stick);
        intake.press(Key::Enter, &start, &mut self.stage.world);
        meets(&mut intake, &copies(&self.plan), &start, &mut self.stage.world);
        self.stage.world.drives().pull(&Shown::new("9-1"));
        let Next::Begun(begun) = intake.press(Key::Enter, &start, &mut self.stage.world) else {
            panic!("{:?}", intake.wrong)
        };
        self.head = None;
        rehearsal(begun)
    }

    /// Plays until no person can go on.
    pub fn play(&mut self, ceremony: &mut Played) -> Ended {
        let (mut turns, mut before) = (0, None);
        let (acting, starts, commands) = (&mut self.acting, &mut self.starts, &mut self.commands);
        let written = &mut self.head;
        play(&mut self.stage, ceremony, &mut self.robot, |stage, ceremony| {
            turns += 1;
            *written = Some(ceremony.head());
            assert!(turns < TURNS_MAX, "in a circle: {}\n{}", failures(ceremony), screen(ceremony).join("\n"));
            let Waiting::Acting(act) = ceremony.waiting() else { return };
            *acting = Some(act);
            // The head differs from one act of an entry to the next, because each outcome is an entry.
            if before.replace(ceremony.head()) != Some(ceremony.head()) && !stage.world.dark() {
                starts.push(stage.world.drives().ops());
                commands.push((act, stage.world.tokens().changes().len()));
            }
        })
    }
}

fn rehearsal(begun: Begun<World>) -> Box<Played> {
    match begun {
        Begun::Rehearsal(ceremony) => ceremony,
        Begun::Production(_) => panic!("a rehearsal"),
    }
}

/// The failures so far, by the record.
fn failures(ceremony: &Played) -> String {
    let read = conclave_ceremony::transcript::read(ceremony.transcript()).unwrap();
    let failed = read.entries.iter().filter_map(|entry| match &entry.event {
        Event::Came { act, outcome: Outcome::Failed(failure) } => Some(format!("{act:?}: {}", failure.words)),
        _ => None,
    });
    failed.collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join("; ")
}

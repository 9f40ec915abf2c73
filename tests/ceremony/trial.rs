//! A ceremony in which one thing goes wrong at every step, and everybody does what the screen says then.

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::ids::{Device, DriveId, PersonId, StepId, TokenId};
use conclave_ceremony::kinds::token_of;
use conclave_ceremony::plan::{self, Holds, Plan};
use conclave_ceremony::script::{Script, StepKind};
use conclave_ceremony::step::Waiting;
use conclave_publish::{Digest, FileName};
use conclave_room::ceremony::Ceremony;
use conclave_room::ceremony::begin::Begun;
use conclave_room::ceremony::desk;
use conclave_room::key::Key;
use conclave_room::ports::Machine;
use conclave_room::shown::Shown;
use conclave_sim::card::random::Randomness;
use conclave_sim::fault::{At, Fault as Command, Misfortune};
use conclave_sim::icc::Icc;
use conclave_sim::token::Token;
use conclave_sim::world::drives::{Fault as OfDrive, Lies, Stick};
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{device, screen};
use conclave_sim::world::robot::{Deed, Robot};
use conclave_sim::world::stage::{self, Stage, port};
use conclave_sim::world::tokens::{Fault as OfToken, Place};
use conclave_tests::ceremony::start;
use smartcard_hsm::cvc::Simulated;

use super::faults::{End, Fault, Typing, expected, typing};
use super::middle;

/// Keys pressed and acts done before a ceremony that goes round in a circle is given up.
const TURNS_MAX: usize = 40_000;
/// New starts of one ceremony.
const BOOTS_MAX: u16 = 200;
/// Failures in a row that a fault may give before the one that is expected.
const BEFORE_MAX: usize = 3;
/// Decisions to do a step again, after which somebody starts the machine anew.
const AGAIN_MAX: usize = 3;
/// INS of IMPORT DKEK SHARE, which also states the check value.
const IMPORT: u8 = 0x52;

const SELECT: &[u8] = b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00";
const VERIFY_PIN: [u8; 4] = [0x00, 0x20, 0x00, 0x81];
const VERIFY_SO_PIN: [u8; 5] = [0x00, 0x20, 0x00, 0x88, 8];
/// State of the DKEK: shares, how many are missing, check value.
const DKEK: &[u8] = b"\x80\x52\x00\x00\x00";
const FILES: &[u8] = b"\x80\x58\x00\x00\x00\x00\x00";
const OK: [u8; 2] = [0x90, 0x00];

/// What happened, by fault and kind of step: how often the fault struck, and how often it was noticed.
pub type Tally = BTreeMap<(String, String), (usize, usize)>;

pub struct Trial {
    pub stage: Stage,
    pub ceremony: Option<Box<Ceremony<World, Simulated>>>,
    pub tally: Tally,
    plan: Plan,
    script: Script,
    robot: Robot,
    faults: Vec<Fault>,
    /// A token and a drive that no plan names.
    stranger: Place,
    struck: BTreeSet<(StepId, String)>,
    pending: Option<Pending>,
    /// What the fault changed, as it was.
    spoilt: Vec<Spoilt>,
    /// Whether an act was done in this turn.
    acted: bool,
    /// Head under which an entry waits for the log drives: nothing else goes wrong meanwhile.
    waits: Option<Digest>,
    /// Decisions to do this step again.
    again: (StepId, usize),
    boots: u16,
}

/// A fault that struck and was not answered yet.
struct Pending {
    fault: Fault,
    want: End,
    at: StepId,
    kind: StepKind,
    /// The act it struck, if one, and the head then.
    act: Option<Act>,
    head: Digest,
    before: usize,
}

enum Spoilt {
    Token(TokenId, Box<Token>),
    Drive(DriveId, Box<Stick>),
    Files(DriveId, BTreeMap<FileName, Vec<u8>>),
}

/// What a kind of step is called, without whose it is.
pub fn name(kind: StepKind) -> String {
    format!("{kind:?}").split('(').next().unwrap().to_owned()
}

impl Trial {
    pub fn new(bytes: &'static [u8], mut stage: Stage, faults: &[Fault]) -> Self {
        let plan = plan::read(bytes).unwrap();
        let script = conclave_ceremony::compile::compile(&plan).unwrap();
        let mut stranger = plan.tokens[0].clone();
        stranger.serial = conclave_ceremony::public::Text::new("DENK0000999").unwrap();
        let stranger = stage.world.tokens().lay(stage::token(&stranger, &[9; 32]).unwrap());
        let Begun::Rehearsal(ceremony) = Begun::new(bytes, start(), &mut stage.world).unwrap() else { panic!() };
        let robot = Robot::new(&plan);
        let (tally, struck, spoilt, faults) = (Tally::new(), BTreeSet::new(), Vec::new(), faults.to_vec());
        let ceremony = Some(ceremony);
        let (pending, acted, waits, again, boots) = (None, false, None, (StepId(0), 0), 1);
        Self {
            stage,
            ceremony,
            tally,
            plan,
            script,
            robot,
            faults,
            stranger,
            struck,
            pending,
            spoilt,
            acted,
            waits,
            again,
            boots,
        }
    }

    fn ceremony(&mut self) -> &mut Ceremony<World, Simulated> {
        self.ceremony.as_mut().unwrap()
    }

    /// To the last entry, whatever happens on the way.
    pub fn play(&mut self) {
        for _ in 0..TURNS_MAX {
            self.answered();
            let head = self.ceremony().head();
            self.waits = self.waits.filter(|waits| *waits == head);
            if self.pending.is_none() && self.waits.is_none() {
                self.strike();
            }
            let Self { stage, ceremony, .. } = self;
            let ceremony = ceremony.as_mut().unwrap();
            let busy = ceremony.busy();
            self.acted = busy && matches!(ceremony.waiting(), Waiting::Acting(_));
            if busy {
                ceremony.go_on(&mut stage.world);
                continue;
            }
            let waiting = ceremony.waiting();
            let stands = matches!(waiting, Waiting::Halted(_));
            let at = ceremony.state().at();
            let before = if self.again.0 == at { self.again.1 } else { 0 };
            self.again = (at, before + usize::from(matches!(waiting, Waiting::Asked(Ask::Again { .. }))));
            if stands || self.again.1 > AGAIN_MAX {
                self.start_anew();
                continue;
            }
            let deeds = self.deeds(&waiting);
            for deed in deeds {
                match deed {
                    Deed::Press(key) => self.press(key),
                    Deed::Plug(serial) => self.moved(&serial, Stage::plug),
                    Deed::Pull(serial) => self.moved(&serial, Stage::pull),
                    Deed::Wait => {}
                    Deed::Closed => return,
                    Deed::Stands(words) => panic!("{words}"),
                }
            }
        }
        let screen = self.screen();
        panic!("{:?} goes round in a circle:\n{screen}", self.faults);
    }

    fn press(&mut self, key: Key) {
        let Self { stage, ceremony, .. } = self;
        ceremony.as_mut().unwrap().press(key, &mut stage.world);
    }

    fn moved(&mut self, serial: &str, how: impl Fn(&mut Stage, Device)) {
        // Nobody knows that the one in the port is another.
        let disguised = self.pending.as_ref().is_some_and(|pending| pending.fault == Fault::Disguised);
        if let Some(device) =
            device(&self.plan, serial).filter(|device| !disguised || matches!(device, Device::Drive(_)))
        {
            how(&mut self.stage, device);
        }
    }

    fn screen(&mut self) -> String {
        middle(self.ceremony())
    }

    /// The machine is switched off and on; only the log drives stay in.
    fn start_anew(&mut self) {
        self.boots += 1;
        self.again.1 = 0;
        let screen = self.screen();
        assert!(self.boots < BOOTS_MAX, "{:?}: started again and again at\n{screen}", self.faults);
        self.ceremony = None;
        self.stage.world.restart(0);
        self.devices().into_iter().for_each(|device| self.stage.pull(device));
        let logs = self.logs();
        logs.iter().for_each(|log| self.stage.plug(Device::Drive(*log)));
        let resumed =
            Begun::resumed(&mut self.stage.world).unwrap_or_else(|error| panic!("{:?}: {error}", self.faults));
        let Begun::Rehearsal(ceremony) = resumed else { panic!("a rehearsal") };
        self.ceremony = Some(ceremony);
    }

    fn devices(&self) -> Vec<Device> {
        let tokens = (0..).take(self.plan.tokens.len()).map(|at| Device::Token(TokenId(at)));
        tokens.chain((0..).take(self.plan.drives.len()).map(|at| Device::Drive(DriveId(at)))).collect()
    }

    fn logs(&self) -> Vec<DriveId> {
        let drives = (0..).map(DriveId).zip(&self.plan.drives);
        drives.filter(|(_, drive)| drive.holds == Holds::Transcript).map(|(id, _)| id).collect()
    }

    /// What people do: what the screen asks, unless one of them makes the mistake of this trial.
    fn deeds(&mut self, waiting: &Waiting) -> Vec<Deed> {
        let rows = screen(self.ceremony());
        let mut deeds = self.robot.look(&rows);
        let Some(Pending { fault, .. }) = &self.pending else { return deeds };
        match (fault, waiting) {
            (Fault::SamePerson, Waiting::Asked(Ask::Go { already: Some(first), .. })) => self.typed_code(*first),
            (Fault::OtherRole, Waiting::Asked(Ask::Go { who: Some(who), .. })) => self.typed_code(self.other(*who)),
            (Fault::Mistyped, Waiting::Asked(Ask::Type { .. }) | Waiting::Acting(Act::Reveal(_)))
                if deeds.len() > 1 && self.pending.as_ref().is_some_and(|pending| pending.before == 0) =>
            {
                if let Some(Deed::Press(Key::Char(first))) = deeds.first_mut() {
                    *first = if *first == '0' { '1' } else { '0' };
                }
                self.pending.as_mut().unwrap().before = 1;
                deeds
            }
            _ => deeds,
        }
    }

    fn typed_code(&self, person: PersonId) -> Vec<Deed> {
        let code = self.robot.code(&self.plan, person).unwrap();
        code.chars().map(Key::Char).chain([Key::Enter]).map(Deed::Press).collect()
    }

    /// Somebody who is there and may not.
    fn other(&self, who: Who) -> PersonId {
        let facts = self.ceremony.as_ref().unwrap().state().facts();
        let signed_in = |person: &PersonId| facts.present.contains_key(person) && !facts.signed_out.contains(person);
        let people = (0..).take(self.plan.people.len()).map(PersonId);
        people.filter(signed_in).find(|person| !who.is(&self.plan, facts, *person)).unwrap()
    }

    /// Lets something go wrong, if it can here and has not yet.
    fn strike(&mut self) {
        let ceremony = self.ceremony.as_ref().unwrap();
        let (waiting, at, head) = (ceremony.waiting(), ceremony.state().at(), ceremony.head());
        let Some(step) = self.script.step(at).cloned() else { return };
        for fault in self.faults.clone() {
            let Some(want) = expected(fault, &step) else { continue };
            let act = match waiting {
                Waiting::Acting(act) => Some(act),
                _ => None,
            };
            if !self.can(fault, &waiting, step.kind) {
                continue;
            }
            // Once at each act, whatever number its attempt has.
            let once = act.filter(|_| self.of_act(fault)).map_or_else(String::new, |act| format!("{act:?}"));
            let once = once.split(',').next().unwrap_or_default();
            if !self.struck.insert((at, format!("{fault:?} {once}"))) {
                continue;
            }
            if fault == Fault::Mistyped && matches!(typing(step.kind), Typing::Sets | Typing::Uses) {
                self.start_anew();
            }
            self.spoil(fault, act);
            let act = act.filter(|_| self.of_act(fault));
            self.pending = Some(Pending { fault, want, at, kind: step.kind, act, head, before: 0 });
            return;
        }
    }

    /// Whether a fault strikes an act, not the step as a whole.
    fn of_act(&self, fault: Fault) -> bool {
        !matches!(
            fault,
            Fault::HubPulled
                | Fault::LogPulled
                | Fault::LogForged
                | Fault::LogLying(_)
                | Fault::LogError
                | Fault::SamePerson
                | Fault::OtherRole
                | Fault::Mistyped
        )
    }

    /// Whether this is the moment for a fault.
    fn can(&self, fault: Fault, waiting: &Waiting, kind: StepKind) -> bool {
        let log = matches!(kind, StepKind::Log(_));
        match (fault, waiting) {
            (Fault::SamePerson, Waiting::Asked(Ask::Go { already: Some(_), .. })) => true,
            (Fault::OtherRole, Waiting::Asked(Ask::Go { who: Some(_), .. })) => true,
            (Fault::SamePerson | Fault::OtherRole, _) => false,
            (Fault::Mistyped, Waiting::Acting(Act::Reveal(_))) => typing(kind) == Typing::Back,
            (Fault::Mistyped, Waiting::Asked(Ask::Type { .. })) => typing(kind) == Typing::Asks,
            (Fault::Mistyped, Waiting::Asked(_)) => matches!(typing(kind), Typing::Sets | Typing::Uses),
            (Fault::Mistyped, _) => false,
            (
                Fault::OtherToken
                | Fault::Disguised
                | Fault::Counterfeit
                | Fault::TokenPulled(_)
                | Fault::NothingDone(_),
                Waiting::Acting(act),
            ) => token_of(act).is_some(),
            (Fault::OtherCheckValue, Waiting::Acting(act)) => matches!(act, Act::Import(_)),
            (
                Fault::OtherDrive | Fault::ForgedDrive | Fault::DrivePulled(_),
                Waiting::Acting(Act::Write(..) | Act::Read(..)),
            ) => !log,
            (
                Fault::OtherDrive | Fault::ForgedDrive | Fault::DrivePulled(_) | Fault::NotEmpty,
                Waiting::Acting(Act::Identify(_)),
            ) => true,
            (Fault::Full | Fault::ReadOnly | Fault::Lying(_), Waiting::Acting(act)) => match act {
                Act::Identify(_) => log,
                Act::Write(..) => !log,
                _ => false,
            },
            (Fault::SwappedShares, Waiting::Acting(act)) => matches!(act, Act::Read(..)),
            // Looking which drives there are would notice an error first.
            (Fault::LogError, Waiting::Asked(ask)) => !matches!(ask, Ask::Insert(_) | Ask::Remove(_)),
            (Fault::HubPulled | Fault::LogPulled | Fault::LogForged | Fault::LogLying(_), _) => true,
            _ => false,
        }
    }

    fn spoil(&mut self, fault: Fault, act: Option<Act>) {
        let token = act.as_ref().and_then(token_of);
        let drive = match act {
            Some(Act::Identify(drive) | Act::Write(drive, _) | Act::Read(drive, _)) => Some(drive),
            _ => None,
        };
        let log = self.logs()[0];
        let (stranger, stage) = (self.stranger, &mut self.stage);
        let mut keep = |stage: &mut Stage, drive| {
            let stick = stage.stick(drive).unwrap().clone();
            self.spoilt.push(Spoilt::Drive(drive, Box::new(stick)));
        };
        match fault {
            Fault::OtherToken | Fault::Disguised => {
                let token = token.unwrap();
                let serial = Shown::new(self.plan.tokens[usize::from(token.0)].serial.as_str());
                let at = port(Device::Token(token));
                stage.pull(Device::Token(token));
                let tokens = stage.world.tokens();
                tokens.disguise(
                    stranger,
                    Some(&Shown::new(&format!("{serial}00000")[..15])).filter(|_| fault == Fault::Disguised),
                );
                tokens.plug(stranger, &at);
            }
            Fault::Counterfeit => {
                let place = stage.place(token.unwrap()).unwrap();
                let genuine = stage.world.tokens().token(place, |token| token.clone()).unwrap();
                self.spoilt.push(Spoilt::Token(token.unwrap(), Box::new(genuine)));
                stage.world.tokens().forge(place, Randomness::seeded([0xcf; 32]));
            }
            Fault::TokenPulled(after) => {
                let command = stage.world.tokens().changes().len() + after;
                stage.world.tokens().fail_at(command, OfToken::Yank);
            }
            Fault::NothingDone(after) => stage.world.tokens().do_nothing_after(after),
            Fault::OtherCheckValue => {
                let place = stage.place(token.unwrap()).unwrap();
                // Asked before, one for each share, asked after.
                let nth = u32::try_from(self.plan.shares.len()).unwrap() + 2;
                let lies = Command { at: At::Instruction { ins: IMPORT, nth }, what: Misfortune::Lies };
                stage.world.tokens().token(place, |token| token.set_faults(vec![lies]));
            }
            Fault::OtherDrive => {
                stage.pull(Device::Drive(drive.unwrap()));
                stage.world.drives().plug(Stick::new("usb 9-9", "STRANGER", "STRANGER"));
            }
            Fault::ForgedDrive => {
                keep(stage, drive.unwrap());
                stage.stick(drive.unwrap()).unwrap().drive.len += 4096;
            }
            Fault::DrivePulled(after) => {
                let drives = stage.world.drives();
                let op = drives.ops() + after;
                drives.fail_at(op, OfDrive::Yank(port(Device::Drive(drive.unwrap()))));
            }
            Fault::Full | Fault::ReadOnly | Fault::Lying(_) | Fault::LogLying(_) => {
                let drive = drive.filter(|_| !matches!(fault, Fault::LogLying(_))).unwrap_or(log);
                keep(stage, drive);
                let stick = stage.stick(drive).unwrap();
                match fault {
                    Fault::Full => stick.capacity = 0,
                    Fault::ReadOnly => stick.read_only = true,
                    Fault::Lying(lies) | Fault::LogLying(lies) => stick.lies = lies,
                    _ => {}
                }
            }
            Fault::NotEmpty => {
                let drive = drive.unwrap();
                let files = &mut stage.stick(drive).unwrap().files;
                self.spoilt.push(Spoilt::Files(drive, files.clone()));
                files.insert(FileName::new(b"setup.exe").unwrap(), b"MZ".to_vec());
            }
            Fault::SwappedShares => {
                let drives = (0..).map(DriveId).zip(&self.plan.drives);
                let shares = drives.filter(|(_, drive)| matches!(drive.holds, Holds::Share(_)));
                let shares: Vec<DriveId> = shares.map(|(id, _)| id).collect();
                let files = |stage: &mut Stage, drive| stage.stick(drive).unwrap().files.clone();
                let (one, other) = (files(stage, shares[0]), files(stage, shares[1]));
                // Each file keeps its name: only what is in it is the other's.
                for (drive, own, others) in [(shares[0], &one, &other), (shares[1], &other, &one)] {
                    let swapped = own.keys().cloned().zip(others.values().cloned()).collect();
                    stage.stick(drive).unwrap().files = swapped;
                    self.spoilt.push(Spoilt::Files(drive, own.clone()));
                }
            }
            Fault::HubPulled => self.devices().into_iter().for_each(|device| self.stage.pull(device)),
            Fault::LogPulled => stage.pull(Device::Drive(log)),
            Fault::LogForged => {
                keep(stage, log);
                stage.stick(log).unwrap().drive.len += 4096;
            }
            Fault::LogError => {
                let drives = stage.world.drives();
                let op = drives.ops();
                drives.fail_at(op, OfDrive::Io);
            }
            Fault::SamePerson | Fault::OtherRole | Fault::Mistyped => {}
        }
    }

    /// Takes the fault away.
    fn heal(&mut self, fault: Fault) {
        self.stage.world.tokens().disguise(self.stranger, None);
        self.stage.world.tokens().pull(self.stranger);
        self.stage.world.drives().pull(&Shown::new("usb 9-9"));
        for spoilt in std::mem::take(&mut self.spoilt) {
            match spoilt {
                Spoilt::Token(token, genuine) => {
                    let place = self.stage.place(token).unwrap();
                    self.stage.world.tokens().pull(place);
                    self.stage.world.tokens().token(place, |token| *token = *genuine);
                    self.stage.plug(Device::Token(token));
                }
                Spoilt::Drive(drive, was) => {
                    let stick = self.stage.stick(drive).unwrap();
                    stick.drive.len = was.drive.len;
                    (stick.capacity, stick.read_only, stick.lies) = (was.capacity, was.read_only, Lies::Never);
                }
                Spoilt::Files(drive, files) => self.stage.stick(drive).unwrap().files = files,
            }
        }
        if matches!(fault, Fault::HubPulled | Fault::LogPulled) {
            let logs = self.ceremony().state().facts().logs.clone();
            logs.into_iter().for_each(|log| self.stage.plug(Device::Drive(log)));
        }
    }

    /// Looks at what came of a fault that struck, and judges it.
    fn answered(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let acted = self.acted;
        let ceremony = self.ceremony.as_mut().unwrap();
        let scene = ceremony.scene();
        let failed = |words: &conclave_ceremony::public::Text| words.to_string();
        let trouble = scene.trouble.map(ToString::to_string);
        let came = match (&scene.waiting, trouble, scene.state.failed(), &scene.desk.refused) {
            (_, Some(words), ..) => Some((End::Waits, words)),
            (Waiting::Halted(failure), ..) => Some((End::Halts, failed(&failure.words))),
            (Waiting::Asked(Ask::Again { failure }), ..) => Some((End::Decided, failed(&failure.words))),
            // Until it is answered, a failure stays on the screen.
            (_, _, Some(failure), _) if acted => Some((End::Asked, failed(&failure.words))),
            (_, _, _, Some(words)) => Some((End::Refused, words.clone())),
            _ => None,
        };
        let (at, head, shown) = (scene.state.at(), scene.head, matches!(scene.desk.stage, desk::Stage::Warn));
        let over = match pending.act {
            Some(_) => head != pending.head && self.acted,
            None => at != pending.at,
        };
        let tally = self.tally.entry((format!("{:?}", pending.fault), name(pending.kind))).or_default();
        let Pending { fault, want, kind, before, .. } = pending;
        match came {
            Some((end, words)) => {
                let fits = end == want || want == End::Harmless;
                if want == End::Halts && end == End::Asked && before < BEFORE_MAX {
                    self.pending = Some(Pending { before: before + 1, head, ..pending });
                    return;
                }
                assert!(fits, "{fault:?} in {kind:?}: {end:?}, expected {want:?}: {words}");
                tally.0 += 1;
                tally.1 += 1;
                self.waits = (end == End::Waits).then_some(head);
                assert!(words.trim_end().ends_with(['.', '!']) && words.len() > 20, "{fault:?} in {kind:?}: {words}");
                let there = self.screen();
                let start: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
                assert!(there.contains(&start) || shown, "{fault:?} in {kind:?}: {words}\nnot on\n{there}");
                self.heal(fault);
            }
            None if over && before == 0 => {
                let struck = !(self.stage.world.tokens().relent() | self.stage.world.drives().relent());
                assert!(!struck || want == End::Harmless, "{fault:?} in {kind:?} was not noticed, expected {want:?}");
                tally.0 += usize::from(struck);
                self.heal(fault);
            }
            None => self.pending = Some(pending),
        }
    }

    /// Every token takes the PINs on its keepers' papers, holds its keys and the one DKEK.
    pub fn whole(&mut self) {
        let mut dkeks = BTreeSet::new();
        for (at, planned) in self.plan.tokens.clone().iter().enumerate() {
            let place = self.stage.place(TokenId(at as u16)).unwrap();
            let mut token = self.stage.world.tokens().token(place, |token| token.clone()).unwrap();
            let paper = |what: &str| self.robot.papers()[&format!("{what} of {}", planned.name)].clone();
            let (pin, so_pin) = (paper("PIN"), paper("SO-PIN"));
            token.power_on();
            let mut say = |command: &[u8]| token.transmit(command).response;
            assert!(say(SELECT).ends_with(&OK));
            let so_pin = u64::from_str_radix(&so_pin, 16).unwrap().to_be_bytes();
            assert_eq!(say(&[&VERIFY_SO_PIN[..], &so_pin].concat()), OK, "SO-PIN of {}", planned.name);
            let verify = [&VERIFY_PIN[..], &[pin.len() as u8], pin.as_bytes()].concat();
            assert_eq!(say(&verify), OK, "PIN of {}", planned.name);
            dkeks.insert(say(DKEK));
            let held = (0..).zip(&self.plan.keys).filter(|(_, key)| key.tokens().any(|id| usize::from(id.0) == at));
            let files = say(FILES);
            let keys =
                held.filter(|(_, key)| files.chunks(2).any(|file| file == key.number.key_file().0.to_be_bytes()));
            assert_eq!(
                keys.count(),
                self.plan.keys.iter().filter(|key| key.tokens().any(|id| usize::from(id.0) == at)).count()
            );
        }
        assert!(dkeks.len() == 1 && dkeks.iter().all(|state| state[1] == 0), "one DKEK in all tokens: {dkeks:02x?}");
    }
}

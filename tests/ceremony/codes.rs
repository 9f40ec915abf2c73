//! Sign-in codes: the person that is asked for a code, and the effect of guessed codes.

use conclave_ceremony::ask::Ask;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::Event;
use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan::{self, Plan};
use conclave_ceremony::step::Waiting;
use conclave_ceremony::transcript;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, device, play, screen};
use conclave_sim::world::robot::{Deed, Robot};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{brought, resumed, start};
use smartcard_hsm::cvc::Simulated;

use super::screens::moment;
use super::{MINIMAL, SAFIRE, middle, stage, types};

const OPERATOR: PersonId = PersonId(0);
const WITNESS: PersonId = PersonId(1);
/// No code has letters.
const WRONG: &str = "zzzz";
/// Turns before a ceremony that goes round in a circle is given up.
const TURNS_MAX: usize = 20_000;

struct Around {
    stage: Stage,
    ceremony: Ceremony<World, Simulated>,
    robot: Robot,
    plan: Plan,
    bytes: &'static [u8],
}

impl Around {
    fn new(bytes: &'static [u8]) -> Self {
        let mut stage = stage(bytes);
        let Begun::Rehearsal(ceremony) = Begun::new(brought(bytes), start(), &mut stage.world).unwrap() else {
            panic!()
        };
        let plan = plan::read(bytes).unwrap();
        Self { stage, ceremony: *ceremony, robot: Robot::new(&plan), plan, bytes }
    }

    /// Everybody goes on until this is asked.
    fn until(&mut self, wanted: impl Fn(&Ask) -> bool) {
        for _ in 0..TURNS_MAX {
            self.ceremony.look(&mut self.stage.world);
            if self.ceremony.busy() {
                self.ceremony.go_on(&mut self.stage.world);
                continue;
            }
            if matches!(self.ceremony.waiting(), Waiting::Asked(ask) if wanted(&ask)) {
                return;
            }
            for deed in self.robot.look(&screen(&mut self.ceremony)) {
                match deed {
                    Deed::Press(key) => self.press(key),
                    Deed::Plug(serial) => self.stage.plug(device(&self.plan, &serial).unwrap()),
                    Deed::Pull(serial) => self.stage.pull(device(&self.plan, &serial).unwrap()),
                    Deed::Wait => {}
                    Deed::Closed | Deed::Stands(_) => panic!("{}", self.says()),
                }
            }
        }
        panic!("{}", self.says());
    }

    /// Everybody goes on to the end, and the verifier judges the record.
    fn ends(&mut self) {
        let ended = play(&mut self.stage, &mut self.ceremony, &mut self.robot, |_, _| ());
        assert_eq!(ended, Ended::Closed, "{}", self.says());
        super::verified(self.bytes, self.ceremony.transcript(), self.ceremony.head());
    }

    /// So many seconds later: the clock of this machine ticks whenever it is read.
    fn later(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.ceremony.ticked(self.stage.world.now());
        }
    }

    /// The time in which no code is taken from the person that is asked. Units: seconds.
    fn waits(&mut self) -> Option<u64> {
        self.ceremony.scene().waits.first().map(|(_, left)| left / 1000)
    }

    fn code(&self, person: PersonId) -> String {
        self.robot.code(&self.plan, person).unwrap().to_owned()
    }

    fn mistypes(&mut self, times: usize) {
        (0..times).for_each(|_| self.types(&[WRONG]));
    }

    /// The power fails and comes back.
    fn cut(&mut self) {
        self.stage.world.restart(0);
        self.robot.signed_out();
        let Begun::Rehearsal(ceremony) = resumed(self.bytes, &mut self.stage.world).unwrap() else { panic!() };
        self.ceremony = *ceremony;
    }

    fn entries(&self) -> Vec<Entry> {
        transcript::read(self.ceremony.transcript()).unwrap().entries
    }

    /// Wrong codes that are recorded, by the person that was asked for a code.
    fn recorded(&self) -> Vec<(PersonId, u16)> {
        let mistyped = |entry: &Entry| match &entry.event {
            Event::Mistyped { times, whose } => Some((*whose, *times)),
            _ => None,
        };
        self.entries().iter().filter_map(mistyped).collect()
    }

    fn press(&mut self, key: Key) {
        self.ceremony.press(key, &mut self.stage.world);
    }

    fn types(&mut self, lines: &[&str]) {
        types(&mut self.ceremony, &mut self.stage.world, lines);
        while self.ceremony.busy() {
            self.ceremony.go_on(&mut self.stage.world);
        }
    }

    fn says(&mut self) -> String {
        middle(&mut self.ceremony)
    }
}

/// A second person is asked to agree.
fn second(ask: &Ask) -> bool {
    matches!(ask, Ask::Go { already: Some(_), .. })
}

#[test]
fn ten_thousand_codes_that_a_machine_types_are_stopped_and_recorded_and_nothing_is_done() {
    let mut around = Around::new(MINIMAL);
    around.until(second);
    let (at, before) = (around.ceremony.state().at(), around.entries().len());
    // A code a second, the right one among them.
    for typed in (0..10_000).map(|number| format!("{number:04}")) {
        around.later(1);
        around.types(&[&typed]);
    }
    assert!(around.entries()[before..].iter().all(|entry| entry.acts.is_empty()), "nothing is done");
    assert_eq!(around.ceremony.state().at(), at);
    let of_witness = around.recorded().into_iter().filter(|(whose, _)| *whose == WITNESS);
    assert_eq!(of_witness.map(|(_, times)| times).collect::<Vec<_>>(), [5, 10, 15]);
    assert!(!around.ceremony.state().facts().is_there(WITNESS));
    // The witness signs in again, and it goes on.
    around.later(120);
    around.press(Key::Escape);
    around.ends();
}

#[test]
fn without_a_minute_passing_five_codes_are_compared_and_the_right_one_is_not() {
    let mut around = Around::new(MINIMAL);
    around.until(second);
    let (code, waiting) = (around.code(WITNESS), around.ceremony.waiting());
    around.mistypes(5);
    let entries = around.entries().len();
    for _ in 0..20 {
        around.types(&[&code]);
        around.mistypes(1);
    }
    assert_eq!((around.ceremony.waiting(), around.entries().len()), (waiting.clone(), entries));
    assert_eq!(around.recorded(), [(WITNESS, 5)]);
    let waits = "5 wrong codes were typed for witness: no code of witness is taken for ";
    moment("code-waits", around.ceremony.scene(), &[waits, "Code of witness: _"]);
    // Others go on: one objects meanwhile.
    let code_of_operator = around.code(OPERATOR);
    around.press(Key::Function(3));
    moment(
        "who-objects",
        around.ceremony.scene(),
        &["who objects? Press the key beside the name.", waits, "1 operator"],
    );
    around.press(Key::Char('1'));
    around.types(&[&code_of_operator, "Let the witness look for the code."]);
    assert_eq!((around.ceremony.waiting(), around.entries().len()), (waiting.clone(), entries + 1));
    let left = around.waits().unwrap();
    assert!((50..60).contains(&left), "{left}");
    around.later(left - 1);
    around.types(&[&code]);
    assert!(around.says().contains("no code of witness is taken for 1 s."), "{}", around.says());
    around.later(1);
    assert_eq!(around.waits(), None);
    around.types(&[&code]);
    assert_ne!(around.ceremony.waiting(), waiting);
    around.ends();
}

#[test]
fn the_count_goes_on_after_right_codes_and_after_a_power_cut() {
    let mut around = Around::new(MINIMAL);
    around.until(second);
    around.mistypes(4);
    let at = around.ceremony.state().at();
    // The witness agrees, then others do.
    let code = around.code(WITNESS);
    around.types(&[&code]);
    around.until(second);
    assert_ne!(around.ceremony.state().at(), at);
    assert_eq!(around.recorded(), []);
    around.mistypes(1);
    assert_eq!(around.recorded(), [(WITNESS, 5)]);
    around.later(60);
    around.mistypes(5);
    assert_eq!(around.recorded().last(), Some(&(WITNESS, 10)));
    assert!(around.waits() > Some(110), "the tenth costs two minutes");
    around.cut();
    around.until(second);
    around.mistypes(4);
    assert_eq!(around.recorded().len(), 2);
    around.mistypes(1);
    assert_eq!(around.recorded().last(), Some(&(WITNESS, 15)));
    assert_eq!(around.ceremony.waiting(), Waiting::Asked(Ask::SignIn(WITNESS)));
    let dead = "15 wrong codes were typed for witness: that code is dead.";
    moment("code-dead", around.ceremony.scene(), &["sign in witness: which document was shown?", dead]);
    for key in [Key::Char('1'), Key::Enter] {
        around.press(key);
    }
    let (_, new) = super::shown_code(&mut around.ceremony).unwrap();
    around.press(Key::Enter);
    around.types(&[&new]);
    moment("who-confirms", around.ceremony.scene(), &["who confirms this sign-in?", "1 operator 2 custodian-1"]);
    around.press(Key::Char('1'));
    let says = "operator: type your code to confirm that you saw the document and that this is witness.";
    moment("confirms", around.ceremony.scene(), &[says, "Code of operator: _"]);
    // Their wrong ones are theirs.
    around.mistypes(1);
    assert!(around.says().contains("This is not the code of operator: 1 wrong so far."), "{}", around.says());
    around.press(Key::Escape);
    around.until(second);
    around.ends();
}

#[test]
fn the_person_is_chosen_by_name_where_several_may_agree_and_their_code_is_no_others() {
    let mut around = Around::new(SAFIRE);
    around.robot.absent.push("witness-2".to_owned());
    around.until(second);
    let listed = "who agrees? operator agreed, a second person must. Press the key beside the name.";
    moment("who-agrees", around.ceremony.scene(), &[listed, "Witness: ", "1 witness-1 2 witness-3"]);
    for key in ['0', '3', 'a', 'x'] {
        around.press(Key::Char(key));
        assert!(around.says().contains(listed), "{}", around.says());
    }
    around.press(Key::Char('2'));
    let says = "witness-3: type your code to agree; operator agreed, a second person must.";
    moment("agrees-by-name", around.ceremony.scene(), &[says, "Code of witness-3: _", "Esc: back"]);
    let (first, third) = (around.code(PersonId(1)), around.code(PersonId(7)));
    around.types(&[&first]);
    assert!(around.says().contains("This is not the code of witness-3: 1 wrong so far."), "{}", around.says());
    around.types(&[""]);
    assert!(around.says().contains("Type the code first."), "{}", around.says());
    around.press(Key::Escape);
    around.press(Key::Char('1'));
    around.types(&[&third]);
    assert!(around.says().contains("This is not the code of witness-1: 1 wrong so far."), "{}", around.says());
    let waiting = around.ceremony.waiting();
    around.types(&[&first]);
    assert_ne!(around.ceremony.waiting(), waiting);
    assert_eq!(around.recorded(), []);
}

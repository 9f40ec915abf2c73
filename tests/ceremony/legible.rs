//! The text that a witness, a camera or the projector can read: no secret and no sign-in code, except at its
//! moment.
//!
//! Every screen is read, after every key, at both sizes.

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ceremony::desk::Stage;
use conclave_console::key::Key;
use conclave_console::view;
use conclave_publish::Digest;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, device, play, rows, screen};
use conclave_sim::world::robot::{Deed, Robot};
use conclave_tests::ceremony::{brought, start};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use smartcard_hsm::cvc::Simulated;

use super::{MINIMAL, stage};

/// Sizes people see.
const SIZES: [(u16, u16); 2] = [(80, 25), (160, 50)];
/// Deeds after which a ceremony that goes round in a circle is given up.
const DEEDS_MAX: usize = 50_000;

/// The person that a screen is meant for.
type Moment = Option<String>;

/// Everything that may be read once, and where it was.
#[derive(Default)]
struct Reader {
    /// Secrets and codes, by their names.
    known: BTreeMap<String, String>,
    /// Those that were read at their moment.
    read: BTreeSet<String>,
    screens: usize,
}

/// Letters and digits, as people read them across any signs between.
fn bare(words: &str) -> String {
    words.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

impl Reader {
    /// Learns the text on the screen now, and the person it is meant for.
    fn learn(&mut self, ceremony: &mut Ceremony<World, Simulated>) -> Moment {
        let scene = ceremony.scene();
        let what = match (&scene.waiting, scene.desk.stage) {
            (Waiting::Acting(Act::Reveal(slot)), Stage::Shown) => format!("{slot:?}"),
            (Waiting::Asked(Ask::SignIn(_)), Stage::Shown) => format!("code of {:?}", scene.desk.signs?.person),
            _ => return None,
        };
        let secret = String::from_utf8(scene.secret?.expose().to_vec()).unwrap();
        self.known.insert(what.clone(), secret);
        Some(what)
    }

    /// Reads the screen for every one of them.
    #[track_caller]
    fn look(&mut self, ceremony: &mut Ceremony<World, Simulated>) {
        let moment = self.learn(ceremony);
        self.screens += 1;
        for (columns, height) in SIZES {
            let mut scene = ceremony.scene();
            // Digests are full of digits: the same ones on every screen.
            scene.head = Digest::of(b"a head");
            let mut terminal = Terminal::new(TestBackend::new(columns, height)).unwrap();
            terminal.draw(|frame| view::ceremony::draw(&scene, frame)).unwrap();
            let rows = rows(terminal.backend().buffer());
            let all = rows.join("\n");
            for (what, secret) in &self.known {
                if legible(&rows, secret) {
                    assert_eq!(moment.as_ref(), Some(what), "{what} is legible:\n{all}");
                    self.read.insert(what.clone());
                } else {
                    assert_ne!(moment.as_ref(), Some(what), "its keeper cannot read {what}:\n{all}");
                }
            }
        }
    }
}

/// Whether a secret can be read: a passphrase by half of its words, a code as a number of its own, anything else in one piece.
fn legible(rows: &[String], secret: &str) -> bool {
    let words: Vec<&str> = secret.split(' ').collect();
    if words.len() > 1 {
        let all = rows.join(" ").to_lowercase();
        return words.iter().filter(|word| all.contains(*word)).count() > words.len() / 2;
    }
    if secret.len() > 4 {
        return bare(&rows.concat()).contains(secret);
    }
    let spaced = secret.chars().map(|digit| digit.to_string()).collect::<Vec<_>>().join(" ");
    let alone = |row: &String| row.split(|c: char| !c.is_ascii_alphanumeric()).any(|token| token == secret);
    rows.iter().any(|row| row.contains(&spaced) || alone(row))
}

#[test]
fn no_secret_and_no_code_can_be_read_on_any_screen_but_at_its_moment() {
    let planned = plan::read(MINIMAL).unwrap();
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let (mut robot, mut reader) = (Robot::new(&planned), Reader::default());
    let person = planned.people.iter().find(|person| person.id.as_str() == "witness").unwrap();
    robot.refuses.insert(person.id.to_string(), "I did not see the second bag sealed.".to_owned());
    let mut deeds = std::collections::VecDeque::new();
    let (mut helped, mut objected) = (false, false);
    for _ in 0..DEEDS_MAX {
        reader.look(&mut ceremony);
        if ceremony.busy() {
            ceremony.go_on(&mut stage.world);
            continue;
        }
        if deeds.is_empty() {
            deeds.extend(robot.look(&screen(&mut ceremony)));
            // A person presses keys that lead elsewhere while the code is on the screen, and while it is typed.
            let code = ceremony.scene().desk.signs.is_some();
            if code && !helped {
                helped = true;
                let keys =
                    [Key::Function(1), Key::Escape, Key::Function(2), Key::Escape, Key::Function(10), Key::Escape];
                deeds.clear();
                deeds.extend(keys.map(Deed::Press));
            } else if code && !objected && reader.read.len() == 2 {
                objected = true;
                deeds.clear();
                deeds.extend([Key::Function(3), Key::Escape].map(Deed::Press));
            }
        }
        match deeds.pop_front().unwrap() {
            Deed::Press(key) => ceremony.press(key, &mut stage.world),
            Deed::Plug(serial) => stage.plug(device(&planned, &serial).unwrap()),
            Deed::Pull(serial) => stage.pull(device(&planned, &serial).unwrap()),
            Deed::Wait => {}
            Deed::Closed => break,
            Deed::Stands(words) => panic!("{words}"),
        }
    }
    assert_eq!(ceremony.waiting(), Waiting::Closed, "{}", screen(&mut ceremony).join("\n"));
    assert!(helped && objected && reader.screens > 500, "{} screens", reader.screens);
    // Every one was read at its moment: the search would have found it elsewhere.
    let codes = planned.people.iter().filter(|person| person.alternate_for.is_none()).count();
    let secrets = 2 * planned.tokens.len() + planned.shares.len();
    assert_eq!(reader.read.len(), codes + secrets, "{:?}", reader.read);
    assert_eq!(reader.read, reader.known.keys().cloned().collect());
}

#[test]
fn a_secret_that_somebody_types_where_everybody_reads_it_is_gone_with_the_refusal() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let mut typed = 0;
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let Waiting::Asked(Ask::Go { who: Some(_), .. }) = ceremony.waiting() else { return };
        let pins: Vec<Slot> = ceremony.state().facts().vault.iter().copied().collect();
        if ceremony.busy() || pins.is_empty() || typed > 0 {
            return;
        }
        typed += 1;
        [Key::Function(3), Key::Char('1')].into_iter().for_each(|key| ceremony.press(key, &mut stage.world));
        super::types(ceremony, &mut stage.world, &["0000", "the PIN is 1357 2468"]);
        let rows = screen(ceremony);
        assert!(!legible(&rows, "13572468"), "{}", rows.join("\n"));
        assert!(super::middle(ceremony).contains("Say it in other words"), "{}", rows.join("\n"));
        ceremony.press(Key::Char('x'), &mut stage.world);
        assert!(!super::middle(ceremony).contains("Say it in other words"), "red goes with the next key");
        ceremony.press(Key::Escape, &mut stage.world);
    });
    assert_eq!((ended, typed), (Ended::Closed, 1));
}

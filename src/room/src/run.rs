//! The one loop of the room: draw, wait, step, perform.

use crate::look::{Act, Event, Look, step};

/// What the room needs of the machine it runs on.
pub trait Ports {
    /// Shows the state. A screen that cannot be drawn ends the room: people must not act on an old one.
    fn draw(&mut self, look: &Look) -> Result<(), ScreenLost>;

    /// The next thing that happens, however long that takes.
    fn next(&mut self) -> Event;

    /// Does what a step asked for. What comes of it arrives as an event.
    fn perform(&mut self, act: Act);
}

/// The screen took no more output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the screen cannot be drawn: {why}")]
pub struct ScreenLost {
    /// What the system said.
    pub why: String,
}

/// Runs until somebody powers off, or the screen is lost.
pub fn run(mut look: Look, ports: &mut impl Ports) -> Result<Look, ScreenLost> {
    loop {
        ports.draw(&look)?;
        let event = ports.next();
        let (next, acts) = step(look, event);
        look = next;
        for act in acts {
            let ends = act == Act::PowerOff;
            ports.perform(act);
            if ends {
                return Ok(look);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civil::Wall;
    use crate::key::{Key, KeyboardId, Press};
    use crate::look::{Build, Screen, Tree};

    /// Plays events, keeps what was drawn and asked for.
    struct Script {
        events: Vec<Event>,
        drawn: usize,
        asked: Vec<Act>,
        screen_lost_after: usize,
    }

    impl Ports for Script {
        fn draw(&mut self, _: &Look) -> Result<(), ScreenLost> {
            self.drawn += 1;
            if self.drawn > self.screen_lost_after { Err(ScreenLost { why: "EIO".into() }) } else { Ok(()) }
        }

        fn next(&mut self) -> Event {
            self.events.remove(0)
        }

        fn perform(&mut self, act: Act) {
            self.asked.push(act);
        }
    }

    fn look() -> Look {
        Look::new(Build { version: "0".into(), revision: String::new(), tree: Tree::Clean, committed: Wall(0) })
    }

    fn press(key: Key) -> Event {
        Event::Pressed(Press { key, keyboard: KeyboardId(0) })
    }

    fn script(events: Vec<Event>, screen_lost_after: usize) -> Script {
        Script { events, drawn: 0, asked: Vec::new(), screen_lost_after }
    }

    #[test]
    fn it_ends_when_somebody_powers_off_and_draws_before_every_wait() {
        let keys = [Key::Function(10), Key::Char('o'), Key::Char('f'), Key::Char('f'), Key::Enter, Key::Char('x')];
        let mut ports = script(keys.map(press).to_vec(), usize::MAX);
        let ended = run(look(), &mut ports).unwrap();
        assert_eq!((ports.drawn, ports.asked, ports.events.len()), (5, vec![Act::PowerOff], 1));
        assert_eq!(ended.screen, Screen::Medium);
    }

    #[test]
    fn a_lost_screen_ends_it_before_anything_else_happens() {
        let mut ports = script(vec![press(Key::Enter)], 1);
        assert_eq!(run(look(), &mut ports), Err(ScreenLost { why: "EIO".into() }));
        assert_eq!(ports.asked, []);
    }
}

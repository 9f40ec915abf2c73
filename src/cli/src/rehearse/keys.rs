//! Keys of a terminal as keys of the machine's keyboard.

use conclave_room::key::Key;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a person at the terminal wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A key of the machine's keyboard.
    Key(Key),
    /// Ctrl-P: something is to be plugged in or pulled out.
    Devices,
    /// Ctrl-C: the rehearsal is to end.
    Stop,
}

/// What an event of the terminal means; `None` for what the room knows no key for.
pub(super) fn typed(event: &Event) -> Option<Typed> {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press | KeyEventKind::Repeat, .. }) = event else {
        return None;
    };
    let key = match code {
        KeyCode::Char('c') if *modifiers == KeyModifiers::CONTROL => return Some(Typed::Stop),
        KeyCode::Char('p') if *modifiers == KeyModifiers::CONTROL => return Some(Typed::Devices),
        _ if modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => return None,
        KeyCode::Char(character) => Key::Char(*character),
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Esc => Key::Escape,
        KeyCode::F(number) => Key::Function(*number),
        _ => return None,
    };
    Some(Typed::Key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Typed> {
        typed(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn keys_are_the_machines_and_two_are_the_terminals() {
        for (code, modifiers, wanted) in [
            (KeyCode::Char('A'), KeyModifiers::SHIFT, Some(Typed::Key(Key::Char('A')))),
            (KeyCode::Char('c'), KeyModifiers::NONE, Some(Typed::Key(Key::Char('c')))),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Typed::Stop)),
            (KeyCode::Char('p'), KeyModifiers::CONTROL, Some(Typed::Devices)),
            (KeyCode::F(10), KeyModifiers::NONE, Some(Typed::Key(Key::Function(10)))),
            (KeyCode::Char('x'), KeyModifiers::ALT, None),
            (KeyCode::Left, KeyModifiers::NONE, None),
        ] {
            assert_eq!(pressed(code, modifiers), wanted, "{code:?} {modifiers:?}");
        }
        assert_eq!(typed(&Event::Resize(80, 25)), None);
    }
}

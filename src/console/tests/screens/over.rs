//! Boxes over a screen, and a screen that is too small.

use conclave_console::ceremony::intake::Intake;
use conclave_console::key::Key;
use conclave_console::preflight::{Act, Screen, Tree, step};
use conclave_console::run::Showing;
use conclave_console::wording::preflight as text;

use super::fixtures::{REVISION, after, at, check, met, press, rendered, shown, typed};

#[test]
fn what_lies_over_a_screen() {
    check("help", &after([press(Key::Function(1))]), "Anybody", "help for this screen", &["Version 0.1.0"]);
    let keyboard = after([press(Key::Function(2)), press(Key::Tab), press(Key::Tab)].into_iter().chain(typed("yz")));
    let lets_in = "While this screen is shown, a keyboard on USB is let in";
    check("keyboard", &keyboard, "Operator", "type the line below", &["layout de:  yz_", lets_in]);
    let differs = step(keyboard.clone(), press(Key::Char('q'))).0;
    let shown = rendered(&differs, 160, 50);
    assert!(shown.contains("It differs.") && shown.contains("use a us, uk or de keyboard"), "{shown}");
    let stays = step(differs, press(Key::Enter)).0;
    assert!(rendered(&stays, 160, 50).contains("layout de:  yzq_"), "a layout that does not fit is not kept");
    let fits = after([press(Key::Function(2))].into_iter().chain(typed(text::KEYBOARD_LINE)));
    assert!(rendered(&fits, 160, 50).contains("It is the same."));
    assert_eq!(step(fits, press(Key::Enter)).0.over, conclave_console::preflight::Over::Nothing);
    for closes in [Key::Enter, Key::Escape, Key::Tab] {
        let (_, acts) = step(keyboard.clone(), press(closes));
        assert_eq!(acts, [Act::ForgetKeys], "{closes:?}: people try a keyboard with a passphrase");
    }
    let off = after([press(Key::Function(10))].into_iter().chain(typed("of")));
    check("power-off", &off, "Operator", "type off and press Enter", &["of_"]);
    let (back, acts) = step(off.clone(), press(Key::Enter));
    assert_eq!((back.over, acts), (conclave_console::preflight::Over::Nothing, vec![]), "half a word is not the word");
    let (_, acts) = step(step(off, press(Key::Char('f'))).0, press(Key::Enter));
    assert_eq!(acts, [Act::PowerOff]);
}

#[test]
fn what_lies_over_a_screen_is_seen_while_a_plan_comes_in_too() {
    let intake = Intake::default();
    let off = vec![press(Key::Function(10))];
    for (keys, words) in [(vec![], "plug in the drive with the plan"), (off, "type off and press Enter")] {
        let look = after(at(Screen::Devices, keys));
        let shown = shown(&Showing::Intake(&look, &intake), 80, 25);
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn the_help_of_a_build_that_strangers_cannot_rebuild_says_what_follows_from_it() {
    let mut dirty = after([press(Key::Function(1))]);
    for (name, tree) in [("dirty", Tree::Dirty), ("moved", Tree::Moved), ("dirty-moved", Tree::DirtyAndMoved)] {
        dirty.build.tree = tree;
        check(name, &dirty, "Anybody", "help for this screen", &[REVISION, "Do not hold a ceremony with it."]);
    }
    dirty.build.revision.clear();
    let unnamed = rendered(&dirty, 80, 25);
    assert!(unnamed.contains("built from the commit that its builder did not name"), "{unnamed}");
}

#[test]
fn a_screen_that_is_too_small_says_which_size_it_needs() {
    for (columns, rows) in [(79, 25), (80, 24), (40, 10), (1, 1), (0, 0)] {
        let screen = rendered(&after(met()), columns, rows).replace('\n', " ");
        if columns >= 40 {
            assert!(screen.contains(&format!("{columns} x {rows} characters")), "{screen}");
            assert!(screen.contains(REVISION) || columns < 50, "{screen}");
        }
    }
}

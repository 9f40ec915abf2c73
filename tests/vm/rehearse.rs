//! Rehearses on the image itself: starts it in QEMU with simulated tokens and sticks, types a whole ceremony at a pace people
//! can follow, or has a person type it, and shows its screen in this terminal. `scripts/rehearse` runs it.
#![allow(missing_docs, reason = "a program, not a library")]

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use conclave::rehearse::keys::Typed;
use conclave::rehearse::left::Left;
use conclave::rehearse::menu::{Menu, Wish};
use conclave::rehearse::terminal::{SCREEN, Terminal, Watched};
use conclave::rehearse::{READ, Rehearse};
use conclave::{ended, out};
use conclave_console::ceremony::begin::Brought;
use conclave_console::key::Key;
use conclave_console::wording;
use conclave_publish::{Digest, FileName, Tree};
use conclave_sim::world::play::rows;
use conclave_sim::world::robot::{Robot, edge};
use conclave_tests::qemu::Qmp;
use conclave_tests::vm::machine::{Firmware, Machine};
use conclave_tests::vm::room::Room;
use conclave_tests::vm::{screen, stick, walk};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};
use serde_json::json;

/// Between two looks at the screen.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of the text screen of a BIOS machine, and of a row of it.
const SCREEN_LEN: usize = 4000;
const ROW_LEN: usize = 160;

fn main() -> ExitCode {
    match Rehearse::from_command_line() {
        Ok(asked) => ended("rehearse", rehearse(asked)),
        Err(code) => code,
    }
}

fn rehearse(asked: Rehearse) -> Result<ExitCode, Box<dyn Error>> {
    for (needed, package) in [("/usr/bin/qemu-system-x86_64", "qemu-system-x86"), ("/usr/bin/mcopy", "mtools")] {
        if !Path::new(needed).exists() {
            let words = "scripts/setup installs it; scripts/rehearse without --image rehearses without it";
            return Err(format!("{needed} of the package {package} is missing: {words}").into());
        }
    }
    let program = env::current_exe()?;
    let program = program.parent().and_then(Path::parent).ok_or("this program lies beside no other")?.join("conclave");
    let rehearsal = asked.check(&program)?;
    if rehearsal.taken_up.is_some() {
        return Err("what the image left is not taken up: only a rehearsal without --image is".into());
    }
    build_image()?;
    let mut watched = rehearsal.watch()?;
    let mut room = Room::start(
        Brought { plan: &rehearsal.bytes, names: rehearsal.names.bytes() },
        Firmware::Bios,
        Firmware::Bios.memory_mib(),
    );
    let last = match &mut watched {
        Watched::Drawn(terminal) => in_terminal(terminal, rehearsal.hands, &mut room),
        Watched::Lines(lines) => {
            let mut last = Vec::new();
            robot(&mut room, Duration::ZERO, |screen| {
                // The reader of the lines has gone; all files are there at the end all the same.
                let _ = lines.read(screen);
                last = screen.to_vec();
            });
            last
        }
    };
    let Room { machine, scratch, plan, tokens, .. } = room;
    // A person has switched it off already.
    if rehearsal.hands {
        machine.wait_until_off()
    } else {
        walk::power_off(machine)
    }
    drop(watched);
    let files = |stick: &Path| -> Result<BTreeMap<FileName, Vec<u8>>, Box<dyn Error>> {
        let names = stick::names(stick).into_iter();
        names.map(|name| Ok((FileName::new(name.as_bytes())?, stick::get(stick, &name)))).collect()
    };
    let drives =
        plan.drives.iter().map(|drive| files(&scratch.file(drive.serial.as_str()))).collect::<Result<_, _>>()?;
    let card = |serial: &str| tokens[serial].lock().unwrap_or_else(PoisonError::into_inner).card().clone();
    let tokens = plan.tokens.iter().map(|token| card(token.serial.as_str())).collect();
    rehearsal.leave(&Left { drives, tokens, screen: last, stands: None })
}

/// Builds the image, unless there is one of exactly this commit.
fn build_image() -> Result<(), Box<dyn Error>> {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let git = |words: &[&str]| -> Result<String, Box<dyn Error>> {
        let said = Command::new("git").args(words).current_dir(&tree).output()?;
        Ok(String::from_utf8(said.stdout)?.trim().to_owned())
    };
    let (commit, changed) = (git(&["rev-parse", "HEAD"])?, git(&["status", "--porcelain"])?);
    let licences = fs::read_to_string(tree.join("target/image/LICENSES.txt")).unwrap_or_default();
    let is_of =
        |state: Tree| licences.contains(&format!("\nrevision {}\n", [&commit, state.words()].join(" ").trim_end()));
    if !commit.is_empty() && changed.is_empty() && [Tree::Clean, Tree::Moved].into_iter().any(is_of) {
        return Ok(());
    }
    writeln!(out(), "Building the image: two minutes, or half an hour where it was never built.")?;
    // A rehearsal is held on any day: packages that the archive dropped since are replaced, and the image says so.
    if Command::new(tree.join("scripts/image")).arg("--offered").status()?.success() {
        return Ok(());
    }
    Err("the image was not built; what went wrong is said above, and scripts/rehearse without --image needs none"
        .into())
}

/// The robot walks from power-on into the ceremony and plays it; `seen` is called with every screen, once it stood for a while.
fn robot(room: &mut Room, stands: Duration, mut seen: impl FnMut(&[String])) {
    let machine = &mut room.machine;
    machine.wait_for(walk::SOUND);
    thread::sleep(stands);
    walk::to_air_gap(machine);
    for next in ["compare with a watch", "► Devices", wording::intake::INSERT] {
        thread::sleep(stands);
        machine.press(&["ret"]);
        machine.wait_for(next);
    }
    let mut robot = Robot::new(&room.plan);
    let _ = room.play(&mut robot, |_, _, screen| {
        thread::sleep(stands);
        seen(screen);
        ControlFlow::Continue(())
    });
}

/// The screen that people at this terminal see.
struct Sight {
    /// Over the screen.
    menu: Menu,
    /// The last screen of the ceremony.
    last: Vec<String>,
}

/// Plays with the machine's screen in this terminal. Returns the last screen of the ceremony.
fn in_terminal(terminal: &mut Terminal, hands: bool, room: &mut Room) -> Vec<String> {
    let keys = terminal.keys();
    let image = Digest::of(&fs::read(walk::iso()).expect("it was just started from"));
    let sight = Mutex::new(Sight { menu: Menu::new(&room.plan, Some(image), false), last: Vec::new() });
    let ended = AtomicBool::new(false);
    let (qmp, file) = (room.machine.watch(), room.scratch.file("mirror"));
    thread::scope(|scope| {
        scope.spawn(|| mirror(qmp, &file, terminal, &sight, &ended));
        // Also when something fails here: the scope waits for the mirror.
        let _end = OnDrop(|| ended.store(true, Ordering::Relaxed));
        if hands {
            self::hands(room, &keys, &sight, &ended);
        } else {
            robot(room, READ, |_| ());
        }
    });
    sight.into_inner().unwrap_or_else(PoisonError::into_inner).last
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Shows the machine's screen in this terminal, until it is off or the rehearsal has ended.
fn mirror(mut qmp: Qmp, file: &Path, terminal: &mut Terminal, sight: &Mutex<Sight>, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let asked = qmp.ask("pmemsave", json!({ "val": 0xb8000, "size": SCREEN_LEN, "filename": file }));
        if asked.is_none() {
            ended.store(true, Ordering::Relaxed);
            return;
        }
        let mut screen = in_colours(&fs::read(file).unwrap_or_default());
        {
            let mut sight = sight.lock().unwrap_or_else(PoisonError::into_inner);
            let text = rows(&screen);
            if edge(&text).is_some() {
                sight.last = text;
            }
            sight.menu.draw(&mut screen);
        }
        // A terminal that is gone ends nothing: the work of the machine is kept.
        let _ = terminal.draw(&screen);
        thread::sleep(LOOK);
    }
}

/// The text buffer: each character is followed by its colours, foreground in the lower four bits.
fn in_colours(buffer: &[u8]) -> Buffer {
    // The text buffer counts blue, green, red; a terminal red, green, blue.
    const COLOURS: [u8; 8] = [0, 4, 2, 6, 1, 5, 3, 7];
    let mut screen = Buffer::empty(SCREEN);
    for ((y, line), row) in (0..).zip(screen::text_mode(buffer)).zip(buffer.chunks(ROW_LEN)) {
        for ((x, character), colours) in (0..).zip(line.chars()).zip(row.iter().skip(1).step_by(2)) {
            let [fore, back] = [colours & 7, colours >> 4 & 7].map(|colour| COLOURS[usize::from(colour)]);
            let style = Style::new().fg(Color::Indexed(fore | colours & 8)).bg(Color::Indexed(back));
            screen[(x, y)].set_char(character).set_style(style);
        }
    }
    screen
}

/// A person types and plugs until the machine is off.
fn hands(room: &mut Room, keys: &Receiver<Typed>, sight: &Mutex<Sight>, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let typed = match keys.recv_timeout(LOOK) {
            Ok(typed) => typed,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => panic!("the terminal is gone, and with it the keyboard"),
        };
        // Nothing is done while the list is lent: the mirror draws it meanwhile.
        let for_list = |key| sight.lock().unwrap_or_else(PoisonError::into_inner).menu.press(key);
        match typed {
            Typed::Devices => sight.lock().unwrap_or_else(PoisonError::into_inner).menu.turn(),
            Typed::Key(key) => match for_list(key) {
                Some(Some(Wish::Plug(serial))) => room.plug(&serial),
                Some(Some(Wish::Pull(serial))) => room.pull(&serial),
                // The list does not offer it.
                Some(Some(Wish::Fail(..)) | None) => {}
                None => press(&mut room.machine, key),
            },
            Typed::Stop => {}
        }
    }
}

/// Presses a key, if a keyboard of US layout has it.
fn press(machine: &mut Machine, key: Key) {
    match key {
        Key::Char(typed) if typed == ' ' || typed.is_ascii_graphic() => machine.type_text(&typed.to_string()),
        Key::Char(_) => {}
        Key::Enter => machine.press(&["ret"]),
        Key::Backspace => machine.press(&["backspace"]),
        Key::Tab => machine.press(&["tab"]),
        Key::Up => machine.press(&["up"]),
        Key::Down => machine.press(&["down"]),
        Key::Escape => machine.press(&["esc"]),
        Key::Function(number) => machine.press(&[&format!("f{number}")]),
    }
}

//! A recording of a real rehearsal, for the README: `recording PROGRAM PLAN FILE` runs `PROGRAM rehearse --plan PLAN`
//! in a terminal of its own and draws the screens of that terminal as one animated SVG. `scripts/recording` runs it.
//!
//! Nothing is staged: the bytes of the program go through a terminal emulator of other people, and its cells are drawn. A recording
//! is of one run: its random numbers are others each time.
#![allow(missing_docs, clippy::indexing_slicing, clippy::unwrap_used, reason = "a program, not a library")]

mod svg;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use conclave_tests::scratch::Scratch;
use nix::libc;
use nix::pty::{Winsize, openpty};
use vt100::{Parser, Screen};

/// The terminal, in characters: the size of a PC in text mode.
const ROWS: NonZero<u16> = NonZero::new(25).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();
/// How much faster than the rehearsal its recording is.
const SPEED: u32 = 4;
/// How long a screen stands in the recording at most, and the last one.
const STANDS_MAX: Duration = Duration::from_millis(400);
const END: Duration = Duration::from_secs(6);
/// Between two pictures of the recording.
const PICTURE: Duration = Duration::from_millis(80);
/// Bytes of the recording, at most: a page with it still loads at once.
const LEN_MAX: usize = 1 << 20;

fn main() -> ExitCode {
    match record() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("recording: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [program, plan, file] = &args[..] else { return Err("usage: recording PROGRAM PLAN FILE".into()) };
    let scratch = Scratch::new();
    // As from a tree of its own: the paths that the program names hold for a reader, and no path of this machine is in
    // the film.
    let inside = Path::new("target/debug/conclave");
    fs::create_dir_all(scratch.path().join("target/debug"))?;
    fs::copy(program, scratch.path().join(inside))?;
    // A terminal of its own, as a window is: its size is asked of it, not of the terminal this was started from.
    let mut command = Command::new("setsid");
    command.current_dir(scratch.path()).args(["--ctty", "--wait"]).arg(inside).args(["rehearse", "--plan"]);
    command.arg(fs::canonicalize(plan)?).args(["--folder", "target/rehearsal"]);
    let pictures = watch(command)?;
    let drawn = svg::film(&pictures, (COLUMNS.get(), ROWS.get()));
    if drawn.len() > LEN_MAX {
        return Err(
            format!("the recording has {} bytes, at most {LEN_MAX} are allowed: raise SPEED", drawn.len()).into()
        );
    }
    let seconds = pictures.last().map_or(0, |(at, _)| at.as_secs());
    println!("{} pictures in {seconds} s, {} bytes: {file}", pictures.len(), drawn.len());
    Ok(fs::write(file, drawn)?)
}

/// Runs it to its end, and takes pictures of its terminal.
///
/// Errors: it cannot be run, or does not end well.
fn watch(mut command: Command) -> Result<Vec<(Duration, Screen)>, Box<dyn Error>> {
    let pty = openpty(&Winsize { ws_row: ROWS.get(), ws_col: COLUMNS.get(), ws_xpixel: 0, ws_ypixel: 0 }, None)?;
    let slave = || -> Result<Stdio, Box<dyn Error>> { Ok(Stdio::from(OwnedFd::try_clone(&pty.slave)?)) };
    let mut child = command.stdin(slave()?).stdout(slave()?).stderr(slave()?).spawn()?;
    // The other side is the child's alone, and is closed when the child ends.
    drop((command, pty.slave));
    let mut terminal = File::from(pty.master);
    let (mut parser, mut camera, mut bytes) = (Parser::new(ROWS, COLUMNS, 0), Camera::default(), vec![0; 65_536]);
    loop {
        let since = Instant::now();
        let len = match terminal.read(&mut bytes) {
            // The error of Linux for a terminal with its other side closed.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => 0,
            read => read?,
        };
        camera.stood(since.elapsed(), parser.screen());
        if len == 0 {
            break;
        }
        parser.process(&bytes[..len]);
    }
    match child.wait()? {
        ended if ended.success() => Ok(camera.end(parser.screen())),
        ended => Err(format!("the rehearsal ended with {ended}:\n{}", parser.screen().contents()).into()),
    }
}

/// Takes a picture every [`PICTURE`] of a film that runs [`SPEED`] times as fast as the terminal, and in which no
/// screen stands longer than [`STANDS_MAX`].
#[derive(Default)]
struct Camera {
    now: Duration,
    next: Duration,
    /// Those that differ from the one before, by the times at which they begin.
    pictures: Vec<(Duration, Screen)>,
}

impl Camera {
    /// A screen stood for so long.
    fn stood(&mut self, real: Duration, screen: &Screen) {
        // A reader without animations sees the first picture.
        if self.pictures.is_empty() && screen.contents().is_empty() {
            return;
        }
        self.now += (real / SPEED).min(STANDS_MAX);
        if self.now < self.next {
            return;
        }
        if self.pictures.last().is_none_or(|(_, last)| last.contents_formatted() != screen.contents_formatted()) {
            self.pictures.push((self.next, screen.clone()));
        }
        while self.next <= self.now {
            self.next += PICTURE;
        }
    }

    /// The last screen stands until the film begins again.
    fn end(mut self, last: &Screen) -> Vec<(Duration, Screen)> {
        let at = self.next;
        self.pictures.extend([at, at + END].map(|at| (at, last.clone())));
        self.pictures
    }
}

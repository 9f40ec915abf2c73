//! The screen, shared by the loop that draws it and a thread that counts the seconds while the loop is at work.
//!
//! No command of a token and no write to a drive can be cancelled: people see that it goes on, and for how long.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use conclave_console::run::Showing;
use conclave_console::view;
use ratatui::Terminal;
use ratatui::buffer::Buffer;

use crate::screen::Console;

/// Between two drawings of the seconds.
const BEAT: Duration = Duration::from_secs(1);

/// The painter of the screen.
pub(crate) struct Painter {
    shared: Arc<Shared>,
}

struct Shared {
    screen: Mutex<Screen>,
    drawn: Condvar,
}

struct Screen {
    terminal: Terminal<Console>,
    at_work: Option<AtWork>,
}

/// The loop draws nothing until it has done this.
struct AtWork {
    since: Instant,
    /// The picture that was drawn last. No secret is on the screen while the loop works.
    picture: Buffer,
}

impl Painter {
    /// Opens the console and starts to count.
    pub(crate) fn open() -> io::Result<Self> {
        let screen = Screen { terminal: Terminal::new(Console::open()?)?, at_work: None };
        let shared = Arc::new(Shared { screen: Mutex::new(screen), drawn: Condvar::new() });
        let counting = Arc::clone(&shared);
        thread::spawn(move || counting.count());
        Ok(Self { shared })
    }

    /// Draws the screen; from now on the seconds are counted, if the loop goes to work on it.
    pub(crate) fn draw(&self, showing: &Showing<'_>) -> io::Result<()> {
        let mut screen = self.shared.lock();
        let drawn = screen.terminal.draw(|frame| view::show(showing, frame))?;
        let picture = showing.works().then(|| drawn.buffer.clone());
        screen.at_work = picture.map(|picture| AtWork { since: Instant::now(), picture });
        self.shared.drawn.notify_one();
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self) {
        let mut screen = self.lock();
        loop {
            let (woken, beat) = self.drawn.wait_timeout(screen, BEAT).unwrap_or_else(PoisonError::into_inner);
            screen = woken;
            let Screen { terminal, at_work: Some(AtWork { since, picture }) } = &mut *screen else { continue };
            if beat.timed_out() {
                // A screen that cannot be drawn ends the room at its own next drawing.
                let _ = terminal.draw(|frame| {
                    frame.buffer_mut().clone_from(picture);
                    view::ceremony::working(since.elapsed(), frame);
                });
            }
        }
    }
}

//! The clock: no program knows whether it is right. So people set it by hand, and any other change of it is noticed.

use thiserror::Error;

use crate::civil::{Ahead, CivilError, Wall};
use crate::field::Field;
use crate::key::Key;
use crate::shown::Shown;

/// Drift between wall clock and monotonic clock that is no jump.
const DRIFT_MAX_S: i64 = 2;

/// A wall clock, watched by the monotonic one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// How far local time is ahead of UTC.
    pub ahead: Ahead,
    /// The wall clock as last read.
    pub now: Option<Wall>,
    /// The mistake in the typed text.
    pub mistake: Option<CivilError>,
    /// The last time the clock moved by itself, and by how many seconds.
    pub jumped: Option<(Wall, i64)>,
    /// The time when a person last said that the clock is right, and the milliseconds since power-on then.
    pub compared: Option<(Wall, u64)>,
    /// The result of setting it by hand.
    pub set: Option<Set>,
    committed: Wall,
    field: Field,
    last: Option<(Wall, u64)>,
}

/// The result of setting the clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Set {
    /// This clock and the one on the board, which keeps the time while the machine is off.
    Both,
    /// This clock alone; the one on the board refused, for this reason.
    UntilPowerOff(Shown),
    /// Neither, for this reason.
    Not(Shown),
}

/// Why a clock cannot be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unbelievable {
    /// It was never read.
    #[error("the clock has not been read")]
    Unread,
    /// It shows a moment before this image existed.
    #[error("the clock shows a time before this image was made")]
    BeforeBuild,
}

impl Clock {
    pub(super) fn new(committed: Wall) -> Self {
        Self {
            ahead: Ahead::default(),
            now: None,
            mistake: None,
            jumped: None,
            compared: None,
            set: None,
            committed,
            field: Field::default(),
            last: None,
        }
    }

    /// When this image's sources were committed.
    pub fn committed(&self) -> Wall {
        self.committed
    }

    /// The text being typed: a moment, or an offset.
    pub fn typed(&self) -> &str {
        self.field.text()
    }

    /// Whether the clock can be right at all. Whether it is, people say.
    pub fn believable(&self) -> Result<Wall, Unbelievable> {
        match self.now {
            None => Err(Unbelievable::Unread),
            Some(now) if now < self.committed => Err(Unbelievable::BeforeBuild),
            Some(now) => Ok(now),
        }
    }

    /// A person says that it is right. Whether the clock can be, is asked first.
    pub(super) fn compare(&mut self) -> bool {
        let compared = self.last.filter(|_| self.believable().is_ok());
        self.compared = compared.or(self.compared);
        compared.is_some()
    }

    pub(super) fn read(&mut self, wall: Wall, mono_ms: u64) {
        if let Some((last_wall, last_ms)) = self.last {
            let elapsed = i64::try_from(mono_ms.saturating_sub(last_ms) / 1000).unwrap_or(i64::MAX);
            let moved = wall.0 - last_wall.0 - elapsed;
            if moved.abs() > DRIFT_MAX_S {
                self.jumped = Some((wall, moved));
            }
        }
        self.last = Some((wall, mono_ms));
        self.now = Some(wall);
    }

    /// Takes a key; the moment to set the clock to, once one is typed.
    pub(super) fn pressed(&mut self, key: Key) -> Option<Wall> {
        match key {
            Key::Enter => {
                let text = self.field.text().trim();
                let set = if text.starts_with(['+', '-']) {
                    Ahead::typed(text).map(|ahead| {
                        self.ahead = ahead;
                        None
                    })
                } else {
                    Wall::typed(text, self.ahead).map(Some)
                };
                match set {
                    Ok(set) => {
                        self.field = Field::default();
                        self.mistake = None;
                        if set.is_some() {
                            // Set by hand: not a jump.
                            self.last = None;
                            self.jumped = None;
                        }
                        set
                    }
                    Err(mistake) => {
                        self.mistake = Some(mistake);
                        None
                    }
                }
            }
            Key::Escape => {
                self.field = Field::default();
                self.mistake = None;
                None
            }
            key => {
                self.field.press(key);
                self.mistake = None;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT: Wall = Wall(1_795_000_000);

    fn type_line(clock: &mut Clock, line: &str) -> Option<Wall> {
        for typed in line.chars() {
            assert_eq!(clock.pressed(Key::Char(typed)), None);
        }
        clock.pressed(Key::Enter)
    }

    #[test]
    fn a_clock_before_the_image_cannot_be_right() {
        let mut clock = Clock::new(BUILT);
        assert_eq!(clock.believable(), Err(Unbelievable::Unread));
        clock.read(Wall(BUILT.0 - 1), 0);
        assert_eq!(clock.believable(), Err(Unbelievable::BeforeBuild));
        clock.read(BUILT, 1000);
        assert_eq!(clock.believable(), Ok(BUILT));
    }

    #[test]
    fn it_is_set_by_a_typed_local_time() {
        let mut clock = Clock::new(BUILT);
        assert_eq!(type_line(&mut clock, "+02:00"), None);
        assert_eq!(clock.ahead, Ahead(120));
        assert_eq!(type_line(&mut clock, "2026-11-21 23:05"), Some(Wall(1_795_295_100)));
        assert_eq!(type_line(&mut clock, "yesterday"), None);
        assert_eq!(clock.mistake, Some(CivilError::Form));
        assert_eq!(clock.typed(), "yesterday");
    }

    #[test]
    fn a_jump_is_noticed_and_setting_by_hand_is_none() {
        let mut clock = Clock::new(BUILT);
        clock.read(Wall(1_795_295_100), 10_000);
        clock.read(Wall(1_795_295_102), 11_000);
        assert_eq!(clock.jumped, None, "drift");
        clock.read(Wall(1_795_298_702), 12_000);
        assert_eq!(clock.jumped, Some((Wall(1_795_298_702), 3599)));
        type_line(&mut clock, "2026-11-21 21:05");
        clock.read(Wall(1_795_295_100), 13_000);
        assert_eq!(clock.jumped, None);
    }
}

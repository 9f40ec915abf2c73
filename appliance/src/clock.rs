//! The clocks of this machine: the one programs see, and the one on the board that survives power-off.

use std::fs::File;
use std::io;
use std::time::Duration;

use conclave_console::civil::{Ahead, Wall};
use conclave_console::preflight::Event;
use conclave_console::preflight::clock::Set;
use conclave_console::shown::Shown;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime, clock_settime};

use crate::sys;

/// The clock on the board.
const RTC: &str = "/dev/rtc0";

/// Reads the clock. One that cannot be read is not believed either: the state then says it was never read.
pub(crate) fn read() -> Option<Event> {
    let wall = clock_gettime(ClockId::CLOCK_REALTIME).ok()?;
    let since_power_on = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?;
    let mono_ms = u64::try_from(Duration::from(since_power_on).as_millis()).ok()?;
    Some(Event::Read { wall: Wall(wall.tv_sec()), mono_ms })
}

/// Sets both clocks to the same moment.
pub(crate) fn set(wall: Wall) -> Set {
    if let Err(error) = clock_settime(ClockId::CLOCK_REALTIME, TimeSpec::new(wall.0, 0)) {
        return Set::Not(Shown::new(error.desc()));
    }
    match keep(wall) {
        Ok(()) => Set::Both,
        Err(error) => Set::UntilPowerOff(Shown::new(&error.to_string())),
    }
}

fn keep(wall: Wall) -> io::Result<()> {
    let [year, month, day, hour, minute, second] = wall.parts(Ahead(0)).map(|part| part as i32);
    Ok(sys::set_rtc(&File::open(RTC)?, &sys::RtcTime::new([year - 1900, month - 1, day, hour, minute, second]))?)
}

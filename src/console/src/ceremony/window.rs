//! The days of a plan: with the clock outside them, no ceremony begins or goes on.

use conclave_ceremony::plan::{Plan, Window};
use conclave_publish::x509::Time;

use crate::ports::Machine;

/// The clock is outside the window of the plan: the clock is wrong, or the day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The clock says {}; the plan is for {from} to {until}. If the clock is wrong, go back to it with Esc and set it. If the day \
     is wrong, bring another plan.",
    .clock.map_or_else(|| "a time before 1970 or after 9999".to_owned(), |clock| clock.to_string())
)]
pub struct OutsideWindow {
    clock: Option<Time>,
    from: Time,
    until: Time,
}

/// Compares the clock with the days of the plan, because the verifier refuses every entry of another day.
///
/// **Errors**: [`OutsideWindow`].
pub fn in_window(plan: &Plan, machine: &mut impl Machine) -> Result<(), OutsideWindow> {
    let Window { from, until, .. } = plan.window;
    let clock = Time::from_unix(machine.now().wall.0);
    if clock.is_some_and(|clock| (from..=until).contains(&clock)) {
        return Ok(());
    }
    Err(OutsideWindow { clock, from, until })
}

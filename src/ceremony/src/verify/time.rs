//! Clocks and boots.

use conclave_publish::x509::Time;

use super::{Account, Case, Rule, resumed};
use crate::entry::Entry;
use crate::event::{Event, Looked};
use crate::script::StepKind;

/// Most that wall clock and clock since power-on may part within a boot. **Units**: milliseconds.
///
/// No clock of a laptop drifts that far in days, and no person sets the clock once it was compared.
const PARTED_MAX_MS: u64 = 5 * 60 * 1_000;

/// Rule `times`: boots are counted up by interruptions, no clock runs backwards within a boot once it was compared,
/// both clocks go on alike there, and the ceremony lies in the window of its plan.
pub(super) fn times(case: &Case<'_>, account: &mut Account) {
    let window = case.plan.window;
    let inside = |wall| Time::from_unix(wall).is_some_and(|wall| window.from <= wall && wall <= window.until);
    let place = |kind| case.script.of(kind).map(|step| step.id);
    let clock = place(StepKind::Clock);
    let after = |entry: &Entry| clock.is_some() && place(entry.step) > clock;
    let mut before = None;
    // The first entry of the boot after the clock was compared.
    let mut first: Option<&Entry> = None;
    for entry in &case.transcript.entries {
        let seq = Some(entry.seq);
        let last = before.replace(entry);
        let boot = match (&entry.event, last) {
            (Event::Interrupted { .. }, Some(last)) => last.boot.saturating_add(1),
            (_, Some(last)) => last.boot,
            (_, None) => 1,
        };
        if let Event::Interrupted { boot: told, .. } = entry.event
            && told != boot
        {
            account.refuse(Rule::Times, seq, format!("it tells of boot {told}, expected boot {boot}"));
        }
        if entry.boot != boot {
            account.refuse(Rule::Times, seq, format!("it is of boot {}, expected boot {boot}", entry.boot));
        }
        let compared = after(entry);
        if let Some(last) = last.filter(|last| last.boot == entry.boot) {
            if entry.mono < last.mono {
                account.refuse(Rule::Times, seq, "it is earlier after power-on than the entry before it");
            }
            if compared && entry.wall < last.wall && after(last) {
                account.refuse(Rule::Times, seq, "it is earlier than the entry before it");
            }
        }
        first = first.filter(|first| first.boot == entry.boot).or(compared.then_some(entry));
        if first.is_some_and(|first| parted((first.wall, first.mono), (entry.wall, entry.mono)) > PARTED_MAX_MS) {
            account.refuse(
                Rule::Times,
                seq,
                "its wall clock and its clock since power-on did not go on alike in this boot",
            );
        }
        if compared && !inside(entry.wall) {
            let words =
                format!("it is of {} s since 1970, outside the window {} to {}", entry.wall, window.from, window.until);
            account.refuse(Rule::Times, seq, words);
        }
    }
    if let (Some(first), Some(last)) = (case.transcript.entries.first(), before) {
        let shown = |wall| Time::from_unix(wall).map_or_else(|| format!("{wall} s"), |time| time.to_string());
        let words = format!("held from {} to {} in {} boots", shown(first.wall), shown(last.wall), last.boot);
        account.report(Rule::Times, None, words);
    }
}

/// Most that the clocks may part between the comparison with a watch and the entry of it. **Units**: milliseconds.
const COMPARED_MAX_MS: u64 = 60 * 1_000;

/// Rule `clock`: entries are dated by the wall clock that a person compared with a watch: it was not set later.
pub(super) fn compared(case: &Case<'_>, account: &mut Account) {
    let entry = |seq: u64| case.transcript.entries.get(usize::try_from(seq).ok()?);
    for (seq, looked) in resumed::looks(case) {
        let (Looked::Clock { wall, mono }, Some(entry)) = (looked, entry(seq)) else { continue };
        if entry.mono < *mono || parted((*wall, *mono), (entry.wall, entry.mono)) > COMPARED_MAX_MS {
            account.refuse(
                Rule::Clock,
                Some(seq),
                "the clock was set to another time after a person compared it with a watch",
            );
        }
    }
}

/// How far wall clock and clock since power-on parted between two readings of both. **Units**: milliseconds.
fn parted(from: (i64, u64), to: (i64, u64)) -> u64 {
    let wall = (i128::from(to.0) - i128::from(from.0)) * 1_000;
    let mono = i128::from(to.1) - i128::from(from.1);
    u64::try_from((wall - mono).unsigned_abs()).unwrap_or(u64::MAX)
}

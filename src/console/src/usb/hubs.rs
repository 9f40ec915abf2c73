//! Which hubs stay once a plan is in.
//!
//! A hub is a computer on the way to every device on it: it hears the messages to its tokens, and it can play a device
//! that is not there. So a hub stays only if people decided on it beforehand, in the plan or by choosing the machine.

use conclave_ceremony::plan::UsbId;

use super::gate::{Inside, Present, Use};
use crate::preflight::devices::Port;

/// Whether a port is one of the hub at another port, or of a hub on that.
pub fn behind(port: &Port, hub: &Port) -> bool {
    port.as_str().strip_prefix(hub.as_str()).is_some_and(|rest| rest.starts_with('.'))
}

/// Hubs that are shut out, each by its port; a device on such a hub is shut out with it.
///
/// A device stays for each time the plan names its id: one that is in, otherwise the first one in the order given. One
/// device more of that id is another hub, and an id is easily copied. `present` has a hub before the devices on it.
pub(super) fn shut_out<'a>(present: &'a [Present], named: &[UsbId]) -> Vec<&'a Port> {
    let hubs = || present.iter().filter_map(|hub| if let Use::Hub(id) = hub.used { Some((hub, id)) } else { None });
    let (inside, others): (Vec<_>, Vec<_>) = hubs().partition(|(hub, _)| hub.inside != Inside::No);
    let mut due = named.to_vec();
    let mut out: Vec<&Port> = Vec::new();
    for (hub, id) in inside.into_iter().chain(others) {
        // It takes no place of a hub that people named: the hub that it hangs on may have made it up.
        if out.iter().any(|above| behind(&hub.port, above)) || hub.built_in {
            continue;
        }
        match due.iter().position(|due| *due == id) {
            Some(at) => drop(due.swap_remove(at)),
            None => out.push(&hub.port),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::gate::{Admission, Named, Rules, admit};
    use super::*;
    use crate::shown::{Serial, Shown};

    const NAMED: UsbId = UsbId { vendor: 0x05e3, product: 0x0610 };
    /// The id of the named hub on USB 3.
    const HALF: UsbId = UsbId { vendor: 0x05e3, product: 0x0620 };
    const OTHER: UsbId = UsbId { vendor: 0x0409, product: 0x55aa };

    fn hub(port: &str, id: UsbId) -> Present {
        let (port, serial) = (Shown::new(port), Serial::default());
        Present { port, used: Use::Hub(id), inside: Inside::No, serial, built_in: false }
    }

    fn inside(hub: Present) -> Present {
        Present { inside: Inside::Holds, ..hub }
    }

    fn built_in(hub: Present) -> Present {
        Present { built_in: true, ..hub }
    }

    /// A token the plan names.
    fn token(port: &str) -> Present {
        Present { used: Use::Token(0), serial: Serial::new("DENK00000010000"), ..hub(port, OTHER) }
    }

    /// Ports of the devices that come in, or stay in, after a plan that names a hub and a token.
    fn admitted(present: &[Present]) -> Vec<&str> {
        admitted_by(&[NAMED, HALF], present)
    }

    fn admitted_by<'a>(hubs: &[UsbId], present: &'a [Present]) -> Vec<&'a str> {
        let named = Named { serials: vec![Serial::new("DENK0000001")], hubs: hubs.to_vec() };
        let rules = Rules { named: Some(named), keyboards: true };
        let admissions = admit(present, &rules);
        let both = present.iter().zip(admissions).filter(|(_, admission)| *admission == Admission::In);
        both.map(|(device, _)| device.port.as_str()).collect()
    }

    #[test]
    fn before_the_plan_every_hub_comes_in() {
        let all = [hub("1-1", NAMED), hub("1-2", OTHER), hub("1-2.1", NAMED), token("1-2.1.4")];
        let admissions = admit(&all, &Rules::default());
        assert!(admissions.iter().all(|admission| *admission == Admission::In), "{admissions:?}");
    }

    #[test]
    fn after_the_plan_the_hubs_it_names_stay_and_what_hangs_on_them_is_judged_by_itself() {
        let webcam = Present { used: Use::Never(super::super::gate::Never::SoundOrCamera), ..hub("1-1.2", OTHER) };
        let all = [inside(hub("1-1", NAMED)), token("1-1.1"), webcam, hub("2-1", HALF), token("2-1.1")];
        assert_eq!(admitted(&all), ["1-1", "1-1.1", "2-1", "2-1.1"]);
    }

    #[test]
    fn a_hub_the_plan_does_not_name_is_shut_out_with_all_that_hangs_on_it() {
        let keyboard = Present { used: Use::Keyboard(0), ..inside(hub("1-1.2", OTHER)) };
        let all = [
            inside(hub("1-1", OTHER)),
            inside(token("1-1.1")),
            keyboard,
            // A hub of the plan, too: it is told to by the one it hangs on.
            inside(hub("1-1.3", NAMED)),
            token("1-1.3.1"),
            token("1-11"),
            token("1-2"),
        ];
        assert_eq!(admitted(&all), ["1-11", "1-2"]);
        // The hub that the plan names comes in all the same, at a port of the machine.
        assert_eq!(
            admitted(&[&all[..], &[hub("1-3", NAMED), token("1-3.1")]].concat()),
            ["1-11", "1-2", "1-3", "1-3.1"]
        );
        // An unnamed one on a named one.
        let all = [hub("1-1", NAMED), hub("1-1.1", OTHER), token("1-1.1.1"), token("1-1.2")];
        assert_eq!(admitted(&all), ["1-1", "1-1.2"]);
    }

    #[test]
    fn of_an_id_that_is_named_one_hub_stays_and_the_one_that_is_in_is_it() {
        assert_eq!(admitted(&[hub("1-1", NAMED), hub("1-2", NAMED), token("1-2.1")]), ["1-1"]);
        assert_eq!(admitted(&[hub("1-1", NAMED), token("1-1.1"), inside(hub("1-2", NAMED))]), ["1-2"]);
        assert_eq!(admitted(&[inside(hub("1-1", NAMED)), inside(hub("1-2", NAMED))]), ["1-1"]);
    }

    #[test]
    fn of_an_id_that_is_named_twice_two_hubs_stay_and_no_third() {
        let all = [hub("1-1", NAMED), hub("1-1.4", NAMED), token("1-1.4.2"), hub("1-2", NAMED), token("1-2.1")];
        assert_eq!(admitted_by(&[NAMED, HALF, NAMED, HALF], &all), ["1-1", "1-1.4", "1-1.4.2"]);
        assert_eq!(admitted_by(&[NAMED, HALF], &all), ["1-1"]);
        let third = [hub("1-1", NAMED), inside(hub("1-2", NAMED)), inside(hub("1-2.4", NAMED))];
        assert_eq!(admitted_by(&[NAMED; 2], &third), ["1-2", "1-2.4"]);
    }

    #[test]
    fn a_hub_that_is_built_in_stays_and_takes_no_place_of_the_plans() {
        let all = [built_in(hub("1-1", OTHER)), built_in(hub("1-1.1", OTHER)), token("1-1.1.1"), hub("1-1.2", OTHER)];
        assert_eq!(admitted(&all), ["1-1", "1-1.1", "1-1.1.1"]);
        assert_eq!(admitted(&[built_in(hub("1-1", NAMED)), hub("1-2", NAMED)]), ["1-1", "1-2"]);
        // Whatever is said of it, nothing stays behind a hub that is out.
        assert_eq!(admitted(&[hub("1-1", OTHER), built_in(hub("1-1.1", OTHER)), token("1-1.1.1")]), [""; 0]);
    }
}

//! The medium, its digest and the challenge.

use conclave_console::key::Key;
use conclave_console::preflight::laptop::SecureBoot;
use conclave_console::preflight::medium::{Medium, SelfCheck};
use conclave_console::preflight::{Act, Event, Preflight, Screen, step};
use conclave_console::shown::Shown;

use super::fixtures::{
    after, at, check, digest, hashed, met, new, open_challenge, place, press, rendered, stick, typed,
};

fn medium(state: Medium) -> Preflight {
    after([Event::Medium(state)])
}

#[test]
fn the_medium_before_it_is_read() {
    check("medium-looking", &new(), "Operator", "wait: looking for the medium", &["never opened"]);
    let missing = medium(Medium::Missing { looked_at: vec![stick()] });
    check("medium-missing", &missing, "Operator", "insert the Conclave DVD or stick", &["/dev/sda", "Flash Drive"]);
    assert_eq!(step(missing, press(Key::Enter)).1, [Act::FindMedium]);
    let several = medium(Medium::Several(vec![place(), stick()]));
    check("medium-several", &several, "Operator", "take out all but the one", &["/dev/sr0", "/dev/sda"]);
    let short = medium(Medium::Truncated { place: stick(), expected: 7_909_376, found: 4_194_304 });
    check("medium-truncated", &short, "Operator", "use another copy", &["7 909 376", "4 194 304"]);
    let unreadable = medium(Medium::Unreadable { place: place(), at: 65_536, why: Shown::new("I/O error (5)") });
    check("medium-unreadable", &unreadable, "Operator", "clean the disc", &["I/O error (5)", "65 536"]);
    let refused = medium(Medium::Refused { place: stick(), why: "its seal is damaged" });
    check(
        "medium-refused",
        &refused,
        "Operator",
        "use the medium that started this machine",
        &["/dev/sda", "its seal is damaged."],
    );
    assert_eq!(step(refused, press(Key::Enter)).1, [Act::FindMedium]);
    let hashing = medium(Medium::Hashing { place: place(), done: 3_954_688, len: 7_909_376 });
    check("medium-hashing", &hashing, "Operator", "wait: reading the medium", &["3 954 688 of 7 909 376", "░"]);
}

#[test]
fn the_first_screen_says_what_the_firmware_says_of_secure_boot_and_the_others_that_they_only_look() {
    for (told, says) in [
        (SecureBoot::NotTold, "Secure Boot: not told"),
        (SecureBoot::Bios, "Secure Boot: none (BIOS)"),
        (SecureBoot::Off, "Secure Boot: off or in set-up"),
        (SecureBoot::On, "Secure Boot: on"),
    ] {
        for events in [vec![], vec![hashed(SelfCheck::Holds)], open_challenge(), met()] {
            let screen = rendered(&after([vec![Event::SecureBoot(told)], events].concat()), 80, 25);
            let order = screen.lines().nth(1).unwrap();
            assert!(order.starts_with(" ► Medium") && order.ends_with(says), "{screen}");
        }
    }
    let devices = rendered(&after(at(Screen::Devices, vec![Event::SecureBoot(SecureBoot::On)])), 80, 25);
    assert!(!devices.contains("Secure Boot") && devices.contains("no plan: it only looks"), "{devices}");
    let off = after([Event::SecureBoot(SecureBoot::Off), hashed(SelfCheck::Holds)]);
    check("secure-boot", &off, "Witness", "compare with your own copy", &["Secure Boot: off or in set-up"]);
}

#[test]
fn the_digest_is_shown_whole_in_groups_and_words() {
    let preflight = after([hashed(SelfCheck::Holds)]);
    let groups = digest().groups();
    let shown: Vec<String> = groups.iter().map(|group| format!("{group}  {}", group.words())).collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    check("medium-digest", &preflight, "Witness", "compare with your own copy", &shown);
    check(
        "medium-digest",
        &preflight,
        "Witness",
        "compare",
        &["Self-check OK.  Elsewhere: head -c 7909376 DRIVE | sha256sum (DRIVE: see F1)"],
    );
}

#[test]
fn a_damaged_medium_shows_its_digest_and_leads_nowhere() {
    let preflight = after([hashed(SelfCheck::Fails)]);
    check("medium-damaged", &preflight, "Operator", "the medium is damaged. Power off", &["SELF-CHECK FAILED"]);
    assert!(!rendered(&preflight, 80, 25).contains("head -c"), "there is nothing to compare it with");
    let (next, acts) = step(preflight.clone(), press(Key::Enter));
    assert_eq!((next.screen, next.challenged, acts), (Screen::Medium, preflight.challenged, Vec::new()));
}

#[test]
fn no_group_of_the_digest_is_on_the_screen_while_the_challenge_is_open() {
    let hidden = |name, preflight: &Preflight, instruction| {
        check(name, preflight, "Witness", instruction, &[]);
        let screen = rendered(preflight, 160, 50);
        for group in digest().groups() {
            assert!(!screen.contains(&group.to_string()), "{name} shows {group}");
            for word in group.words().split(' ') {
                assert!(!screen.contains(word), "{name} shows {word}");
            }
        }
        assert!(!screen.contains('█') && !screen.contains('▀'), "{name} shows large digits");
    };
    let events = open_challenge();
    hidden("challenge-source", &after(events[..2].to_vec()), "where does your own copy");
    hidden("challenge-open", &after(events.clone()), "type these groups");
    let wrong: Vec<Event> = (0..6).flat_map(|_| typed("zz").chain([press(Key::Enter)])).collect();
    hidden("challenge-mistyped", &after(events.iter().cloned().chain(wrong)), "type these groups");
    let other: Vec<Event> = (0..6).flat_map(|_| typed("0000").chain([press(Key::Enter)])).collect();
    let differs = after(events.into_iter().chain(other));
    hidden("challenge-differs", &differs, "check your copy");
    assert_eq!(differs.screen, Screen::Medium);
}

#[test]
fn a_met_challenge_shows_both_and_goes_on() {
    let preflight = after(met());
    check(
        "medium-met",
        &preflight,
        "Witness",
        "the digest is the one you brought",
        &["Challenge met, from a printed copy"],
    );
    assert_eq!(step(preflight, press(Key::Enter)).0.screen, Screen::AirGap);
}

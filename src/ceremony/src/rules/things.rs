//! Drives, hubs, keys and tokens: enough of them, large enough, none idle; dates; marks.

use conclave_publish::Kind;
use smartcard_hsm::command::KeySpec;

use super::Found;
use crate::ids::TokenId;
use crate::plan::{Drive, Holds, Key, Plan, Rule};

/// The memory of a token, as the vendor states it. Source: data sheet of the Nitrokey HSM 2.
const TOKEN_BYTES: u32 = 76 * 1024;

/// The bytes that certificate and description of a key take, generously: the largest golden certificate, of RSA-3072,
/// has 1,302 bytes; RSA-4096 adds 256; the rest is left to a long subject, which stands there twice, and to the
/// description.
const BESIDE_KEY_BYTES: u32 = 3_072;

/// Fewest bytes of a drive: 65,525 clusters of a sector, which FAT32 begins with, and its tables are just below it.
/// Source: Microsoft's FAT specification 1.03.
const DRIVE_BYTES_MIN: u64 = 34 * 1024 * 1024;

/// Most bytes of a FAT32 volume: 2^32 sectors of 512 bytes.
const DRIVE_BYTES_MAX: u64 = 1 << 41;

/// Days of production's window. Units: seconds.
const WINDOW_SECONDS_MAX: u64 = 31 * 24 * 60 * 60;

/// The mark of a rehearsal.
const MARK: &str = "REHEARSAL";

pub(super) fn check(plan: &Plan, found: &mut Found) {
    drives(plan, found);
    blobs(plan, found);
    tokens(plan, found);
    hubs(plan, found);
    window(plan, found);
    marks(plan, found);
}

fn drives(plan: &Plan, found: &mut Found) {
    let holding = |holds| plan.drives.iter().filter(move |drive| drive.holds == holds);
    let logs = holding(Holds::Transcript).count();
    if logs != 2 {
        let do_now = "Name two: one alone could be lost with the record.";
        found.refuse(Rule::LogDrives, 1, "exactly two drives that hold \"transcript\"", logs.to_string(), do_now);
    }
    // The record goes on until the machine is switched off: a bag that holds a log drive by then was opened again.
    let written_to = plan.drives.iter().filter(|drive| matches!(drive.holds, Holds::Transcript | Holds::SpareLog));
    for drive in written_to.filter(|drive| drive.custody.bag.is_some()) {
        let do_now = "Name its keeper instead; after the end it is bagged on paper.";
        let expected = "a log drive in no bag: it is written to until the end";
        found.refuse(Rule::LogDrives, drive.line, expected, format!("{} in a bag", drive.name), do_now);
    }
    if holding(Holds::Public).count() == 0 {
        found.refuse(Rule::Public, 1, "a drive that holds \"public\"", "none", "Name one.");
    }
    for drive in &plan.drives {
        size(drive, found);
    }
}

fn size(drive: &Drive, found: &mut Found) {
    if !(DRIVE_BYTES_MIN..=DRIVE_BYTES_MAX).contains(&drive.size) || !drive.size.is_multiple_of(512) {
        let expected = format!("whole sectors of 512 bytes, {DRIVE_BYTES_MIN} to {DRIVE_BYTES_MAX} bytes in all");
        let do_now = "Write the size `blockdev --getsize64` shows, or take another drive.";
        found.refuse(Rule::Size, drive.line, expected, drive.size.to_string(), do_now);
    }
}

/// A backup counts if it was restored from where it stays.
fn blobs(plan: &Plan, found: &mut Found) {
    let mut drives = plan.drives.iter().filter(|drive| drive.holds == Holds::Blobs);
    let (first, second) = (drives.next(), drives.next());
    if let Some(second) = second {
        found.refuse(Rule::Blobs, second.line, "at most one drive that holds \"blobs\"", "another", "Take it out.");
    }
    for key in &plan.keys {
        let name = key.label.as_str();
        match (first, key.copies.is_empty()) {
            (None, false) => {
                let do_now = "Name the drive the copies are restored from, or take the copies out.";
                let expected = "a drive that holds \"blobs\" for a key with copies";
                found.refuse(Rule::Blobs, key.line, expected, format!("none for {name}"), do_now);
            }
            (Some(_), true) => {
                let expected = "a copy of every key whose blob is kept: a backup nobody restored is none";
                found.refuse(Rule::Blobs, key.line, expected, format!("no copy of {name}"), "Name a token for a copy.");
            }
            (None, true) | (Some(_), false) => {}
        }
    }
}

fn tokens(plan: &Plan, found: &mut Found) {
    for key in &plan.keys {
        let tokens: Vec<_> = key.tokens().collect();
        if tokens.iter().enumerate().any(|(at, token)| tokens.iter().take(at).any(|before| before == token)) {
            let found_words = format!("one twice for {}", key.label.as_str());
            found.refuse(Rule::Copies, key.line, "a master and other tokens", found_words, "Name each token once.");
        }
    }
    for (id, token) in (0..).map(TokenId).zip(&plan.tokens) {
        let keys: Vec<_> = plan.keys.iter().filter(|key| key.tokens().any(|held| held == id)).collect();
        if keys.is_empty() {
            let found_words = format!("none on {}", token.name);
            found.refuse(Rule::Copies, token.line, "a key on every token", found_words, "Take the token out.");
        }
        let bytes: u32 = keys.iter().map(|key| bytes(key)).sum();
        if bytes > TOKEN_BYTES {
            let expected = format!("keys that take at most {TOKEN_BYTES} bytes on a token");
            let found_words = format!("about {bytes} bytes on {}", token.name);
            found.refuse(Rule::Memory, token.line, expected, found_words, "Divide the keys among more tokens.");
        }
    }
}

/// The memory that a key takes on a token: about a byte for each of its bits by the vendor's figures (38 RSA-2048 or 19
/// RSA-4096 or 150 P-521 keys in all), and the bytes of the objects beside it.
fn bytes(key: &Key) -> u32 {
    let bits = match key.spec {
        KeySpec::Rsa(size) => size.bits(),
        KeySpec::Ec(curve) => curve.bits(),
    };
    u32::from(bits) + BESIDE_KEY_BYTES
}

/// Each hub takes a port of the machine and adds its own ports. With all hubs plugged in, at least as many ports are
/// free as the hubs have. With fewer free ports, the machine has fewer ports than hubs, or the author counted without
/// the hubs.
fn hubs(plan: &Plan, found: &mut Found) {
    let of_hubs: u32 = plan.hubs.iter().map(|hub| u32::from(hub.ports)).sum();
    if of_hubs > u32::from(plan.ports.number) {
        let expected = format!("at least {of_hubs} ports: those of the hubs are counted in");
        let do_now = "Count the machine's free ports; each hub takes one and adds its own. Or take a hub out.";
        found.refuse(Rule::Hubs, plan.ports.line, expected, plan.ports.number.to_string(), do_now);
    }
}

fn window(plan: &Plan, found: &mut Found) {
    let window = plan.window;
    let (from, until) = (window.from.unix(), window.until.unix());
    if until <= from {
        let found_words = format!("{} to {}", window.from, window.until);
        found.refuse(Rule::Window, window.line, "an end after the beginning", found_words, "Correct the dates.");
    } else if plan.kind == Kind::Production && until - from > WINDOW_SECONDS_MAX {
        let found_words = format!("{} to {}", window.from, window.until);
        let do_now = "Narrow it: a clock that is wrong shall be noticed.";
        found.refuse(Rule::Window, window.line, "at most 31 days for production", found_words, do_now);
    }
    for key in &plan.keys {
        if key.expires <= window.until {
            let expected = "a certificate that outlives the window";
            let found_words = format!("one for {} that ends {}", key.label.as_str(), key.expires);
            found.refuse(Rule::Window, key.line, expected, found_words, "Correct not-after.");
        }
    }
}

/// The word of a rehearsal stands in nothing that counts. In a rehearsal, title bar and subjects carry it by
/// themselves.
fn marks(plan: &Plan, found: &mut Found) {
    if plan.kind == Kind::Rehearsal {
        return;
    }
    let tokens = plan.tokens.iter().map(|token| (token.line, token.label.as_str()));
    let keys = plan.keys.iter().flat_map(|key| [(key.line, key.label.as_str()), (key.line, key.purpose.as_str())]);
    for (line, text) in core::iter::once((1, plan.title.as_str())).chain(tokens).chain(keys) {
        if text.to_ascii_uppercase().contains(MARK) {
            let do_now = "Take the word out, or make the plan one of kind \"rehearsal\".";
            found.refuse(Rule::Mark, line, "no REHEARSAL in a plan of kind \"production\"", text, do_now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MINIMAL, SAFIRE, broken, rules};
    use super::*;

    #[test]
    fn exactly_two_drives_hold_the_transcript() {
        assert_eq!(broken(SAFIRE, "holds = \"transcript\"", "holds = \"public\""), [Rule::LogDrives]);
        assert_eq!(broken(SAFIRE, "holds = \"public\"", "holds = \"transcript\""), [Rule::LogDrives, Rule::Public]);
    }

    #[test]
    fn a_log_drive_is_in_no_bag() {
        let (before, log) = MINIMAL.split_at(MINIMAL.find("serial = \"CONCLAVE-LOG-A\"").unwrap());
        let keeper = "custody = { keeper = \"holder\" }";
        let log = log.replacen(keeper, "custody = { bag = \"2000001\" }", 1);
        assert_eq!(rules(&format!("{before}{log}")), [Rule::LogDrives]);
        // With a keeper, and another drive in the bag, it is as the example has it.
        assert_eq!(rules(MINIMAL), []);
    }

    #[test]
    fn a_spare_is_no_third_log_drive_and_is_in_no_bag() {
        let (spare, third) = ("holds = \"transcript\"\nspare = true", "holds = \"transcript\"");
        let with = |holds: &str, custody: &str| {
            format!(
                "{MINIMAL}\n[[drive]]\nname = \"SPARE\"\nserial = \"CONCLAVE-SPARE\"\nsize = 67108864\n\
                 volume = \"C0DE-0005\"\n{holds}\ncustody = {{ {custody} }}\n"
            )
        };
        assert_eq!(rules(&with(spare, "keeper = \"operator\"")), []);
        assert_eq!(rules(&with(third, "keeper = \"operator\"")), [Rule::LogDrives]);
        assert_eq!(rules(&with("holds = \"transcript\"\nspare = false", "keeper = \"operator\"")), [Rule::LogDrives]);
        assert_eq!(rules(&with(spare, "bag = \"2000001\"")), [Rule::LogDrives]);
        // Two of them are log drives from the start.
        assert_eq!(broken(MINIMAL, third, spare), [Rule::LogDrives]);
    }

    #[test]
    fn a_drive_is_as_large_as_fat32_can_be() {
        for size in ["0", "67108863", "35651072", "2199023255553", "2199023256064"] {
            assert_eq!(broken(SAFIRE, "size = 67108864", &format!("size = {size}")), [Rule::Size], "{size}");
        }
        for size in ["35651584", "2199023255552"] {
            assert_eq!(broken(SAFIRE, "size = 67108864", &format!("size = {size}")), [], "{size}");
        }
    }

    #[test]
    fn what_is_backed_up_is_restored_from_the_drive_that_is_kept() {
        assert_eq!(broken(MINIMAL, "holds = \"blobs\"", "holds = \"public\""), [Rule::Blobs]);
        assert_eq!(broken(MINIMAL, "holds = \"public\"", "holds = \"blobs\""), [Rule::Public, Rule::Blobs]);
        assert!(broken(MINIMAL, "copies = [\"BACKUP\"]", "copies = []").contains(&Rule::Blobs));
    }

    #[test]
    fn every_token_holds_a_key_and_none_twice() {
        let copies = "copies = [\"SAFIRE-2\", \"SAFIRE-3\"]";
        assert_eq!(broken(SAFIRE, copies, "copies = [\"SAFIRE-2\", \"SAFIRE-3\", \"SAFIRE-2\"]"), [Rule::Copies]);
        assert_eq!(broken(SAFIRE, copies, "copies = [\"SAFIRE-1\", \"SAFIRE-2\"]"), [Rule::Copies]);
        let idle = SAFIRE.replace(copies, "copies = [\"SAFIRE-2\"]");
        assert_eq!(rules(&idle), [Rule::Copies, Rule::KmpsP5]);
    }

    #[test]
    fn keys_that_do_not_fit_are_refused_before_there_is_one() {
        let at = MINIMAL.find("[[key]]").unwrap();
        let (head, key) = MINIMAL.split_at(at);
        let key = key.replace("\"P-256\"", "\"RSA-4096\"");
        let plan = |keys: usize| {
            let keys = (0..keys).map(|n| {
                key.replace("label = \"signing\"", &format!("label = \"signing-{n}\""))
                    .replace("id = \"01\"", &format!("id = \"{n:02x}\""))
            });
            head.to_owned() + &keys.collect::<String>()
        };
        // 10 * (4,096 + 3,072) is 71,680; one more is above 77,824.
        assert_eq!(rules(&plan(10)), []);
        assert_eq!(rules(&plan(11)), [Rule::Memory]);
    }

    #[test]
    fn the_ports_of_hubs_are_counted_in_those_of_the_plan() {
        let hubs = |ports: &[u8]| {
            let hub = |(at, ports): (usize, &u8)| {
                format!("\n[[hub]]\nname = \"HUB-{at}\"\nusb = [\"05e3:{at:04x}\"]\nports = {ports}\n")
            };
            MINIMAL.to_owned() + &ports.iter().enumerate().map(hub).collect::<String>()
        };
        // Four in all: one of the machine's and a hub of four on it, or two of the machine's with a hub of two on each.
        for fits in [&[4][..], &[2, 2]] {
            assert_eq!(rules(&hubs(fits)), [], "{fits:?}");
        }
        for many in [&[5][..], &[2, 3], &[2, 2, 2]] {
            let refusals = super::super::check(&crate::plan::read(hubs(many).as_bytes()).unwrap());
            let [refusal] = &refusals[..] else { panic!("{many:?}: {refusals:?}") };
            let line = MINIMAL.lines().position(|line| line.starts_with("ports")).unwrap() + 1;
            assert_eq!((refusal.rule, refusal.line as usize, &refusal.found[..]), (Rule::Hubs, line, "4"));
            let sum: u8 = many.iter().sum();
            assert!(refusal.expected.contains(&format!("at least {sum} ports")), "{refusal}");
        }
        let more = hubs(&[2; 9]).replacen("ports = 4", "ports = 99", 1);
        assert_eq!(rules(&more), [Rule::Count]);
    }

    #[test]
    fn the_window_begins_before_it_ends_and_the_certificates_outlive_it() {
        assert_eq!(
            broken(SAFIRE, "until = \"2035-12-31T23:59:59Z\"", "until = \"2026-01-01T00:00:00Z\""),
            [Rule::Window]
        );
        assert_eq!(broken(MINIMAL, "2036-01-01T00:00:00Z", "2035-12-31T23:59:59Z"), [Rule::Window]);
    }

    #[test]
    fn production_is_held_within_31_days_and_says_rehearsal_nowhere() {
        let production = MINIMAL.replace("kind = \"rehearsal\"", "kind = \"production\"");
        assert_eq!(rules(&production), [Rule::Window]);
        let narrow = production.replace("2035-12-31T23:59:59Z", "2026-02-01T00:00:00Z");
        assert_eq!(rules(&narrow), []);
        assert_eq!(broken(&narrow, "2026-02-01T00:00:00Z", "2026-02-01T00:00:01Z"), [Rule::Window]);
        for (from, to) in [
            ("title = \"", "title = \"Rehearsal: "),
            ("label = \"MASTER\"", "label = \"REHEARSAL-1\""),
            ("label = \"signing\"", "label = \"signing-rehearsal\""),
            ("purpose = \"signing\"", "purpose = \"rehearsal\""),
        ] {
            assert_eq!(broken(&narrow, from, to), [Rule::Mark], "{to}");
            assert_eq!(broken(MINIMAL, from, to), [], "{to}");
        }
    }
}

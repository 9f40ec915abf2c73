//! A stranger's first hour, with an obstacle in the way: `scripts/rehearse` and `scripts/setup` as people run them,
//! with the disk full, without network, root or terminal, in a small window, stopped at each stage. Each case must give
//! words and a way forward, and leave nothing behind. Some cases need root, to make a disk small and to take a network
//! away.

mod person;

use std::fs;
use std::process::Command;

use person::{Person, Window, ran, tree};

/// The shortest ceremony.
const MINIMAL: &str = "docs/plans/minimal/plan.toml";
/// Said after a rehearsal with a verified record.
const VERIFIED: &str = "Rehearsed, and the record verifies to its end.";

#[test]
fn it_runs_twice_in_a_row_without_network_and_without_a_terminal_and_keeps_the_older_result_aside() {
    let person = Person::new();
    let folder = person.file("rehearsal");
    let plan = tree().join(MINIMAL);
    let rehearse = |person: &Person| {
        let mut command = person.without_network("scripts/rehearse");
        ran(command.arg("--plan").arg(&plan).arg("--folder").arg(&folder))
    };
    // The file that another run was writing when it was killed.
    fs::create_dir(person.file("rehearsal.new")).unwrap();
    fs::write(person.file("rehearsal.new/made.sha256"), "half").unwrap();
    let first = rehearse(&person);
    assert!(first.zero, "{first:#?}");
    for stage in
        ["setup: packages are installed (", "setup: toolchain: ", "setup: crates are ", "rehearse: built (", VERIFIED]
    {
        first.says(stage);
    }
    first.says("\n  1 ").does_not_say("\x1b").does_not_say("is kept in");
    let list = fs::read(person.file("rehearsal/made.sha256")).unwrap();
    let second = rehearse(&person);
    second.says(VERIFIED).says(&format!("What lay there before is kept in {}.before.", folder.display()));
    assert!(fs::read(person.file("rehearsal.before/made.sha256")).unwrap() == list, "it is the first one");
    for folder in ["rehearsal", "rehearsal.before"] {
        let mut sums = Command::new("sha256sum");
        let sums = ran(sums.args(["--quiet", "-c", "made.sha256"]).current_dir(person.file(folder)));
        assert!(sums.zero, "{sums:#?}");
    }
    assert_eq!(person.left_behind(), ["rehearsal", "rehearsal.before"]);
}

#[test]
fn a_full_disk_is_told_with_the_way_to_another() {
    let person = Person::new();
    let said = ran(&mut person.on_small_disk("CARGO_TARGET_DIR=$0/small/target scripts/rehearse"));
    // The linker does not say it: it ends by a signal.
    let words = " MB left, a build needs 700: make room, or name a folder: CARGO_TARGET_DIR=FOLDER";
    assert!(!said.zero && said.err.contains(words), "{said:#?}");
    // The room it needs is asked for before anything is rehearsed.
    let line = "scripts/rehearse --folder $0/small/rehearsal; code=$?; ls -A $0/small; exit $code";
    let said = ran(&mut person.on_small_disk(line));
    let words = "small/rehearsal: make room, or name another folder with --folder\n  because No space left on device";
    assert!(!said.zero && said.err.contains(words), "{said:#?}");
    assert!(said.out.ends_with("; playing\n"), "no ceremony began, and nothing lies on the disk: {said:#?}");
    assert_eq!(person.left_behind(), ["small"]);
}

#[test]
fn without_root_and_sudo_what_is_missing_is_named_with_an_administrators_command() {
    let person = Person::new();
    let nothing_installed = format!("DPKG_ADMINDIR={}", person.dpkg_of_nothing().display());
    let said = ran(&mut person.as_nobody(&[&nothing_installed]));
    let words = "  apt-get update && apt-get install --no-install-recommends gcc libc6-dev ca-certificates git\n";
    assert!(!said.zero && said.err.contains(words), "{said:#?}");
    assert!(said.err.contains("there is no sudo here") && said.err.contains("nothing else takes root"), "{said:#?}");
    // Where nothing is missing, nothing takes root.
    let said = ran(&mut person.as_nobody(&[]));
    assert!(said.zero, "{said:#?}");
    said.says("setup: packages are installed (").says("setup: crates are ");
}

#[test]
fn a_package_of_another_suite_is_taken_back_to_what_this_one_offers() {
    let ask = "asked for: install -y -q --no-install-recommends --no-remove --allow-downgrades gcc libc6-dev ca-certificates git";
    let person = Person::new();
    // It belongs to another use than the use that is set up, and stands in the way of that use.
    let said = ran(&mut person.with_a_package_of("qemu-utils", "10", "7"));
    said.says("setup: taking back to what this suite offers: qemu-utils=7\n").says(&format!("{ask} qemu-utils=7\n"));
    // An older one is brought forward by the use that needs it, not by this use.
    let said = ran(&mut person.with_a_package_of("qemu-utils", "7", "10"));
    said.says(&format!("{ask}\n")).does_not_say("taking back");
    assert!(!said.zero, "nothing was installed: {said:#?}");
}

#[test]
fn without_network_and_crates_it_says_what_is_missing() {
    let person = Person::new();
    let mut command = person.without_network("scripts/rehearse");
    command.env("CARGO_HOME", person.file("cargo")).env("CARGO_NET_RETRY", "0");
    let said = ran(&mut command);
    let words = "setup: the crates are not all there; run this again when the machine is online\n";
    assert!(!said.zero && said.err.contains(words), "{said:#?}");
    assert!(said.err.contains("rehearse: the set-up failed, for the reason above"), "{said:#?}");
}

#[test]
fn ctrl_c_ends_it_at_each_stage_and_the_next_run_goes_on() {
    for (held, stage) in [("apt-get", "the set-up"), ("cargo tree", "the set-up"), ("cargo build", "the build")] {
        let person = Person::new();
        let mut slow = person.with_a_slow(held);
        if held == "apt-get" {
            slow.env("DPKG_ADMINDIR", person.dpkg_of_nothing());
        }
        let window = Window::open(slow);
        window.shows("this takes long");
        window.interrupt();
        let (said, code) = window.ends();
        assert!(
            said.contains(&format!("rehearse: ended by Ctrl-C during {stage}; what is done stays")),
            "{held}: {said}"
        );
        assert_eq!((code, person.left_behind()), (Some(130), vec![]), "{held}: {said}");
    }
}

#[test]
fn a_small_window_is_told_its_size_and_goes_on_when_it_is_larger_and_what_is_stopped_is_taken_up() {
    let person = Person::new();
    let folder = person.file("rehearsal");
    let plan = tree().join(MINIMAL);
    let line = format!("scripts/rehearse --plan {} --folder {}", plan.display(), folder.display());
    let window = Window::of_size(&person, 40, 25, &line);
    window.shows(
        "this window has 40 x 25 characters; the machine's screen has 80 x 25: make the window larger meanwhile",
    );
    window.shows("This window has 40 x 25 characters, the machine's screen has 80 x 25");
    window.does_not_show("Step 1:");
    window.resize(80, 25);
    window.types(" ");
    // There is no row below the screen, so the hint is on it.
    window.shows(" Space: faster ");
    // The secrets written down by then are asked for again: PINs and passphrases.
    window.shows("Step 30: ");
    window.types(" ");
    window.resize(80, 24);
    window.shows("This window has 80 x 24 characters");
    window.resize(100, 30);
    window.shows("REHEARSAL   it types by itself   Space: faster, slower   Ctrl-C: stop; can be taken up");
    window.types("\x03");
    let (said, code) = window.ends();
    assert_eq!(code, Some(130), "{said}");
    let (_, after) = said.split_once("Stopped in the middle of the ceremony.").expect("words after the screen");
    let again = format!("rehearse --resume --folder {}", folder.display());
    assert!(after.contains(&again), "{after}");
    assert!(fs::read_to_string(person.file("rehearsal/unfinished.txt")).unwrap().contains("typed by the machine"));
    assert_eq!(person.left_behind(), ["rehearsal"]);
    // It goes on where it stood, in the same record.
    let mut resume = person.run("scripts/rehearse");
    let said = ran(resume.args(["--resume", "--folder"]).arg(&folder));
    said.says(", taken up\n").says(VERIFIED).does_not_say("\n  1 ");
    assert!(!person.file("rehearsal/unfinished.txt").exists());
    assert_eq!(person.left_behind(), ["rehearsal", "rehearsal.before"]);
}

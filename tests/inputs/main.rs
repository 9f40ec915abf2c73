//! The builder of the image when the package archive has moved on: a real archive, signed by a key of this test and
//! served on loopback to the real apt.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

mod archive;

use std::fs;

use archive::{Archive, Deb};

/// All that leaves bits in an image must be on the list; the purpose of a dependency is told, too.
const PACKAGES: &str = "linux-source-6.1 newest the kernel\nlibgcc-12-dev newest its library\nlibc6-dev newest the C library\n\
                        dosfstools newest FAT\nisolinux newest BIOS\nsyslinux-common newest its library\n\
                        make frozen makes\npatch frozen changes\nbc frozen counts\n";

/// Every package of the list at version 1, with one that `make` needs.
fn first() -> Vec<Deb> {
    let names = PACKAGES.lines().map(|line| line.split(' ').next().unwrap());
    let needs = |name: &str| if name == "make" { "libmake" } else { "" };
    names
        .chain(["libmake"])
        .map(|name| Deb { name: name.into(), version: "1".into(), needs: needs(name).into(), bytes: 1 })
        .collect()
}

/// The same, except for the subject of this test.
fn with(changes: &[(&str, Option<(&str, u8)>)]) -> Vec<Deb> {
    let mut debs = first();
    for (name, change) in changes {
        let at = debs.iter().position(|deb| deb.name == *name).unwrap();
        match change {
            Some((version, bytes)) => {
                debs[at].version = (*version).into();
                debs[at].bytes = *bytes;
            }
            None => drop(debs.remove(at)),
        }
    }
    debs
}

#[test]
fn an_archive_that_did_not_move_gives_all_as_locked() {
    let archive = Archive::new(PACKAGES, &first(), &first());
    archive.builder(&["fetch"]).says("10 packages, all as locked");
    // From the cache, in any state of the archive.
    archive.offers(&[]);
    archive.builder(&["fetch"]).says("10 packages, all as locked");
}

#[test]
fn what_is_gone_is_brought_or_replaced_and_each_is_said() {
    // One newer, one gone, and a dependency newer.
    let now = with(&[("patch", Some(("2", 1))), ("bc", None), ("libmake", Some(("1.1", 1)))]);
    let archive = Archive::new(PACKAGES, &first(), &now);
    let strict = archive.builder(&["fetch"]);
    assert!(!strict.zero && strict.err.starts_with("GONE: "), "{strict:?}");
    for name in ["patch", "bc", "libmake"] {
        assert!(
            strict.err.contains(&format!("\n  {name} 1 for amd64, SHA-256 {}", archive.locked(name))),
            "{strict:?}"
        );
    }
    assert!(!strict.err.contains("\n  make 1"), "{strict:?}");
    let check = archive.builder(&["check"]);
    assert!(!check.zero, "{check:?}");
}

#[test]
fn a_rehearsal_gets_an_image_of_what_the_signed_index_offers() {
    let now = with(&[("patch", Some(("2", 1))), ("bc", None), ("libmake", Some(("1.1", 1)))]);
    let archive = Archive::new(PACKAGES, &first(), &now);
    // There is nothing in place of one of them.
    let offered = archive.builder(&["fetch", "--offered"]);
    assert!(!offered.zero && offered.err.starts_with("GONE: "), "{offered:?}");
    assert!(offered.err.contains("does not go together") && offered.err.contains("bc"), "{offered:?}");
    // It is brought: known by its bytes, under any name.
    let kept = archive.kept(&["bc"]);
    let said = archive.builder(&["fetch", "--offered", "--from", &kept]);
    said.says("moved   patch 1 is gone, 2 is taken").says("moved   libmake 1 is gone, 1.1 is taken");
    said.says("10 packages, 2 other than locked: the image will say MOVED INPUTS").does_not_say("bc");
    // A person that rebuilds a published image is not given them.
    let strict = archive.builder(&["fetch"]);
    assert!(
        strict.err.starts_with("GONE: ") && strict.err.contains("patch 1") && !strict.err.contains("bc 1"),
        "{strict:?}"
    );
    // With all that is gone from the address of a folder, nothing moved.
    let all = archive.published(&["patch", "libmake"]);
    archive.builder(&["fetch", "--from", &all]).says("10 packages, all as locked");
}

#[test]
fn a_rehearsal_on_the_image_says_of_which_packages_it_will_be() {
    let moved = [("patch", Some(("2", 1))), ("libmake", Some(("1.1", 1)))];
    let all = [moved[0], moved[1], ("bc", None), ("make", Some(("1", 2)))];
    let archive = Archive::new(PACKAGES, &first(), &with(&all));
    // Some newer, one gone, one with other bytes: the message names the last case.
    let said = archive.rehearses_until("rehearse: the image was not built");
    assert!(said.contains("TAMPERED: make 1 should have SHA-256"), "{said}");
    // Nothing takes the place of the one that is gone.
    archive.offers(&with(&all[..3]));
    let said = archive.rehearses_until("rehearse: the image was not built");
    assert!(said.contains("GONE: ") && said.contains("does not go together"), "{said}");
    // Where all goes together, the image will be of other packages.
    archive.offers(&with(&moved));
    let said = archive.rehearses_until("MOVED INPUTS");
    assert!(said.contains("moved   patch 1 is gone, 2 is taken\n"), "{said}");
    assert!(said.contains("moved   libmake 1 is gone, 1.1 is taken\n"), "{said}");
    assert!(said.ends_with("10 packages, 2 other than locked: the image will say MOVED INPUTS\n"), "{said}");
    assert!(["rehearsal", "rehearsal.new"].iter().all(|left| !archive.file(left).exists()), "no ceremony began");
}

#[test]
fn other_bytes_of_a_locked_version_are_tampered_wherever_they_come_from() {
    let archive = Archive::new(PACKAGES, &first(), &with(&[("make", Some(("1", 2))), ("bc", None)]));
    for ask in [&["fetch"][..], &["fetch", "--offered"]] {
        let said = archive.builder(ask);
        assert!(said.err.starts_with("TAMPERED: make 1 should have SHA-256"), "{said:?}");
        assert!(said.err.contains("the archive offers"), "{said:?}");
    }
    // A folder and an address where the name of one has the bytes of another.
    archive.offers(&with(&[("bc", None)]));
    for from in [archive.kept_as("bc_1_amd64.deb"), archive.published_as("patch", "bc")] {
        let said = archive.builder(&["fetch", "--offered", "--from", &from]);
        assert!(said.err.starts_with("TAMPERED: bc 1 should have SHA-256"), "{said:?}");
    }
}

#[test]
fn neither_an_unsigned_index_nor_bytes_it_does_not_name_are_taken() {
    let archive = Archive::new(PACKAGES, &first(), &first());
    archive.exchange("make", b"not a package");
    let said = archive.builder(&["fetch", "--offered"]);
    assert!(!said.zero && said.err.contains("make"), "{said:?}");
    assert!(
        !fs::read_dir(archive.cache()).unwrap().any(|file| file
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("make"))
    );
    archive.offers(&with(&[("make", Some(("2", 1)))]));
    archive.sign_by_another();
    let said = archive.builder(&["fetch", "--offered"]);
    assert!(!said.zero && !said.out.contains("moved"), "{said:?}");
    assert!(said.err.contains("not signed") || said.err.contains("NO_PUBKEY"), "{said:?}");
}

#[test]
fn what_has_moved_is_told_with_what_it_is_for() {
    let now = with(&[("patch", Some(("2", 1))), ("libmake", Some(("1.1", 1)))]);
    let archive = Archive::new(PACKAGES, &first(), &now);
    let said = archive.builder(&["check"]);
    assert!(!said.zero, "{said:?}");
    said.says("patch 1: GONE; scripts/inputs --refresh takes 2\n    for changes\n");
    said.says("libmake 1: GONE; scripts/inputs --refresh takes 1.1\n    for make: makes\n");
    said.says("2 of 10 packages have moved");
    archive.offers(&first());
    let said = archive.builder(&["check"]);
    assert!(said.zero && said.out == "0 of 10 packages have moved\n", "{said:?}");
}

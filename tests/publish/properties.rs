//! Round trips of everything that is read back, over generated values; and no parser fails on any input.

use conclave_publish::qr::{Assembler, Grid, frames};
use conclave_publish::{Challenge, Digest, FileName, Item, Kind, Line, Manifest, PublicKey, Statement, decode_typed};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same cases on every run.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(20170130), failure_persistence: None, ..ProptestConfig::default() }
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

fn line() -> impl Strategy<Value = Line> {
    "[!-~]{1,12}( [!-~]{1,12}){0,3}".prop_map(|text| Line::new(&text).unwrap())
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Production), Just(Kind::Rehearsal)]
}

/// `text` as hasty people type it: case and spacing changed as `noise` says.
fn typed(text: &str, noise: &[u8], between: &str) -> String {
    let noise = noise.iter().copied().cycle();
    text.chars()
        .zip(noise)
        .map(|(c, noise)| {
            let c = if noise & 1 == 1 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            let space = if c == ' ' || noise & 6 == 6 { between } else { "" };
            format!("{c}{space}")
        })
        .collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn typed_digests_are_recognised_whatever_their_case_and_spacing(digest in digest(), noise in vec(any::<u8>(), 16)) {
        prop_assert_eq!(digest.compare(&typed(&digest.to_string(), &noise, " \t")), Ok(()));
        // Inside a word no space is forgiven.
        let words: Vec<_> = digest.words().split(' ').map(|word| typed(word, &noise, "")).collect();
        prop_assert_eq!(digest.compare(&words.join("  ")), Ok(()));
        prop_assert_eq!(words.join("\n").parse(), Ok(digest));
    }

    #[test]
    fn one_changed_bit_is_noticed_in_hex_words_and_group(digest in digest(), bit in 0_usize..256) {
        let mut bytes = *digest.bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let other = Digest::new(bytes);
        prop_assert!(digest.compare(&other.to_string()).is_err());
        prop_assert!(digest.compare(&other.words()).is_err());
        for (at, (mine, theirs)) in digest.groups().iter().zip(other.groups()).enumerate() {
            let same = at != bit / 16;
            prop_assert_eq!(mine.compare(&theirs.to_string()).is_ok(), same);
            prop_assert_eq!(mine.compare(&theirs.words()).is_ok(), same);
        }
    }

    #[test]
    fn a_challenge_has_six_different_groups_in_order(random in any::<[u8; 32]>()) {
        let challenge = Challenge::draw(6, &random).unwrap();
        prop_assert!(challenge.positions().is_sorted_by(|a, b| a < b));
        prop_assert!(challenge.positions().iter().all(|at| *at < 16));
    }

    #[test]
    fn a_manifest_is_read_back_whatever_the_order_of_its_files(
        files in proptest::collection::btree_map("[a-z0-9_][a-z0-9_.-]{0,8}[a-z0-9]{2}(/[a-z0-9_]{4,8}){0,3}", (any::<u64>(), digest()), 0..20),
        turn in any::<usize>(),
    ) {
        let mut items: Vec<_> = files
            .into_iter()
            .map(|(name, (size, digest))| (FileName::new(name.as_bytes()), size, digest))
            // The DOS devices that the pattern lets through.
            .filter_map(|(name, size, digest)| Some(Item { name: name.ok()?, size, digest }))
            .collect();
        let manifest = Manifest::new(items.clone()).unwrap();
        let turn = turn % items.len().max(1);
        items.rotate_left(turn);
        prop_assert_eq!(&Manifest::new(items).unwrap(), &manifest);
        prop_assert_eq!(Manifest::parse(manifest.to_text().as_bytes()), Ok(manifest));
    }

    #[test]
    fn a_statement_is_read_back(
        kind in kind(), ceremony in digest(), image in digest(), head in digest(), token in line(), key in digest(),
        purpose in line(),
    ) {
        let statement = Statement { kind, ceremony, image, head, token, key, purpose };
        prop_assert_eq!(Statement::parse(statement.to_string().as_bytes()), Ok(statement));
    }

    #[test]
    fn frames_in_any_order_with_repetitions_give_the_message_back(
        message in vec(any::<u8>(), 0..3000), rows in 20_usize..60, order in vec(any::<prop::sample::Index>(), 40),
    ) {
        let frames = frames(&message, Grid { columns: 200, rows }).unwrap();
        let mut assembler = Assembler::default();
        for index in order {
            assembler.accept(&frames[index.index(frames.len())]).unwrap();
        }
        for number in assembler.missing().into_iter().rev() {
            prop_assert!(assembler.message().is_err());
            assembler.accept(&frames[number - 1]).unwrap();
        }
        // Nothing was missing because nothing had come: then all of them.
        frames.iter().for_each(|frame| { assembler.accept(frame).unwrap(); });
        prop_assert_eq!(assembler.message().unwrap(), message);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_parser_minds_what_it_is_given(bytes in vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let _ = Statement::parse(&bytes);
        let _ = Manifest::parse(&bytes);
        let _ = FileName::new(&bytes);
        let _ = PublicKey::from_spki_der(&bytes);
        let _ = decode_typed(&text);
        let _ = Assembler::default().accept(&text);
    }

    #[test]
    fn what_is_read_of_a_damaged_text_is_written_the_same(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let items = vec![Item { name: FileName::new(b"keys/a.pem").unwrap(), size: 10, digest: Digest::of(b"a") }];
        let mut text = Manifest::new(items).unwrap().to_text().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(manifest) = Manifest::parse(&text) {
            prop_assert_eq!(manifest.to_text().into_bytes(), text);
        }
    }
}

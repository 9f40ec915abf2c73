//! The faults of an answer on its way, at both exchange levels.
//!
//! After each fault the card has seen its command exactly once, and the next command works, at the latest after a
//! restart.

use smartcard_hsm::channel::{Channel, GRANTED_MAX_MS};

use super::*;

const BWT_TPDU_MS: u64 = 1_589;
const BWT_APDU_MS: u64 = 1_192;

/// The fault that the next command meets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoesOn,
    NeedsRestart,
    NeedsUnplugging,
}

#[track_caller]
fn check(profile: Profile, wire: Wire, want: Result<(), ChannelError>, then: Then) {
    let card = card(&[Wire::Clean, wire]);
    let mut link = link(&card, profile);
    assert_eq!(exchange(&mut link, 0, &command(1, 0, 0)), Ok(()));
    let struck = command(2, 300, 300);
    assert_eq!(exchange(&mut link, 0, &struck), want, "{profile:?} {wire:?}");
    assert_eq!(times_told(&card, &struck), 1, "{profile:?} {wire:?}");
    let next = command(3, 300, 300);
    if then != Then::GoesOn {
        assert!(exchange(&mut link, 0, &next).is_err(), "{profile:?} {wire:?}");
        assert_eq!(link.restart().is_ok(), then == Then::NeedsRestart, "{profile:?} {wire:?}");
    }
    if then == Then::NeedsUnplugging {
        return;
    }
    assert_eq!(exchange(&mut link, 0, &next), Ok(()), "{profile:?} {wire:?}");
    assert_eq!((times_told(&card, &next), times_told(&card, &struck)), (1, 1), "{profile:?} {wire:?}");
}

#[test]
fn a_mute_card_is_told_and_needs_power() {
    // Ordinary patience is six block waiting times; the seventh, and three tries to set the line back.
    let silent = ChannelError::Silent { waited_ms: 10 * BWT_TPDU_MS };
    check(PROFILES[0], Wire::Mute, Err(silent), Then::NeedsRestart);
    check(PROFILES[1], Wire::Mute, Err(ChannelError::Reader { error: 0xfe, icc: 0 }), Then::GoesOn);
}

#[test]
fn a_stalled_endpoint_is_cleared_and_told() {
    for profile in PROFILES {
        check(profile, Wire::Stall, Err(ChannelError::Stalled { endpoint: "bulk IN" }), Then::GoesOn);
    }
}

#[test]
fn garbage_is_told_and_never_taken_for_an_answer() {
    let error = ChannelError::Ccid { what: "length of a message", expected: 10, got: 3 };
    for profile in PROFILES {
        check(profile, Wire::Garbage, Err(error.clone()), Then::GoesOn);
    }
}

#[test]
fn a_late_answer_is_never_taken_for_the_next_one() {
    for profile in PROFILES {
        check(profile, Wire::Late, Err(ChannelError::Silent { waited_ms: 10_000 }), Then::GoesOn);
    }
}

#[test]
fn spoilt_blocks_are_repeated_three_times_then_the_command_is_lost() {
    let tpdu = PROFILES[0];
    for blocks in 1..=3 {
        check(tpdu, Wire::BadLrc { blocks }, Ok(()), Then::GoesOn);
    }
    // The answer and its three repetitions; the first two answers to RESYNCH.
    for blocks in 4..=6 {
        check(tpdu, Wire::BadLrc { blocks }, Err(ChannelError::Lost), Then::GoesOn);
    }
    let what = "block with wrong checksum and RESYNCH not answered";
    check(tpdu, Wire::BadLrc { blocks: 7 }, Err(ChannelError::Block { what, tries: 3 }), Then::GoesOn);
    check(PROFILES[1], Wire::BadLrc { blocks: 7 }, Ok(()), Then::GoesOn);
}

#[test]
fn a_card_that_needs_time_gets_it_and_one_that_never_ends_is_given_up() {
    // A card can be told to stop; a reader that asks for ever cannot.
    let kinds = [(PROFILES[0], BWT_TPDU_MS, Then::GoesOn), (PROFILES[1], BWT_APDU_MS, Then::NeedsUnplugging)];
    for (profile, bwt_ms, then) in kinds {
        let rounds_max = (GRANTED_MAX_MS / bwt_ms) as u32;
        for rounds in [1, 2, 100, rounds_max] {
            check(profile, Wire::Wtx { rounds }, Ok(()), Then::GoesOn);
        }
        let granted_ms = u64::from(rounds_max + 1) * bwt_ms;
        check(profile, Wire::Wtx { rounds: u32::MAX }, Err(ChannelError::Endless { granted_ms }), then);
    }
}

#[test]
fn a_card_may_ask_for_smaller_blocks() {
    for ifsc in [1, 32, 253, 254] {
        check(PROFILES[0], Wire::Ifs { ifsc }, Ok(()), Then::GoesOn);
    }
}

#[test]
fn a_token_pulled_out_while_it_answers_is_unplugged_for_good() {
    for profile in PROFILES {
        for bytes in 0..272 {
            let card = card(&[Wire::Vanish { bytes }]);
            let mut link = link(&card, profile);
            let struck = command(2, 300, 300);
            assert_eq!(exchange(&mut link, 0, &struck), Err(ChannelError::Unplugged), "{profile:?} {bytes}");
            assert_eq!(exchange(&mut link, 0, &struck), Err(ChannelError::Unplugged), "{profile:?} {bytes}");
            assert_eq!(link.restart(), Err(ChannelError::Unplugged), "{profile:?} {bytes}");
            assert_eq!(times_told(&card, &struck), 1, "{profile:?} {bytes}");
        }
    }
}

//! Commands and responses of every length, at both exchange levels.

use conclave_sim::ccid_device::Side;
use smartcard_hsm::ccid::Level;
use smartcard_hsm::channel::{COMMAND_LEN_MAX, Channel};

use super::*;

#[test]
fn lengths_around_every_boundary_travel_both_ways() {
    // One block, two blocks, one message, two messages, the longest command; the longest response.
    let lens =
        [0, 1, 31, 32, 33, 245, 246, 247, 248, 252, 253, 254, 255, 256, 257, 261, 262, 508, 509, 522, 523, 1_223];
    for profile in PROFILES {
        let card = card(&[]);
        let mut link = link(&card, profile);
        for command_len in lens {
            for reply_len in lens.into_iter().chain([4_096]) {
                let command = command(1, command_len, reply_len as u16);
                assert_eq!(exchange(&mut link, 0, &command), Ok(()), "{profile:?} {command_len} {reply_len}");
            }
        }
        let longest = command(2, COMMAND_LEN_MAX - 9, u16::MAX);
        assert_eq!(exchange(&mut link, 0, &longest), Ok(()), "{profile:?}");
        assert_eq!(card.lock().unwrap().commands.len(), lens.len() * (lens.len() + 1) + 1);
    }
}

#[test]
fn each_kind_of_token_is_spoken_to_at_its_own_level() {
    for (profile, level) in PROFILES.into_iter().zip([Level::Tpdu, Level::Apdu]) {
        let card = card(&[]);
        let token = CcidDevice::new(card, profile, "DENK0100001");
        let log = token.block_log();
        let mut link = CcidLink::open(InMemory::new(token), descriptor(profile)).unwrap();
        assert_eq!(link.descriptor().level, level);
        assert_eq!(link.atr().as_bytes(), ATR);
        exchange(&mut link, 0, &command(1, 600, 600)).unwrap();
        let chained = |side| log.blocks().iter().filter(|block| block.from == side && block.is_chained()).count();
        let want = if level == Level::Tpdu { (2, 2) } else { (0, 0) };
        assert_eq!((chained(Side::Host), chained(Side::Card)), want);
    }
}

#[test]
fn a_restart_gives_the_atr_and_a_line_that_works() {
    for profile in PROFILES {
        let card = card(&[]);
        let mut link = link(&card, profile);
        for mark in 1..4 {
            assert_eq!(exchange(&mut link, 0, &command(mark, 300, 300)), Ok(()));
            assert_eq!(link.restart().unwrap(), ATR);
        }
    }
}

//! Dialogues: every line is a block of the host and the card's answer.

use super::*;

const BWT_MS: u64 = 1_589;
const SILENT: &str = "";
const IFS: [(&str, &str); 1] = [("00 C1 01 FE 3E", "00 E1 01 FE 1E")];

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// A block around `inf`, its length and checksum right.
fn framed(pcb: u8, inf: &[u8]) -> Vec<u8> {
    Block::new(pcb, inf, 1).bytes.to_vec()
}

/// Plays one exchange: each line is the block that the host must send and the answer, [`SILENT`] for no answer.
#[track_caller]
fn play(host: &mut Host, command: &[u8], script: &[(&str, &str)]) -> Result<Vec<u8>, ChannelError> {
    let mut step = host.exchange(Zeroizing::new(command.to_vec()), Patience::Ordinary);
    for (at, (want, answer)) in script.iter().enumerate() {
        let Step::Send(block) = step else { panic!("done before line {at}") };
        assert_eq!(*block.bytes, hex(want), "line {at}");
        step = if *answer == SILENT { host.silent()? } else { host.received(&hex(answer))? };
    }
    let Step::Done(response) = step else { panic!("not done") };
    Ok(response.to_vec())
}

fn host() -> Host {
    Host::new(254, 254, 261, BWT_MS)
}

/// A host that is past S(IFS).
fn settled() -> Host {
    let mut host = host();
    let script = [IFS[0], ("00 00 01 AA AB", "00 00 02 90 00 92")];
    assert_eq!(play(&mut host, &[0xaa], &script), Ok(vec![0x90, 0x00]));
    host
}

#[test]
fn the_first_exchange_tells_the_card_the_block_size_and_selects_the_applet() {
    let select = hex("00 A4 04 00 0B E8 2B 06 01 04 01 81 C3 1F 02 01 00");
    let first = ("00 00 11 00 A4 04 00 0B E8 2B 06 01 04 01 81 C3 1F 02 01 00 25", "00 00 02 90 00 92");
    assert_eq!(play(&mut host(), &select, &[IFS[0], first]), Ok(vec![0x90, 0x00]));
}

#[test]
fn block_numbers_toggle_across_commands() {
    let mut host = settled();
    assert_eq!(play(&mut host, &[1], &[("00 40 01 01 40", "00 40 02 90 00 D2")]), Ok(vec![0x90, 0x00]));
    assert_eq!(play(&mut host, &[1], &[("00 00 01 01 00", "00 00 02 90 00 92")]), Ok(vec![0x90, 0x00]));
}

#[test]
fn a_card_that_will_not_hear_of_a_block_size_is_spoken_to_all_the_same() {
    let line = ("00 00 01 01 00", "00 00 02 90 00 92");
    let ask = IFS[0].0;
    assert!(play(&mut host(), &[1], &[(ask, "00 82 00 82"), line]).is_ok());
    assert!(play(&mut host(), &[1], &[(ask, "00 E1 01 20 C0"), (ask, SILENT), (ask, "FF"), line]).is_ok());
    // A reader that takes no more than the default has nothing to ask for.
    assert!(play(&mut Host::new(254, 32, 261, BWT_MS), &[1], &[line]).is_ok());
}

#[test]
fn a_long_command_is_chained_and_each_part_acknowledged() {
    let command: Vec<u8> = (0..7).collect();
    let mut host = Host::new(3, 32, 261, BWT_MS);
    let script = [
        ("00 20 03 00 01 02 20", "00 90 00 90"),
        ("00 60 03 03 04 05 61", "00 80 00 80"),
        ("00 00 01 06 07", "00 00 02 90 00 92"),
    ];
    assert_eq!(play(&mut host, &command, &script), Ok(vec![0x90, 0x00]));
}

#[test]
fn a_reader_that_takes_short_blocks_limits_the_parts() {
    let script = [("00 20 01 07 26", "00 90 00 90"), ("00 40 01 08 49", "00 00 02 90 00 92")];
    assert!(play(&mut Host::new(254, 32, 5, BWT_MS), &[7, 8], &script).is_ok());
}

#[test]
fn a_long_response_is_collected_and_each_part_acknowledged() {
    let mut host = settled();
    let script =
        [("00 40 01 01 40", "00 60 01 AA CB"), ("00 80 00 80", "00 20 01 BB 9A"), ("00 90 00 90", "00 40 02 90 00 D2")];
    assert_eq!(play(&mut host, &[1], &script), Ok(vec![0xaa, 0xbb, 0x90, 0x00]));
}

#[test]
fn a_spoilt_answer_is_asked_for_again() {
    #[track_caller]
    fn check(defect: &str, spoilt: &str, request: &str) {
        let script = [("00 40 01 01 40", spoilt), (request, "00 40 02 90 00 D2")];
        assert_eq!(play(&mut settled(), &[1], &script), Ok(vec![0x90, 0x00]), "{defect}");
    }
    check("checksum_wrong", "00 40 02 90 00 D3", "00 91 00 91");
    check("len_above_content", "00 40 03 90 00 D3", "00 92 00 92");
    check("len_below_content", "00 40 01 90 00 D1", "00 92 00 92");
    check("len_reserved", "00 40 FF 90 00 2F", "00 92 00 92");
    check("checksum_missing", "00 40 00", "00 92 00 92");
    check("pcb_missing", "00", "00 92 00 92");
    check("nad_not_zero", "01 40 02 90 00 D3", "00 92 00 92");
    check("block_number_of_the_block_before", "00 00 02 90 00 92", "00 92 00 92");
    check("i_block_with_reserved_bit", "00 41 02 90 00 D3", "00 92 00 92");
    check("i_block_chained_and_empty", "00 60 00 60", "00 92 00 92");
    check("r_block_with_reserved_error_code", "00 83 00 83", "00 92 00 92");
    check("r_block_of_our_number_with_reserved_error_code", "00 93 00 93", "00 92 00 92");
    check("r_block_with_information", "00 90 01 00 91", "00 92 00 92");
    check("resynch_request_of_the_card", "00 C0 00 C0", "00 92 00 92");
    check("resynch_response_nobody_asked_for", "00 E0 00 E0", "00 92 00 92");
    check("ifs_response_nobody_asked_for", "00 E1 01 FE 1E", "00 92 00 92");
    check("ifs_request_of_reserved_size", "00 C1 01 FF 3F", "00 92 00 92");
    check("ifs_request_of_zero", "00 C1 01 00 C0", "00 92 00 92");
    check("wtx_request_for_no_time", "00 C3 01 00 C2", "00 92 00 92");
    check("wtx_request_without_multiplier", "00 C3 00 C3", "00 92 00 92");
    check("s_block_unassigned", "00 C4 00 C4", "00 92 00 92");
    check("silence_as_the_nitrokey_reader_tells_it", "A5 A5", "00 92 00 92");
    check("silence", SILENT, "00 92 00 92");
}

#[test]
fn a_spoilt_command_is_sent_again_when_the_card_asks() {
    let again = ("00 40 01 01 40", "00 91 00 91");
    let script = [again, again, again, ("00 40 01 01 40", "00 40 02 90 00 D2")];
    assert!(play(&mut settled(), &[1], &script).is_ok());
    let mut script = [again; 4].to_vec();
    script.push(("00 C0 00 C0", "00 E0 00 E0"));
    assert_eq!(play(&mut settled(), &[1], &script), Err(ChannelError::Lost));
}

#[test]
fn a_lost_acknowledgement_is_sent_again() {
    let script = [
        ("00 40 01 01 40", "00 60 01 AA CB"),
        ("00 80 00 80", "00 81 00 81"), // The card got our R-block garbled and expects N(S) 0 next.
        ("00 82 00 82", "00 00 02 90 00 92"),
    ];
    assert_eq!(play(&mut settled(), &[1], &script), Ok(vec![0xaa, 0x90, 0x00]));
}

#[test]
fn after_three_repetitions_the_line_is_set_back_and_the_command_is_lost() {
    let mut host = settled();
    let bad = "00 40 02 90 00 D3";
    let again = ("00 91 00 91", bad);
    let script = [("00 40 01 01 40", bad), again, again, again, ("00 C0 00 C0", "00 E0 00 E0")];
    assert_eq!(play(&mut host, &[1], &script), Err(ChannelError::Lost));
    // Numbers and block sizes start afresh, and only the next command goes out.
    let script = [IFS[0], ("00 00 01 02 03", "00"), ("00 82 00 82", "00 00 02 90 00 92")];
    assert!(play(&mut host, &[2], &script).is_ok());
}

#[test]
fn resynch_is_tried_three_times_then_the_line_is_given_up() {
    let mut host = settled();
    let bad = "00 40 02 90 00 D3";
    let again = ("00 91 00 91", bad);
    let resynch = ("00 C0 00 C0", bad);
    let script = [("00 40 01 01 40", bad), again, again, again, resynch, resynch, resynch];
    let what = "block with wrong checksum and RESYNCH not answered";
    assert_eq!(play(&mut host, &[1], &script), Err(ChannelError::Block { what, tries: 3 }));
    // The next exchange begins where this one ended: with the line.
    let script = [("00 C0 00 C0", "00 E0 00 E0"), IFS[0], ("00 00 01 02 03", "00 00 02 90 00 92")];
    assert!(play(&mut host, &[2], &script).is_ok());
}

#[test]
fn silence_is_borne_as_long_as_the_patience_of_the_command() {
    let mut host = settled();
    let mut step = host.exchange(Zeroizing::new(vec![1]), Patience::Long);
    let mut rounds = 0;
    while let Step::Send(block) = &step {
        if *block.bytes == hex("00 C0 00 C0") {
            break;
        }
        rounds += 1;
        step = if rounds % 2 == 0 { host.silent() } else { host.received(&[0xa5, 0xa5]) }.unwrap();
    }
    assert_eq!(rounds, 1 + 300_000 / BWT_MS);
}

#[test]
fn a_card_that_stays_silent_is_told_as_silent() {
    let mut host = settled();
    let silences = 10_000 / BWT_MS;
    let _ = host.exchange(Zeroizing::new(vec![1]), Patience::Ordinary);
    for _ in 0..=silences + 2 {
        assert!(host.silent().is_ok());
    }
    let waited_ms = (silences + 1 + 3) * BWT_MS;
    assert_eq!(host.silent().err(), Some(ChannelError::Silent { waited_ms }));
}

#[test]
fn an_exchange_given_up_by_the_caller_is_set_back_before_the_next_command() {
    let mut host = settled();
    let _ = host.exchange(Zeroizing::new(vec![1]), Patience::Ordinary);
    let script = [("00 C0 00 C0", "00 E0 00 E0"), IFS[0], ("00 00 01 02 03", "00 00 02 90 00 92")];
    assert_eq!(play(&mut host, &[2], &script), Ok(vec![0x90, 0x00]));
}

#[test]
fn more_time_is_granted_and_told_to_the_caller() {
    let mut host = settled();
    let mut step = host.exchange(Zeroizing::new(vec![1]), Patience::Long);
    for factor in [1u8, 7, 1] {
        step = host.received(&framed(0xc3, &[factor])).unwrap();
        let Step::Send(block) = &step else { panic!() };
        assert_eq!((block.bytes.to_vec(), block.waiting_times), (framed(0xe3, &[factor]), factor));
    }
    assert!(matches!(step, Step::Send(_)));
    assert!(matches!(host.received(&hex("00 40 02 90 00 D2")), Ok(Step::Done(_))));
}

#[test]
fn a_card_that_asks_for_time_for_ever_is_given_up_after_an_hour_granted() {
    let mut host = settled();
    let _ = host.exchange(Zeroizing::new(vec![1]), Patience::Long);
    let mut rounds = 0;
    let error = loop {
        match host.received(&hex("00 C3 01 01 C3")) {
            Ok(_) => rounds += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((rounds, error), (GRANTED_MAX_MS / BWT_MS, ChannelError::Endless { granted_ms: 3_600_674 }));
}

#[test]
fn the_card_may_change_its_block_size_but_not_for_ever() {
    let mut host = settled();
    let script = [("00 40 01 01 40", "00 C1 01 02 C2"), ("00 E1 01 02 E2", "00 40 02 90 00 D2")];
    assert!(play(&mut host, &[1], &script).is_ok());
    assert!(
        play(&mut host, &[1, 2, 3], &[("00 20 02 01 02 21", "00 90 00 90"), ("00 40 01 03 42", "00 00 02 90 00 92")])
            .is_ok()
    );

    let mut host = settled();
    let _ = host.exchange(Zeroizing::new(vec![1]), Patience::Ordinary);
    for _ in 0..SUPERVISORY_MAX {
        assert!(host.received(&hex("00 C1 01 02 C2")).is_ok());
    }
    let Ok(Step::Send(block)) = host.received(&hex("00 C1 01 02 C2")) else { panic!() };
    assert_eq!(*block.bytes, hex("00 92 00 92"));
}

#[test]
fn an_exchange_the_card_aborts_is_lost() {
    let mut host = Host::new(1, 32, 261, BWT_MS);
    let script = [("00 20 01 01 20", "00 C2 00 C2"), ("00 E2 00 E2", "00 90 00 90"), ("00 C0 00 C0", "00 E0 00 E0")];
    assert_eq!(play(&mut host, &[1, 2], &script), Err(ChannelError::Lost));
}

#[test]
fn an_answer_before_the_command_is_complete_is_no_answer() {
    let mut host = Host::new(1, 32, 261, BWT_MS);
    let script = [
        ("00 20 01 01 20", "00 00 02 90 00 92"),
        ("00 82 00 82", "00 90 00 90"),
        ("00 40 01 02 43", "00 00 02 90 00 92"),
    ];
    assert!(play(&mut host, &[1, 2], &script).is_ok());
}

#[test]
fn a_response_without_end_is_given_up() {
    let mut host = settled();
    let _ = host.exchange(Zeroizing::new(vec![1]), Patience::Ordinary);
    let (mut number, mut bytes) = (0x40, 0);
    let error = loop {
        match host.received(&framed(0x20 | number, &[0xaa; 254])) {
            Ok(_) => number ^= 0x40,
            Err(error) => break error,
        }
        bytes += 254;
    };
    assert_eq!(bytes, RESPONSE_LEN_MAX / 254 * 254);
    assert_eq!(error, ChannelError::Block { what: "response longer than any APDU", tries: 0 });
}

#[test]
fn a_block_nobody_waits_for_is_an_error() {
    let error = ChannelError::Block { what: "block without a command", tries: 0 };
    assert_eq!(host().received(&hex("00 00 02 90 00 92")).err(), Some(error));
}

#[test]
fn a_block_of_255_information_bytes_is_spoilt() {
    let mut host = settled();
    let _ = host.exchange(Zeroizing::new(vec![1]), Patience::Ordinary);
    let Ok(Step::Send(block)) = host.received(&framed(0x40, &[0xaa; 255])) else { panic!() };
    assert_eq!(*block.bytes, hex("00 92 00 92"));
}

#[test]
fn resynch_sets_the_block_size_of_the_card_back() {
    let mut host = Host::new(2, 32, 261, BWT_MS);
    let script = [("00 00 02 01 02 01", "00 C1 01 01 C1"), ("00 E1 01 01 E1", "00 C2 00 C2")];
    let script = [&script[..], &[("00 E2 00 E2", SILENT), ("00 C0 00 C0", "00 E0 00 E0")]].concat();
    assert_eq!(play(&mut host, &[1, 2], &script), Err(ChannelError::Lost));
    assert!(play(&mut host, &[1, 2], &[("00 00 02 01 02 01", "00 00 02 90 00 92")]).is_ok());
}

#[test]
fn every_step_forward_renews_the_repetitions() {
    let mut host = Host::new(1, 32, 261, BWT_MS);
    let script = [
        [("00 20 01 01 20", "00"), ("00 82 00 82", "00"), ("00 82 00 82", "00"), ("00 82 00 82", "00 90 00 90")],
        [("00 40 01 02 43", "00"), ("00 82 00 82", "00"), ("00 82 00 82", "00"), ("00 82 00 82", "00 C3 01 01 C3")],
        [("00 E3 01 01 E3", "00"), ("00 82 00 82", "00"), ("00 82 00 82", "00"), ("00 82 00 82", "00 20 01 AA 8B")],
        [("00 90 00 90", "00"), ("00 92 00 92", "00"), ("00 92 00 92", "00"), ("00 92 00 92", "00 40 02 90 00 D2")],
    ];
    assert_eq!(play(&mut host, &[1, 2], script.as_flattened()), Ok(vec![0xaa, 0x90, 0x00]));
}

#[test]
fn what_one_command_used_up_is_not_charged_to_the_next() {
    let mut host = settled();
    for number in [0x40, 0x00] {
        let _ = host.exchange(Zeroizing::new(vec![1]), Patience::Ordinary);
        for _ in 0..GRANTED_MAX_MS / BWT_MS {
            assert!(host.received(&hex("00 C3 01 01 C3")).is_ok());
        }
        for _ in 0..SUPERVISORY_MAX {
            let Ok(Step::Send(block)) = host.received(&hex("00 C1 01 FE 3E")) else { panic!() };
            assert_eq!(*block.bytes, hex("00 E1 01 FE 1E"));
        }
        for _ in 0..TRIES_MAX {
            let Ok(Step::Send(block)) = host.received(&[0]) else { panic!() };
            assert_eq!(*block.bytes, framed(0x82 | (number >> 2), &[]));
        }
        assert!(matches!(host.received(&framed(number, &[0x90, 0x00])), Ok(Step::Done(_))));
    }
}

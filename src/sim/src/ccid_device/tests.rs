//! The reader and its card, message by message.

use super::test_card::{TestCard, reply_of};
use super::*;
use crate::usb::Attached;

const TPDU: Profile = Profile::Tpdu { interface: 0 };
const OUT: u8 = 0x02;
const IN: u8 = 0x82;

/// A token with a powered card.
fn token(profile: Profile, wires: impl IntoIterator<Item = Wire>) -> Attached<CcidDevice<TestCard>> {
    let mut token = Attached::new(CcidDevice::new(TestCard::with(wires), profile, "DENK0100001"));
    assert_eq!(exchange(&mut token, 0x62, [0; 3], &[]).data, TestCard::ATR);
    token
}

fn message(kind: u8, specific: [u8; 3], data: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend((data.len() as u32).to_le_bytes());
    message.extend([0, 0x55]);
    message.extend(specific);
    message.extend(data);
    message
}

#[track_caller]
fn exchange(token: &mut Attached<CcidDevice<TestCard>>, kind: u8, specific: [u8; 3], data: &[u8]) -> Reply {
    token.bulk_out(OUT, &message(kind, specific, data)).unwrap();
    let reply = reply_of(&token.bulk_in(IN, 271).unwrap());
    assert_eq!((reply.slot, reply.seq), (0, 0x55));
    reply
}

/// A T=1 block with its checksum.
fn block(pcb: u8, inf: &[u8]) -> Vec<u8> {
    let mut block = vec![0, pcb, inf.len() as u8];
    block.extend(inf);
    block.push(block.iter().fold(0, |sum, byte| sum ^ byte));
    block
}

/// Sends a block, returns PCB and INF of the answer; the checksum must be right.
#[track_caller]
fn line(token: &mut Attached<CcidDevice<TestCard>>, pcb: u8, inf: &[u8]) -> (u8, Vec<u8>) {
    raw_line(token, &block(pcb, inf))
}

#[track_caller]
fn raw_line(token: &mut Attached<CcidDevice<TestCard>>, bytes: &[u8]) -> (u8, Vec<u8>) {
    let reply = exchange(token, 0x6f, [0; 3], bytes).data;
    assert_eq!(reply.iter().fold(0, |sum, byte| sum ^ byte), 0, "{reply:02x?}");
    assert_eq!((reply[0], usize::from(reply[2])), (0, reply.len() - 4));
    (reply[1], reply[3..reply.len() - 1].to_vec())
}

fn card(token: Attached<CcidDevice<TestCard>>) -> TestCard {
    token.into_device().into_card()
}

#[test]
fn frames_of_the_standard_are_answered_byte_for_byte() {
    #[track_caller]
    fn check(host: &[u8], card: &[u8]) {
        assert_eq!(exchange(&mut token(TPDU, []), 0x6f, [0; 3], host).data, card);
    }
    check(&[0x00, 0xc1, 0x01, 0xfe, 0x3e], &[0x00, 0xe1, 0x01, 0xfe, 0x1e]);
    check(&[0x00, 0xc0, 0x00, 0xc0], &[0x00, 0xe0, 0x00, 0xe0]);
    check(&[0x00, 0xc2, 0x00, 0xc2], &[0x00, 0xe2, 0x00, 0xe2]);
    check(&[0x00, 0x00, 0x04, 0, 0, 0, 0, 0x04], &[0x00, 0x00, 0x02, 0x90, 0x00, 0x92]);
}

#[test]
fn a_response_is_chained_at_32_bytes_until_the_host_asks_for_more() {
    let mut token = token(TPDU, []);
    let (pcb, first) = line(&mut token, 0x00, &[0x80, 0xee, 0, 70]);
    assert_eq!((pcb, first.len()), (0x20, 32));
    let (pcb, second) = line(&mut token, 0x90, &[]);
    assert_eq!((pcb, second.len()), (0x60, 32));
    let (pcb, third) = line(&mut token, 0x80, &[]);
    assert_eq!(pcb, 0x00);
    assert_eq!([first, second, third].concat(), TestCard::response(70));

    assert_eq!(line(&mut token, 0xc1, &[254]), (0xe1, vec![254]));
    let (pcb, whole) = line(&mut token, 0x40, &[0x80, 0xee, 0, 252]);
    assert_eq!((pcb, whole.len()), (0x40, 254));
}

#[test]
fn a_chained_command_reaches_the_card_whole() {
    let mut token = token(TPDU, []);
    assert_eq!(line(&mut token, 0x20, &[1, 2, 0]), (0x90, vec![]));
    assert_eq!(line(&mut token, 0x60, &[0, 5]), (0x80, vec![]));
    assert_eq!(line(&mut token, 0x00, &[6]), (0x00, vec![0x90, 0]));
    assert_eq!(card(token).commands, [vec![1, 2, 0, 0, 5, 6]]);
}

#[test]
fn a_repetition_is_asked_for_and_given_without_a_second_execution() {
    let mut token = token(TPDU, []);
    let command = [0x80, 0xee, 0, 1];
    let mut spoilt = block(0x00, &command);
    spoilt[7] ^= 1;
    assert_eq!(raw_line(&mut token, &spoilt), (0x81, vec![]));
    let answer = (0x00, TestCard::response(1));
    assert_eq!(line(&mut token, 0x00, &command), answer);
    assert_eq!(line(&mut token, 0x81, &[]), answer);
    // The host's request for repetition is itself lost, and then the whole command seems lost.
    assert_eq!(raw_line(&mut token, &[0, 0x81, 0, 0x80]), (0x91, vec![]));
    assert_eq!(line(&mut token, 0x82, &[]), answer);
    assert_eq!(line(&mut token, 0x00, &command), (0x92, vec![]));
    assert_eq!(card(token).commands.len(), 1);
}

#[test]
fn a_lost_receipt_is_repeated() {
    let mut token = token(TPDU, []);
    assert_eq!(line(&mut token, 0x20, &[1]), (0x90, vec![]));
    assert_eq!(line(&mut token, 0x82, &[]), (0x90, vec![]));
    assert_eq!(line(&mut token, 0x40, &[2]), (0x00, vec![0x90, 0]));
}

#[test]
fn a_block_that_breaks_a_rule_is_answered_with_its_kind_of_error() {
    #[track_caller]
    fn check(bytes: &[u8], want: u8) {
        let mut token = token(TPDU, []);
        assert_eq!(raw_line(&mut token, bytes), (want, vec![]), "{bytes:02x?}");
        assert_eq!(line(&mut token, 0x00, &[0, 0, 0, 0]).0, 0x00, "usable after {bytes:02x?}");
    }
    check(&[0, 0x00, 1, 7, 0xff], 0x81); // checksum
    check(&[0, 0x00, 2, 7, 5], 0x82); // length longer than the block
    check(&[0, 0x00, 0, 7, 7], 0x82); // length shorter than the block
    check(&[0, 0, 0], 0x82); // shorter than any block
    check(&block(0x00, &[1; 255]), 0x82); // longer than IFSC
    check(&block(0x40, &[1]), 0x82); // number out of turn
    check(&block(0x01, &[1]), 0x82); // reserved bit of an I-block
    check(&block(0x84, &[]), 0x82); // reserved bit of an R-block
    check(&block(0x80, &[1]), 0x82); // R-block with data
    check(&block(0xc1, &[0]), 0x82); // IFS of 0
    check(&block(0xc1, &[255]), 0x82); // IFS of 255
    check(&block(0xc1, &[]), 0x82); // IFS without a size
    check(&block(0xe3, &[1]), 0x82); // response to no request
    check(&block(0xc3, &[1]), 0x82); // only the card asks for time
}

#[test]
fn resynch_starts_the_line_anew_in_the_middle_of_a_chain() {
    let mut token = token(TPDU, []);
    line(&mut token, 0xc1, &[254]);
    assert_eq!(line(&mut token, 0x00, &[0x80, 0xee, 1, 0]).0, 0x20);
    assert_eq!(line(&mut token, 0xc0, &[]), (0xe0, vec![]));
    let (pcb, inf) = line(&mut token, 0x00, &[0x80, 0xee, 0, 40]);
    assert_eq!((pcb, inf.len()), (0x20, 32));
}

#[test]
fn abort_drops_the_chain_and_keeps_the_numbers() {
    let mut token = token(TPDU, []);
    assert_eq!(line(&mut token, 0x20, &[9]), (0x90, vec![]));
    assert_eq!(line(&mut token, 0xc2, &[]), (0xe2, vec![]));
    assert_eq!(line(&mut token, 0x40, &[1, 2, 0, 0]), (0x00, vec![0x90, 0]));
    assert_eq!(card(token).commands, [[1, 2, 0, 0]]);
}

#[test]
fn a_chain_longer_than_any_command_is_aborted_by_the_card() {
    let mut token = token(TPDU, []);
    let mut number = 0;
    let refused = (0..400).find_map(|_| {
        let (pcb, _) = line(&mut token, 0x20 | number << 6, &[0; 254]);
        number ^= 1;
        (pcb & 0xe0 != 0x80).then_some(pcb)
    });
    assert_eq!(refused, Some(0xc2));
    assert_eq!(line(&mut token, 0x82, &[]), (0xc2, vec![]), "asked again until it is answered");
    assert_eq!(line(&mut token, 0xe2, &[]), (0x80 | number << 4, vec![]));
    assert_eq!(line(&mut token, number << 6, &[0, 0, 0, 0]).1, [0x90, 0]);
}

#[test]
fn the_card_asks_for_time_as_often_as_it_needs() {
    let mut token = token(TPDU, [Wire::Wtx { rounds: 2 }, Wire::Wtx { rounds: u32::MAX }]);
    assert_eq!(line(&mut token, 0x00, &[0x80, 0xee, 0, 1]), (0xc3, vec![1]));
    assert_eq!(line(&mut token, 0x82, &[]), (0xc3, vec![1]), "asked again");
    assert_eq!(line(&mut token, 0xe3, &[2]), (0xc3, vec![1]), "another multiplier than asked for");
    assert_eq!(raw_line(&mut token, &[0, 0xe3, 1, 1, 0]), (0xc3, vec![1]), "a wrong checksum");
    assert_eq!(line(&mut token, 0xe3, &[1]), (0xc3, vec![1]));
    assert_eq!(line(&mut token, 0xe3, &[1]), (0x00, TestCard::response(1)));
    assert_eq!(line(&mut token, 0x40, &[0x80, 0xee, 0, 1]), (0xc3, vec![1]));
    for _ in 0..1_000 {
        assert_eq!(line(&mut token, 0xe3, &[1]), (0xc3, vec![1]));
    }
    assert_eq!(line(&mut token, 0xc0, &[]), (0xe0, vec![]));
}

#[test]
fn the_card_asks_for_smaller_blocks_and_then_insists_on_them() {
    let mut token = token(TPDU, [Wire::Ifs { ifsc: 10 }]);
    assert_eq!(line(&mut token, 0x00, &[0x80, 0xee, 0, 1]), (0xc1, vec![10]));
    assert_eq!(line(&mut token, 0xe1, &[10]), (0x00, TestCard::response(1)));
    assert_eq!(line(&mut token, 0x60, &[0; 11]), (0x92, vec![]));
    assert_eq!(line(&mut token, 0x60, &[0; 10]), (0x80, vec![]));
}

#[test]
fn bad_checksums_come_as_often_as_ordered_and_the_repetition_is_right() {
    let mut token = token(TPDU, [Wire::BadLrc { blocks: 2 }]);
    for pcb in [0x00, 0x81] {
        let inf: &[u8] = if pcb == 0 { &[0x80, 0xee, 0, 1] } else { &[] };
        let spoilt = exchange(&mut token, 0x6f, [0; 3], &block(pcb, inf)).data;
        assert_ne!(spoilt.iter().fold(0, |sum, byte| sum ^ byte), 0);
    }
    assert_eq!(line(&mut token, 0x81, &[]), (0x00, TestCard::response(1)));
}

#[test]
fn a_mute_card_shows_as_a5a5_until_power_comes_again() {
    let mut token = token(TPDU, [Wire::Mute]);
    for bytes in [block(0x00, &[0, 0, 0, 0]), block(0x82, &[]), block(0xc0, &[])] {
        let reply = exchange(&mut token, 0x6f, [0; 3], &bytes);
        assert_eq!((reply.kind, reply.status, reply.data), (0x80, 0, vec![0xa5, 0xa5]));
    }
    exchange(&mut token, 0x62, [0; 3], &[]);
    assert_eq!(line(&mut token, 0x00, &[0, 0, 0, 0]), (0x00, vec![0x90, 0]));
}

#[test]
fn a_mute_card_is_an_error_of_an_apdu_level_reader() {
    let mut token = apdu_token([Wire::Mute]);
    let reply = token.xfr(0, &[0, 0, 0, 0]);
    assert_eq!((reply.status, reply.error), (0x40, 0xfe));
}

#[test]
fn the_nitrokey_reader_has_its_own_ways() {
    let mut token = token(TPDU, []);
    let pps = [0xff, 0x11, 0x96, 0x78];
    assert_eq!(exchange(&mut token, 0x6f, [0; 3], &pps).data, pps);
    assert_eq!(exchange(&mut token, 0x63, [0; 3], &[]).status, 1);
    assert_eq!(exchange(&mut token, 0x65, [0; 3], &[]).status, 0);
    assert_eq!(line(&mut token, 0x00, &[0, 0, 0, 0]), (0x00, vec![0x90, 0]), "the card kept its power");
    assert_eq!(exchange(&mut token, 0x6b, [0; 3], &[2]).data, b"GemTwin-V2.00-GT00");
    for unknown in [0x69, 0x6a, 0x6e, 0x71, 0x72, 0x73] {
        let reply = exchange(&mut token, unknown, [0; 3], &[]);
        assert_eq!((reply.kind, reply.status, reply.error), (unknown, 0x40, 0));
    }
    // NAD 06 comes back as 60: taken for a status word.
    assert_eq!(exchange(&mut token, 0x6f, [0; 3], &[0x06, 0x80, 0, 0x86]).data.len(), 2);
}

#[test]
fn parameters_follow_the_atr_and_are_checked_field_by_field() {
    let mut token = token(TPDU, []);
    let shown = [0x96, 0x10, 0xff, 0x4d, 0, 0xfe, 0];
    assert_eq!(exchange(&mut token, 0x6c, [0; 3], &[]).data, shown);
    assert_eq!(exchange(&mut token, 0x61, [0; 3], &[0; 5]).data, shown, "T=0 is accepted and ignored");
    let reply = exchange(&mut token, 0x61, [1, 0, 0], &[0x18, 0x10, 0, 0x45, 0, 0x20, 0]);
    assert_eq!((reply.kind, reply.specific, reply.data), (0x82, 1, vec![0x18, 0x10, 0, 0x45, 0, 0x20, 0]));
    for (at, bad, field) in [(1, 0x14, 0x0b), (3, 0xa0, 0x0d), (4, 1, 0x0e), (5, 0xff, 0x0f), (6, 1, 0x10)] {
        let mut parameters = shown;
        parameters[at] = bad;
        let reply = exchange(&mut token, 0x61, [1, 0, 0], &parameters);
        assert_eq!((reply.status, reply.error, reply.data.len()), (0x40, field, 0));
    }
    assert_eq!(exchange(&mut token, 0x61, [1, 0, 0], &[0; 6]).error, 1);
    assert_eq!(exchange(&mut token, 0x61, [2, 0, 0], &[0; 7]).error, 7);
}

#[test]
fn parameters_of_the_older_atr_have_its_own_waiting_times() {
    let atr = [0x3b, 0xfe, 0x18, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x45, 0x80, 0x31];
    assert_eq!(reader::parameters_from(&atr), [0x18, 0x10, 0x00, 0x45, 0, 0xfe, 0]);
    assert_eq!(reader::parameters_from(&[0x3b]), [0x11, 0x10, 0x00, 0x4d, 0, 0x20, 0]);
}

#[test]
fn a_message_that_breaks_a_rule_is_refused_at_the_field() {
    let mut token = token(TPDU, []);
    token.bulk_out(OUT, &[0x65, 0, 0]).unwrap();
    assert_eq!(token.bulk_in(IN, 271), Err(NoTransfer::Nak), "without a header there is nothing to answer");
    let refused = |token: &mut Attached<CcidDevice<TestCard>>, message: &[u8]| {
        token.bulk_out(OUT, message).unwrap();
        let reply = reply_of(&token.bulk_in(IN, 271).unwrap());
        (reply.status, reply.error)
    };
    assert_eq!(refused(&mut token, &[0x6f, 2, 0, 0, 0, 0, 1, 0, 0, 0, 7]), (0x40, 1));
    assert_eq!(refused(&mut token, &[0x6f, 0, 0, 0, 0x80, 0, 1, 0, 0, 0]), (0x40, 1));
    assert_eq!(refused(&mut token, &[0x65, 0, 0, 0, 0, 1, 1, 0, 0, 0]), (0x40, 5));
    assert_eq!(refused(&mut token, &message(0x6f, [0; 3], &[0; 262])), (0x40, 1));
}

#[test]
fn a_block_before_power_on_meets_no_card() {
    // The Nitrokey calls its card active all the same.
    for (profile, status) in [(TPDU, 0x40), (Profile::Apdu, 0x41)] {
        let mut token = Attached::new(CcidDevice::new(TestCard::default(), profile, ""));
        let reply = exchange(&mut token, 0x6f, [0; 3], &block(0, &[0, 0, 0, 0]));
        assert_eq!((reply.status, reply.error), (status, 0xfe));
        assert_eq!(card(token).commands.len(), 0);
    }
}

#[test]
fn a_stall_lasts_until_it_is_cleared_or_the_bus_is_reset() {
    let mut token = token(TPDU, [Wire::Stall]);
    let command = message(0x6f, [0; 3], &block(0, &[0, 0, 0, 0]));
    token.bulk_out(OUT, &command).unwrap();
    for _ in 0..3 {
        assert_eq!(token.bulk_in(IN, 271), Err(NoTransfer::Stall));
    }
    let get_status = Setup { request_type: 0x82, request: 0, value: 0, index: u16::from(IN), length: 2 };
    assert_eq!(token.control(get_status, &[]), Ok(vec![1, 0]));
    let clear = Setup { request_type: 0x02, request: 1, value: 0, index: u16::from(IN), length: 0 };
    assert_eq!(token.control(clear, &[]), Ok(vec![]));
    assert_eq!(token.bulk_in(IN, 271), Err(NoTransfer::Nak), "the answer itself is lost");
    assert_eq!(line(&mut token, 0x82, &[]), (0x00, vec![0x90, 0]), "but the card can repeat it");
}

#[test]
fn garbage_is_no_message_and_a_late_answer_arrives_before_the_next() {
    let mut token = token(TPDU, [Wire::Garbage, Wire::Late]);
    token.bulk_out(OUT, &message(0x6f, [0; 3], &block(0, &[0, 0, 0, 0]))).unwrap();
    assert_eq!(token.bulk_in(IN, 271), Ok(vec![0x80, 0xff, 0xff]));
    token.bulk_out(OUT, &message(0x6f, [0; 3], &block(0x40, &[0, 0, 0, 1]))).unwrap();
    assert_eq!(token.bulk_in(IN, 271), Err(NoTransfer::Nak));
    token.bulk_out(OUT, &message(0x65, [0; 3], &[])).unwrap();
    assert_eq!(reply_of(&token.bulk_in(IN, 271).unwrap()).data, block(0x40, &[0, 0x90, 0]));
    assert_eq!(reply_of(&token.bulk_in(IN, 271).unwrap()).kind, 0x81);
}

#[test]
fn a_token_that_vanishes_leaves_the_bytes_ordered_and_nothing_after() {
    for bytes in [0, 1, 9, 15, 400] {
        let mut token = token(TPDU, [Wire::Vanish { bytes }]);
        token.bulk_out(OUT, &message(0x6f, [0; 3], &block(0, &[0, 0, 0, 0]))).unwrap();
        let arrived = token.bulk_in(IN, 271);
        assert_eq!(arrived.map_or(0, |message| message.len()), bytes.min(16));
        assert_eq!(token.bulk_in(IN, 271), Err(NoTransfer::Gone));
        assert_eq!(token.bulk_out(OUT, &message(0x65, [0; 3], &[])), Err(NoTransfer::Gone));
        assert!(!card(token).powered);
    }
}

#[test]
fn a_token_that_vanished_works_when_it_is_plugged_in_again_but_not_before() {
    let mut token = token(TPDU, [Wire::Vanish { bytes: 0 }]);
    token.bulk_out(OUT, &message(0x6f, [0; 3], &block(0, &[0, 0, 0, 0]))).unwrap();
    assert_eq!(token.bulk_in(IN, 271), Err(NoTransfer::Gone));
    token.reset();
    assert_eq!(token.bulk_out(OUT, &message(0x62, [0; 3], &[])), Err(NoTransfer::Gone));
    let mut again = Attached::new(token.into_device());
    assert_eq!(exchange(&mut again, 0x62, [0; 3], &[]).data, TestCard::ATR);
}

#[test]
fn messages_of_whole_packets_end_with_an_empty_one() {
    let mut token = token(TPDU, []);
    line(&mut token, 0xc1, &[254]);
    // Header 10, block 4 + 48 + 2: one packet exactly.
    token.bulk_out(OUT, &message(0x6f, [0; 3], &block(0, &[0, 0, 0, 48]))).unwrap();
    assert_eq!(token.bulk_in(IN, 64).unwrap().len(), 64);
    assert_eq!(token.bulk_in(IN, 64).unwrap().len(), 0);
    token.bulk_out(OUT, &message(0x6f, [0; 3], &block(0x40, &[0, 0, 0, 100]))).unwrap();
    assert_eq!(token.bulk_in(IN, 64).unwrap().len(), 64);
    assert_eq!(token.bulk_in(IN, 64).unwrap().len(), 52);
    token.bulk_out(OUT, &message(0x6f, [0; 3], &block(0x00, &[0, 0, 0, 100]))).unwrap();
    assert_eq!(token.bulk_in(IN, 100), Err(NoTransfer::Babble));
}

#[test]
fn a_host_that_never_reads_is_held_off() {
    let mut token = token(TPDU, []);
    for _ in 0..REPLIES_MAX {
        token.bulk_out(OUT, &message(0x65, [0; 3], &[])).unwrap();
    }
    assert_eq!(token.bulk_out(OUT, &message(0x65, [0; 3], &[])), Err(NoTransfer::Nak));
}

#[test]
fn the_slot_change_is_told_once_per_reset() {
    let mut token = token(TPDU, []);
    assert_eq!(token.interrupt_in(0x81), Some(vec![0x50, 0x03]));
    assert_eq!(token.interrupt_in(0x81), None);
    token.reset();
    assert_eq!(token.interrupt_in(0x81), Some(vec![0x50, 0x03]));
}

struct ApduToken(Attached<CcidDevice<TestCard>>);

fn apdu_token(wires: impl IntoIterator<Item = Wire>) -> ApduToken {
    ApduToken(token(Profile::Apdu, wires))
}

impl ApduToken {
    #[track_caller]
    fn xfr(&mut self, level: u8, data: &[u8]) -> Reply {
        exchange(&mut self.0, 0x6f, [0, level, 0], data)
    }
}

#[test]
fn at_apdu_level_long_commands_and_responses_go_in_parts() {
    let mut token = apdu_token([]);
    let mut command = vec![0x80, 0xee, 0x02, 0x58];
    command.resize(600, 7);
    for (level, part) in [(1, &command[..261]), (3, &command[261..522])] {
        let reply = token.xfr(level, part);
        assert_eq!((reply.specific, reply.data.len()), (0x10, 0));
    }
    let mut parts = vec![token.xfr(2, &command[522..])];
    while matches!(parts.last(), Some(Reply { specific: 1 | 3, .. })) {
        parts.push(token.xfr(0x10, &[]));
    }
    assert_eq!(parts.iter().map(|part| part.specific).collect::<Vec<_>>(), [1, 3, 2]);
    assert_eq!(parts.into_iter().flat_map(|part| part.data).collect::<Vec<_>>(), TestCard::response(600));
    assert_eq!(token.xfr(0, &[0, 0, 0, 0]).data, [0x90, 0]);
    assert_eq!(card(token.0).commands[0], command);
}

#[test]
fn an_apdu_level_reader_tells_whether_the_card_has_power() {
    let mut token = Attached::new(CcidDevice::new(TestCard::default(), Profile::Apdu, ""));
    for (kind, status) in [(0x65, 1), (0x62, 0), (0x65, 0), (0x72, 0), (0x63, 1), (0x65, 1)] {
        assert_eq!(exchange(&mut token, kind, [0; 3], &[]).status, status, "{kind:x}");
    }
    let reply = exchange(&mut token, 0x6b, [0; 3], &[2]);
    assert_eq!((reply.kind, reply.status, reply.error), (0x81, 0x41, 0));
    assert!(!card(token).powered);
}

#[test]
fn parts_out_of_order_are_refused_at_the_level() {
    for (levels, what) in [
        (&[2u8][..], "an end without a beginning"),
        (&[3], "a continuation without a beginning"),
        (&[0x10], "more of no response"),
        (&[1, 1], "two beginnings"),
        (&[1, 0], "a whole command inside another"),
        (&[4], "an unknown level"),
    ] {
        let mut token = apdu_token([]);
        let replies = levels.iter().map(|level| token.xfr(*level, &[])).collect::<Vec<_>>();
        let last = replies.last().unwrap();
        assert_eq!((last.status, last.error), (0x40, 8), "{what}");
    }
}

#[test]
fn at_apdu_level_more_time_is_a_time_extension() {
    let mut token = apdu_token([Wire::Wtx { rounds: 2 }]);
    for _ in 0..2 {
        let reply = token.xfr_or_read(&[0x80, 0xee, 0, 1]);
        assert_eq!((reply.status, reply.error, reply.data.len()), (0x80, 1, 0));
    }
    assert_eq!(token.xfr_or_read(&[]).data, TestCard::response(1));
}

impl ApduToken {
    /// Sends a command unless it is empty, then reads one reply.
    #[track_caller]
    fn xfr_or_read(&mut self, data: &[u8]) -> Reply {
        match self.0.bulk_in(IN, 271) {
            Ok(message) => reply_of(&message),
            Err(_) => self.xfr(0, data),
        }
    }
}

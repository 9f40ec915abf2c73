//! Every line is one transfer that the link must make, and the answer of the bus.

use std::collections::VecDeque;

use super::*;
use crate::apdu::{ReplyLen, StatusWord};
use crate::atr::AtrError;
use crate::port::{Endpoint, PortError};

const ATR: &str = "3B DE 96 FF 81 91 FE 1F C3 80 31 81 54 48 53 4D 31 73 80 21 40 81 07 92";
const ORDINARY_MS: u64 = 10_000;
const BWT_MS: u64 = 1_589;

#[derive(Debug)]
enum Line {
    Send(Vec<u8>, Result<(), PortError>),
    Receive(u64, Result<Vec<u8>, PortError>),
    Clear(Endpoint),
}

/// A bus that follows its script and does nothing else.
struct Script(VecDeque<Line>);

impl BulkPort for Script {
    #[track_caller]
    fn send(&mut self, message: &[u8], timeout_ms: u64) -> Result<(), PortError> {
        assert_eq!(timeout_ms, SEND_MS);
        match self.0.pop_front() {
            Some(Line::Send(want, result)) => {
                assert_eq!(message, want, "before {:02X?}", self.0.front());
                result
            }
            other => panic!("sent {message:02X?}, expected {other:02X?}"),
        }
    }

    #[track_caller]
    fn receive(&mut self, len_max: usize, timeout_ms: u64) -> Result<Zeroizing<Vec<u8>>, PortError> {
        assert_eq!(len_max, 512);
        match self.0.pop_front() {
            Some(Line::Receive(want_ms, result)) => {
                assert_eq!(timeout_ms, want_ms, "before {:02X?}", self.0.front());
                result.map(Zeroizing::new)
            }
            other => panic!("received within {timeout_ms} ms, expected {other:02X?}"),
        }
    }

    fn clear_halt(&mut self, endpoint: Endpoint) -> Result<(), PortError> {
        match self.0.pop_front() {
            Some(Line::Clear(want)) => assert_eq!(endpoint, want),
            other => panic!("cleared {endpoint:?}, expected {other:02X?}"),
        }
        Ok(())
    }
}

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn message(kind: u8, seq: u8, tail: [u8; 3], data: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, data.len() as u8, (data.len() >> 8) as u8, 0, 0, 0, seq];
    message.extend(tail);
    message.extend(data);
    message
}

fn sends(message: Vec<u8>) -> Line {
    Line::Send(message, Ok(()))
}

fn transfer(seq: u8, data: &str) -> Line {
    sends(message(0x6f, seq, [0; 3], &hex(data)))
}

fn data_block(seq: u8, data: &str) -> Vec<u8> {
    message(0x80, seq, [0; 3], &hex(data))
}

fn receives(message: Vec<u8>) -> Line {
    Line::Receive(ORDINARY_MS, Ok(message))
}

fn quiet() -> Line {
    Line::Receive(DRAIN_MS, Err(PortError::Timeout { waited_ms: DRAIN_MS }))
}

fn timeout() -> Line {
    Line::Receive(ORDINARY_MS, Err(PortError::Timeout { waited_ms: ORDINARY_MS }))
}

/// A command and its answer.
fn line(seq: u8, block: &str, answer: &str) -> [Line; 2] {
    [transfer(seq, block), receives(data_block(seq, answer))]
}

fn descriptor(level: Level) -> Descriptor {
    Descriptor {
        interface: 0,
        bulk_in: 0x82,
        bulk_out: 0x02,
        level,
        message_len_max: 271,
        ifsd_max: 254,
        clock_khz: 3_600,
    }
}

fn status() -> [Line; 2] {
    [sends(message(0x65, 0, [0; 3], &[])), receives(message(0x81, 0, [1, 0, 0], &[]))]
}

/// Power off and on; `seq` is that of the first message.
fn power_cycle(seq: u8) -> [Line; 4] {
    [
        sends(message(0x63, seq, [0; 3], &[])),
        receives(message(0x81, seq, [1, 0, 0], &[])),
        sends(message(0x62, seq + 1, [0; 3], &[])),
        receives(data_block(seq + 1, ATR)),
    ]
}

/// A link past its start-up; its next sequence number is 3.
#[track_caller]
fn opened(level: Level) -> CcidLink<Script> {
    let lines = [quiet()].into_iter().chain(status()).chain(power_cycle(1)).collect();
    CcidLink::open(Script(lines), descriptor(level)).unwrap_or_else(|error| panic!("{error}"))
}

/// A link at TPDU level past its first command; its next sequence number is 5 and its next block number is 1.
#[track_caller]
fn selected() -> CcidLink<Script> {
    let mut link = opened(Level::Tpdu);
    let ifs = line(3, "00 C1 01 FE 3E", "00 E1 01 FE 1E");
    let select = line(4, "00 00 04 00 A4 04 00 A4", "00 00 02 90 00 92");
    assert_eq!(play(&mut link, Apdu::new([0, 0xa4, 4, 0]), ifs.into_iter().chain(select)), Ok("90 00".into()));
    link
}

const COMMAND: [u8; 4] = [0x80, 0x50, 0, 0];
const BLOCK: &str = "00 40 04 80 50 00 00 94";
const ANSWER: &str = "00 40 02 90 00 D2";

/// One exchange by the script, which must be used up. Returns the response in hex.
#[track_caller]
fn play(
    link: &mut CcidLink<Script>,
    command: Apdu,
    lines: impl IntoIterator<Item = Line>,
) -> Result<String, ChannelError> {
    link.script().0.extend(lines);
    let reply = link.exchange(&command, Patience::Ordinary);
    assert!(link.script().0.is_empty(), "not reached: {:02X?}", link.script().0);
    reply.map(|reply| {
        let response = [reply.body(), &reply.sw.0.to_be_bytes()].concat();
        response.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
    })
}

impl CcidLink<Script> {
    fn script(&mut self) -> &mut Script {
        self.reader.port_mut()
    }
}

#[test]
fn opening_drains_asks_for_the_status_and_powers_the_card() {
    let link = opened(Level::Tpdu);
    assert_eq!(link.atr().to_string(), ATR);
    assert_eq!(link.descriptor().level, Level::Tpdu);
}

#[test]
fn opening_drops_what_an_earlier_owner_left_and_clears_its_halts() {
    let mut lines = vec![
        Line::Receive(DRAIN_MS, Ok(data_block(200, "90 00"))),
        Line::Receive(DRAIN_MS, Err(PortError::Stalled)),
        Line::Clear(Endpoint::BulkIn),
        quiet(),
        Line::Send(message(0x65, 0, [0; 3], &[]), Err(PortError::Stalled)),
        Line::Clear(Endpoint::BulkOut),
        quiet(),
        sends(message(0x65, 1, [0; 3], &[])),
        receives(message(0x81, 1, [0; 3], &[])),
    ];
    lines.extend(power_cycle(2));
    assert!(CcidLink::open(Script(lines.into()), descriptor(Level::Tpdu)).is_ok());
}

#[test]
fn a_reader_that_never_falls_silent_is_given_up() {
    let lines = (0..DRAIN_MAX).map(|_| Line::Receive(DRAIN_MS, Ok(vec![0; 512]))).collect();
    let error = ChannelError::Ccid { what: "transfers nobody asked for", expected: 63, got: 64 };
    assert_eq!(CcidLink::open(Script(lines), descriptor(Level::Tpdu)).err(), Some(error));
}

#[test]
fn an_empty_slot_and_a_foreign_card_are_told_at_once() {
    #[track_caller]
    fn check(lines: impl IntoIterator<Item = Line>, want: ChannelError) {
        let lines = [quiet()].into_iter().chain(lines).collect();
        assert_eq!(CcidLink::open(Script(lines), descriptor(Level::Tpdu)).err(), Some(want));
    }
    let absent = [sends(message(0x65, 0, [0; 3], &[])), receives(message(0x81, 0, [2, 0, 0], &[]))];
    check(absent, ChannelError::NoCard);
    let absent = [sends(message(0x65, 0, [0; 3], &[])), receives(message(0x81, 0, [0x42, 0xfe, 0], &[]))];
    check(absent, ChannelError::NoCard);
    let [off, done, on, _] = power_cycle(1);
    let foreign = status().into_iter().chain([off, done, on, receives(data_block(2, "3B 00"))]);
    check(foreign, ChannelError::Atr(AtrError::NoT1));
    let [off, done, on, _] = power_cycle(1);
    let mute = receives(message(0x80, 2, [0x41, 0xfe, 0], &[]));
    check(status().into_iter().chain([off, done, on, mute]), ChannelError::Reader { error: 0xfe, icc: 1 });
}

#[test]
fn a_command_travels_in_a_block() {
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), line(5, BLOCK, ANSWER)), Ok("90 00".into()));
}

#[test]
fn a_command_no_token_takes_is_refused_before_anything_is_sent() {
    let found = COMMAND_LEN_MAX + 1;
    let command = Apdu::new(COMMAND).body(&vec![0; found - 7]);
    assert_eq!(play(&mut selected(), command, []), Err(ChannelError::CommandTooLong { found }));
    let command = Apdu::new(COMMAND).body(&vec![0; found - 8]);
    let begins = message(0x6f, 3, [0, 1, 0], &command.to_bytes().unwrap()[..261]);
    let lines = [Line::Send(begins, Err(PortError::Unplugged))];
    assert_eq!(play(&mut opened(Level::Apdu), command, lines), Err(ChannelError::Unplugged));
}

#[test]
fn answers_to_earlier_commands_are_dropped() {
    let stale = |seq| receives(data_block(seq, "00 40 02 6A 82 AA"));
    let [sent, answer] = line(5, BLOCK, ANSWER);
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), [sent, stale(4), stale(3), answer]), Ok("90 00".into()));

    let [sent, _] = line(5, BLOCK, ANSWER);
    let lines = [sent].into_iter().chain((0..=STALE_MAX).map(|_| stale(4))).chain([quiet()]);
    let error = ChannelError::Ccid { what: "bSeq", expected: 5, got: 4 };
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Err(error));
}

/// The transfers of a link after an error that left blocks under way: it drains, sets the line back and goes on.
fn recovery(seq: u8) -> impl Iterator<Item = Line> {
    [line(seq, "00 C0 00 C0", "00 E0 00 E0"), line(seq + 1, "00 C1 01 FE 3E", "00 E1 01 FE 1E")]
        .into_iter()
        .chain([line(seq + 2, "00 00 04 80 50 00 00 D4", "00 00 02 90 00 92")])
        .flatten()
}

#[test]
fn a_late_answer_is_read_before_the_next_command() {
    let mut link = selected();
    let error = ChannelError::Silent { waited_ms: ORDINARY_MS };
    assert_eq!(play(&mut link, Apdu::new(COMMAND), [transfer(5, BLOCK), timeout()]), Err(error));
    let late = Line::Receive(DRAIN_MS, Ok(data_block(5, "00 40 02 6A 82 AA")));
    let lines = [late, quiet()].into_iter().chain(recovery(6));
    assert_eq!(play(&mut link, Apdu::new(COMMAND), lines), Ok("90 00".into()));
}

#[test]
fn an_answer_later_than_the_next_command_is_dropped() {
    let mut link = selected();
    assert!(play(&mut link, Apdu::new(COMMAND), [transfer(5, BLOCK), timeout()]).is_err());
    let mut lines: Vec<_> = [quiet()].into_iter().chain(recovery(6)).collect();
    lines.insert(2, receives(data_block(5, "00 40 02 6A 82 AA")));
    assert_eq!(play(&mut link, Apdu::new(COMMAND), lines), Ok("90 00".into()));
}

#[test]
fn a_stall_is_cleared_and_told() {
    for (endpoint, name) in [(Endpoint::BulkIn, "bulk IN"), (Endpoint::BulkOut, "bulk OUT")] {
        let mut link = selected();
        let sent = |result| Line::Send(message(0x6f, 5, [0; 3], &hex(BLOCK)), result);
        let lines = match endpoint {
            Endpoint::BulkIn => vec![sent(Ok(())), Line::Receive(ORDINARY_MS, Err(PortError::Stalled))],
            Endpoint::BulkOut => vec![sent(Err(PortError::Stalled))],
        };
        let lines = lines.into_iter().chain([Line::Clear(endpoint)]);
        let error = ChannelError::Stalled { endpoint: name };
        assert_eq!(play(&mut link, Apdu::new(COMMAND), lines), Err(error));
        let lines = [quiet()].into_iter().chain(recovery(6));
        assert_eq!(play(&mut link, Apdu::new(COMMAND), lines), Ok("90 00".into()));
    }
}

#[test]
fn what_is_no_answer_is_told_and_drained() {
    #[track_caller]
    fn check(defect: &str, answer: Vec<u8>, what: &'static str, expected: u32, got: u32) {
        let mut link = selected();
        let error = ChannelError::Ccid { what, expected, got };
        let lines = [transfer(5, BLOCK), receives(answer), quiet()];
        assert_eq!(play(&mut link, Apdu::new(COMMAND), lines), Err(error), "{defect}");
        assert_eq!(play(&mut link, Apdu::new(COMMAND), recovery(6)), Ok("90 00".into()), "{defect}");
    }
    check("garbage", hex("80 FF FF"), "length of a message", 10, 3);
    check("data_missing", data_block(5, ANSWER)[..15].to_vec(), "length of a message", 16, 15);
    check("data_too_many", [data_block(5, ANSWER), vec![0]].concat(), "length of a message", 16, 17);
    check("wrong_kind", message(0x81, 5, [0; 3], &[]), "bMessageType", 0x80, 0x81);
    let huge = [&[0x80, 0xff, 0xff, 0xff, 0xff][..], &[0; 59]].concat();
    check("length_of_four_gigabytes", huge, "announced length of a message", 271, u32::MAX);
    let long = [&[0x80, 6, 1, 0, 0][..], &[0; 59]].concat();
    check("length_above_the_readers_own", long, "announced length of a message", 271, 272);
}

#[test]
fn half_a_message_of_a_token_pulled_out_is_told_as_unplugged() {
    let gone = Line::Receive(DRAIN_MS, Err(PortError::Unplugged));
    let lines = [transfer(5, BLOCK), receives(data_block(5, ANSWER)[..7].to_vec()), gone];
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Err(ChannelError::Unplugged));
}

#[test]
fn a_transfer_that_fails_is_told_by_the_systems_word() {
    let failed = |error| [transfer(5, BLOCK), Line::Receive(ORDINARY_MS, Err(error))];
    let io = PortError::Failed { what: "input/output error" };
    let error = ChannelError::Usb { what: "input/output error" };
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), failed(io)), Err(error));
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), failed(PortError::Unplugged)), Err(ChannelError::Unplugged));
}

#[test]
fn a_long_message_is_put_together_from_its_transfers() {
    let body = "AA ".repeat(240);
    let block = format!("00 40 F2 {body}90 00 22");
    let whole = data_block(5, &block);
    for piece in [64, 128, 192, 256] {
        let pieces = whole.chunks(piece).map(|piece| receives(piece.to_vec()));
        let lines = [transfer(5, "00 40 05 80 50 00 00 00 95")].into_iter().chain(pieces);
        let command = Apdu::new(COMMAND).reply(ReplyLen::SHORT);
        let want = format!("{body}90 00");
        assert_eq!(play(&mut selected(), command, lines), Ok(want), "{piece}");
    }
}

#[test]
fn empty_transfers_before_a_message_are_skipped_but_not_for_ever() {
    let [sent, answer] = line(5, BLOCK, ANSWER);
    let lines = [sent, receives(vec![]), answer];
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Ok("90 00".into()));
    // 271 bytes are five transfers; four more may be empty.
    let lines = [transfer(5, BLOCK)].into_iter().chain((0..9).map(|_| receives(vec![]))).chain([quiet()]);
    let error = ChannelError::Ccid { what: "length of a message", expected: 10, got: 0 };
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Err(error));
}

#[test]
fn errors_between_reader_and_card_are_mended_by_repetition() {
    #[track_caller]
    fn check(error: u8, request: &str) {
        let failed = receives(message(0x80, 5, [0x40, error, 0], &[]));
        let lines = [transfer(5, BLOCK), failed].into_iter().chain(line(6, request, ANSWER));
        assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Ok("90 00".into()));
    }
    check(0xfe, "00 92 00 92");
    check(0xfd, "00 91 00 91");
    check(0xfc, "00 91 00 91");
}

#[test]
fn other_errors_of_the_reader_end_the_command() {
    let failed = receives(message(0x80, 5, [0x41, 0xfb, 0], &[]));
    let error = ChannelError::Reader { error: 0xfb, icc: 1 };
    let mut link = selected();
    assert_eq!(play(&mut link, Apdu::new(COMMAND), [transfer(5, BLOCK), failed]), Err(error));
    // The reader has answered: nothing is to be drained.
    assert_eq!(play(&mut link, Apdu::new(COMMAND), recovery(6)), Ok("90 00".into()));
}

#[test]
fn time_the_card_asks_for_is_granted_and_waited() {
    let asks = |factor: u8| receives(data_block(5, &format!("00 C3 01 {factor:02X} {:02X}", 0xc2 ^ factor)));
    let grants = |seq, factor: u8, bwi| sends(message(0x6f, seq, [bwi, 0, 0], &[0, 0xe3, 1, factor, 0xe2 ^ factor]));
    let answer = |seq, wait_ms| Line::Receive(wait_ms, Ok(data_block(seq, ANSWER)));
    let lines = [transfer(5, BLOCK), asks(1), grants(6, 1, 0), answer(6, ORDINARY_MS)];
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Ok("90 00".into()));
    let lines = [transfer(5, BLOCK), asks(200), grants(6, 200, 200), answer(6, 200 * BWT_MS)];
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Ok("90 00".into()));
}

#[test]
fn time_the_reader_asks_for_is_waited_and_bounded() {
    let asks = |wait_ms, times| Line::Receive(wait_ms, Ok(message(0x80, 5, [0x80, times, 0], &[])));
    let [sent, _] = line(5, BLOCK, ANSWER);
    let lines = [sent, asks(ORDINARY_MS, 2), asks(ORDINARY_MS, 100), asks(100 * BWT_MS, 0)];
    let lines = lines.into_iter().chain([receives(data_block(5, ANSWER))]);
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Ok("90 00".into()));

    let [sent, _] = line(5, BLOCK, ANSWER);
    let rounds = crate::channel::GRANTED_MAX_MS / BWT_MS;
    let lines = [sent].into_iter().chain((0..=rounds).map(|_| asks(ORDINARY_MS, 0)));
    let error = ChannelError::Endless { granted_ms: (rounds + 1) * BWT_MS };
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Err(error));
}

#[test]
fn long_commands_get_a_long_silence() {
    let mut link = selected();
    let wait_ms = Patience::Long.silence_max_ms();
    link.script().0.extend([transfer(5, BLOCK), Line::Receive(wait_ms, Ok(data_block(5, ANSWER)))]);
    let reply = link.exchange(&Apdu::new(COMMAND), Patience::Long);
    assert_eq!(reply.map(|reply| reply.sw), Ok(StatusWord::OK));
}

#[test]
fn a_restart_powers_the_card_and_the_line_afresh() {
    let mut link = selected();
    link.script().0.extend(power_cycle(5));
    assert_eq!(link.restart(), Ok(hex(ATR)));
    let ifs = line(7, "00 C1 01 FE 3E", "00 E1 01 FE 1E");
    let lines = ifs.into_iter().chain(line(8, "00 00 04 80 50 00 00 D4", "00 00 02 90 00 92"));
    assert_eq!(play(&mut link, Apdu::new(COMMAND), lines), Ok("90 00".into()));
}

#[test]
fn a_response_without_status_word_is_no_response() {
    let error = ChannelError::Apdu(crate::apdu::ApduError::ResponseShort { found: 1 });
    let lines = line(5, BLOCK, "00 40 01 90 D1");
    assert_eq!(play(&mut selected(), Apdu::new(COMMAND), lines), Err(error));
}

mod apdu_level {
    use super::*;

    fn part(seq: u8, level: u8, data: &[u8]) -> Line {
        sends(message(0x6f, seq, [0, level, 0], data))
    }

    fn answer(seq: u8, chain: u8, data: &[u8]) -> Line {
        receives(message(0x80, seq, [0, 0, chain], data))
    }

    #[test]
    fn a_command_travels_as_it_is() {
        let lines = [part(3, 0, &COMMAND), answer(3, 0, &[0x90, 0x00])];
        assert_eq!(play(&mut opened(Level::Apdu), Apdu::new(COMMAND), lines), Ok("90 00".into()));
    }

    #[test]
    fn a_long_command_goes_in_parts() {
        let command = || Apdu::new(COMMAND).body(&[7; 600]);
        let bytes = command().to_bytes().unwrap();
        let lines = [
            part(3, 1, &bytes[..261]),
            answer(3, 0x10, &[]),
            part(4, 3, &bytes[261..522]),
            answer(4, 0x10, &[]),
            part(5, 2, &bytes[522..]),
            answer(5, 0, &[0x90, 0x00]),
        ];
        assert_eq!(play(&mut opened(Level::Apdu), command(), lines), Ok("90 00".into()));
        let lines = [part(3, 1, &bytes[..261]), answer(3, 0, &[0x67, 0x00])];
        let error = ChannelError::Ccid { what: "bChainParameter", expected: 0x10, got: 0 };
        assert_eq!(play(&mut opened(Level::Apdu), command(), lines), Err(error));
    }

    #[test]
    fn a_command_that_just_fits_goes_whole() {
        let command = Apdu::new(COMMAND).body(&[7; 254]).reply(ReplyLen::SHORT);
        let bytes = command.to_bytes().unwrap();
        assert_eq!(bytes.len(), 260);
        let lines = [part(3, 0, &bytes), answer(3, 0, &[0x90, 0x00])];
        assert_eq!(play(&mut opened(Level::Apdu), command, lines), Ok("90 00".into()));
    }

    #[test]
    fn a_long_response_is_fetched_in_parts() {
        let lines = [
            part(3, 0, &COMMAND),
            answer(3, 1, &[0xaa]),
            part(4, 0x10, &[]),
            answer(4, 3, &[0xbb]),
            part(5, 0x10, &[]),
            answer(5, 2, &[0x90, 0x00]),
        ];
        assert_eq!(play(&mut opened(Level::Apdu), Apdu::new(COMMAND), lines), Ok("AA BB 90 00".into()));
    }

    #[test]
    fn parts_out_of_turn_are_refused() {
        #[track_caller]
        fn check(defect: &str, first: (u8, &[u8]), second: Option<(u8, &[u8])>, expected: u32, got: u32) {
            let mut lines = vec![part(3, 0, &COMMAND), answer(3, first.0, first.1)];
            if let Some(second) = second {
                lines.extend([part(4, 0x10, &[]), answer(4, second.0, second.1)]);
            }
            let error = ChannelError::Ccid { what: "bChainParameter", expected, got };
            assert_eq!(play(&mut opened(Level::Apdu), Apdu::new(COMMAND), lines), Err(error), "{defect}");
        }
        check("continues_at_once", (3, &[1]), None, 1, 3);
        check("ends_at_once", (2, &[1]), None, 1, 2);
        check("asks_for_more_command", (0x10, &[]), None, 1, 0x10);
        check("unassigned", (4, &[1]), None, 1, 4);
        check("begins_empty", (1, &[]), None, 1, 1);
        check("begins_twice", (1, &[1]), Some((1, &[1])), 3, 1);
        check("whole_after_its_beginning", (1, &[1]), Some((0, &[1])), 3, 0);
        check("continues_empty", (1, &[1]), Some((3, &[])), 3, 3);
    }

    #[test]
    fn a_response_without_end_is_given_up() {
        let parts = t1::RESPONSE_LEN_MAX / 261 + 1;
        let mut lines = vec![part(3, 0, &COMMAND), answer(3, 1, &[0xaa; 261])];
        for at in 1..parts {
            let seq = (3 + at) as u8;
            lines.extend([part(seq, 0x10, &[]), answer(seq, 3, &[0xaa; 261])]);
        }
        let error =
            ChannelError::Ccid { what: "length of a response in parts", expected: 65_538, got: 261 * parts as u32 };
        assert_eq!(play(&mut opened(Level::Apdu), Apdu::new(COMMAND), lines), Err(error));
    }

    #[test]
    fn a_mute_card_is_told_in_the_readers_words() {
        let mute = receives(message(0x80, 3, [0x40, 0xfe, 0], &[]));
        let error = ChannelError::Reader { error: 0xfe, icc: 0 };
        assert_eq!(play(&mut opened(Level::Apdu), Apdu::new(COMMAND), [part(3, 0, &COMMAND), mute]), Err(error));
    }
}

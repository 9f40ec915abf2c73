//! Tokens that are plugged in, pulled out, forged, and fail.

use smartcard_hsm::apdu::{Apdu, ReplyLen, StatusWord};
use smartcard_hsm::channel::Patience;

use super::*;
use crate::card::profile::Profile;
use crate::card::tests::{SELECT, VERIFY, hex, initialized, write};

/// A wrong PIN: two changes of memory, the try written off and nothing more.
const WRONG: &str = "0020008106363438323130";

fn port(name: &str) -> Shown {
    Shown::new(name)
}

/// One token, plugged in.
fn room() -> (MemoryTokens, Place) {
    let mut tokens = MemoryTokens::default();
    let place = tokens.lay(Token::new(initialized(Profile::firmware_4_1())));
    tokens.plug(place, &port("usb 1-2"));
    (tokens, place)
}

fn open(tokens: &mut MemoryTokens) -> InProcess<Line> {
    let at = tokens.plugged().remove(0);
    let mut line = tokens.open(&at).unwrap();
    assert_eq!(say(&mut line, SELECT), Ok(0x9000));
    line
}

fn say(line: &mut InProcess<Line>, command: &str) -> Result<u16, ChannelError> {
    let command = Apdu::parse(&hex(command)).unwrap();
    line.exchange(&command, Patience::Ordinary).map(|reply| reply.sw.0)
}

fn tries(line: &mut InProcess<Line>) -> u16 {
    say(line, "00200081").unwrap()
}

#[test]
fn tokens_are_named_as_their_usb_descriptors_name_them_in_the_order_of_ports() {
    let (mut tokens, place) = room();
    let other = tokens.lay(Token::new(initialized(Profile::firmware_3_3())));
    assert_eq!(tokens.plugged().len(), 1);
    tokens.plug(other, &port("usb 1-1"));
    let named = tokens.plugged().iter().map(|at| format!("{} {}", at.port, at.serial)).collect::<Vec<_>>();
    assert_eq!(named, ["usb 1-1 DENK01000010000", "usb 1-2 DENK01000010000"]);
    tokens.pull(place);
    assert_eq!(tokens.plugged().len(), 1);
}

#[test]
fn a_line_dies_with_the_plug_and_does_not_live_again() {
    let (mut tokens, place) = room();
    let mut line = open(&mut tokens);
    tokens.pull(place);
    assert_eq!(say(&mut line, "00200081"), Err(ChannelError::Unplugged));
    tokens.plug(place, &port("usb 1-2"));
    assert_eq!(line.restart(), Err(ChannelError::Unplugged));
    assert_eq!(tries(&mut open(&mut tokens)), 0x63c3);
}

#[test]
fn what_is_plugged_in_where_another_was_takes_its_place() {
    let (mut tokens, first) = room();
    let mut line = open(&mut tokens);
    let second = tokens.lay(Token::new(initialized(Profile::firmware_3_3())));
    tokens.plug(second, &port("usb 1-2"));
    assert_eq!(say(&mut line, "00200081"), Err(ChannelError::Unplugged));
    assert_eq!(tokens.plugged().len(), 1);
    let version = |tokens: &mut MemoryTokens, place| tokens.token(place, |token| token.profile().version).unwrap();
    assert_eq!((version(&mut tokens, first), version(&mut tokens, second)), ((4, 1), (3, 3)));
}

#[test]
fn a_second_line_to_a_token_ends_the_first_and_its_login() {
    let (mut tokens, _) = room();
    let mut first = open(&mut tokens);
    assert_eq!(say(&mut first, VERIFY), Ok(0x9000));
    let mut second = open(&mut tokens);
    assert_eq!(say(&mut first, "00200081"), Err(ChannelError::Unplugged));
    assert_eq!(tries(&mut second), 0x63c3);
}

#[test]
fn a_fork_goes_its_own_way_and_nobody_is_connected_to_it() {
    let (mut tokens, _) = room();
    let mut line = open(&mut tokens);
    let mut fork = tokens.clone();
    assert_eq!(say(&mut line, WRONG), Ok(0x63c2));
    assert_eq!(tries(&mut open(&mut fork)), 0x63c3);
    assert_eq!(tries(&mut line), 0x63c2);
}

#[test]
fn a_forgery_stands_where_the_token_stood_and_knows_none_of_its_pins() {
    let (mut tokens, place) = room();
    let mut line = open(&mut tokens);
    let before = tokens.plugged();
    tokens.forge(place, Randomness::seeded([3; 32]));
    assert_eq!((tokens.plugged(), say(&mut line, "00200081")), (before, Err(ChannelError::Unplugged)));
    assert_eq!(tries(&mut open(&mut tokens)), 0x6a88);
}

#[test]
fn the_power_fails_between_any_two_changes_and_comes_back() {
    let (mut tokens, _) = room();
    let mut line = open(&mut tokens);
    assert_eq!(say(&mut line, WRONG), Ok(0x63c2));
    // SELECT changes nothing; a wrong PIN writes its try off.
    assert_eq!(tokens.changes(), [0, 1]);
    for (changes, left) in [(0, 0x63c3), (1, 0x63c2)] {
        let (mut tokens, _) = room();
        let mut line = open(&mut tokens);
        tokens.fail_at(1, Fault::PowerCut { changes });
        assert_eq!(say(&mut line, WRONG), Err(ChannelError::Unplugged));
        assert!(tokens.dark() && tokens.plugged().is_empty());
        assert_eq!(line.restart(), Err(ChannelError::Unplugged));
        tokens.cut();
        assert_eq!(tries(&mut open(&mut tokens)), left);
    }
}

#[test]
fn a_fault_strikes_at_its_command_and_once() {
    let (mut tokens, place) = room();
    let mut line = open(&mut tokens);
    say(&mut line, VERIFY).unwrap();
    tokens.fail_at(2, Fault::Token(Misfortune::NothingDone));
    assert_eq!(say(&mut line, &write("CF01", "01")), Ok(0x9000));
    let listed = Apdu::new([0x80, 0x58, 0, 0]).reply(ReplyLen::SHORT);
    let files = line.exchange(&listed, Patience::Ordinary).unwrap();
    assert_eq!((files.body().len(), files.sw), (4, StatusWord::OK));
    assert_eq!(tokens.changes()[2..], [0, 0]);
    assert_eq!(say(&mut line, &write("CF01", "01")), Ok(0x9000));
    tokens.fail_at(5, Fault::Yank);
    assert_eq!(say(&mut line, SELECT), Err(ChannelError::Unplugged));
    assert!(tokens.plugged().is_empty());
    tokens.plug(place, &port("usb 1-2"));
    assert_eq!(tries(&mut open(&mut tokens)), 0x63c3);
}

#[test]
fn a_machine_without_power_has_no_tokens() {
    let (mut tokens, _) = room();
    let at = tokens.plugged().remove(0);
    let mut line = open(&mut tokens);
    tokens.darken();
    assert!(tokens.plugged().is_empty());
    assert_eq!(tokens.open(&at).map(drop), Err(ChannelError::Unplugged));
    assert_eq!(say(&mut line, SELECT), Err(ChannelError::Unplugged));
}

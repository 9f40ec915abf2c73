//! vpcd: a token in a reader of pcscd, by the protocol of the vsmartcard project's virtual reader.
//!
//! The reader listens, the card calls. Every message is a 16-bit big-endian length and that many bytes. From the reader one
//! byte is a control (00 power off, 01 power on, 02 reset, all unanswered; 04 asks for the ATR); anything else is a command
//! APDU, answered by its response.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::linux::net::TcpStreamExt;
use std::thread::{self, JoinHandle};

use crate::icc::{Icc, Wire};

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const ATR: u8 = 4;

/// A token in a reader, until it is pulled out or the reader goes.
#[derive(Debug)]
pub struct Plugged {
    line: TcpStream,
    runner: Option<JoinHandle<()>>,
}

impl Plugged {
    /// Puts `card` into the reader that listens at `reader`, and serves it from a thread of its own.
    pub fn plug(reader: SocketAddr, card: impl Icc + 'static) -> io::Result<Self> {
        let line = TcpStream::connect(reader)?;
        line.set_nodelay(true)?;
        let mut served = line.try_clone()?;
        let runner = thread::Builder::new().name("vpcd".to_owned()).spawn(move || {
            // An error here is the reader's end of the line gone, or ours pulled: either way the card has left the reader.
            let _ = serve(&mut served, card);
            let _ = served.shutdown(Shutdown::Both);
        })?;
        Ok(Self { line, runner: Some(runner) })
    }

    /// Whether the card is still in the reader.
    pub fn is_in(&self) -> bool {
        self.runner.as_ref().is_some_and(|runner| !runner.is_finished())
    }
}

/// Pulls the card out and waits until its thread has ended.
impl Drop for Plugged {
    fn drop(&mut self) {
        let _ = self.line.shutdown(Shutdown::Both);
        if let Some(runner) = self.runner.take() {
            let _ = runner.join();
        }
    }
}

fn serve(line: &mut TcpStream, mut card: impl Icc) -> io::Result<()> {
    let mut atr = card.power_on();
    loop {
        // The reader sends length and message apart and holds the message back until the length is acknowledged. The system
        // forgets this wish with every packet.
        line.set_quickack(true)?;
        let mut len = [0; 2];
        line.read_exact(&mut len)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
        line.read_exact(&mut message)?;
        match *message {
            [POWER_OFF] => card.power_off(),
            [POWER_ON | RESET] => atr = card.power_on(),
            [ATR] => send(line, &atr)?,
            [] | [_] => {}
            ref command => {
                let answer = card.transmit(command);
                match answer.wire {
                    Wire::Mute | Wire::Stall | Wire::Garbage | Wire::Late | Wire::Wtx { rounds: u32::MAX } => {}
                    // The layers below an APDU have already recovered from these faults.
                    Wire::Clean | Wire::BadLrc { .. } | Wire::Wtx { .. } | Wire::Ifs { .. } => {
                        send(line, &answer.response)?;
                    }
                    Wire::Vanish { .. } => return Ok(()),
                }
            }
        }
    }
}

fn send(line: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let len = u16::try_from(message.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    line.write_all(&[&len.to_be_bytes()[..], message].concat())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use super::*;
    use crate::card::profile::Profile;
    use crate::card::tests::{SELECT, VERIFY, hex, initialized};
    use crate::fault::{At, Fault, Misfortune};
    use crate::token::Token;

    /// A reader with a token in it that has these faults.
    fn reader(faults: Vec<Fault>) -> (TcpStream, Plugged) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let token = Token::new(initialized(Profile::firmware_4_1())).with_faults(faults);
        let plugged = Plugged::plug(listener.local_addr().unwrap(), token).unwrap();
        let (line, _) = listener.accept().unwrap();
        // A bound for a test that would otherwise wait for ever, not a measure.
        line.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        (line, plugged)
    }

    fn receive(line: &mut TcpStream) -> Vec<u8> {
        let mut len = [0; 2];
        line.read_exact(&mut len).unwrap();
        let mut message = vec![0; u16::from_be_bytes(len).into()];
        line.read_exact(&mut message).unwrap();
        message
    }

    #[track_caller]
    fn check(line: &mut TcpStream, message: &[u8], want: &[u8]) {
        send(line, message).unwrap();
        assert_eq!(receive(line), want);
    }

    #[test]
    fn a_reader_asks_for_the_atr_and_sends_commands() {
        let (mut line, plugged) = reader(Vec::new());
        send(&mut line, &[POWER_ON]).unwrap();
        check(&mut line, &[ATR], &Profile::firmware_4_1().atr());
        check(&mut line, &hex(SELECT), &hex("6F0A 8201788505 0001 06 0401 9000"));
        check(&mut line, &hex(VERIFY), &hex("9000"));
        check(&mut line, &hex("00200081"), &hex("9000"));
        // Both end the login.
        for control in [RESET, POWER_OFF] {
            send(&mut line, &[control]).unwrap();
            check(&mut line, &hex(SELECT), &hex("6F0A 8201788505 0001 06 0401 9000"));
            check(&mut line, &hex("00200081"), &hex("63C3"));
            check(&mut line, &hex(VERIFY), &hex("9000"));
        }
        assert!(plugged.is_in());
    }

    #[test]
    fn controls_nobody_knows_and_empty_messages_are_passed_over() {
        let (mut line, _plugged) = reader(Vec::new());
        for message in [&[][..], &[3], &[5], &[0xff]] {
            send(&mut line, message).unwrap();
        }
        check(&mut line, &[ATR], &Profile::firmware_4_1().atr());
    }

    #[test]
    fn a_silent_token_answers_nothing_and_one_that_vanishes_is_gone() {
        let fault = |nth, wire| Fault { at: At::Command(nth), what: Misfortune::Travels(wire) };
        let (mut line, plugged) = reader(vec![fault(1, Wire::Mute), fault(2, Wire::Vanish { bytes: 3 })]);
        send(&mut line, &hex(SELECT)).unwrap();
        check(&mut line, &[ATR], &Profile::firmware_4_1().atr());
        send(&mut line, &hex(SELECT)).unwrap();
        assert_eq!(line.read(&mut [0; 1]).unwrap(), 0);
        drop(plugged);
    }

    #[test]
    fn pulling_the_token_out_ends_the_line_and_the_thread() {
        let (mut line, plugged) = reader(Vec::new());
        drop(plugged);
        assert_eq!(line.read(&mut [0; 1]).unwrap(), 0);
        let (line, plugged) = reader(Vec::new());
        drop(line);
        while plugged.is_in() {
            thread::yield_now();
        }
    }
}

//! A client of QEMU's debugger port: stops the machine inside a program and sends it astray, as a defect would.
//!
//! Source: the remote serial protocol of the GNU debugger; register numbers are those QEMU describes for x86-64.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Instruction pointer and code segment.
const RIP: u8 = 16;
const CS: u8 = 18;
/// Code segment of 64-bit programs under Linux.
const USER_CS: u64 = 0x33;
/// Longest reply.
const REPLY_LEN_MAX: usize = 1 << 16;

/// The debugger's end of the line. The machine stands still when it connects.
pub(crate) struct Debugger(UnixStream);

impl Debugger {
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut debugger = Self(stream);
        // It tells that it stopped the machine for us.
        debugger.reply();
        // Registers can be asked for one by one only once their description was read.
        debugger.ask("qXfer:features:read:target.xml:0,1000");
        debugger
    }

    /// Whether a program was stopped, rather than the kernel or an idle machine.
    pub(crate) fn is_in_a_program(&mut self) -> bool {
        self.register(CS) == USER_CS
    }

    /// Makes the stopped program go on at address 0, and lets go of the machine.
    pub(crate) fn send_astray(mut self) {
        assert_eq!(self.ask(&format!("P{RIP:x}=0000000000000000")), "OK");
        assert_eq!(self.ask("D"), "OK");
    }

    /// Lets the machine run.
    pub(crate) fn go(&mut self) {
        self.send("c");
    }

    /// Stops it wherever it is.
    pub(crate) fn stop(&mut self) {
        self.0.write_all(&[3]).unwrap();
        self.reply();
    }

    fn register(&mut self, number: u8) -> u64 {
        let hex = self.ask(&format!("p{number:x}"));
        let bytes: Vec<&str> = hex.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap()).collect();
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from_str_radix(byte, 16).unwrap())
    }

    fn ask(&mut self, packet: &str) -> String {
        self.send(packet);
        self.reply()
    }

    fn send(&mut self, packet: &str) {
        let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
        self.0.write_all(format!("${packet}#{sum:02x}").as_bytes()).unwrap();
    }

    fn reply(&mut self) -> String {
        let mut reply = Vec::new();
        let mut byte = [0];
        // An acknowledgement, then the reply between `$` and `#`, then its two digits.
        while reply.last() != Some(&b'#') {
            self.0.read_exact(&mut byte).expect("a reply of QEMU's debugger port");
            if byte != *b"+" || !reply.is_empty() {
                reply.push(byte[0]);
            }
            assert!(reply.len() < REPLY_LEN_MAX, "a reply without end");
        }
        self.0.read_exact(&mut [0; 2]).unwrap();
        self.0.write_all(b"+").unwrap();
        let text = String::from_utf8_lossy(&reply);
        text.trim_start_matches('$').trim_end_matches('#').to_owned()
    }
}

//! A machine in QEMU: USB ports that simulated devices are plugged into, serial lines, and QMP.
//!
//! Always `-accel tcg` with one processor: the machine that runs the tests may itself be virtual, and tests share its cores.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scratch::Scratch;
use crate::tool::{PATIENCE, require, wait_for};

/// Replies and events of QMP that may lie between a command and its answer.
const QMP_LINES_MAX: usize = 1_000;
/// Most a serial line may say between two things that are waited for.
const SERIAL_LEN_MAX: usize = 16 << 20;

/// A running machine; it ends with this value.
#[derive(Debug)]
pub struct Machine {
    qemu: Child,
    scratch: Scratch,
    qmp: Qmp,
}

/// The parts of a machine that differ between tests.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Megabytes of memory.
    pub memory_mib: u32,
    /// USB ports for simulated devices, each a USB 2 port of an xHCI controller; at most 8.
    pub usb_ports: usize,
    /// Serial lines to talk over. Another one before them is the console; its output goes to `console.log`.
    pub serial_lines: usize,
}

impl Machine {
    /// Starts a machine of these parts, with further arguments for QEMU.
    ///
    /// Panics: with QEMU's message, or the Debian package that is missing.
    pub fn start<I: AsRef<OsStr>>(parts: Parts, arguments: impl IntoIterator<Item = I>) -> Self {
        require("qemu-system-x86", "/usr/bin/qemu-system-x86_64");
        let scratch = Scratch::new();
        let path = |name: &str| scratch.file(name).display().to_string();
        // setpriv: if the test dies, so does the machine.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot"]);
        command.args(["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-display", "none"]);
        command.args(["-m", &parts.memory_mib.to_string()]);
        // Without p2 the controller has four USB 2 ports only.
        command.args(["-device", "qemu-xhci,id=xhci,p2=8,p3=8"]);
        command.args(["-qmp", &format!("unix:{},server=on,wait=off", path("qmp"))]);
        command.args(["-chardev", &format!("file,id=console,path={}", path("console.log"))]);
        command.args(["-device", "isa-serial,chardev=console"]);
        let mut socket = |id: &str, device: &str| {
            command.args(["-chardev", &format!("socket,id={id},path={},server=on,wait=off", path(id))]);
            command.args(["-device", device]);
        };
        for line in 0..parts.serial_lines {
            socket(&format!("line{line}"), &format!("isa-serial,chardev=line{line}"));
        }
        for port in 1..=parts.usb_ports {
            socket(&format!("usb{port}"), &format!("usb-redir,id=usb{port},chardev=usb{port},bus=xhci.0,port={port}"));
        }
        let log = File::create(scratch.file("qemu.log")).unwrap();
        let mut qemu = command.args(arguments).stdin(Stdio::null()).stderr(log).spawn().expect("setpriv of util-linux");
        let mut stream = None;
        wait_for("QEMU to open its sockets", || {
            stream = UnixStream::connect(scratch.file("qmp")).ok();
            stream.is_some() || qemu.try_wait().unwrap().is_some()
        });
        let Some(stream) = stream else {
            panic!("QEMU ended: {}", fs::read_to_string(scratch.file("qemu.log")).unwrap());
        };
        Self { qemu, scratch, qmp: Qmp::new(stream) }
    }

    /// The socket of a USB port, counted from 1: the argument of [`conclave_sim::usbredir::plug`].
    pub fn usb_port(&self, port: usize) -> PathBuf {
        self.scratch.file(&format!("usb{port}"))
    }

    /// A serial line, counted from 0.
    pub fn serial(&self, line: usize) -> Serial {
        Serial::new(UnixStream::connect(self.scratch.file(&format!("line{line}"))).unwrap())
    }

    /// QEMU's control socket.
    pub fn qmp(&mut self) -> &mut Qmp {
        &mut self.qmp
    }

    /// The output of the console so far.
    pub fn console(&self) -> String {
        let bytes = fs::read(self.scratch.file("console.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// QEMU's control socket.
///
/// Source: QEMU Machine Protocol, docs/interop/qmp-spec.
#[derive(Debug)]
pub struct Qmp {
    lines: BufReader<UnixStream>,
    events: Vec<Value>,
}

impl Qmp {
    /// Greets QEMU on its socket.
    pub fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut qmp = Self { lines: BufReader::new(stream), events: Vec::new() };
        assert!(qmp.line().is_some_and(|line| line.get("QMP").is_some()), "a greeting of QMP");
        qmp.execute("qmp_capabilities", json!({}));
        qmp
    }

    /// Runs a command and returns its result.
    ///
    /// Panics: if QEMU refuses it, or has ended.
    #[track_caller]
    pub fn execute(&mut self, command: &str, arguments: Value) -> Value {
        self.ask(command, arguments).unwrap_or_else(|| panic!("{command}: QEMU has ended"))
    }

    /// The same, of a machine that may have switched itself off: `None` if QEMU has ended.
    ///
    /// Panics: if QEMU refuses it.
    #[track_caller]
    pub fn ask(&mut self, command: &str, arguments: Value) -> Option<Value> {
        let line = json!({ "execute": command, "arguments": arguments }).to_string() + "\n";
        self.lines.get_mut().write_all(line.as_bytes()).ok()?;
        for _ in 0..QMP_LINES_MAX {
            let mut line = self.line()?;
            if line.get("event").is_some() {
                self.events.push(line);
                continue;
            }
            assert!(line.get("error").is_none(), "{command}: {line}");
            return Some(line["return"].take());
        }
        panic!("{command}: no answer among {QMP_LINES_MAX} lines")
    }

    /// Waits for an event, or finds it among those that came before, and takes it.
    #[track_caller]
    pub fn event(&mut self, name: &str) -> Value {
        for _ in 0..QMP_LINES_MAX {
            if let Some(at) = self.events.iter().position(|event| event["event"] == name) {
                return self.events.remove(at);
            }
            let line = self.line().expect("QEMU still runs");
            self.events.push(line);
        }
        panic!("no event {name} among {QMP_LINES_MAX} lines")
    }

    /// The next line; `None` at the end.
    fn line(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Err(error) if error.kind() != io::ErrorKind::ConnectionReset => panic!("QMP answers in time: {error}"),
            Err(_) | Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("QMP said {line:?}"))),
        }
    }
}

/// A serial line of the machine.
#[derive(Debug)]
pub struct Serial {
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Serial {
    fn new(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        Self { stream, unread: Vec::new() }
    }

    /// Types.
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the machine still runs");
    }

    /// Waits for `end` and returns the output before it.
    ///
    /// Errors: the output that came instead, if `end` did not come within `patience` or the machine stopped.
    pub fn read_until(&mut self, end: &[u8], patience: Duration) -> Result<Vec<u8>, Vec<u8>> {
        let start = Instant::now();
        let mut searched = 0;
        loop {
            if let Some(at) = self.unread[searched..].windows(end.len()).position(|part| part == end) {
                let rest = self.unread.split_off(searched + at + end.len());
                let mut before = std::mem::replace(&mut self.unread, rest);
                before.truncate(searched + at);
                return Ok(before);
            }
            searched = self.unread.len().saturating_sub(end.len());
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(len @ 1..) => self.unread.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && start.elapsed() < patience => {}
                _ => return Err(std::mem::take(&mut self.unread)),
            }
            if start.elapsed() > patience || self.unread.len() > SERIAL_LEN_MAX {
                return Err(std::mem::take(&mut self.unread));
            }
        }
    }
}

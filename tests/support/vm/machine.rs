//! A machine in QEMU that starts the shipped image, and the text on its screen.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::qemu::Qmp;
use crate::scratch::Scratch;
use crate::tool::wait_for;
use serde_json::{Value, json};

use super::screen::{Font, framebuffer, text_mode};

/// How long a screen may take to show the awaited words: the processor is emulated and its host shared.
const PATIENCE: Duration = Duration::from_secs(420);
/// Between two looks at a text buffer, and at a framebuffer, which costs the machine more.
const LOOK: Duration = Duration::from_millis(60);
const LOOK_AT_PIXELS: Duration = Duration::from_millis(200);
/// Keys of a text that are sent at once: each is up to four bytes, and the controller of the keyboard keeps sixteen.
const KEYS_MAX: usize = 4;
/// Between two looks whether keys were taken.
const TAKING: Duration = Duration::from_millis(4);
/// How long a machine may be too busy to take keys before more of them are sent all the same.
const TAKEN_MAX: Duration = Duration::from_secs(20);
/// UEFI firmware of the package `ovmf`.
const OVMF: [&str; 2] = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"];

/// The firmware that the machine starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS: a text screen.
    Bios,
    /// OVMF: a framebuffer.
    Uefi,
}

impl Firmware {
    /// Memory of a machine. Under BIOS a whole ceremony must do with 128 MiB; UEFI wants some for itself.
    pub fn memory_mib(self) -> u32 {
        match self {
            Self::Bios => 128,
            Self::Uefi => 256,
        }
    }
}

/// Where the medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// In a SATA DVD drive.
    Dvd,
    /// On a USB stick.
    Stick,
}

impl Drive {
    /// QEMU's arguments for a medium that is started from.
    pub fn with(self, medium: &Path) -> Vec<String> {
        let file = format!("file={},format=raw,if=none,id=medium,readonly=on", medium.display());
        let (kind, device) = match self {
            Self::Dvd => (",media=cdrom", "ide-cd,drive=medium,bus=ide.0,bootindex=0"),
            Self::Stick => ("", "usb-storage,drive=medium,bus=xhci.0,port=15,removable=on,serial=MEDIUM,bootindex=0"),
        };
        vec!["-drive".into(), file + kind, "-device".into(), device.into()]
    }
}

/// QEMU's arguments for a card reader without a card, plugged in before the medium in the order of ports.
pub fn empty_reader() -> Vec<String> {
    let reader = "usb-storage,drive=card,id=reader,bus=xhci.0,port=14,removable=on,serial=READER";
    ["-drive", "if=none,id=card", "-device", reader].map(String::from).into()
}

/// A running machine; it ends with this value.
pub struct Machine {
    qemu: Child,
    scratch: Scratch,
    qmp: Qmp,
    firmware: Firmware,
    fonts: [Font; 2],
}

impl Machine {
    /// Starts a machine with these further arguments for QEMU.
    pub fn start(firmware: Firmware, arguments: &[String]) -> Self {
        let scratch = Scratch::new();
        // setpriv: if the test dies, so does the machine.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot"]);
        command.args(["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-display", "none"]);
        command.args(["-m", &firmware.memory_mib().to_string()]);
        command.args(["-vga", "std", "-device", "qemu-xhci,id=xhci,p2=15,p3=15"]);
        for socket in ["qmp", "watch"] {
            command.args(["-qmp", &format!("unix:{},server=on,wait=off", scratch.file(socket).display())]);
        }
        if firmware == Firmware::Uefi {
            let variables = scratch.file("variables");
            std::fs::copy(OVMF[1], &variables).expect("the package ovmf");
            command.args(["-drive", &format!("if=pflash,unit=0,format=raw,readonly=on,file={}", OVMF[0])]);
            command.args(["-drive", &format!("if=pflash,unit=1,format=raw,file={}", variables.display())]);
        }
        let mut qemu = command.args(arguments).stdin(Stdio::null()).spawn().expect("setpriv of util-linux");
        let mut stream = None;
        wait_for("QEMU to open its control socket", || {
            assert_eq!(qemu.try_wait().unwrap(), None, "QEMU ended; its message is above");
            stream = UnixStream::connect(scratch.file("qmp")).ok();
            stream.is_some()
        });
        Self { qemu, scratch, qmp: Qmp::new(stream.unwrap()), firmware, fonts: [Font::small(), Font::large()] }
    }

    /// QEMU's control socket.
    pub fn qmp(&mut self) -> &mut Qmp {
        &mut self.qmp
    }

    /// Another control socket, to look on while a person works with the machine.
    pub fn watch(&self) -> Qmp {
        Qmp::new(UnixStream::connect(self.scratch.file("watch")).expect("QEMU opened it with its first"))
    }

    /// The screen as lines of text.
    pub fn screen(&mut self) -> Vec<String> {
        let raw = self.raw_screen();
        self.read(&raw)
    }

    /// The screen that stands: two looks agree on it, and between them the processor waited, so nothing was half drawn.
    pub fn settled(&mut self) -> Vec<String> {
        let began = Instant::now();
        let mut last = self.raw_screen();
        loop {
            let idle = self.is_idle();
            let raw = self.raw_screen();
            if idle && raw == last {
                return self.read(&raw);
            }
            assert!(began.elapsed() < PATIENCE, "it never comes to rest:\n{}", self.read(&raw).join("\n"));
            last = raw;
            std::thread::sleep(TAKING);
        }
    }

    /// The text buffer, or the pixels of the framebuffer as a PPM.
    fn raw_screen(&mut self) -> Vec<u8> {
        let file = self.scratch.file("screen");
        match self.firmware {
            // The text buffer itself: exact, in any font.
            Firmware::Bios => {
                self.qmp.execute("pmemsave", json!({ "val": 0xb8000, "size": 4000, "filename": file }));
            }
            Firmware::Uefi => {
                self.qmp.execute("screendump", json!({ "filename": file }));
            }
        }
        std::fs::read(&file).unwrap()
    }

    fn read(&self, raw: &[u8]) -> Vec<String> {
        match self.firmware {
            Firmware::Bios => text_mode(raw),
            Firmware::Uefi => framebuffer(raw, &self.fonts),
        }
    }

    /// The whole memory, by physical address.
    pub fn memory(&mut self) -> Vec<u8> {
        let size = &self.qmp.execute("query-memory-size-summary", json!({}))["base-memory"];
        let file = self.scratch.file("memory");
        self.qmp.execute("pmemsave", json!({ "val": 0, "size": size, "filename": file }));
        let memory = std::fs::read(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        memory
    }

    /// Leaves a picture of the screen in `target/screens`, if `CONCLAVE_SCREENS` is set.
    pub fn picture(&mut self, name: &str) {
        if std::env::var_os("CONCLAVE_SCREENS").is_none() {
            return;
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screens");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        self.qmp.execute("screendump", json!({ "filename": file, "format": "png" }));
    }

    /// Waits until some line of the screen contains `words`, and returns the screen.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) -> Vec<String> {
        self.wait_until(words, |screen| screen.iter().any(|line| line.contains(words)))
    }

    /// Waits until `is_there` finds the awaited words on the screen, and returns the screen. `what` names them in
    /// a failure.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, is_there: impl Fn(&[String]) -> bool) -> Vec<String> {
        let began = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            assert!(began.elapsed() < PATIENCE, "waited for {what:?}, the screen is\n{}", screen.join("\n"));
            std::thread::sleep(if self.firmware == Firmware::Uefi { LOOK_AT_PIXELS } else { LOOK });
        }
    }

    /// Presses keys, by QEMU's names for them, each after the machine has dealt with the one before.
    pub fn press(&mut self, keys: &[&str]) {
        keys.iter().for_each(|key| self.send(&[key]));
    }

    /// Sends keys at once and waits until the machine has dealt with them.
    fn send(&mut self, keys: &[&str]) {
        let events: Vec<Value> = keys.iter().flat_map(|key| events(key)).collect();
        self.qmp.execute("input-send-event", json!({ "events": events }));
        let began = Instant::now();
        while !self.took_keys() && began.elapsed() < TAKEN_MAX {
            std::thread::sleep(TAKING);
        }
    }

    /// Whether every key was read from the keyboard's controller, and every process that the key woke has come to rest
    /// since; also if the keys switched the machine off.
    fn took_keys(&mut self) -> bool {
        // Bit 0 of the status of the i8042: its output buffer is full.
        let Some(status) = self.monitor("i /1b 0x64") else { return true };
        let status = status.trim().rsplit("0x").next().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        status.expect("a byte of a port") & 1 == 0 && self.is_idle()
    }

    /// Whether the processor waits: nothing is drawn, and nothing was woken that has not come to rest.
    fn is_idle(&mut self) -> bool {
        self.monitor("info registers").is_none_or(|registers| registers.contains("HLT=1"))
    }

    /// The answer of QEMU's own monitor; `None` once the machine is off.
    fn monitor(&mut self, command: &str) -> Option<String> {
        let said = self.qmp.ask("human-monitor-command", json!({ "command-line": command }))?;
        Some(said.as_str().expect("a monitor answers in text").into())
    }

    /// Types a text on a keyboard of US layout, into one line.
    pub fn type_text(&mut self, text: &str) {
        let keys: Vec<String> = text.chars().map(qcode).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        keys.chunks(KEYS_MAX).for_each(|keys| self.send(keys));
    }

    /// Ends it at once, as when the power fails.
    pub fn kill(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }

    /// Waits until the machine has switched itself off.
    pub fn wait_until_off(mut self) {
        let qemu = &mut self.qemu;
        wait_for("the machine to switch itself off", || qemu.try_wait().unwrap().is_some());
    }
}

/// A key going down and up, after and before the keys that are held with it.
fn events(key: &str) -> impl Iterator<Item = Value> {
    let event = |key: &str, down: bool| json!({ "type": "key", "data": { "down": down, "key": { "type": "qcode", "data": key } } });
    let down = key.split('-').map(|key| event(key, true)).collect::<Vec<_>>();
    let up = key.rsplit('-').map(|key| event(key, false)).collect::<Vec<_>>();
    down.into_iter().chain(up)
}

/// QEMU's name for the key of a character of US layout, with Shift where it needs that.
fn qcode(typed: char) -> String {
    // The keys of signs, with the sign that each types alone and with Shift.
    const SIGNS: [(&str, char, char); 21] = [
        ("1", '1', '!'),
        ("2", '2', '@'),
        ("3", '3', '#'),
        ("4", '4', '$'),
        ("5", '5', '%'),
        ("6", '6', '^'),
        ("7", '7', '&'),
        ("8", '8', '*'),
        ("9", '9', '('),
        ("0", '0', ')'),
        ("minus", '-', '_'),
        ("equal", '=', '+'),
        ("bracket_left", '[', '{'),
        ("bracket_right", ']', '}'),
        ("backslash", '\\', '|'),
        ("semicolon", ';', ':'),
        ("apostrophe", '\'', '"'),
        ("grave_accent", '`', '~'),
        ("comma", ',', '<'),
        ("dot", '.', '>'),
        ("slash", '/', '?'),
    ];
    match typed {
        'A'..='Z' => format!("shift-{}", typed.to_ascii_lowercase()),
        'a'..='z' => typed.into(),
        ' ' => "spc".into(),
        _ => {
            let sign = SIGNS.iter().find(|(_, alone, shifted)| [*alone, *shifted].contains(&typed));
            let (key, alone, _) = sign.unwrap_or_else(|| panic!("no key is known for {typed:?}"));
            if typed == *alone { (*key).into() } else { format!("shift-{key}") }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

//! Debian's OpenSC in front of simulated tokens: a pcscd of the test's own with two readers, and its tools.
//!
//! The daemon lives in a mount namespace where its socket directory is the test's, so that neither a pcscd of the system nor
//! another test notices. Tools find it by the environment variable pcsc-lite documents.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use conclave_sim::icc::Icc;
use conclave_sim::vpcd::Plugged;

use crate::scratch::Scratch;
use crate::tool::{self, PCSCD, Ran, require, wait_for};

/// How often a daemon is started on other ports if another program was faster to take them.
const STARTS_MAX: u32 = 5;

const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// A pcscd with two readers.
#[derive(Debug)]
pub struct Readers {
    daemon: Child,
    scratch: Scratch,
    port: u16,
    /// How often each tool ran, which is printed at the end.
    runs: Mutex<BTreeMap<String, u32>>,
}

impl Readers {
    /// Starts the daemon.
    ///
    /// Panics: with the Debian package to install, where one is missing.
    pub fn start() -> Self {
        require("pcscd", "/usr/sbin/pcscd");
        require("vsmartcard-vpcd", DRIVER);
        require("opensc", "/usr/bin/sc-hsm-tool");
        require("opensc-pkcs11", "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so");
        require("openssl", "/usr/bin/openssl");
        (0..STARTS_MAX).find_map(|_| Self::try_start()).expect("a pcscd that listens on two ports")
    }

    fn try_start() -> Option<Self> {
        let scratch = Scratch::new();
        let port = two_free_ports();
        let config = format!(
            "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {DRIVER}\nCHANNELID 0x{port:04X}\n"
        );
        fs::write(scratch.file("reader.conf"), config).unwrap();
        fs::create_dir(scratch.file("socket")).unwrap();
        let log = File::create(scratch.file("pcscd.log")).unwrap();
        // setpriv: if the test dies, so does the daemon. Every step replaces the one before, so one pid is all there is.
        let script = format!(
            "mount -t tmpfs tmpfs /run && mkdir /run/pcscd && mount --bind \"$0/socket\" /run/pcscd && \
             exec setpriv --pdeathsig KILL {PCSCD} --config \"$0/reader.conf\""
        );
        let mut daemon = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", &script])
            .arg(scratch.path())
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("unshare of util-linux");
        let mut ended = None;
        wait_for("pcscd to listen", || {
            ended = daemon.try_wait().unwrap();
            ended.is_some() || (scratch.file("socket/pcscd.comm").exists() && !can_bind(port) && !can_bind(port + 1))
        });
        if ended.is_some() {
            panic!("pcscd ended: {}", fs::read_to_string(scratch.file("pcscd.log")).unwrap());
        }
        let readers = Self { daemon, scratch, port, runs: Mutex::default() };
        let listed = readers.run("opensc-tool", ["--list-readers"]).out;
        // A port that another program took leaves the daemon without its readers.
        listed.contains("Virtual PCD 00 01").then_some(readers)
    }

    /// Puts a token into reader 0 or 1 and waits until OpenSC sees it.
    pub fn plug(&self, reader: u16, card: impl Icc + 'static) -> Plugged {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port + reader));
        let plugged = Plugged::plug(address, card).expect("a listening reader");
        wait_for("OpenSC to see the token", || {
            self.run("opensc-tool", ["--reader", &reader.to_string(), "--atr"]).out.starts_with("3b:")
        });
        plugged
    }

    /// Pulls a token out and waits until OpenSC misses it: a daemon that did not notice would go on with the card before.
    pub fn unplug(&self, reader: u16, plugged: Plugged) {
        drop(plugged);
        let line = format!("{reader}    No ");
        wait_for("OpenSC to miss the token", || {
            self.run("opensc-tool", ["--list-readers"]).out.lines().any(|listed| listed.starts_with(&line))
        });
    }

    /// Runs a tool of OpenSC.
    pub fn run<I: AsRef<OsStr>>(&self, tool: &str, args: impl IntoIterator<Item = I>) -> Ran {
        self.run_with_input(tool, args, "")
    }

    /// Runs a tool of OpenSC that reads the input of a person.
    pub fn run_with_input<I: AsRef<OsStr>>(&self, tool: &str, args: impl IntoIterator<Item = I>, input: &str) -> Ran {
        *self.runs.lock().unwrap().entry(tool.to_owned()).or_default() += 1;
        let mut command = Command::new(tool);
        command.args(args).env("PCSCLITE_CSOCK_NAME", self.scratch.file("socket/pcscd.comm"));
        // No cache of an earlier card, no configuration of the user that runs the tests.
        command.env("HOME", self.scratch.path()).env_remove("OPENSC_CONF").current_dir(self.scratch.path());
        tool::run(command, input)
    }

    /// The lines that `sc-hsm-tool` shows about the DKEK of the token in `reader`.
    #[track_caller]
    pub fn key_check_value(&self, reader: u16) -> String {
        let ran = self.run("sc-hsm-tool", ["--reader", &reader.to_string()]);
        let line = ran.out.lines().find_map(|line| line.strip_prefix("DKEK key check value :"));
        line.unwrap_or_else(|| panic!("no key check value in {ran:#?}")).trim().to_owned()
    }

    /// A file of this test; tools run in its directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.file(name)
    }

    /// The directory tools run in.
    pub fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// Runs openssl in the same directory.
    pub fn openssl<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Ran {
        *self.runs.lock().unwrap().entry("openssl".to_owned()).or_default() += 1;
        tool::openssl(self.scratch.path(), args)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let runs = self
            .runs
            .get_mut()
            .map(|runs| runs.iter().map(|(tool, count)| format!("{count} {tool}")).collect::<Vec<_>>());
        println!("runs: {}", runs.unwrap_or_default().join(", "));
    }
}

/// The first of two neighbouring ports without a listener.
fn two_free_ports() -> u16 {
    let first = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let neighbours = |port: &u16| *port < u16::MAX && can_bind(*port) && can_bind(*port + 1);
    (0..100).map(|_| first()).find(neighbours).expect("two neighbouring free ports")
}

fn can_bind(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

//! A person at a machine with something in the way: a command as they run it, and the window they see it in.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::{env, fs, thread};

use conclave_tests::scratch::Scratch;
use conclave_tests::tool::{Ran, wait_for};

/// Where the tree is.
pub(super) fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The folder where cargo builds: code that it has built for this test is not built again.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

/// Runs a command to its end.
pub(super) fn ran(command: &mut Command) -> Ran {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { out: text(output.stdout), err: text(output.stderr), zero: output.status.success() }
}

/// Their own places for temporary files and for results.
pub(super) struct Person {
    scratch: Scratch,
    temporary: Scratch,
}

impl Person {
    /// The program is built first, once: a build takes longer than a test waits for a line.
    pub(super) fn new() -> Self {
        static BUILT: Once = Once::new();
        BUILT.call_once(|| {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--locked", "-p", "conclave"]).current_dir(tree()).env("CARGO_TARGET_DIR", target());
            let said = ran(&mut build);
            assert!(said.zero, "{said:#?}");
        });
        let person = Self { scratch: Scratch::new(), temporary: Scratch::new() };
        for folder in [person.scratch.path(), person.temporary.path()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        }
        person
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.scratch.file(name)
    }

    /// The files that a run left beside the files of the test; temporary files are never left.
    pub(super) fn left_behind(&self) -> Vec<String> {
        let names = |scratch: &Scratch| {
            let names =
                fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.filter(|name| name != "bin").collect();
            names.sort();
            names
        };
        assert_eq!(names(&self.temporary), [""; 0], "temporary files are left");
        names(&self.scratch)
    }

    fn at_home(&self, command: &mut Command) {
        command.current_dir(tree()).env("TMPDIR", self.temporary.path()).env("CARGO_TARGET_DIR", target());
    }

    /// A program as a person runs it in the tree.
    pub(super) fn run(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        self.at_home(&mut command);
        command
    }

    /// The same on a machine that is not online.
    pub(super) fn without_network(&self, program: &str) -> Command {
        let mut command = self.run("unshare");
        command.args(["--net", "--", program]);
        command
    }

    /// A line of shell that finds a disk of a mebibyte at `$0/small`.
    pub(super) fn on_small_disk(&self, line: &str) -> Command {
        fs::create_dir_all(self.file("small")).unwrap();
        let mut command = self.run("unshare");
        let line = format!("mount -t tmpfs -o size=1m tmpfs \"$0/small\"\n{line}");
        command.args(["--mount", "--", "bash", "-c", &line]).arg(self.scratch.path());
        command
    }

    /// The files that dpkg reads on a machine where nothing is installed.
    pub(super) fn dpkg_of_nothing(&self) -> PathBuf {
        let folder = self.bin().join("dpkg");
        fs::create_dir_all(folder.join("info")).unwrap();
        fs::create_dir_all(folder.join("updates")).unwrap();
        fs::write(folder.join("status"), "").unwrap();
        folder
    }

    /// The set-up as a person that is not root and has no sudo, with this in the environment. The toolchain is shown to
    /// them at another place: they cannot look into root's home.
    pub(super) fn as_nobody(&self, environment: &[&str]) -> Command {
        let of = |variable: &str, name: &str| {
            env::var_os(variable).map_or_else(|| PathBuf::from(env::var_os("HOME").unwrap()).join(name), PathBuf::from)
        };
        // Root's home is closed to them, and the links of the toolchain lead into it: so another home lies over it.
        let line = "cd \"$0\"; mkdir -p rustup cargo tree
            mount --bind \"$RUSTUP\" rustup; mount --bind \"$CARGO\" cargo; mount --bind \"$TREE\" tree
            mount -t tmpfs -o mode=755 tmpfs \"$HOME\"; mkdir \"$HOME/.rustup\" \"$HOME/.cargo\"
            mount --bind rustup \"$HOME/.rustup\"; mount --bind cargo \"$HOME/.cargo\"; cd tree
            exec setpriv --reuid 65534 --regid 65534 --clear-groups \
            env PATH=\"$HOME/.cargo/bin:/usr/bin:/bin\" \"$@\" scripts/setup conclave";
        let mut command = self.run("unshare");
        let (rustup, cargo) = (of("RUSTUP_HOME", ".rustup"), of("CARGO_HOME", ".cargo"));
        command.env("RUSTUP", rustup).env("CARGO", cargo).env("TREE", tree());
        command.env_remove("RUSTUP_HOME").env_remove("CARGO_HOME");
        command.args(["--mount", "--", "bash", "-euc", line]).arg(self.bin()).args(environment);
        command
    }

    /// The folder for files that the test needs and a person does not.
    fn bin(&self) -> PathBuf {
        let bin = self.file("bin");
        fs::create_dir_all(&bin).unwrap();
        bin
    }

    /// A rehearsal in which a program, called by these words, takes longer than anybody waits.
    pub(super) fn with_a_slow(&self, words: &str) -> Command {
        let (program, first) = words.split_once(' ').unwrap_or((words, ""));
        let path = env::var("PATH").unwrap();
        let script = format!(
            "if [ -z '{first}' ] || [ \"$1\" = '{first}' ]; then echo 'this takes long' >&2; exec sleep infinity; fi\n\
             PATH='{path}' exec {program} \"$@\""
        );
        let mut command = self.run("scripts/rehearse");
        self.in_place_of(program, &script, &mut command);
        command
    }

    /// The set-up where one package is installed and no other, in a version that the archive does not offer. The
    /// package manager repeats the request, and does nothing.
    pub(super) fn with_a_package_of(&self, name: &str, here: &str, offered: &str) -> Command {
        let admin = self.dpkg_of_nothing();
        let package = format!(
            "Package: {name}\nStatus: install ok installed\nVersion: {here}\nArchitecture: amd64\nMaintainer: T <t@example.org>\n\
             Description: a package\n"
        );
        fs::write(admin.join("status"), package).unwrap();
        let mut command = self.run("scripts/setup");
        command.arg("conclave").env("DPKG_ADMINDIR", admin);
        self.in_place_of("apt-get", "echo \"asked for: $*\"; [ \"$1\" = update ]", &mut command);
        let offers = format!("[ \"$*\" != 'madison {name}' ] || echo '{name} | {offered} | an archive'");
        self.in_place_of("apt-cache", &offers, &mut command);
        command
    }

    /// The command finds these lines of shell where a program is.
    fn in_place_of(&self, program: &str, lines: &str, command: &mut Command) {
        let bin = self.bin();
        fs::write(bin.join(program), format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).unwrap();
        command.env("PATH", format!("{}:{}", bin.display(), env::var("PATH").unwrap()));
    }
}

/// The program in a window, and everything it has shown.
pub(super) struct Window {
    child: Child,
    shown: Arc<Mutex<String>>,
    /// Where its keyboard and its size are asked for, if it is a terminal.
    terminal: PathBuf,
}

impl Window {
    /// A command; the test reads its output and can interrupt its group, as a shell does on Ctrl-C.
    pub(super) fn open(mut command: Command) -> Self {
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for mut stream in streams {
            let shown = Arc::clone(&shown);
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(len @ 1..) = stream.read(&mut bytes) {
                    shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..len]));
                }
            });
        }
        Self { child, shown, terminal: PathBuf::new() }
    }

    /// A terminal of this many columns and rows, with a line of shell in it.
    pub(super) fn of_size(person: &Person, columns: u16, rows: u16, line: &str) -> Self {
        let terminal = person.bin().join("tty");
        let line = format!("tty >{}; stty cols {columns} rows {rows}; exec {line}", terminal.display());
        let mut command = person.run("script");
        // Its own shell is asked for: a person's might print a greeting.
        command.args(["--quiet", "--flush", "--return", "--command", &line, "/dev/null"]).env("SHELL", "/bin/sh");
        let mut window = Self::open(command);
        window.terminal = terminal;
        window
    }

    /// Waits until it has shown some text, after the text that was waited for before.
    pub(super) fn shows(&self, text: &str) {
        wait_for(text, || self.shown.lock().unwrap().contains(text));
    }

    pub(super) fn does_not_show(&self, text: &str) {
        assert!(!self.shown.lock().unwrap().contains(text), "{text} is shown");
    }

    pub(super) fn types(&self, keys: &str) {
        self.child.stdin.as_ref().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    pub(super) fn resize(&self, columns: u16, rows: u16) {
        let terminal = fs::read_to_string(&self.terminal).unwrap();
        let mut stty = Command::new("stty");
        let [columns, rows] = [columns, rows].map(|number| number.to_string());
        let said = ran(stty.args(["-F", terminal.trim(), "cols", &columns, "rows", &rows]));
        assert!(said.zero, "{said:#?}");
    }

    fn group(&self) -> String {
        format!("-{}", self.child.id())
    }

    /// The signal of a terminal to every program in it.
    pub(super) fn interrupt(&self) {
        assert!(ran(Command::new("kill").args(["-INT", "--", &self.group()])).zero);
    }

    /// Waits for the end: the shown text, and the exit code. Nothing of it runs any more.
    pub(super) fn ends(mut self) -> (String, Option<i32>) {
        let mut status = None;
        wait_for("it to end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let status = status.unwrap();
        wait_for("everything it started to end", || !ran(Command::new("kill").args(["-0", "--", &self.group()])).zero);
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        // The readers end with the last writer.
        wait_for("its last words", || Arc::strong_count(&self.shown) == 1);
        let shown = self.shown.lock().unwrap().clone();
        (shown, code)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = Command::new("kill").args(["-KILL", "--", &self.group()]).status();
            let _ = self.child.wait();
        }
    }
}

//! The build room: a root directory unpacked from the locked packages, entered without network and with nothing of the
//! machine but its processor, the pinned Rust toolchain and five device nodes.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lock::Entry;
use crate::run::{Failure, at, fresh_dir, make_dir, run, write};

/// Where the toolchain appears inside.
const TOOLCHAIN: &str = "/rust";
/// Device nodes a compiler may want.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Puts the room together from mounts only this process sees, then becomes the command inside it.
const ENTER: &str = r#"
root=$1 toolchain=$2 user=$3; shift 3
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
mount --bind "$toolchain" "$root/rust"
mount -o remount,bind,ro "$root/rust"
exec chroot --userspec="$user:$user" "$root" /usr/bin/env -i "$@"
"#;

/// What may differ from one builder's machine to another's and must not show in the bits.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    /// Directory the build happens in.
    pub(crate) directory: &'static str,
    /// Numeric user and group.
    pub(crate) user: u32,
    /// As given to `umask`.
    pub(crate) umask: &'static str,
    /// Values of `LC_ALL` and `TZ`.
    pub(crate) locale: &'static str,
    pub(crate) zone: &'static str,
    /// Compilers at a time.
    pub(crate) jobs: usize,
    /// A date for libfaketime, or the real clock.
    pub(crate) clock: Option<&'static str>,
}

/// A room ready to work in.
pub(crate) struct Room {
    root: PathBuf,
    toolchain: PathBuf,
    pub(crate) how: Circumstances,
    epoch: u64,
}

impl Room {
    /// Unpacks the packages below `root`; `epoch` is the one time stamp of everything made inside.
    pub(crate) fn unpack(
        root: PathBuf,
        debs: &[(Entry, PathBuf)],
        toolchain: &Path,
        epoch: u64,
        how: Circumstances,
    ) -> Result<Self, Failure> {
        fresh_dir(&root)?;
        for (_, deb) in debs {
            run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&root))?;
        }
        for directory in ["proc", "dev", "tmp", "rust"] {
            make_dir(&root.join(directory))?;
        }
        for device in DEVICES {
            write(&root.join("dev").join(device), "")?;
        }
        // What the packages' installation scripts would have linked.
        for (name, target) in [("usr/bin/awk", "mawk"), ("usr/bin/cc", "gcc")] {
            let link = root.join(name);
            at("link", &link, std::os::unix::fs::symlink(target, &link))?;
        }
        let room = Self { root, toolchain: toolchain.into(), how, epoch };
        make_dir(&room.outside("in"))?;
        room.give("")?;
        run(Command::new("chmod").arg("1777").arg(room.root.join("tmp")))?;
        Ok(room)
    }

    /// Hands what was put into the room from outside to the user who builds there.
    pub(crate) fn give(&self, path: &str) -> Result<(), Failure> {
        if self.how.user != 0 {
            run(Command::new("chown").arg("-R").arg(format!("{0}:{0}", self.how.user)).arg(self.outside(path)))?;
        }
        Ok(())
    }

    /// A path of the build directory as the machine sees it.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.root.join(self.how.directory.trim_start_matches('/')).join(path)
    }

    /// A path of the build directory as it is called inside.
    pub(crate) fn inside(&self, path: &str) -> String {
        format!("{}/{path}", self.how.directory)
    }

    /// Runs a shell script in the build directory, without network, until all its processes are gone.
    pub(crate) fn run(&self, script: &str) -> Result<String, Failure> {
        self.enter(script, self.how.clock)
    }

    /// As [`Room::run`], by the real clock whatever the circumstances: rustc brings its own allocator and hangs under
    /// libfaketime before it prints anything.
    pub(crate) fn run_by_real_clock(&self, script: &str) -> Result<String, Failure> {
        self.enter(script, None)
    }

    fn enter(&self, script: &str, clock: Option<&str>) -> Result<String, Failure> {
        self.give("in")?;
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--mount", "--pid", "--fork", "--kill-child"]);
        if run(Command::new("id").arg("-u"))?.trim() != "0" {
            unshare.arg("--map-root-user");
        }
        unshare
            .args(["sh", "-euc", ENTER, "enter"])
            .arg(&self.root)
            .arg(&self.toolchain)
            .arg(self.how.user.to_string());
        unshare.args([
            format!("PATH={TOOLCHAIN}/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            format!("HOME={}", self.how.directory),
            format!("LC_ALL={}", self.how.locale),
            format!("TZ={}", self.how.zone),
            format!("SOURCE_DATE_EPOCH={}", self.epoch),
            format!("JOBS={}", self.how.jobs),
        ]);
        if let Some(date) = clock {
            let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
            unshare.args([format!("LD_PRELOAD={library}"), format!("FAKETIME={date}")]);
            // Files keep their real times, as they would on a machine whose clock is wrong all along.
            unshare.args(["NO_FAKE_STAT=1", "DONT_FAKE_MONOTONIC=1"]);
        }
        let enter = format!("umask {}; cd {}; {script}", self.how.umask, self.how.directory);
        run(unshare.args(["/bin/sh", "-euc", &enter]))
    }
}

//! The build room: a root directory unpacked from the locked packages, entered without network and with nothing of the
//! machine but its processor, the pinned Rust toolchain and five device nodes; and the proofs about it before its use.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::lock::Entry;
use crate::run::{Failure, at, fresh_dir, make_dir, read, run, write};

/// Where the toolchain appears inside.
const TOOLCHAIN: &str = "/rust";
/// Device nodes a compiler may want.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Puts the room together from mounts that only this process sees, then runs the command inside it. It stays root itself:
/// a process that shall end with its parent no longer does so after it changed its user. The end of this process ends all
/// in the room.
const ENTER: &str = r#"
root=$1 toolchain=$2 user=$3; shift 3
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do mount --bind "/dev/$device" "$root/dev/$device"; done
if [ -d "$root/rust-src" ]; then
    mount -t overlay -o "lowerdir=$root/rust-src:$toolchain" overlay "$root/rust"
else
    mount --bind "$toolchain" "$root/rust"
    mount -o remount,bind,ro "$root/rust"
fi
chroot --userspec="$user:$user" "$root" /usr/bin/env -i "$@" || exit $?
"#;

/// The library that shows every program of the room another clock, made from `image/clock.c`.
const CLOCK: &str = "/clock.so";
/// The file by which rustc knows that its `rust-src` component is installed; it then names that directory instead of
/// its own build's wherever the standard library's code can panic.
const RUST_SRC: &str = "rust-src/lib/rustlib/src/rust/library/std/src/lib.rs";

/// The circumstances that may differ from one builder's machine to another's and must not show in the bits.
#[derive(Clone, Debug)]
pub(crate) struct Circumstances {
    /// Directory the build happens in.
    pub(crate) directory: &'static str,
    /// Directory the kernel is compiled in: its objects are bound to it.
    pub(crate) kernel: &'static str,
    /// Numeric user and group.
    pub(crate) user: u32,
    /// As given to `umask`.
    pub(crate) umask: &'static str,
    /// Values of `LC_ALL` and `TZ`.
    pub(crate) locale: &'static str,
    pub(crate) zone: &'static str,
    /// Compilers at a time.
    pub(crate) jobs: usize,
    /// Seconds the wall clock is ahead of the real one.
    pub(crate) ahead_s: u64,
    /// Whether the toolchain seems to have its `rust-src` component.
    pub(crate) rust_src: bool,
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
    ///
    /// The room is used only if it has no network and shows the clock it should.
    pub(crate) fn unpack(
        root: PathBuf,
        debs: &[(Entry, PathBuf)],
        image: &Path,
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
        // The links that the packages' installation scripts would have made.
        for (name, target) in [("usr/bin/awk", "mawk"), ("usr/bin/cc", "gcc")] {
            let link = root.join(name);
            at("link", &link, std::os::unix::fs::symlink(target, &link))?;
        }
        let room = Self { root, toolchain: toolchain.into(), how, epoch };
        make_dir(&room.outside("in"))?;
        make_dir(&room.kernel("in"))?;
        room.give(&room.outside(""))?;
        room.give(&room.kernel(""))?;
        run(Command::new("chmod").arg("1777").arg(room.root.join("tmp")))?;
        if room.how.rust_src {
            let file = room.root.join(RUST_SRC);
            make_dir(file.parent().unwrap_or(&file))?;
            write(&file, "")?;
        }
        if room.how.ahead_s > 0 {
            write(&room.outside("in/clock.c"), read(&image.join("clock.c"))?)?;
            room.run(&format!("gcc -shared -fPIC -O2 -DAHEAD_S={} in/clock.c -o in/clock.so", room.how.ahead_s))?;
            run(Command::new("install").args(["-m", "755"]).arg(room.outside("in/clock.so")).arg(room.clock()))?;
        }
        room.prove()?;
        Ok(room)
    }

    /// Refuses a room with a network, or with another clock than its circumstances say.
    fn prove(&self) -> Result<(), Failure> {
        let interfaces = self.run("cat /proc/net/dev")?;
        if !only_loopback(&interfaces) {
            return Err(Failure::Room(format!("it should have no network interface but lo, it has:\n{interfaces}")));
        }
        let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let shown = self.run("date +%s")?;
        if shown.trim().parse::<u64>().ok().is_none_or(|shown| shown < real + self.how.ahead_s) {
            return Err(Failure::Room(format!("its clock should be {} s ahead, it shows {shown}", self.how.ahead_s)));
        }
        Ok(())
    }

    /// Hands the files that came into the room from outside to the user of the build.
    pub(crate) fn give(&self, path: &Path) -> Result<(), Failure> {
        if self.how.user != 0 {
            run(Command::new("chown").arg("-R").arg(format!("{0}:{0}", self.how.user)).arg(path))?;
        }
        Ok(())
    }

    fn clock(&self) -> PathBuf {
        self.root.join(CLOCK.trim_start_matches('/'))
    }

    /// A path of the build directory as the machine sees it.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.root.join(self.how.directory.trim_start_matches('/')).join(path)
    }

    /// A path of the kernel's directory as the machine sees it.
    pub(crate) fn kernel(&self, path: &str) -> PathBuf {
        self.root.join(self.how.kernel.trim_start_matches('/')).join(path)
    }

    /// A path of an unpacked package as the machine sees it.
    pub(crate) fn unpacked(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A path of the build directory as it is called inside.
    pub(crate) fn inside(&self, path: &str) -> String {
        format!("{}/{path}", self.how.directory)
    }

    /// Runs a shell script in the build directory, without network, until all its processes are gone.
    pub(crate) fn run(&self, script: &str) -> Result<String, Failure> {
        self.give(&self.outside("in"))?;
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
            format!("KERNEL={}", self.how.kernel),
        ]);
        if self.clock().exists() {
            unshare.arg(format!("LD_PRELOAD={CLOCK}"));
        }
        let enter = format!("umask {}; cd {}; {script}", self.how.umask, self.how.directory);
        run(unshare.args(["/bin/sh", "-euc", &enter]))
    }
}

/// Whether a listing of `/proc/net/dev` names the loopback interface, which every network namespace has, and no other.
fn only_loopback(listing: &str) -> bool {
    let names: Vec<&str> =
        listing.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect();
    names == ["lo"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_the_loopback_interface_and_no_other() {
        let head = "Inter-|   Receive\n face |bytes packets\n";
        for (interfaces, alone) in
            [("    lo: 0 0\n", true), ("    lo: 0 0\n  eth0: 0 0\n", false), ("  eth0: 0 0\n", false), ("", false)]
        {
            assert_eq!(only_loopback(&format!("{head}{interfaces}")), alone, "{interfaces}");
        }
    }
}

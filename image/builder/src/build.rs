//! The stages in their order, for one set of circumstances.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use conclave_publish::{Digest, Tree, plain_lines};

use crate::expected::Part;
use crate::inputs::Inputs;
use crate::lock::{self, Drift, Entry, Kind};
use crate::room::{Circumstances, Room};
use crate::run::{Failure, digest, make_dir, read_text, run, write};
use crate::{appliance, bill, crates, inputs, iso, kept, kernel, shipped};

/// Where things are.
pub(crate) struct Places {
    /// Top of the source tree.
    pub(crate) tree: PathBuf,
    /// Files that may be deleted at any time and are made again.
    pub(crate) cache: PathBuf,
    /// Scratch space of this build and its result.
    pub(crate) work: PathBuf,
}

/// The result of a build.
pub(crate) struct Built {
    pub(crate) iso: PathBuf,
    pub(crate) len: u64,
    pub(crate) digest: Digest,
    /// Name and digest of each part, for telling where two builds part ways.
    pub(crate) parts: Vec<Part>,
    /// The parts that do not hold the commit's name, as `image/expected` has them.
    pub(crate) lasting: Vec<Part>,
    pub(crate) epoch: u64,
    room: Room,
    revision: String,
    image: PathBuf,
}

/// Assembles the medium of a finished build once more, as if its commit were of another second.
pub(crate) fn medium(built: &Built, epoch: u64) -> Result<Digest, Failure> {
    let out = built.iso.with_extension("planted");
    let (_, digest) = iso::assemble(&built.room, &built.image, &built.revision, epoch, &out)?;
    Ok(digest)
}

/// The commit the image is made from, and whether the tree is that commit.
struct Revision {
    text: String,
    epoch: u64,
}

impl Revision {
    fn commit(&self) -> &str {
        self.text.lines().next().and_then(|line| line.strip_prefix("revision ")).unwrap_or_default()
    }
}

/// Builds the image from these inputs, telling seconds per stage as it goes.
pub(crate) fn build(places: &Places, inputs: &Inputs, how: Circumstances) -> Result<Built, Failure> {
    let kernel_key = kernel_key(places, inputs, &how)?;
    let image = places.tree.join("image");
    make_dir(&places.work)?;
    let mut stage = Stages::begin();
    let revision = revision(&places.tree, !inputs.moved.is_empty())?;
    print!("{}", plain_lines(&revision.text));

    let lock = &inputs.used;
    let sysroot = sysroot()?;
    check_toolchain(lock, &inputs::toolchain(&sysroot)?)?;
    // The person who publishes the image lays these beside it, so that it can be rebuilt when the archive has moved on.
    kept::lay(&inputs.debs, &places.work.join("inputs"))?;
    write(&places.work.join("inputs.lock"), lock::write(lock.clone()))?;

    let room = Room::unpack(places.work.join("room"), &inputs.debs, &image, &sysroot, revision.epoch, how)?;
    write(&room.outside("in/revision"), &revision.text)?;
    stage.done("build room, without network");

    let locked = crates::locked(&read_text(&places.tree.join("Cargo.lock"))?)?;
    // Neither needs anything of the other, and each leaves a processor idle while its last pieces are made.
    let (pieces, objects) = thread::scope(|both| {
        let objects = both.spawn(|| kernel::prepare(&room, &image, &places.cache, kernel_key));
        let pieces = appliance::compile(&room, &places.tree, &locked)
            .and_then(|()| shipped::pieces(&room, &places.tree, lock, &locked, &sysroot));
        stage.done("appliance, every piece of it licensed");
        (pieces, objects.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let (pieces, objects) = (pieces?, objects?);
    stage.done(match objects {
        kernel::Objects::Cached => "kernel objects, from the cache",
        kernel::Objects::Compiled => "kernel objects, compiled",
    });
    kernel::link(&room, &image)?;
    stage.done("kernel linked, nothing forbidden in it");

    let iso = places.work.join("conclave.iso");
    let (len, iso_digest) = iso::assemble(&room, &image, &revision.text, revision.epoch, &iso)?;
    let date = run(Command::new("date").args(["-u", "+%FT%TZ", "-d"]).arg(format!("@{}", revision.epoch)))?;
    let whole = bill::Whole { revision: revision.commit(), date: date.trim(), iso: iso_digest };
    let (listed, licences) = (places.work.join("conclave.cdx.json"), places.work.join("LICENSES.txt"));
    write(&listed, bill::cyclonedx(&whole, &pieces))?;
    write(&licences, bill::licences(&whole, &pieces))?;
    stage.done("medium, bill of materials, licences");

    let part = |name, path: PathBuf| digest(&path).map(|digest| (name, digest));
    let mut parts = vec![
        part("appliance", room.outside("in/init"))?,
        part("initramfs", room.kernel("obj/usr/initramfs_data.cpio"))?,
        part("vmlinux", room.kernel("obj/vmlinux"))?,
        part("bzImage", room.kernel("obj/arch/x86/boot/bzImage"))?,
        part("efi.img", room.outside("efi.img"))?,
        part("conclave.cdx.json", listed)?,
        part("LICENSES.txt", licences)?,
    ];
    parts.push(("iso", iso_digest));
    let lasting = vec![
        part("appliance", room.outside("in/init"))?,
        ("kernel objects", kernel::objects(&room)?),
        part("isolinux.bin", room.unpacked("usr/lib/ISOLINUX/isolinux.bin"))?,
        part("isohdpfx.bin", room.unpacked("usr/lib/ISOLINUX/isohdpfx.bin"))?,
        part("ldlinux.c32", room.unpacked("usr/lib/syslinux/modules/bios/ldlinux.c32"))?,
    ];
    let Revision { text, epoch } = revision;
    Ok(Built { iso, len, digest: iso_digest, parts, lasting, epoch, room, revision: text, image })
}

/// Which cached kernel objects a build from these inputs would take.
pub(crate) fn kernel_key(places: &Places, inputs: &Inputs, how: &Circumstances) -> Result<Digest, Failure> {
    kernel::key(&inputs.used, &places.tree.join("image"), how)
}

/// Directory of the pinned toolchain, past rustup's proxies.
pub(crate) fn sysroot() -> Result<PathBuf, Failure> {
    Ok(run(Command::new("rustc").args(["--print", "sysroot"]))?.trim().into())
}

/// Compares the installed toolchain with the locked one.
fn check_toolchain(lock: &[Entry], found: &Entry) -> Result<(), Failure> {
    let Some(locked) = lock.iter().find(|entry| entry.kind == Kind::Rust) else {
        return Err(Failure::NotLocked("rust toolchain"));
    };
    if (&found.version, &found.arch) != (&locked.version, &locked.arch) {
        let input = format!("{} is not the toolchain of this machine", locked.input());
        let ways = format!("Whoever builds installs the Rust toolchain {} for {}.", locked.version, locked.arch);
        return Err(Drift::Gone { input, ways }.into());
    }
    Ok(locked.judge("the installed toolchain has", found.digest)?)
}

fn revision(tree: &Path, moved: bool) -> Result<Revision, Failure> {
    let git = |args: &[&str]| run(Command::new("git").args(args).current_dir(tree));
    let commit = git(&["rev-parse", "HEAD"])?;
    let epoch = git(&["log", "-1", "--format=%ct"])?;
    let state = Tree::of(!git(&["status", "--porcelain"])?.is_empty(), moved);
    let (commit, epoch) = (commit.trim(), epoch.trim());
    let named = [commit, state.words()].join(" ");
    let text = format!("revision {}\ndate {epoch}\n", named.trim_end());
    let epoch = epoch.parse().map_err(|_| Failure::Usage("git printed a commit date that is not a number"))?;
    Ok(Revision { text, epoch })
}

/// Seconds of each stage, told when it ends.
struct Stages(Instant);

impl Stages {
    fn begin() -> Self {
        Self(Instant::now())
    }

    fn done(&mut self, what: &str) {
        println!("{:5} s  {what}", self.0.elapsed().as_secs());
        self.0 = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKED: &str = "rust 1.95.0 x86_64-unknown-linux-gnu \
                          00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

    #[test]
    fn only_the_locked_toolchain_may_compile() {
        let lock = lock::read(LOCKED).unwrap();
        let check = |installed: &str| {
            let found = lock::read(installed).unwrap().remove(0);
            check_toolchain(&lock, &found).map_err(|failure| failure.to_string())
        };
        assert_eq!(check(LOCKED), Ok(()));
        let gone = check(&LOCKED.replace("1.95.0", "1.95.1")).unwrap_err();
        assert!(
            gone.starts_with("GONE: rust 1.95.0 ") && gone.contains("installs the Rust toolchain 1.95.0"),
            "{gone}"
        );
        let tampered = check(&LOCKED.replace("0011", "1100")).unwrap_err();
        assert!(tampered.starts_with("TAMPERED: rust 1.95.0 ") && tampered.contains("the installed"), "{tampered}");
        let none = check_toolchain(&[], &lock[0]).unwrap_err().to_string();
        assert!(none.contains("names no rust toolchain"), "{none}");
    }
}

//! The kernel: built once for its inputs, kept in the cache, and linked again with each new init.

use std::path::{Path, PathBuf};

use conclave_publish::Digest;

use crate::config::{forbidden, lost_lines};
use crate::lock::{Entry, Kind};
use crate::room::{Circumstances, Room};
use crate::run::{Failure, at, digest, make_dir, read_text, write};

/// Unpacks and patches the source. The patched file gets a fixed date, or make would think the cached objects stale.
const UNPACK: &str = r#"
mkdir "$KERNEL/linux"
tar -xJf /usr/src/linux-source-6.1.tar.xz --strip-components=1 -C "$KERNEL/linux"
patch -s -p1 -d "$KERNEL/linux" <in/initramfs-force.patch
touch -d @0 "$KERNEL/linux/usr/Kconfig"
"#;
const CONFIGURE: &str = r#"
mkdir "$KERNEL/obj"
make -s -C "$KERNEL/linux" ARCH=x86_64 O="$KERNEL/obj" KCONFIG_ALLCONFIG="$PWD/in/all.config" allnoconfig
"#;
/// The archive is removed first: with the fixed date of init, make does not see that it changed.
const COMPILE: &str = r#"
rm -f "$KERNEL"/obj/usr/initramfs_data.cpio*
make -s -C "$KERNEL/linux" -j "$JOBS" ARCH=x86_64 O="$KERNEL/obj" \
    KBUILD_BUILD_TIMESTAMP="$(LC_ALL=C TZ=UTC date -u -d "@$SOURCE_DATE_EPOCH")" \
    KBUILD_BUILD_USER=conclave KBUILD_BUILD_HOST=conclave KBUILD_BUILD_VERSION=1 bzImage
"#;

/// Objects that hold the commit's date or init, or the size of the whole: seen by linking the same objects for two dates and
/// with another init. The first is a folder: the code that unpacks the kernel.
const OF_ONE_COMMIT: [&str; 5] =
    ["arch/x86/boot", "init/version-timestamp.o", "init/version.o", "usr/initramfs_data.o", "vmlinux.o"];

/// Whether the objects came from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objects {
    Cached,
    Compiled,
}

/// Name of the cache entry: a digest over all that shapes the objects.
pub(crate) fn key(lock: &[Entry], image: &Path, how: &Circumstances) -> Result<Digest, Failure> {
    let mut all = [UNPACK, CONFIGURE, COMPILE, how.kernel].join("\0");
    for file in ["kernel.config", "initramfs-force.patch"] {
        all += &read_text(&image.join(file))?;
    }
    for entry in lock.iter().filter(|entry| entry.kind == Kind::Deb) {
        all += &format!("{} {}\n", entry.name, entry.digest);
    }
    Ok(Digest::of(all.as_bytes()))
}

/// Leaves `linux` and `obj` in the room's directory for the kernel, the objects complete but for init.
pub(crate) fn prepare(room: &Room, image: &Path, cache: &Path, key: Digest) -> Result<Objects, Failure> {
    let fragment = read_text(&image.join("kernel.config"))?;
    let list = format!("CONFIG_INITRAMFS_SOURCE=\"{}/in/initramfs.list\"\n", room.how.kernel);
    write(&room.outside("in/all.config"), fragment.clone() + &list)?;
    write(&room.outside("in/initramfs-force.patch"), read_text(&image.join("initramfs-force.patch"))?)?;
    room.run(UNPACK)?;
    let store = cache.join("kernel");
    make_dir(&store)?;
    let (objects, sum) = (store.join(format!("{key}.tar")), store.join(format!("{key}.sha256")));
    if is_cached(&objects, &sum)? {
        let here = room.outside("in/obj.tar");
        at("copy", &here, std::fs::copy(&objects, &here))?;
        room.run("tar -xpf in/obj.tar -C \"$KERNEL\"")?;
        return Ok(Objects::Cached);
    }
    room.run(CONFIGURE)?;
    // Before minutes are spent on it; asked again of the finished tree.
    refuse(lost_lines(&fragment, &read_text(&room.kernel("obj/.config"))?))?;
    write(&room.kernel("in/initramfs.list"), "dir /dev 0755 0 0\n")?;
    room.run(COMPILE)?;
    room.run("tar -cf in/obj.tar -C \"$KERNEL\" obj")?;
    let partial = store.join(format!("{key}.{}.partial", std::process::id()));
    at("store", &partial, std::fs::copy(room.outside("in/obj.tar"), &partial))?;
    let stored = digest(&partial)?;
    at("store", &objects, std::fs::rename(&partial, &objects))?;
    // Last, and in one step: an entry without its digest does not count.
    write(&partial, stored.to_string())?;
    at("store", &sum, std::fs::rename(&partial, &sum))?;
    Ok(Objects::Compiled)
}

/// Whether the cache has these objects, as they were stored.
fn is_cached(objects: &Path, sum: &Path) -> Result<bool, Failure> {
    if !sum.exists() {
        return Ok(false);
    }
    let is_sound = digest(objects)?.to_string() == read_text(sum)?;
    if is_sound { Ok(true) } else { Err(Failure::Cache(objects.into())) }
}

/// Links the kernel around `in/init` and `in/revision` and asks the finished tree for everything forbidden.
pub(crate) fn link(room: &Room, image: &Path) -> Result<(), Failure> {
    let list = [
        "dir /dev 0755 0 0".into(),
        "nod /dev/console 0600 0 0 c 5 1".into(),
        "dir /proc 0755 0 0".into(),
        "dir /sys 0755 0 0".into(),
        format!("file /init {} 0755 0 0", room.inside("in/init")),
        format!("file /revision {} 0644 0 0\n", room.inside("in/revision")),
    ];
    write(&room.kernel("in/initramfs.list"), list.join("\n"))?;
    room.run("chmod 644 in/revision; touch -d \"@$SOURCE_DATE_EPOCH\" in/init in/revision")?;
    room.run(COMPILE)?;
    let config = read_text(&room.kernel("obj/.config"))?;
    let symbols = read_text(&room.kernel("obj/System.map"))?;
    let mut wrong = lost_lines(&read_text(&image.join("kernel.config"))?, &config);
    let list = read_text(&image.join("forbidden.txt"))?;
    wrong.extend(forbidden(&list, &config, &symbols, |directory| has_objects(&room.kernel("obj").join(directory))));
    refuse(wrong)
}

fn refuse(wrong: Vec<String>) -> Result<(), Failure> {
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Kernel(wrong)) }
}

/// Digest of the kernel's compiled objects but for those of one commit: over their names and digests, sorted.
pub(crate) fn objects(room: &Room) -> Result<Digest, Failure> {
    let tree = room.kernel("obj");
    let mut found = Vec::new();
    objects_below(&tree, &mut found);
    let mut names: Vec<&Path> = found.iter().filter_map(|path| path.strip_prefix(&tree).ok()).collect();
    names.retain(|name| !OF_ONE_COMMIT.iter().any(|other| name.starts_with(other)));
    names.sort_unstable();
    let mut sums = String::new();
    for name in names {
        sums += &format!("{} {}\n", digest(&tree.join(name))?, name.display());
    }
    Ok(Digest::of(sums.as_bytes()))
}

/// The object files of a directory, at any depth.
fn objects_below(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "o") {
            found.push(path);
        } else {
            objects_below(&path, found);
        }
    }
}

/// Whether a directory of the build tree holds an object file at any depth.
fn has_objects(directory: &Path) -> bool {
    let mut found = Vec::new();
    objects_below(directory, &mut found);
    !found.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_byte_of_cached_objects_is_refused() {
        let cache = std::env::temp_dir().join(format!("conclave-kernel-{}", std::process::id()));
        make_dir(&cache).unwrap();
        let (objects, sum) = (cache.join("key.tar"), cache.join("key.sha256"));
        write(&objects, "objects").unwrap();
        // Cut off before the digest was stored: it does not count.
        assert!(!is_cached(&objects, &sum).unwrap());
        write(&sum, Digest::of(b"objects").to_string()).unwrap();
        assert!(is_cached(&objects, &sum).unwrap());
        write(&objects, "objectS").unwrap();
        let changed = is_cached(&objects, &sum).unwrap_err().to_string();
        assert!(changed.contains("key.tar does not have the digest it was stored with"), "{changed}");
        std::fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn an_object_file_is_found_at_any_depth() {
        let tree = std::env::temp_dir().join(format!("conclave-objects-{}", std::process::id()));
        make_dir(&tree.join("a/b")).unwrap();
        write(&tree.join("a/b/c.c"), "").unwrap();
        assert!(!has_objects(&tree));
        assert!(!has_objects(&tree.join("absent")));
        write(&tree.join("a/b/c.o"), "").unwrap();
        assert!(has_objects(&tree));
        std::fs::remove_dir_all(tree).unwrap();
    }
}

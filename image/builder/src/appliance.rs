//! The one program of the image, compiled in the room.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::crates::{self, Locked};
use crate::room::Room;
use crate::run::{Failure, make_dir, read, run, write};

/// libusb is C and runs beside the secrets: its stack and its copies are guarded, and the tables by which the program
/// links are read-only. The program is built alone, so that no other crate's features leak in. Every path that could
/// reach a panic message is remapped, also the path of the standard library's sources, which shows only where the
/// `rust-src` component happens to be installed.
const COMPILE: &str = r#"
commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
export CARGO_HOME="$PWD/cargo" CARGO_TARGET_DIR="$PWD/target" LIBUDEV_NO_PKG_CONFIG=1
export CFLAGS="-fstack-protector-strong -D_FORTIFY_SOURCE=3 -ffile-prefix-map=$PWD=/conclave"
export RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=pic -C relro-level=full -C link-arg=-Wl,--build-id=none \
    --remap-path-prefix=$PWD=/conclave --remap-path-prefix=/rust/lib/rustlib/src/rust=/rustc/$commit"
cd source
cargo build -q -j "$JOBS" --profile appliance -p conclave-appliance --locked --offline \
    --target x86_64-unknown-linux-gnu \
    --config 'source.crates-io.replace-with="vendored"' --config "source.vendored.directory=\"../vendor\""
install -m 755 ../target/x86_64-unknown-linux-gnu/appliance/conclave-appliance ../in/init
"#;

/// A crate that compiles libusb in another way, or a profile, may drop a flag on the way. The program then does the
/// same and guards nothing. So the compiled files are checked.
const GUARDED: &str = r#"
libusb=$(find target -path '*/appliance/build/libusb1-sys-*/out/libusb-vendored.a')
called=$(nm -u "$libusb")
program=$(readelf -lW in/init; readelf -dW in/init)
has() {
    echo "$2" | grep -qE "$3" || { echo "the appliance is built without $1" >&2; exit 1; }
}
has "the stack protector of libusb" "$called" ' __stack_chk_fail$'
has "the fortified copies of libusb" "$called" ' __[a-z]+_chk$'
has "relro" "$program" 'GNU_RELRO'
has "binding before it begins" "$program" 'FLAGS_1.* NOW'
has "overflow checks" "$(grep -aom 1 'attempt to subtract with overflow' in/init)" .
"#;

/// Source path of the simulator as panic messages would name it.
const SIMULATOR: &str = "src/sim/src";
/// Where an installed `rust-src` component lies, as panic messages would name it.
const RUST_SRC: &str = "rustlib/src/rust";

/// Copies the tree and its crates into the room, compiles the appliance there and leaves it as `in/init`.
pub(crate) fn compile(room: &Room, tree: &Path, locked: &[Locked]) -> Result<(), Failure> {
    let listed = run(Command::new("git").args(["ls-files", "-z", "-co", "--exclude-standard"]).current_dir(tree))?;
    for file in listed.split_terminator('\0') {
        let (from, to) = (tree.join(file), room.outside("source").join(file));
        make_dir(to.parent().unwrap_or(&to))?;
        if from.is_file() {
            // A file deleted but still in the index is no part of the tree.
            write(&to, read(&from)?)?;
        }
    }
    crates::verify(locked, &cargo_home()?)?;
    let vendor = room.outside("vendor");
    run(Command::new("cargo")
        .args(["vendor", "-q", "--locked", "--offline", "--versioned-dirs"])
        .arg(&vendor)
        .current_dir(tree))?;
    room.give(&room.outside("source"))?;
    room.give(&vendor)?;
    room.run(COMPILE)?;
    room.run(GUARDED)?;
    let program = read(&room.outside("in/init"))?;
    for mark in [room.how.directory, SIMULATOR, RUST_SRC] {
        if program.windows(mark.len()).any(|window| window == mark.as_bytes()) {
            return Err(Failure::Mark(mark));
        }
    }
    Ok(())
}

/// The folder in which cargo keeps its downloads.
fn cargo_home() -> Result<PathBuf, Failure> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let set = std::env::var_os("CARGO_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    set.or_else(home).ok_or(Failure::Usage("neither CARGO_HOME nor HOME is set: cargo's cache cannot be found"))
}

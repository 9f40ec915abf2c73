//! The disks that tests serve over NBD, as QEMU's own client sees them.

use std::process::Command;
use std::time::Duration;

use conclave_tests::scratch::Scratch;
use conclave_tests::tool::{Ran, require, run};
use conclave_tests::vm::nbd::{Disk, Mood, Op, serve};

/// The words of QEMU's own client about a disk in this mood, whether all of it succeeded, and the disk.
fn used(mood: Mood, commands: &[&str]) -> (Ran, Disk) {
    let scratch = Scratch::new();
    let disk = serve(&scratch.file("disk"), vec![0x11; 8192]);
    disk.set(mood);
    require("qemu-utils", "/usr/bin/qemu-io");
    let mut command = Command::new("qemu-io");
    command.args(["-f", "raw", "-t", "writeback", &format!("nbd+unix:///?socket={}", scratch.file("disk").display())]);
    command.args(commands.iter().flat_map(|line| ["-c", line]));
    (run(command, ""), disk)
}

#[test]
fn a_sound_disk_keeps_what_is_written_and_writes_down_what_is_asked() {
    let (said, disk) = used(Mood::Sound, &["write -P 0x22 512 1024", "flush", "read -P 0x22 512 512"]);
    assert!(said.zero, "{said:?}");
    assert_eq!(disk.log()[..2], [Op::Write(512..1536), Op::Flush], "{:?}", disk.log());
    assert!(disk.was_read(&(600..601)) && !disk.was_read(&(1536..8192)), "{:?}", disk.log());
    assert_eq!(disk.bytes()[510..514], [0x11, 0x11, 0x22, 0x22]);
}

#[test]
fn a_bad_disk_fails_in_its_own_way() {
    let write = "write -P 0x22 0 1024";
    for (mood, command, fails, kept) in [
        (Mood::FailsWrites, write, true, 0x11),
        // Only when it is asked to keep the bytes it took.
        (Mood::FailsFlushes, write, true, 0x22),
        (Mood::FailsReads, "read 0 512", true, 0x11),
        (Mood::Drops(512), write, false, 0x22),
        (Mood::Slow(Duration::from_millis(1)), write, false, 0x22),
    ] {
        let (said, disk) = used(mood, &[command, "flush"]);
        assert_eq!(said.zero, !fails, "{mood:?}: {said:?}");
        assert_eq!(said.out.contains("wrote 1024/1024 bytes"), kept == 0x22, "{mood:?}: {said:?}");
        assert_eq!(disk.bytes()[0], kept, "{mood:?}");
        if mood == Mood::Drops(512) {
            assert_eq!(disk.bytes()[511..513], [0x22, 0x11]);
        }
    }
}

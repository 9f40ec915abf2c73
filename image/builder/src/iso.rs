//! The medium: one ISO 9660 image that starts from DVD and stick, under BIOS and UEFI.
//!
//! Under UEFI there is no boot loader at all: the kernel is an EFI program, alone in a FAT image that is appended as an
//! MBR partition of type 0xEF and named by El Torito. Under BIOS isolinux loads the same kernel. There is no GPT, so that
//! nothing at the end of a stick invites a tool to repair it.

use std::path::Path;

use conclave_medium::Seal;
use conclave_publish::Digest;

use crate::room::Room;
use crate::run::{Failure, read, read_text, write};

/// Every date, serial number and order is given; `umask` and zone because FAT has local times and ISO has modes.
const ASSEMBLE: &str = r#"
export TZ=UTC LC_ALL=C
kernel=$KERNEL/obj/arch/x86/boot/bzImage
rm -rf iso efi.img medium.iso
mkdir -p iso/isolinux
install -m 644 "$kernel" iso/isolinux/bzimage
install -m 644 /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 in/isolinux.cfg iso/isolinux/
install -m 644 in/readme.txt iso/
find iso -type d -exec chmod 755 {} +

# FAT16 with one-sector clusters: the kernel, a quarter MiB of tables and room, in steps of 64 KiB.
kib=$(( ($(stat -c %s "$kernel") / 1024 + 257 + 63) / 64 * 64 ))
mkfs.vfat --invariant -F 16 -s 1 -S 512 -r 112 -i 434f4e43 -n CONCLAVEEFI -C efi.img "$kib" >/dev/null
touch -d "@$SOURCE_DATE_EPOCH" iso/isolinux/bzimage
mmd -i efi.img ::/EFI ::/EFI/BOOT
mcopy -m -i efi.img iso/isolinux/bzimage ::/EFI/BOOT/BOOTX64.EFI

find iso efi.img -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
xorriso -report_about WARNING -application_use in/blank -as mkisofs -quiet -o medium.iso \
    -V CONCLAVE -volset CONCLAVE -publisher "" -p "" -A "" \
    --modification-date="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)" --set_all_file_dates set_to_mtime \
    -iso-level 3 -r -uid 0 -gid 0 \
    -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
    -isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin -append_partition 2 0xef efi.img \
    -eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot -pad iso
"#;

/// Assembles and seals the image and writes it to `out`; returns its digest.
pub(crate) fn assemble(
    room: &Room,
    image: &Path,
    revision: &str,
    epoch: u64,
    out: &Path,
) -> Result<(u64, Digest), Failure> {
    write(&room.outside("in/isolinux.cfg"), read_text(&image.join("isolinux.cfg"))?)?;
    write(&room.outside("in/readme.txt"), format!("Boot medium of a Conclave key ceremony.\n{revision}"))?;
    write(&room.outside("in/blank"), [b' '; conclave_medium::FIELD_LEN])?;
    room.run(&format!("export SOURCE_DATE_EPOCH={epoch}; {ASSEMBLE}"))?;
    let mut image = read(&room.outside("medium.iso"))?;
    Seal::write(&mut image)?;
    write(out, &image)?;
    Ok((image.len() as u64, Digest::of(&image)))
}

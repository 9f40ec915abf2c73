//! The medium: one ISO 9660 image that starts from DVD and stick, under BIOS and UEFI.
//!
//! Under UEFI there is no boot loader at all: the kernel is an EFI program, alone in a FAT image that is appended as an
//! MBR partition of type 0xEF and named by El Torito. Under BIOS isolinux loads the same kernel from the same bytes. There is
//! no GPT, so that nothing at the end of a stick invites a tool to repair it.

use std::path::Path;

use conclave_medium::Seal;
use conclave_publish::Digest;

use crate::once;
use crate::room::Room;
use crate::run::{Failure, read, read_text, write};

/// Every date, serial number and order is given; `umask` and zone because FAT has local times and ISO has modes.
const ASSEMBLE: &str = r#"
export TZ=UTC LC_ALL=C
kernel=$KERNEL/obj/arch/x86/boot/bzImage
rm -rf iso efi.img medium.iso
mkdir -p iso/isolinux
# Its directory entry is pointed at the kernel in efi.img afterwards.
echo placeholder >iso/isolinux/bzimage
install -m 644 /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 in/isolinux.cfg iso/isolinux/
install -m 644 in/readme.txt iso/
find iso -type d -exec chmod 755 {} +

# FAT16 with one-sector clusters: the kernel, a quarter MiB of tables and room, in steps of 64 KiB. ISO 9660 can name a
# file that begins on a multiple of four such sectors: as many are reserved in front of the tables as that takes. Before the
# file lie two tables, seven sectors of the root directory and a cluster for each of the two folders.
kib=$(( ($(stat -c %s "$kernel") / 1024 + 257 + 63) / 64 * 64 ))
for reserved in 1 2 3 4; do
    rm -f efi.img
    mkfs.vfat --invariant -F 16 -s 1 -S 512 -r 112 -R "$reserved" -i 434f4e43 -n CONCLAVEEFI -C efi.img "$kib" >/dev/null
    table=$(od -An -tu2 -j22 -N2 efi.img)
    [ $(( (reserved + 2 * table + 7 + 2) % 4 )) = 0 ] && break
done
install -m 644 "$kernel" kernel.efi
touch -d "@$SOURCE_DATE_EPOCH" kernel.efi
mmd -i efi.img ::/EFI ::/EFI/BOOT
mcopy -m -i efi.img kernel.efi ::/EFI/BOOT/BOOTX64.EFI

find iso efi.img -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
xorriso -report_about WARNING -application_use in/blank -as mkisofs -quiet -o medium.iso \
    -V CONCLAVE -volset CONCLAVE -publisher "" -p "" -A "" \
    --modification-date="$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)" --set_all_file_dates set_to_mtime \
    -iso-level 3 -r -uid 0 -gid 0 \
    -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
    -isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin -append_partition 2 0xef efi.img \
    -eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot -pad iso
"#;
/// The clusters of the kernel in the FAT image.
const CLUSTERS: &str = "mshowfat -i efi.img ::/EFI/BOOT/BOOTX64.EFI";
/// The finished medium, read by programs that know ISO 9660 and FAT: both name the kernel.
const JUDGE: &str = r#"
rm -f by-iso by-fat
xorriso -report_about WARNING -osirrox on -indev in/sealed.iso -extract /isolinux/bzimage by-iso
at=$(od -An -tu4 -j470 -N4 in/sealed.iso)
mcopy -i "in/sealed.iso@@$(( at * 512 ))" ::/EFI/BOOT/BOOTX64.EFI by-fat
cmp kernel.efi by-iso
cmp kernel.efi by-fat
rm in/sealed.iso by-iso by-fat
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
    once::name_kernel(&mut image, &room.run(CLUSTERS)?, &read(&room.outside("kernel.efi"))?)?;
    Seal::write(&mut image)?;
    write(&room.outside("in/sealed.iso"), &image)?;
    room.run(JUDGE)?;
    write(out, &image)?;
    Ok((image.len() as u64, Digest::of(&image)))
}

#!/usr/bin/env bash
# xorriso 1.5.4-4 (Debian 12), mkisofs emulation: an image made with -append_partition is longer than its own volume descriptor
# says. Programs that take the length of a disc from the descriptor, as isosize of util-linux does, leave the partition out: for a
# medium that starts under UEFI from that partition, the copy starts no more. Who hashes a disc needs its length from elsewhere.
# Run on Debian 12; needs apt-get, dpkg-deb, dosfstools, mtools and util-linux.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

apt-get download -qq -o APT::Sandbox::User="$(id -un)" \
    xorriso=1.5.4-4 libisoburn1=1.5.4-4 libisofs6=1.5.4-1 libburn4=1.5.4-1 libjte2=1.22-3
for package in ./*.deb; do dpkg-deb -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu
xorriso=root/usr/bin/xorriso
"$xorriso" -version 2>/dev/null | head -n 1

mkdir tree
echo 'a file' >tree/readme.txt
truncate -s 2M fat.img
mkfs.vfat -F 12 fat.img >/dev/null
echo 'another file' >inside.txt
mcopy -i fat.img inside.txt ::
"$xorriso" -report_about WARNING -as mkisofs -quiet -o whole.iso -append_partition 2 0xef fat.img tree

length=$(stat -c %s whole.iso)
said=$(isosize whole.iso)
start=$(($(od -An -tu4 -j470 -N4 whole.iso) * 512))
head -c "$said" whole.iso >copy.iso
echo "length of the image:              $length"
echo "length by the volume descriptor:  $said"
echo "the partition begins at:          $start"
mtype -i "whole.iso@@$start" ::inside.txt
if [ "$said" -le "$start" ] && [ "$said" -lt "$length" ] && ! mtype -i "copy.iso@@$start" ::inside.txt 2>/dev/null; then
    echo 'as found: the copy by the descriptor has no partition'
else
    echo 'changed: the descriptor covers the partition'
    exit 1
fi

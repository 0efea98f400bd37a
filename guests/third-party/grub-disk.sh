#!/bin/sh
# grub-disk.sh OUT - a raw hard disk of 16 MiB that boots GRUB 2 from its master
# boot record, with a FAT partition; a text menu of three entries comes up and
# stays. `c` gives the shell.
#
# boot.img goes to sector 0 and core.img to the sectors behind it; both are made
# for exactly that place, so nothing has to be patched but the partition table.
# Needs Debian's grub-common, grub-pc-bin and mtools; no root, no mounts.
set -eu

out=${1:?usage: grub-disk.sh OUT}
disk_sectors=32768
first_sector=2048
lib=/usr/lib/grub/i386-pc
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MTOOLS_SKIP_CHECK=1

cat >"$scratch/early.cfg" <<'EOF'
set root=(hd0,msdos1)
set prefix=(hd0,msdos1)/boot/grub
configfile /boot/grub/grub.cfg
EOF

cat >"$scratch/grub.cfg" <<'EOF'
set timeout=-1
set default=0
set menu_color_normal=light-gray/black
set menu_color_highlight=black/cyan

menuentry "List the partition" {
    ls -l /
    ls -l /boot/grub
    read -p "Enter goes back"
}
menuentry "Say hello" {
    echo "Hello from GRUB."
    read -p "Enter goes back"
}
menuentry "Reboot" {
    reboot
}
EOF

grub-mkimage -O i386-pc -d "$lib" -p '(hd0,msdos1)/boot/grub' \
    -c "$scratch/early.cfg" -o "$scratch/core.img" \
    biosdisk part_msdos fat normal ls echo configfile terminal read cat test \
    reboot halt

core_sectors=$((($(wc -c <"$scratch/core.img") + 511) / 512))
if [ $((1 + core_sectors)) -gt $first_sector ]; then
    echo "grub-disk.sh: core.img does not fit before the partition" >&2
    exit 1
fi

# le32 N: N as four bytes, the lowest first.
le32() {
    printf "\\$(printf %o $(($1 & 255)))\\$(printf %o $(($1 >> 8 & 255)))"
    printf "\\$(printf %o $(($1 >> 16 & 255)))\\$(printf %o $(($1 >> 24 & 255)))"
}

# One active FAT16 partition (type 0Eh: by LBA), to the end of the disk. The
# old cylinder fields say "too large".
{
    printf '\200\376\377\377\016\376\377\377'
    le32 $first_sector
    le32 $((disk_sectors - first_sector))
} >"$scratch/entry"

rm -f "$out"
truncate -s $((disk_sectors * 512)) "$out"
dd if="$lib/boot.img" of="$out" bs=440 count=1 conv=notrunc status=none
dd if="$scratch/entry" of="$out" bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of="$out" bs=1 seek=510 conv=notrunc status=none
dd if="$scratch/core.img" of="$out" bs=512 seek=1 conv=notrunc status=none

part="$out@@$((first_sector * 512))"
mformat -i "$part" -T $((disk_sectors - first_sector)) -h 16 -s 63 \
    -H $first_sector -v HUDDLE ::
mmd -i "$part" ::/boot ::/boot/grub
mcopy -i "$part" "$scratch/grub.cfg" ::/boot/grub/grub.cfg

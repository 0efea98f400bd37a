#!/bin/sh
# ipxe-floppy.sh OUT - a bootable 1.44 MB floppy: SYSLINUX loads iPXE, which
# says its banner and, without a card, ends at its shell or gives up; with
# huddle's --net it finds the card (docs/network.md). A real-mode
# loader and a large 32-bit program that unpacks itself.
# Debian builds iPXE for the i686: it needs a processor with CMOV (under QEMU
# -cpu qemu32; with -cpu 486 nothing appears behind "Loading").
#
# Needs Debian's mtools, syslinux, syslinux-common and ipxe; no root, no mounts.
set -eu

out=${1:?usage: ipxe-floppy.sh OUT}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MTOOLS_SKIP_CHECK=1

cat >"$scratch/syslinux.cfg" <<'EOF'
DEFAULT ipxe
PROMPT 0
TIMEOUT 0

LABEL ipxe
  KERNEL ipxe.krn
EOF

rm -f "$out"
mformat -C -f 1440 -v HUDDLE -i "$out" ::
syslinux --install "$out"
mcopy -i "$out" "$scratch/syslinux.cfg" ::
mcopy -i "$out" /usr/lib/ipxe/ipxe.lkrn ::ipxe.krn

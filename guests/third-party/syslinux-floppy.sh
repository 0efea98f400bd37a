#!/bin/sh
# syslinux-floppy.sh OUT - a bootable 1.44 MB FAT12 floppy with SYSLINUX, which
# shows a message and waits at its prompt. `ls` there runs a 32-bit module.
#
# Needs Debian's mtools, syslinux and syslinux-common; no root, no mounts.
set -eu

out=${1:?usage: syslinux-floppy.sh OUT}
modules=/usr/lib/syslinux/modules/bios
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MTOOLS_SKIP_CHECK=1

cat >"$scratch/syslinux.cfg" <<'EOF'
DISPLAY boot.msg
PROMPT 1
TIMEOUT 0
DEFAULT ls

LABEL ls
  COM32 ls.c32

LABEL cat
  COM32 cat.c32
  APPEND syslinux.cfg
EOF

# ^L clears the screen, ^O and two hexadecimal digits set the colours.
printf '\014\0171fSYSLINUX from a floppy\01707\n\nLabels: ls, cat\n\n' \
    >"$scratch/boot.msg"

rm -f "$out"
mformat -C -f 1440 -v HUDDLE -i "$out" ::
syslinux --install "$out"
mcopy -i "$out" "$scratch/syslinux.cfg" "$scratch/boot.msg" \
    "$modules/ls.c32" "$modules/cat.c32" "$modules/libutil.c32" \
    "$modules/libcom32.c32" ::

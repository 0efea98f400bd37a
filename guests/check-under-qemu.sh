#!/bin/sh
# check-under-qemu.sh BUILD_DIR [GUEST...] - run the guests' images under QEMU's
# own PC (TCG, no KVM) and say which of them do not end with exit code 0. The
# point is to know that a guest is right before a monitor is blamed.
#
# BUILD_DIR/guests holds the images. `crash` and `stop` do not end by themselves,
# and a reset ends QEMU here (-no-reboot: else a triple fault would go round for
# ever), so `reset` is skipped with them unless named. `netecho` needs a host
# program that sends datagrams back: tests/guest/net.py runs it.
set -u

dir=${1:?usage: check-under-qemu.sh BUILD_DIR [GUEST...]}/guests
shift
if [ $# -eq 0 ]; then
    for image in "$dir"/*.img; do
        name=$(basename "$image" .img)
        case $name in
        crash | stop | reset | netecho | ide-disk) ;;
        *) set -- "$@" "$name" ;;
        esac
    done
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
for name in "$@"; do
    cp "$dir/$name.img" "$scratch/a.img" || exit 2
    if [ "$name" = x87 ]; then # without IRQ13, at which QEMU aborts: guest_flag 1
        printf '\001' | dd of="$scratch/a.img" bs=1 seek=36 conv=notrunc status=none
    fi
    disk=
    if [ "$name" = ide ] || [ "$name" = selfload ]; then
        cp "$dir/ide-disk.img" "$scratch/c.img"
        disk="-drive file=$scratch/c.img,format=raw,if=ide,index=0"
    fi
    # shellcheck disable=SC2086 # $disk is several words on purpose
    timeout "${GUEST_TIMEOUT:-60}" qemu-system-i386 -M isapc -vga std -accel tcg -cpu 486 \
        -device isa-debug-exit,iobase=0xf4,iosize=1 -display none -no-reboot \
        -serial "file:$scratch/serial" -debugcon "file:$scratch/debug" \
        -drive "file=$scratch/a.img,format=raw,if=floppy" $disk 2>"$scratch/errors"
    status=$?
    if [ -s "$scratch/errors" ]; then # its status is 1 as well when it cannot start
        echo "FAIL  $name: $(cat "$scratch/errors")"
        failed=1
    elif [ $status -eq 1 ]; then
        echo "ok    $name"
    elif [ $((status & 1)) -eq 1 ] && [ $status -lt 256 ]; then
        echo "FAIL  $name: exit code $((status >> 1))"
        failed=1
    else
        echo "FAIL  $name: QEMU's status is $status (124: it did not end)"
        failed=1
    fi
done
exit $failed

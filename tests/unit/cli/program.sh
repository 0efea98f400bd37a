#!/bin/sh
# What the program itself does with its command line: status, and which stream says what. Needs no /dev/kvm.
# usage: program.sh HUDDLE
huddle=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0

# check STATUS STREAM TEXT ARGUMENT...: the status, and TEXT on that stream (out or err), the other one silent.
check()
{
    status=$1 stream=$2 text=$3
    shift 3
    "$huddle" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    got=$?
    other=out
    [ "$stream" = out ] && other=err
    if [ $got -ne "$status" ] || ! grep -qF -e "$text" "$dir/$stream" || [ -s "$dir/$other" ]; then
        echo "huddle $*: status $got (want $status), or no '$text' on $stream, or something on $other"
        cat "$dir/out" "$dir/err"
        failures=$((failures + 1))
    fi
}

truncate -s 1474560 "$dir/floppy.img"
truncate -s 512 "$dir/tiny.img"
echo 'frob' >"$dir/bad.txt"
echo 'cluster off' >"$dir/levels.txt"
truncate -s 131072 "$dir/zeros.bin"

check 0 out 'usage: huddle COMMAND' --help
check 0 out 'usage: huddle ab' ab --help
check 0 out 'usage: huddle clusters' clusters --help
check 0 out 'huddle 0.' --version
check 0 out '.TH HUDDLE 1' --man
check 2 err "huddle: a command is needed: run, ab, clusters, doctor, bench or top"
check 2 err "try 'huddle --help'" frobnicate
check 2 err "huddle: --ram=abc: not a number of MiB (2 to 3072)" run --ram=abc "$dir/floppy.img"
check 2 err "try 'huddle run --help'" run --ram=abc "$dir/floppy.img"
check 2 err 'nosuch.img: No such file or directory' run "$dir/nosuch.img"
check 2 err 'nosuch.img: No such file or directory' ab "$dir/nosuch.img"
check 2 err '--boot=c: there is no hard disk' run --boot=c "$dir/floppy.img"
check 2 err 'huddle: ' run --hda="$dir/tiny.img"
check 2 err 'reset vector' run --bios="$dir/zeros.bin" "$dir/floppy.img"
check 2 err 'bad.txt:1: frob: no such command' run --script="$dir/bad.txt" "$dir/floppy.img"
check 2 err 'bad.txt:1: frob: no such command' ab --script="$dir/bad.txt" "$dir/floppy.img"
check 2 err 'would undo what ab compares' ab --script="$dir/levels.txt" "$dir/floppy.img"
check 2 err 'nosuch.img: No such file or directory' clusters "$dir/nosuch.img"
check 1 out 'reset vector' doctor --bios="$dir/zeros.bin"

[ $failures -eq 0 ]

#!/usr/bin/env python3
"""Random calls of the built-in DOS in a directory full of traps, beside one that nobody may touch.

    run.py calls PROGRAM [--count=N] [--first=N]   without a processor: calls.c
    run.py guest HUDDLE [--count=N] [--first=N]    by a guest: fuzz.asm, N seeds (default 2)

Status 0: nothing happened that may not."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
GUEST_S = 15
LEVELS = ["on", "off", "window"]
SLOW = float(os.environ.get("HUDDLE_SLOW", "1"))


def make_traps(root, outside):
    (root / "DIR").mkdir(parents=True)
    (outside / "DIR").mkdir(parents=True)
    (outside / "SECRET").write_bytes(b"secret")
    (outside / "DIR" / "SECRET").write_bytes(b"secret")
    (root / "A.TXT").write_bytes(b"hello\r\nworld\r\n")
    (root / "DIR" / "B.TXT").write_bytes(b"b")
    (root / "A.COM").write_bytes(b"\xc3")
    (root / "B.EXE").write_bytes(b"MZ" + bytes(range(1, 60)))
    (root / "LINK").symlink_to(outside / "SECRET")
    (root / "LINKDIR").symlink_to(outside / "DIR")
    os.mkfifo(root / "FIFO")
    with open(root / "HUGE.BIN", "wb") as huge:
        huge.truncate(3 << 30)
    (root / "UNREAD.TXT").write_bytes(b"u")
    (root / "UNREAD.TXT").chmod(0)


def state(folder):
    """All that changes when somebody writes there."""
    found = []
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        found.append((str(path), status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns,
                      path.read_bytes() if path.is_file() else b""))
    return found


def run_calls(args, root):
    count = args.count or 400
    image = root.parent / "e.img"
    subprocess.run(["/sbin/mkfs.fat", "-C", str(image), "160"], check=True, stdout=subprocess.DEVNULL)
    command = [args.program, str(root), str(image), str(count), str(args.first)]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=(120 + count) * SLOW, check=False)
    except subprocess.TimeoutExpired:
        print("it hangs")
        return 1
    if ended.returncode:
        print(f"{' '.join(command)}: status {ended.returncode}")
    return 1 if ended.returncode else 0


def run_guest(args, root):
    """The guest may end as it likes, or be ended after its time; huddle may not crash, nor outlive that time."""
    if not os.path.exists("/dev/kvm"):
        return SKIPPED
    subprocess.run(["nasm", "-f", "bin", "-w+error", "-o", str(root / "FUZZ.COM"), str(HERE / "fuzz.asm")], check=True)
    program = (root / "FUZZ.COM").read_bytes()
    ends = {}
    for seed in range(args.first, args.first + (args.count or 2)):
        (root / "FUZZ.COM").unlink(missing_ok=True)
        (root / "FUZZ.COM").write_bytes(program)
        command = [args.program, "run", "--display=none", f"--timeout={GUEST_S}", f"--cluster={LEVELS[seed % len(LEVELS)]}",
                   "-c", f"FUZZ {seed}", str(root)]
        env = dict(os.environ, XDG_CACHE_HOME=str(root.parent / f"cache{seed}"), ASAN_OPTIONS="exitcode=99",
                   UBSAN_OPTIONS="halt_on_error=1:exitcode=99")
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=(GUEST_S + 60) * SLOW,
                                   env=env, check=False)
        except subprocess.TimeoutExpired:
            print(f"seed {seed}: huddle hangs")
            return 1
        ends[ended.returncode] = ends.get(ended.returncode, 0) + 1
        said = ended.stderr.decode("latin-1")
        if ended.returncode < 0 or ended.returncode in (71, 99) or "Sanitizer" in said or "runtime error" in said:
            print(f"seed {seed}: status {ended.returncode}, {said}")
            return 1
    print("ends:", ends)
    if 0 not in ends:
        print("no seed came to its end: nothing was tried")
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["calls", "guest"])
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--first", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huddle-dosfuzz-") as folder:
        root, outside = pathlib.Path(folder) / "root", pathlib.Path(folder) / "outside"
        make_traps(root, outside)
        before = state(outside)
        bad = (run_calls if args.kind == "calls" else run_guest)(args, root)
        if state(outside) != before:
            print("something outside the mounted directory has changed")
            bad = 1
        return bad


sys.exit(main())

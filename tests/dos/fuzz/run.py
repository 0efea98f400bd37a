#!/usr/bin/env python3
"""Random calls of the built-in DOS in a directory full of traps, beside one that nobody may touch.

    run.py calls PROGRAM [--count=N] [--first=N]   without a processor: calls.c

Status 0: nothing happened that may not."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["calls"])
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--first", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huddle-dosfuzz-") as folder:
        root, outside = pathlib.Path(folder) / "root", pathlib.Path(folder) / "outside"
        make_traps(root, outside)
        before = state(outside)
        command = [args.program, str(root), str(args.count), str(args.first)]
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=(120 + args.count) * SLOW, check=False)
        except subprocess.TimeoutExpired:
            print("it hangs")
            return 1
        if state(outside) != before:
            print("something outside the mounted directory has changed")
            return 1
        if ended.returncode:
            print(f"{' '.join(command)}: status {ended.returncode}")
        return 1 if ended.returncode else 0


sys.exit(main())

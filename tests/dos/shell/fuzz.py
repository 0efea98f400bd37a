#!/usr/bin/env python3
"""Random batch files on the built-in DOS: whatever they say, the interpreter that called them goes on.

    fuzz.py [--build=BUILD] [--count=N] [--first=N]

Status 0: it did, each time; 1: not, and the batch file is shown; 77: skipped. Environment: as run.py's."""

import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import run

LINES = 60
COMMANDS = ["break", "call", "call g", "cd", "chdir", "cls", "copy", "date", "del", "dir", "echo", "erase", "for", "goto", "if", "lh",
            "md", "path", "pause", "prompt", "rd", "rem", "ren", "set", "shift", "time", "truename", "type", "ver", "verify",
            "vol", "\\exitcode", "\\command /c", "g", "c:", "q:", "@", "@echo", ""]
WORDS = ["a", "b.txt", "*.*", "?.txt", "*.t?t", "..", ".", "\\", "sub", "sub\\x.dat", "nul", "c:", "c:\\", "q:\\x", "z:\\*.*",
         "%1", "%%a", "%path%", "%%", "%", "%x%", "x=%x%%x%", "label", "l2", "on", "off", "not", "exist", "errorlevel",
         "1", "255", "99999999999", "a==a", "==", "a == b", "%1==%2", "in", "do", "(", ")", "(a b c)", "(*.*)",
         "%%a in (a b *.txt) do", "%%b in (%%a x) do", "/a", "/b", "/s", "/p", "/w", "/o:-s", "/a:-d", "/", "/?", "+", "a+b",
         ",", ";", "=", "\"", "\"a > b\"", "[", "]", "\x01\x7f\xff", "\t", "1-2-93", "12:30p", "$p$g$_$t$d$v$h$e$q$$"]
SIGNS = [">", ">>", "<", "|", ">nul", "< nul", "> a", ">> b.txt", "| more", "| type", "|", "<b.txt"]


def line(rng):
    words = [rng.choice(COMMANDS)]
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4, 6])):
        words.append(rng.choice(WORDS) if rng.random() < 0.85 else rng.choice(COMMANDS))
        if rng.random() < 0.02:
            words.append(rng.choice("aA\\.:%/\"|><=") * rng.randrange(60, 400))
    if rng.random() < 0.2:
        words.insert(rng.randrange(1, len(words) + 1), rng.choice(SIGNS))
    return rng.choice([" ", " ", " ", ""]).join(words)


def batch(rng, without=r"$^"):
    # GOTO leads only forward, and no batch file to one that came before it: what is endless would be so in any DOS.
    lines = [text for text in (line(rng) for _ in range(LINES)) if not re.search(without, text, re.I)]
    lines[LINES // 2:LINES // 2] = [":label"]
    lines.append(":l2")
    text = "\r\n".join(lines) + rng.choice(["", "\r\n", "\n", "\x1a", "\r"])
    return text.encode("latin-1")


def attempt(seed, programs):
    rng = random.Random(seed)
    root = pathlib.Path(tempfile.mkdtemp(prefix="shell-fuzz-"))
    for name, path in programs.items():
        shutil.copy(path, root / name)
    (root / "SUB").mkdir()
    (root / "SUB" / "X.DAT").write_bytes(b"data\r\n")
    (root / "B.TXT").write_bytes(b"text\r\n")
    text = batch(rng)
    (root / "SUB" / "F.BAT").write_bytes(text)
    (root / "SUB" / "G.BAT").write_bytes(batch(rng, r"goto|\bg\b"))
    command = [os.environ["HUDDLE"], "run", "--display=none", "--timeout=5", "-c", "cd \\sub",
               "-c", "z:\\command /c f.bat 1 2 3 4 < nul > nul", "-c", "z:", "-c", "echo alive", "-c", "exit 42", str(root)]
    ended = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60 * run.SLOW, check=False)
    shutil.rmtree(root)
    alive = ended.stdout.rstrip().endswith(b"alive") and ended.returncode == 42
    endless = ended.returncode not in (42,) and b"timeout" in ended.stderr.lower()
    if endless:
        print(f"seed {seed}: never ended", flush=True)
    elif not alive:
        print(f"seed {seed}: status {ended.returncode}\n{text!r}\n{ended.stdout[-1000:]!r}\n{ended.stderr[-2000:].decode()}")
    return alive, endless


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    if not os.path.exists("/dev/kvm"):
        print("skipped: no /dev/kvm")
        sys.exit(run.SKIPPED)
    if options.build:
        os.environ.setdefault("HUDDLE", str(pathlib.Path(options.build) / "src/huddle"))
    programs = run.programs(options.build)
    ends = [attempt(seed, programs) for seed in range(options.first, options.first + options.count)]
    alive, endless = sum(a for a, _ in ends), sum(e for _, e in ends)
    print(f"{options.count} files: the interpreter went on after {alive}, {endless} never ended")
    sys.exit(0 if alive == options.count else 1)


if __name__ == "__main__":
    main()

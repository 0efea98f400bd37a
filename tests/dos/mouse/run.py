#!/usr/bin/env python3
"""The mouse driver of the built-in DOS: what programs see of it, at several levels, which must agree to the byte; and, for what
needs no mouse, DOSBox's answers. README.md.

    run.py --build=BUILD [--rebase] [--level=LEVEL] [--with=OPTION] [case ...]

Status 0: all is well, 1: something is not, 77: skipped."""

import argparse
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "pictures"))
import picture  # noqa: E402

SKIPPED = 77
SLOW = float(os.environ.get("HUDDLE_SLOW", "1"))
LEVELS = ["off", "window", "on"]
ENTER = "wait 200ms\nkey enter\nwait 200ms"

# What the script does at each step of a program; then it presses a key.
STEPS = {
    "funcs": None,
    "move": [
        ["mouse 40 32"],
        ["mouse 64 16"],
        ["mouse 500 0"],
        ["mouse -1000 -1000"],
        ["mouse 30 80"],
        # Slow enough at first, then faster than the threshold.
        ["mouse 2 0", "wait 100ms"] * 4 + ["mouse 20 0", "wait 20ms"] * 10,
        ["mouse 100 100 left", "wait 100ms", "mouse 0 0"],
        ["mouse 8 8"],
        ["mouse 10000 10000", "wait 1s"] * 5 + ["mouse -5 -7"],
        ["mouse 0 0 left", "wait 50ms", "mouse 0 0", "wait 50ms", "mouse 0 0 left", "wait 50ms", "mouse 3 3 left right",
         "wait 50ms", "mouse 0 0 middle", "wait 50ms", "mouse 0 0"],
    ],
    "handler": [
        ["mouse 10 20", "wait 50ms", "mouse -5 0 left", "wait 50ms", "mouse 0 0 left right", "wait 50ms",
         "mouse 0 0 middle", "wait 50ms", "mouse 1 1"],
        ["mouse 10 20", "wait 50ms", "mouse -5 0 left", "wait 50ms", "mouse 0 0 left right", "wait 50ms", "mouse 0 0"],
        ["mouse 10 20", "wait 50ms", "mouse -5 0 left", "wait 50ms", "mouse 0 0"],
        ["mouse 7 0", "wait 50ms", "mouse 0 0 left", "wait 50ms", "mouse 0 0", "wait 50ms", "mouse 0 0 right", "wait 50ms",
         "mouse 0 0"],
        ["mouse 7 0", "wait 50ms", "mouse 0 0 left", "wait 50ms", "mouse 0 0"],
        ["mouse 3 3", "wait 50ms", "mouse 5 5", "wait 50ms", "mouse 300 300", "wait 50ms", "mouse -10 -10 left",
         "wait 50ms", "mouse 0 0"],
        ["mouse 7 7 left", "wait 50ms", "mouse 0 0"],
    ],
    "text": [["mouse 16 0"], ["mouse 0 -16"], ["mouse -1000 0"]],
    "graph": [],
}
PICTURES = ["04", "05", "06", "0d", "0e", "10", "11", "12", "13"]
MOVES = ["mouse 11 7", "wait 50ms", "mouse -300 -300", "wait 100ms", "mouse 2000 2000", "wait 200ms"]
SLOW_STEP = ["wait 1500ms"]  # the program fills and sums display memory
STEPS["graph"] = [SLOW_STEP + step for mode in PICTURES
                  for step in ([f"screenshot {mode}-arrow.png"] + MOVES, [f"screenshot {mode}-own.png"])]


class Failed(Exception):
    pass


def script_of(steps):
    lines = ["wait 1s"]
    for step in steps:
        lines += step + [ENTER]
    return "\n".join(lines) + "\n"


def run_huddle(options, program, steps, level, folder):
    shutil.copy(program, folder / program.name)
    command = [options.huddle, "run", "--display=none", "--clock=access", f"--cluster={level}", "--timeout=250", *options.extra]
    if steps is not None:
        (folder / "script").write_text(script_of(steps))
        command.append("--script=script")
    ended = subprocess.run(command + [program.name], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=300 * SLOW, check=False)
    if ended.returncode:
        raise Failed(f"level {level}: status {ended.returncode}\n{ended.stderr.decode()[-2000:]}")
    text = ended.stdout.decode("latin-1").replace("\r\n", "\n")
    return re.sub(r"^(1F \w+) \w+", r"\1 ????", text, flags=re.M)  # where the firmware's INT 33h is


def run_dosbox(dosbox, program, folder):
    shutil.copy(program, folder / "P.COM")
    conf = folder / "dosbox.conf"
    conf.write_text("[sdl]\nfullscreen=false\n[cpu]\ncore=normal\ncycles=max\n[midi]\nmididevice=none\n"
                    f"[autoexec]\n@mount c {folder}\n@c:\n@P.COM > OUT.TXT\n@exit\n")
    env = dict(os.environ, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy", HOME=str(folder))
    subprocess.run([dosbox, "-conf", str(conf)], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60 * SLOW, check=False)
    out = next((path for path in folder.iterdir() if path.name.lower() == "out.txt"), None)
    return out.read_bytes().replace(b"\r\n", b"\n").decode("latin-1") if out else ""


def comparable(text):
    """Without what is this driver's own: lines with !; in those with ~ DOSBox does not round positions in text modes."""
    lines = []
    for line in text.splitlines():
        if line.startswith("!"):
            continue
        if line.startswith("~"):
            line = re.sub(r"([0-9A-F]{3})[0-9A-F] ([0-9A-F]{3})[0-9A-F]$", r"\1? \2?", line)
        lines.append(line)
    return lines


def difference(wanted, got, names):
    return "\n".join(difflib.unified_diff(wanted, got, *names, lineterm=""))


def judge_text(name, got, rebase):
    path = HERE / "expected" / f"{name}.txt"
    if rebase:
        path.write_text(got)
    wanted = path.read_text() if path.exists() else ""
    if wanted != got:
        raise Failed(difference(wanted.splitlines(), got.splitlines(), (path.name, "got")))


def judge_pictures(folder, rebase):
    for name in (f"{mode}-{cursor}.png" for mode in PICTURES for cursor in ("arrow", "own")):
        shot, golden = folder / name, HERE / "expected" / name
        if rebase:
            shutil.copy(shot, golden)
        if pixels(shot) != pixels(golden):
            raise Failed(f"{shot} is not as expected; run.py --keep leaves it there")


def pixels(path):
    return picture.read_png(path).rows


def run_case(name, options, programs, root):
    program = programs / f"{name.upper()}.COM"
    outputs = {}
    for level in options.levels:
        folder = root / f"{name}-{level}"
        folder.mkdir()
        outputs[level] = run_huddle(options, program, STEPS[name], level, folder)
        judge_text(name, outputs[level], options.rebase and level == options.levels[0])
        if name == "graph":
            judge_pictures(folder, options.rebase and level == options.levels[0])
    dosbox = shutil.which("dosbox")
    if STEPS[name] is None and dosbox:
        folder = root / f"{name}-dosbox"
        folder.mkdir()
        theirs, ours = comparable(run_dosbox(dosbox, program, folder)), comparable(outputs[options.levels[0]])
        if theirs != ours:
            raise Failed(difference(theirs, ours, ("DOSBox", "huddle")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--rebase", action="store_true", help="take what comes out as what is expected: look at it!")
    parser.add_argument("--level", action="append", dest="levels", help="only at this one; may be given again")
    parser.add_argument("--with", action="append", dest="extra", default=[], help="an option for huddle")
    parser.add_argument("--keep", action="store_true", help="leave the directory and say where it is")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    options.levels = options.levels or LEVELS
    if options.build:
        options.huddle = str(options.build.resolve() / "src/huddle")
        programs = options.build.resolve() / "tests/dos/mouse"
    else:
        options.huddle, programs = os.environ["HUDDLE"], pathlib.Path(os.environ["MOUSE_PROGRAMS"])
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("skipped: /dev/kvm is not there or may not be used")
        sys.exit(1 if os.environ.get("HUDDLE_NEED_KVM") == "1" else SKIPPED)
    root = pathlib.Path(tempfile.mkdtemp(prefix="mouse-"))
    failed = 0
    for name in options.cases or STEPS:
        try:
            run_case(name, options, programs, root)
            print(f"ok     {name}")
        except (Failed, subprocess.TimeoutExpired) as why:
            print(f"FAILED {name}: {why}")
            failed += 1
    if options.keep:
        print(root)
    else:
        shutil.rmtree(root)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

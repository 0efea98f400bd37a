#!/usr/bin/env python3
"""Runs programs that use extended and expanded memory, in huddle at several levels and in DOSBox.

    run.py [--build=BUILD] [--rebase] huddle|dosbox|state [program ...]

What a program writes must be as in NAME.txt. What DOSBox makes of it may differ from that exactly as NAME.dosbox says (README.md
says why). `state`: a program that is saved while it waits for a key goes on as if it had not been. Status 0: all is well, 1: something is not, 77: skipped. Without --build, the environment: HUDDLE, and PROGRAMS, the
folder of the .COM files."""

import argparse
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
SLOW = float(os.environ.get("HUDDLE_SLOW", "1"))
WAYS = [["--cluster=off"], ["--cluster=window"], ["--cluster=on"], ["--cluster=on", "--executor=interp"],
        ["--cluster=on", "--check"], ["--cluster=on", "--stress=heat=0"]]
ABSENT = {"xms": " installed 00\n", "ems": "by name there 00\n"}


def output_of(root):
    for path in root.iterdir():
        if path.name.lower() == "out.txt":
            text = path.read_bytes().decode("latin-1").replace("\r\n", "\n")
            path.unlink()
            return text
    return "(nothing was written)\n"


def run_huddle(root, name, way):
    command = [os.environ["HUDDLE"], "run", "--display=none", "--timeout=60", *way, "-c", f"{name.upper()} > OUT.TXT", str(root)]
    try:
        ended = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=90 * SLOW, check=False)
    except subprocess.TimeoutExpired:
        return output_of(root) + "(huddle did not end)\n"
    problem = "" if ended.returncode == 0 else f"(status {ended.returncode}: {ended.stderr.decode()[-2000:]})\n"
    return output_of(root) + problem


def run_dosbox(root, name):
    conf = root / "dosbox.conf"
    conf.write_text("[sdl]\nfullscreen=false\n[dos]\nxms=true\nems=true\numb=true\n[cpu]\ncore=normal\ncycles=max\n"
                    f"[midi]\nmididevice=none\n[autoexec]\n@mount c {root}\n@c:\n@{name.upper()} > OUT.TXT\n@exit\n")
    env = dict(os.environ, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy", HOME=str(root))
    try:
        subprocess.run(["dosbox", "-conf", str(conf)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, timeout=60 * SLOW, check=False)
    except subprocess.TimeoutExpired:
        return output_of(root) + "(DOSBox did not end)\n"
    return output_of(root)


def difference(wanted, got):
    lines = difflib.unified_diff(wanted.splitlines(), got.splitlines(), n=0, lineterm="")
    return "".join(line + "\n" for line in lines if not line.startswith(("---", "+++", "@@")))


def judge(title, wanted, got):
    problem = difference(wanted, got)
    print(f"{'FAILED' if problem else 'ok    '} {title}\n{problem}", end="")
    return problem != ""


def in_huddle(root, name, options):
    expected = HERE / (name + ".txt")
    if options.rebase:
        expected.write_text(run_huddle(root, name, WAYS[0]), encoding="latin-1")
    wanted = expected.read_text(encoding="latin-1")
    failed = sum(judge(f"{name} {' '.join(way)}", wanted, run_huddle(root, name, way)) for way in WAYS)
    if name in ABSENT:
        way = ["--xms=none", "--ems=none"]
        failed += judge(f"{name} {' '.join(way)}", ABSENT[name], run_huddle(root, name, way))
    return failed


def run_directly(root, name, *arguments, ready=None):
    """With a key on standard input; until it says that it is ready: without, but with one that may come."""
    command = [os.environ["HUDDLE"], "run", "--display=none", "--timeout=60", *arguments, str(root / f"{name.upper()}.COM")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        if ready:
            process.wait(90 * SLOW)
        output, errors = process.communicate(None if ready else b"x", timeout=90 * SLOW)
        problem = "" if process.returncode == 0 else f"(status {process.returncode}: {errors.decode()[-2000:]})\n"
    return output.decode("latin-1").replace("\r\n", "\n") + problem


def in_state(root, name, _):
    failed = 0
    wanted = run_directly(root, name)
    if len(wanted.splitlines()) < 3:
        return judge(f"{name} at all", "(what it finds)\n", wanted)
    for way in WAYS[0], WAYS[2]:
        state = root / "state"
        got = run_directly(root, name, *way, "--until-text=ready", f"--save-state={state}", ready=True)
        got = got.partition("\n")[0] + "\n"  # the screen is shown at the end, with the same
        got += run_directly(root, name, *way, f"--load-state={state}")
        failed += judge(f"{name} {' '.join(way)}, saved and loaded", wanted, got)
    return failed


def in_dosbox(root, name, options):
    known = HERE / (name + ".dosbox")
    got = difference((HERE / (name + ".txt")).read_text(encoding="latin-1"), run_dosbox(root, name))
    if options.rebase:
        known.write_text(got, encoding="latin-1")
    return judge(f"{name} in DOSBox", known.read_text(encoding="latin-1"), got)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--rebase", action="store_true", help="take what comes out now as what is expected")
    parser.add_argument("where", choices=["huddle", "dosbox", "state"])
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    programs = pathlib.Path(options.build, "tests/dos/memory") if options.build else pathlib.Path(os.environ["PROGRAMS"])
    if options.build:
        os.environ["HUDDLE"] = str(pathlib.Path(options.build, "src/huddle"))
    missing = not shutil.which("dosbox") if options.where == "dosbox" else not os.path.exists("/dev/kvm")
    if missing:
        print("skipped: there is no " + ("DOSBox" if options.where == "dosbox" else "/dev/kvm"))
        sys.exit(SKIPPED)
    failed = 0
    all_programs = ["memstate"] if options.where == "state" else sorted(path.stem for path in HERE.glob("*.txt"))
    for name in options.programs or all_programs:
        with tempfile.TemporaryDirectory(prefix="memory-") as folder:
            root = pathlib.Path(folder)
            shutil.copy(programs / (name.upper() + ".COM"), root)
            failed += {"huddle": in_huddle, "dosbox": in_dosbox, "state": in_state}[options.where](root, name, options)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""One program per group of DOS's services, each of which tells its results as text. README.md.

    run.py huddle|dosbox PROGRAM    status 0: as expected; 1: not; 77: skipped
    run.py --list
    run.py --rebase PROGRAM         takes what huddle says as expected, to be looked at

Environment: HUDDLE, for huddle."""

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
PROGRAMS = sorted(path.stem for path in HERE.glob("*.expect"))
CHILDREN = {"exec": ["com", "exe", "ovl"]}
NOT_IN_DOSBOX = {
    "exec": "it does not survive all of the ends of programs",
    "console": "it waits for ever at the end of the redirected input",
    "critical": "it has no critical errors",
}
WAYS = [["--clock=access", "--cluster=off"], ["--clock=access", "--cluster=window"], ["--clock=access", "--cluster=on"], []]


def assemble(source, target):
    subprocess.run(["nasm", "-f", "bin", "-w+error", "-o", str(target), str(source)], cwd=HERE, check=True)


def make(program, root):
    (root / "c").mkdir()
    subprocess.run(["/sbin/mkfs.fat", "-C", str(root / "e.img"), "1440"], check=True, stdout=subprocess.DEVNULL)
    assemble(HERE / f"{program}.asm", root / "c" / "T.COM")
    for kind in CHILDREN.get(program, []):
        assemble(HERE / f"child_{kind}.asm", root / "c" / f"CHILD.{kind.upper()}")
    source = HERE / f"{program}.in"
    if source.exists():
        shutil.copy(source, root / "c" / "IN")
    return source.exists()


def run_huddle(program, options):
    with tempfile.TemporaryDirectory(prefix="huddle-dos-") as folder:
        root = pathlib.Path(folder)
        redirected = make(program, root)
        command = [os.environ.get("HUDDLE", "huddle"), "run", "--display=none", "--timeout=60", f"--mount=E={root / 'e.img'}:ro"]
        what = ["-c", "T.COM < IN > OUT.TXT", str(root / "c")] if redirected else [str(root / "c" / "T.COM")]
        ended = subprocess.run(command + options + what, stdin=subprocess.DEVNULL, capture_output=True,
                               env=dict(os.environ, XDG_CACHE_HOME=folder), timeout=120 * SLOW, check=False)
        said = ended.stdout
        if redirected:
            said = next((path.read_bytes() for path in (root / "c").iterdir() if path.name.upper() == "OUT.TXT"), b"")
        text = said.replace(b"\r\n", b"\n").decode("latin-1")
        return text + ("" if ended.returncode == 0 else f"(status {ended.returncode}: {ended.stderr.decode()})\n")


def run_dosbox(program):
    with tempfile.TemporaryDirectory(prefix="huddle-dos-") as folder:
        root = pathlib.Path(folder)
        redirected = make(program, root)
        (root / "out").mkdir()
        conf = root / "dosbox.conf"
        conf.write_text(f"[autoexec]\n@mount c {root / 'c'}\n@mount d {root / 'out'}\n@c:\n"
                        f"@T.COM {'< IN ' if redirected else ''}> D:\\OUT.TXT\n@exit\n")
        env = dict(os.environ, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy", HOME=folder)
        subprocess.run(["dosbox", "-conf", str(conf)], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=40 * SLOW, check=False)
        out = root / "out" / "OUT.TXT"
        return out.read_bytes().replace(b"\r\n", b"\n").decode("latin-1") if out.exists() else ""


def expected_of(program):
    return (HERE / f"{program}.expect").read_text(encoding="latin-1")


def different(expected, got, title):
    if expected == got:
        return False
    print("".join(difflib.unified_diff(expected.splitlines(True), got.splitlines(True), "expected", title)))
    return True


def check_huddle(program):
    if not os.path.exists("/dev/kvm"):
        return SKIPPED
    return int(any([different(expected_of(program), run_huddle(program, way), " ".join(way) or "host's clock") for way in WAYS]))


def known_differences(program):
    """Labels of lines in which DOSBox is known to be wrong, or DOS itself to vary: dosbox.txt."""
    rows = (line.split("|") for line in (HERE / "dosbox.txt").read_text().splitlines() if line and line[0] != "#")
    return {label: reason for name, label, reason in rows if name == program}


def check_dosbox(program):
    if not shutil.which("dosbox") or program in NOT_IN_DOSBOX:
        return SKIPPED
    known, used = known_differences(program), set()
    expected, got = expected_of(program).splitlines(), run_dosbox(program).splitlines()
    if len(expected) != len(got):
        different("\n".join(expected) + "\n", "\n".join(got) + "\n", "DOSBox")
        return 1
    bad = 0
    for ours, theirs in zip(expected, got):
        label = ours.split(":")[0]
        if ours != theirs and label in known:
            used.add(label)
        elif ours != theirs:
            print(f"expected {ours!r}, DOSBox says {theirs!r}")
            bad = 1
    for label in known.keys() - used:
        print(f"no difference any more: {label}")
        bad = 1
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--rebase", action="store_true")
    parser.add_argument("where", nargs="?", default="huddle")
    parser.add_argument("program", nargs="?")
    args = parser.parse_args()
    if args.list:
        print(" ".join(PROGRAMS))
        return 0
    if args.rebase:
        program = args.where
        (HERE / f"{program}.expect").write_text(run_huddle(program, WAYS[0]), encoding="latin-1")
        return 0
    return {"huddle": check_huddle, "dosbox": check_dosbox}[args.where](args.program)


if __name__ == "__main__":
    sys.exit(main())

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
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
SLOW = float(os.environ.get("HUDDLE_SLOW", "1"))
PROGRAMS = sorted(path.stem for path in HERE.glob("*.expect"))
CHILDREN = {"exec": ["com", "exe", "ovl"], "upper": ["low"], "limits": ["end"], "rest": ["com"]}
TYPED = ["idle"]  # what waits for keys
DISKS = {"disk": "fg", "walks": "f", "limits": "h"}  # images besides E:, which may be written to
FIRST_SECTOR = 63  # of G:'s partition
NOT_IN_DOSBOX = {
    "exec": "it does not survive all of the ends of programs",
    "console": "it waits for ever at the end of the redirected input",
    "critical": "it has no critical errors",
    "disk": "its INT 26h writes nothing, and its drives have neither parameters nor tracks",
    "devices": "it has no AUX and CLOCK$, and its PRN does not ask the BIOS",
    "limits": "it has no critical errors",
    "rest": "it ends where a program is loaded first and then started",
    "idle": "it waits for keys without INT 28h",
}
WAYS = [["--clock=access", "--cluster=off"], ["--clock=access", "--cluster=window"], ["--clock=access", "--cluster=on"], []]


def assemble(source, target):
    subprocess.run(["nasm", "-f", "bin", "-w+error", "-o", str(target), str(source)], cwd=HERE, check=True)


def make_disk(letter, path):
    """F: a floppy with a label; G: a hard disk with a partition of 40 MB; H: a small floppy."""
    if letter == "g":
        first, sectors = FIRST_SECTOR, 40 * 16 * 63 * 2
        with open(path, "wb") as image:
            image.truncate((first + sectors) * 512)
        subprocess.run(["/sbin/mkfs.fat", "-F", "16", "-h", str(first), "-g", "16/63", "-n", "GDISK", "-i", "00c0ffee",
                        f"--offset={first}", str(path), str(sectors // 2)], check=True, stdout=subprocess.DEVNULL)
        with open(path, "r+b") as image:
            image.seek(446)
            image.write(struct.pack("<BBBBBBBBII", 0x80, 1, 1, 0, 6, 15, 63, 79, first, sectors))
            image.seek(510)
            image.write(b"\x55\xaa")
    else:
        size = {"f": "1440", "h": "160"}[letter]
        subprocess.run(["/sbin/mkfs.fat", "-C", "-n", letter.upper() + "DISK", "-i", "00c0ffee", str(path), size], check=True,
                       stdout=subprocess.DEVNULL)


def make(program, root):
    (root / "c").mkdir()
    subprocess.run(["/sbin/mkfs.fat", "-C", str(root / "e.img"), "1440"], check=True, stdout=subprocess.DEVNULL)
    for letter in DISKS.get(program, ""):
        make_disk(letter, root / f"{letter}.img")
    assemble(HERE / f"{program}.asm", root / "c" / "T.COM")
    for kind in CHILDREN.get(program, []):
        assemble(HERE / f"child_{kind}.asm", root / "c" / f"CHILD.{kind.upper()}")
    source = HERE / f"{program}.in"
    if source.exists():
        shutil.copy(source, root / "c" / "IN")
    return source.exists()


def file_system(root, letter):
    """What is wrong with it."""
    image = root / f"{letter}.img"
    if letter == "g":
        image = root / "partition"
        with open(root / "g.img", "rb") as disk, open(image, "wb") as partition:
            disk.seek(FIRST_SECTOR * 512)
            shutil.copyfileobj(disk, partition)
    ended = subprocess.run(["/sbin/fsck.fat", "-n", str(image)], capture_output=True, text=True, check=False)
    return ended.stdout if ended.returncode else ""


def run_huddle(program, options):
    with tempfile.TemporaryDirectory(prefix="huddle-dos-") as folder:
        root = pathlib.Path(folder)
        redirected = make(program, root)
        command = [os.environ.get("HUDDLE", "huddle"), "run", "--display=none", "--timeout=60", f"--mount=E={root / 'e.img'}:ro"]
        command += [f"--mount={letter.upper()}={root / letter}.img" for letter in DISKS.get(program, "")]
        if program in TYPED:
            (root / "keys").write_text("wait 30s\nquit 99\n")
            command.append(f"--script={root / 'keys'}")
        what = ["-c", "T.COM < IN > OUT.TXT", str(root / "c")] if redirected else [str(root / "c" / "T.COM")]
        ended = subprocess.run(command + options + what, stdin=subprocess.DEVNULL, capture_output=True,
                               env=dict(os.environ, XDG_CACHE_HOME=folder), timeout=120 * SLOW, check=False)
        said = ended.stdout
        if redirected:
            said = next((path.read_bytes() for path in (root / "c").iterdir() if path.name.upper() == "OUT.TXT"), b"")
        text = said.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("latin-1")
        if ended.returncode:
            text += f"(status {ended.returncode}: {ended.stderr.decode()})\n"
        return text + "".join(file_system(root, letter) for letter in DISKS.get(program, ""))


def run_dosbox(program):
    with tempfile.TemporaryDirectory(prefix="huddle-dos-") as folder:
        root = pathlib.Path(folder)
        redirected = make(program, root)
        (root / "out").mkdir()
        conf = root / "dosbox.conf"
        images = "".join(f"@imgmount {letter} {root / letter}.img -t floppy -fs fat\n" for letter in DISKS.get(program, ""))
        conf.write_text(f"[autoexec]\n{images}@mount c {root / 'c'}\n@mount d {root / 'out'}\n@c:\n"
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

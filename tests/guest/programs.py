#!/usr/bin/env python3
"""Random whole programs from seeds (program_blocks.py): at every level they must see the same, and host code must do
what the interpreter does.

    tests/guest/programs.py --build=BUILD                     a few seeds
    tests/guest/programs.py --build=BUILD --count=500 --first=1000
    tests/guest/programs.py --build=BUILD --count=1 --first=17 --keep=DIR     leaves source and images in DIR
    tests/guest/programs.py --build=BUILD --count=1 --first=17 --only=2,5     of its blocks only these
    tests/guest/programs.py --build=BUILD --count=1 --first=17 --minimise     looks for the blocks that make it fail

HUDDLE_FUZZ_COUNT and HUDDLE_FUZZ_FIRST are as for fuzz.py."""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import harness
from harness import Failed, Skip
from program_blocks import Program, overlay
from program_text import HDA_SECTORS, OVERLAY_SECTOR, OVERLAYS

VARIANTS = ("off", "window", "on", "on:500")
INCLUDE = harness.SOURCE / "guests" / "include"
LIMIT = 120         # seconds, for all variants
SEEDS_TO_JUDGE = 8  # so many runs count everything in COUNTED, and
TEXTS_TO_JUDGE = 60 # so many programs have everything in CLAIMS, between them

# What programs are said to have -> what some must have in their text.
CLAIMS = {
    "the timer at a high rate": r"out 43h, al\n.*\n +out 40h",
    "the real-time clock's interrupt": r"mov al, 66\n +out 71h",
    "A20 by port 92h": r"out 92h",
    "A20 by the keyboard controller": r"mov al, 22[13]\n +out 100, al",
    "A20 by its output port": r"mov al, 209\n +out 100, al",
    "VGA registers": r"mov dx, 974\n +mov a[lx], \d+\n",
    "code changed by a store": r"mov \[L\d+_end - 4\], eax",
    "code changed by a string": r"mov edi, L(\d+)\n +mov ecx, 1\n +cld\n +.*movsb\n +pop es\n *L\1:",
    "code from a disk": r"call 0:read_far",
    "code by INSW": r"rep insw",
    "protected mode, 16 bits": r"jmp dword (24|88):",
    "protected mode, 32 bits": r"jmp dword (8|80):",
    "4 GiB segments in real mode": r"a32 rep",
    "near calls": r"call near_",
    "indirect calls": r"call \[bx",
    "far indirect calls": r"call far \[",
    "tables of jumps": r"jmp (dword )?\[L",
    "IRET to a place of choice": r"push cs\n.*\n.*\nL\d+:\n +iret",
    "repeated strings": r"rep movs",
    "repeated comparisons": r"repne (es )?(scas|cmps)",
    "HLT directly behind STI": r"sti\n +hlt",
    "MOV SS before STI": r"mov ss, bx\n +sti",
    "PUSHF and POPF": r"pushf\n(.*\n)+? +popf",
    "INT": r"int 0x6[012]",
    "waiting without accesses": r"mov ebx, \[ticks\]\nL(\d+):\n +cmp ebx, \[ticks\]\n +je L\1\n",
    "faults": r"div bl",
    "the x87": r"fistp",
}
# And what regions must have counted at least once.
COUNTED = {
    "interrupts within regions": lambda run: run["clusters"]["left"]["interrupt"],
    "HLT in regions": lambda run: run["clusters"]["left"]["halt"],
    "changed code": lambda run: run["clusters"]["not_run"]["incoherent"],
    "faults in regions": lambda run: run["clusters"]["left"]["fault"],
    "avoided exits": lambda run: run["clusters"]["exits_avoided"],
}


class Counted:
    """What no run has counted yet."""

    def __init__(self):
        self.missing = dict(COUNTED)

    def add(self, run):
        self.missing = {name: count for name, count in self.missing.items() if not count(run)}


def lacking_claims(first):
    """What the programs from a seed on are said to have, and do not."""
    texts = [Program(first + i).build()[0] for i in range(TEXTS_TO_JUDGE)]
    return [name for name, pattern in CLAIMS.items() if not any(re.search(pattern, text) for text in texts)]


def make_images(seed, only, folder):
    """The program's floppy, and a hard disk with other overlays."""
    text, names = Program(seed, only).build()
    source, floppy, disk = folder / "program.asm", folder / "program.img", folder / "disk.img"
    source.write_text(text + "\n")
    made = subprocess.run(["nasm", "-f", "bin", "-w-all", f"-I{INCLUDE}/", "-o", floppy, source],
                          capture_output=True, text=True)
    if made.returncode:
        raise Failed(f"nasm: {made.stderr[:2000]}")
    rng = random.Random(seed)
    image = bytearray(floppy.read_bytes())
    at = OVERLAY_SECTOR * 512
    image[at:at + OVERLAYS * 512] = b"".join(overlay(rng) for _ in range(OVERLAYS))
    floppy.write_bytes(image)
    sectors = [bytes(512)] + [overlay(rng) for _ in range(OVERLAYS)]
    disk.write_bytes(b"".join(sectors).ljust(HDA_SECTORS * 512, b"\0"))
    return floppy, disk, names


def test_levels(tool, floppy, disk):
    report = tool.scratch / "report.json"
    ended = tool.run("ab", f"--variants={','.join(VARIANTS)}", "--windows=none", f"--json={report}", f"--hda={disk}",
                     floppy,
                     limit=LIMIT)
    result = json.loads(report.read_text()) if report.exists() else None
    ends = {run["name"]: (run["end"]["reason"], run["end"]["status"]) for run in result["variants"]} if result else {}
    ended.expect(set(ends.values()) <= {("exit_port", 1)}, f"ended by {ends}")
    ended.expect_status(0)
    ended.expect(result["identical"], "the variants differ")
    ended.expect(not any(run["time_nudges"] for run in result["variants"]),
                 "time was moved on while the guest was busy")
    off, on = (next(run for run in result["variants"] if run["name"] == name) for name in ("off", "on"))
    return off, on


def test_check(tool, floppy, disk):
    stats = tool.scratch / "stats.json"
    ended = tool.run("run", "--clock=access", "--check", "--snapshot", f"--stats={stats}", f"--hda={disk}", floppy,
                     limit=LIMIT)
    ended.expect_status(1)
    check = json.loads(stats.read_text())["check"]
    ended.expect(check["differences"] == 0, f"{check['differences']} differences")
    return check["compared"]


def test_seed(make_tool, seed, only, keep=None, counted=None):
    """Returns what there is to say; raises Failed."""
    with tempfile.TemporaryDirectory(prefix="huddle-programs-") as scratch:
        tool = make_tool(pathlib.Path(scratch))
        folder = keep or tool.scratch
        floppy, disk, names = make_images(seed, only, folder)
        if keep:
            print(f"         {' '.join(names)}", flush=True)
        off, on = test_levels(tool, floppy, disk)
        compared = test_check(tool, floppy, disk)
        if counted:
            counted.add(on)
        return (f"{off['accesses']:,} accesses, {off['interrupts']:,} interrupts, {off['exits']['total']:,} exits or "
                f"{on['exits']['total']:,}, {on['clusters']['formed']:,} regions, {compared:,} compared")


def fails(make_tool, seed, only):
    try:
        test_seed(make_tool, seed, only)
        return None
    except Failed as why:
        return str(why)


def minimise(make_tool, seed):
    """Drops block after block, as long as it fails."""
    needed = list(range(len(Program(seed).build()[1])))
    for block in list(needed):
        fewer = [b for b in needed if b != block]
        if fewer and fails(make_tool, seed, fewer):
            needed = fewer
    print(f"{seed}: fails with --only={','.join(map(str, needed))}", flush=True)


def run_seed(make_tool, seed, args, counted):
    again = f"--first={seed} --count=1"
    started = time.monotonic()
    try:
        said = test_seed(make_tool, seed, args.only, args.keep, counted)
        print(f"ok       {again}: {said}, {time.monotonic() - started:.1f} s", flush=True)
        return True
    except Failed as why:
        print(f"FAILED   {again}: {why}", flush=True)
    if args.minimise:
        minimise(make_tool, seed)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    harness.add_place_arguments(parser)
    usual = 2 if "HUDDLE_SLOW" in os.environ else 5
    parser.add_argument("--count", type=int, default=int(os.environ.get("HUDDLE_FUZZ_COUNT", usual)))
    parser.add_argument("--first", default=os.environ.get("HUDDLE_FUZZ_FIRST", "1"), help="the first seed, or random")
    parser.add_argument("--only", type=lambda text: [int(block) for block in text.split(",")], help="numbers of blocks")
    parser.add_argument("--keep", type=pathlib.Path, help="where source and images are to be left")
    parser.add_argument("--minimise", action="store_true")
    args = parser.parse_args()
    make_tool = harness.tool_maker(args)
    try:
        harness.need_kvm()
    except Skip as why:
        print(f"skipped: {why}")
        sys.exit(harness.SKIPPED)
    first = time.time_ns() // 1000000 if args.first == "random" else int(args.first)
    counted = Counted()
    good = [run_seed(make_tool, first + i, args, counted) for i in range(args.count)]
    print(f"{sum(good)} of {len(good)} are well")
    lacking = lacking_claims(first)
    if all(good) and args.count >= SEEDS_TO_JUDGE:
        lacking += counted.missing
    if lacking:
        print(f"FAILED   in all programs there is none with: {', '.join(lacking)}")
    sys.exit(0 if all(good) and not lacking else 1)


if __name__ == "__main__":
    main()

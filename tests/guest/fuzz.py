#!/usr/bin/env python3
"""Random device accesses from seeds, in the guest `fuzz`: the monitor must survive them all, and a guest with
clusters or regions must see the same as one without. With HUDDLE_FUZZ_CHECK=1 each of them is executed twice as well.

    tests/guest/fuzz.py --build=BUILD                     a few seeds
    tests/guest/fuzz.py --build=BUILD --count=500 --first=1000
    tests/guest/fuzz.py --build=BUILD --count=1 --first=17 --kind=code    one of them again

HUDDLE_FUZZ_COUNT is the default of --count, HUDDLE_FUZZ_FIRST that of --first; "random" there is a seed from the time
of day, which is printed. With a sanitizer's build, HUDDLE_SLOW=10 or so stretches the limits."""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import harness
from harness import Failed, Skip

# Kind -> guest_flag, rounds, may the guest end in any way (DMA writes into the program itself).
KINDS = {
    "access": (0, 2000, False),
    "code": (2 | 4, 60, False),
    "wide": (4, 2000, False),
    "dma": (1, 1500, True),
    "dma-code": (1 | 2 | 4, 60, True),
}
LEVELS = ("off", "window", "on")
CHECK = ["--check"] if os.environ.get("HUDDLE_FUZZ_CHECK") == "1" else []
GUEST_ENDS = (1, 70, 124)  # it got to the end; it crashed; it hangs
TIMEOUT = 25               # of a guest; seconds
LIMIT = 120                # of the monitor


def test_tame(tool, image):
    """The guest must get to its end and see the same at all levels."""
    report = tool.scratch / "report.json"
    ended = tool.run("ab", f"--variants={','.join(LEVELS)}", "--windows=none", f"--json={report}", *CHECK, image,
                     limit=LIMIT)
    ended.expect_status(0)
    result = json.loads(report.read_text())
    for run in result["variants"]:
        ended.expect((run["end"]["reason"], run["end"]["status"]) == ("exit_port", 1),
                     f"{run['name']}: ended by {run['end']}")
    exits = ", ".join(f"{run['exits']['total']:,} {run['name']}" for run in result["variants"])
    return f"{result['variants'][0]['accesses']:,} accesses, exits: {exits}"


def test_wild(tool, image):
    """The guest may end in any way, but in the same: unless the time was over, which is not the same twice."""
    found = []
    for level in LEVELS:
        stats = tool.scratch / f"{level}.json"
        ended = tool.run("run", "--clock=access", f"--cluster={level}", "--snapshot", f"--timeout={TIMEOUT * harness.SLOW}",
                         f"--stats={stats}", *CHECK, image, limit=LIMIT)
        ended.expect_status(*(GUEST_ENDS if ended.status % 2 == 0 else (ended.status,)))  # odd: from the exit port
        ended.expect(json.loads(stats.read_text())["end"]["reason"] != "check", "the executors differ")
        found.append((ended, json.loads(stats.read_text())))
    exact = not any(run["end"]["status"] == 124 or run["time_nudges"] for _, run in found)
    first, off = found[0]
    for other, run in found[1:] if exact else []:
        other.expect(off["end"]["status"] == run["end"]["status"] and
                     off["result"]["stream_hash"] == run["result"]["stream_hash"],
                     f"without clusters it went another way:\n{first}\n---")
    return f"ended with {off['end']['status']}" + ("" if exact else ", not comparable")


def run_seed(make_tool, kind, seed):
    flag, rounds, wild = KINDS[kind]
    again = f"--first={seed} --count=1 --kind={kind}"
    with tempfile.TemporaryDirectory(prefix="huddle-fuzz-") as scratch:
        tool = make_tool(pathlib.Path(scratch))
        image = tool.patched("fuzz", param=seed, flag=flag, count=rounds)
        try:
            print(f"ok       {again}: {(test_wild if wild else test_tame)(tool, image)}", flush=True)
            return True
        except Failed as why:
            print(f"FAILED   {again}: {why}", flush=True)
            return False


def parse_first(text):
    first = time.time_ns() // 1000000 if text == "random" else int(text)
    return first % 0x100000000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    harness.add_place_arguments(parser)
    parser.add_argument("--count", type=int, default=int(os.environ.get("HUDDLE_FUZZ_COUNT", "1")),
                        help="seeds for each kind")
    parser.add_argument("--first", default=os.environ.get("HUDDLE_FUZZ_FIRST", "1"), help="the first seed, or random")
    parser.add_argument("--kind", action="append", choices=KINDS, help="default: all")
    args = parser.parse_args()
    make_tool = harness.tool_maker(args)
    try:
        harness.need_kvm()
    except Skip as why:
        print(f"skipped: {why}")
        sys.exit(harness.SKIPPED)
    first = parse_first(args.first)
    good = [run_seed(make_tool, kind, (first + i) % 0x100000000)
            for i in range(args.count) for kind in args.kind or KINDS]
    print(f"{sum(good)} of {len(good)} are well")
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Random port and memory accesses of all widths (guests/fuzz): the monitor never crashes or hangs, and sees the same stream of
accesses with clusters as without.

    tests/guest/fuzz.py --build=BUILD [--count=N] [--first=SEED]

Each seed runs three ways: plain accesses; generated code with loops and fillers; and with the DMA controllers, which may
overwrite the guest, so that only the monitor must survive. HUDDLE_FUZZ sets the number of seeds (default 2)."""

import argparse
import json
import os
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
from harness import SKIPPED, Failed, Skip, add_place_arguments, expect, need_kvm, tool_maker

DMA, CODE, WIDE_UART = 1, 2, 4
# flags, rounds, must the guest get to its end?
WAYS = ((WIDE_UART, 2000, True), (CODE | WIDE_UART, 100, True), (DMA | CODE | WIDE_UART, 60, False))
LEVELS = ("off", "window")
TIMEOUT = 100  # seconds, of the guest
# Exit port with success; crash; the guest was cut off: it hangs in its own code, which DMA overwrote.
FREE_ENDS = (1, 70, 124)


def run_level(tool, image, level, free):
    stats = tool.scratch / f"{level}.json"
    ended = tool.run("run", f"--cluster={level}", "--clock=access", "--snapshot", f"--timeout={TIMEOUT}",
                     f"--stats={stats}", image, limit=TIMEOUT + 20)
    if free:
        ended.expect(ended.status in FREE_ENDS or ended.status & 1, f"status {ended.status}")
    else:
        ended.expect_status(1)
    return ended, json.loads(stats.read_text())


def fuzz(tool, seed):
    for flags, rounds, finishes in WAYS:
        what = f"seed {seed}, flags {flags}, {rounds} rounds"
        image = tool.patched("fuzz", param=seed, flag=flags, count=rounds)
        runs = {level: run_level(tool, image, level, not finishes) for level in LEVELS}
        results = [run["result"] for _, run in runs.values()]
        if all(ended.status == 1 for ended, _ in runs.values()):
            for key in ("stream_count", "stream_hash", "ram_hash", "frame_hash"):
                expect(results[0][key] == results[1][key], f"{what}: {key} differs between {' and '.join(LEVELS)}")
            avoided = runs["window"][1]["clusters"]["exits_avoided"]
            expect(avoided > 0 or not flags & CODE, f"{what}: no exit was avoided")
        print(f"ok       {what}: {results[0]['stream_count']} accesses")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_place_arguments(parser)
    parser.add_argument("--count", type=int, default=int(os.environ.get("HUDDLE_FUZZ", "2")), help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    args = parser.parse_args()
    make_tool = tool_maker(args)
    try:
        need_kvm()
        for seed in range(args.first, args.first + args.count):
            with tempfile.TemporaryDirectory(prefix="huddle-fuzz-") as scratch:
                fuzz(make_tool(pathlib.Path(scratch)), seed)
    except Skip as why:
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    except Failed as why:
        sys.exit(f"FAILED: {why}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A guest that waits must not keep a processor busy under the host's clock, and must get what it waits for. Processor
time is not asserted, but that the thread slept instead; and nothing of it may happen under the access clock."""

import json
import sys

sys.dont_write_bytecode = True
from harness import case, expect, main

RETRACE, RETRACE_COUNTED, RETRACE_AND_KEYS, BLANK, TICK, KEY, TIMER_2 = range(7)  # guest_flag of waits.asm
MS = 1_000_000
FRAME_NS = 900 * 449 * 1_000_000_000 // 28_322_000  # of the text mode that the firmware leaves
TICK_NS = 65536 * 1_000_000_000 // 1_193_182


def run_waits(tool, flag, count, *args, clock="host"):
    """The statistics of a run that must end well."""
    stats = tool.scratch / "stats.json"
    image = tool.patched("waits", flag=flag, count=count)
    tool.run("run", f"--clock={clock}", f"--stats={stats}", *args, image).expect_status(1)
    return json.loads(stats.read_text())


def slept(tool, flag, count, least, each_ns, *args):
    """Waits `count` times; of them most must have been slept through, and each must have taken its time: nothing is seen
    twice. (How many are missed is the host's business.)"""
    without = run_waits(tool, flag, 0)
    run = run_waits(tool, flag, count, *args)
    print(f"{run['polls']} polls, {run['spins']} spins, {run['sleeps']} sleeps, {run['accesses']} accesses")
    expect(run["polls"] + run["spins"] >= least, f"only {run['polls']} polls and {run['spins']} spins were slept through")
    expect(run["sleeps"] >= run["polls"], "more polls than sleeps")
    expect(run["virtual_ns"] >= (count - 1) * each_ns, f"{run['virtual_ns']} ns are too few for {count} of {each_ns}")
    return without, run


@case()
def retrace(tool):
    without, run = slept(tool, RETRACE, 40, 30, FRAME_NS)
    expect(without["polls"] == 0, "a guest that does not wait was found to poll")
    expect(run["exits"]["total"] < without["exits"]["total"] + 20, "the waits made exits")


@case()
def retrace_counted(tool):
    """The same in loops that count their rounds. They have 2^30: in this time not even a processor ends them."""
    slept(tool, RETRACE_COUNTED, 40, 30, FRAME_NS)


@case()
def retrace_and_keys(tool):
    """With firmware code, a stack, interrupts disabled and enabled in the loop."""
    slept(tool, RETRACE_AND_KEYS, 40, 30, FRAME_NS)


@case()
def blank(tool):
    """Nobody may sleep over a horizontal blank: 1,000 changes take some 16 ms, not as many frames."""
    without, run = slept(tool, BLANK, 1000, 0, 0)
    expect(run["polls"] < 500, f"{run['polls']} sleeps although the blank bit was waited for")


@case()
def tick(tool):
    slept(tool, TICK, 10, 8, TICK_NS)


@case()
def key(tool):
    """Three keys, typed while the guest polls for them; each is a byte when it goes down and another when it goes up."""
    script = tool.file("script.txt", "wait 1s\ntype \"abc\"\nwait 10s\n")
    run = run_waits(tool, KEY, 6, f"--script={script}")
    print(f"{run['polls']} polls, {run['virtual_ns'] // MS} ms")
    expect(run["polls"] >= 10, f"only {run['polls']} polls were slept through")
    expect(run["end"]["reason"] == "exit_port", f"ended by {run['end']['reason']}")


@case()
def timer_2(tool):
    slept(tool, TIMER_2, 20, 15, 9 * MS)


@case()
def guest_that_counts(tool):
    """The guest `retrace` polls in loops that count, changes colours at blanks, and judges itself."""
    stats = tool.scratch / "stats.json"
    tool.run("run", "--clock=host", f"--stats={stats}", tool.guest("retrace")).expect_status(1)
    run = json.loads(stats.read_text())
    expect(run["polls"] >= 15, f"only {run['polls']} polls were slept through")


@case()
def other_modes(tool):
    """Not under the access clock, not at other levels, not under --check."""
    for args, clock in (((), "access"), (("--cluster=window",), "host"), (("--check",), "host")):
        run = run_waits(tool, RETRACE, 3, *args, clock=clock)
        expect(run["polls"] == 0 and run["sleeps"] == 0, f"{clock} {args}: {run['polls']} polls, {run['sleeps']} sleeps")


if __name__ == "__main__":
    main(__doc__)

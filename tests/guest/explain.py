#!/usr/bin/env python3
"""run --explain: what the exits of a run cost, step by step, adds up to what they are seen to cost; and the cuts that cannot be
seen, within KVM_RUN, are where they should be. Only ratios are looked at, and more than once if need be: the host may be busy."""

import json
import sys

sys.dont_write_bytecode = True
import harness
from harness import case, expect, Failed

REMAINDER = 0.15  # of the overhead
TRIES = 5
OVERHEAD_STEPS = {"syscall", "kvm", "world", "state", "completion", "count", "device", "lookup", "interrupt", "rescue", "events",
                  "waiting", "longer"}
# Nothing of an exit is missing, with these.
ALWAYS = {"pio_out": {"syscall", "kvm", "world", "count", "device", "events"}}


def explained(tool, *args):
    """A run with --explain: its statistics."""
    stats = tool.scratch / "stats.json"
    ended = tool.run("run", "--explain", "--snapshot", f"--stats={stats}", *args, limit=120)
    ended.expect_status(1)
    ended.expect("What exits cost" in ended.err and "measured" in ended.err, "there is no table")
    return json.loads(stats.read_text())


def check_sums(run):
    """What holds however busy the host is."""
    e = run["explain"]
    total = 0
    for name, kind in e["kinds"].items():
        expect(set(kind["steps"]) == OVERHEAD_STEPS, f"{name}: not the steps that are known: {sorted(kind['steps'])}")
        total += kind["sum_ns"]
        expect(kind["sum_ns"] == sum(step["sum_ns"] for step in kind["steps"].values()), f"{name}: steps do not add up")
        expect(0 <= kind["timed"] <= kind["exits"], f"{name}: more exits timed than there are")
        for step in ALWAYS.get(name, ()):
            expect(kind["steps"][step]["sum_ns"] > 0, f"{name}: {step} takes no time at all")
    expect(total == e["sum_ns"], "kinds do not add up")
    exits = sum(kind["exits"] for kind in e["kinds"].values()) + e["further_exits"]
    expect(exits == run["exits"]["total"], f"{exits} exits are explained, {run['exits']['total']} were made")
    parts = e["measured_ns"] + e["guest_ns"] + e["cluster_ns"] + e["asleep_ns"]
    expect(abs(parts - e["total_ns"]) <= 4, "the measured parts are not the whole")
    expect(e["remainder_ns"] == e["measured_ns"] - e["sum_ns"], "the remainder is wrong")


def attempts(look):
    """Calls it until it does not fail, a few times."""
    for left in reversed(range(TRIES)):
        try:
            return look()
        except Failed:
            if not left:
                raise


def adds_up(tool, guest, level):
    def look():
        run = explained(tool, "--clock=access", f"--cluster={level}", tool.guest(guest))
        check_sums(run)
        e = run["explain"]
        expect(e["measured_ns"] > 0, "nothing was measured")
        expect(abs(e["remainder_ns"]) <= REMAINDER * e["measured_ns"],
               f"{guest}, {level}: {e['sum_ns'] / 1e6:.1f} ms explained, {e['measured_ns'] / 1e6:.1f} ms measured")
    attempts(look)


for _guest in ("planar", "modex", "palette", "pic"):
    for _level in ("off", "window"):
        def _case(tool, guest=_guest, level=_level):
            adds_up(tool, guest, level)
        case(f"{_guest}-{_level}")(_case)


@case()
def regions(tool):
    run = explained(tool, "--clock=access", "--cluster=on", tool.guest("pic"))
    check_sums(run)
    expect(run["explain"]["cluster_ns"] > 0, "no time in clusters")


@case()
def guest_and_exit(tool):
    """Port writes after so many turns of a loop and port reads after twice as many, by turns: what a guest does between two exits,
    and only that, is the guest's. Both sides are medians of one run, for the host is not the same in another."""
    def look():
        bare = out_and_in(tool, 0)
        for name, kind in bare.items():
            expect(kind["guest"] < 2 * kind["overhead"], f"hardly more than exits, but {kind['guest']} ns for the guest at {name}")
        turns, kinds = FILLER, out_and_in(tool, FILLER)
        while turns < 0x4000 and kinds["pio_out"]["guest"] < 40 * kinds["pio_out"]["overhead"]:
            turns *= 2
            kinds = out_and_in(tool, turns)
        most = kinds["pio_out"]["guest"]
        expect(most > 2 * bare["pio_out"]["overhead"], f"the guest has {most} ns, whatever it does")
        ratio = kinds["pio_in"]["guest"] / kinds["pio_out"]["guest"]
        expect(1.5 < ratio < 2.7, f"the guest does twice as much in {ratio:.2f} times the time")
    attempts(look)


EXITS = 1000  # of each kind
FILLER = 64  # turns of LOOP


def out_and_in(tool, turns):
    """A program of DOS that writes a port after `turns` of a loop and reads it after twice as many, again and again. What most
    exits of each kind take, as medians: another one now and then does not matter."""
    def loop(count):
        return b"\xb9" + count.to_bytes(2, "little") + b"\xe2\xfe" if count else b""  # mov cx, count / loop $
    body = loop(turns) + b"\xe6\x80" + loop(2 * turns) + b"\xe4\x80" + b"\x4e"  # out 80h, al / in al, 80h / dec si
    code = b"\xbe" + EXITS.to_bytes(2, "little") + body + b"\x75" + (256 - len(body) - 2).to_bytes(1, "little")
    code += b"\xb8\x01\x4c\xcd\x21"  # jnz body / mov ax, 4c01h / int 21h
    run = explained(tool, "--cluster=off", "--display=none", tool.file("loop.com", code))
    check_sums(run)
    measured = {}
    for name in ("pio_out", "pio_in"):
        kind = run["explain"]["kinds"][name]
        expect(kind["exits"] >= EXITS, "not the exits that the program makes")
        measured[name] = {"overhead": kind["median_ns"], "guest": kind["besides"]["guest"]["median_ns"]}
    return measured


@case()
def shape(tool):
    """Without --explain nothing is said of it; ab has a part per variant; the picture is one."""
    picture, report = tool.scratch / "e.svg", tool.scratch / "e.json"
    plain = tool.run("run", "--clock=access", "--snapshot", f"--stats={report}", tool.guest("pic")).expect_status(1)
    plain.expect("What exits cost" not in plain.err, "there is a table that nobody asked for")
    expect("explain" not in json.loads(report.read_text()), "there are figures that nobody asked for")
    ended = tool.run("ab", "--windows=none", f"--explain-svg={picture}", f"--json={report}", tool.guest("stop"), limit=120)
    ended.expect_status(0)
    for name, variant in zip(("off", "on"), json.loads(report.read_text())["variants"]):
        ended.expect(f"What exits cost: {name}" in ended.out, f"no part for {name}")
        check_sums(variant)
    svg = picture.read_text()
    expect(svg.startswith("<svg") and "off: one exit (median)" in svg and "on: all exits" in svg, "not that picture")
    bad = tool.run("run", "--clock=access", "--snapshot", "--explain-svg=/no/such/folder/e.svg", tool.guest("pic"))
    bad.expect("/no/such/folder/e.svg" in bad.err, "it is not said that the picture cannot be written")


if __name__ == "__main__":
    harness.main(__doc__)

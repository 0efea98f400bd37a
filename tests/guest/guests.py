#!/usr/bin/env python3
"""Every guest of guests/, without clusters and with: the guest must see the same, and the exits must be as many as
expected.json says.

    tests/guest/guests.py --build=BUILD planar modex    these guests (none: all)
    tests/guest/guests.py --build=BUILD --host pic      under the host's clock: must end well
    tests/guest/guests.py --build=BUILD --windows pairs64
    tests/guest/guests.py --build=BUILD --check         every cluster executed twice; nothing may differ
    tests/guest/guests.py --build=BUILD --check --with=--cluster=window
    tests/guest/guests.py --build=BUILD --rebase        write the expectations anew, of these guests or all

Exits are exact under --clock=access, but for two kinds that are left out: kicks come with the host's time, and an
instruction that KVM cannot emulate ("other") is sometimes met by the look for a wait loop instead of KVM.
An exit is made or avoided: at every level both together are as many as without clusters (check_balance).
With regions (level on) it is exits, accesses and interrupts that are expected; how many regions there are, and where a
finite horizon (on:N) leaves them, is a matter of how the executor goes on, and may change.
The counts include the firmware's self-test and depend on how KVM stops at an instruction, so there is a set of them for
each firmware and kind of KVM. Elsewhere only what holds everywhere is checked: that nothing differs, and how much fewer
exits there are."""

import argparse
import hashlib
import json
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True
import harness
from harness import Failed, expect

EXPECTED = pathlib.Path(__file__).resolve().with_name("expected.json")
LEFT_OUT = ("total", "kick", "other")
LIMIT = 240  # seconds for all variants of a guest
EXIT_PORT_0 = ("exit_port", 1)
CRASH = ("crash", 70)
# The firmware alone: what a guest's own part is measured against. It only says a line on the debug port and stops.
BARE = "stop"

# Where a guest differs from the rule.
ENDS = {"crash": CRASH, "stop": CRASH}
HARD_DISK = {"ide": "ide-disk", "selfload": "ide-disk"}
NETWORK = {"netecho": "echo"}
# The image's own amount of work takes too long without clusters.
COUNT = {"netecho": 40}
VARIANTS = ("off", "pairs", "window", "on")
# What pairs of exits do not help with is not run so.
FEWER_VARIANTS = {name: ("off", "window", "on") for name in ("demo", "netecho", "retrace", "blit13", "x87")}
# Regions that are left to KVM and come back: a finite horizon.
HORIZON = "on:2000"
HORIZON_VARIANTS = {name: VARIANTS + (HORIZON,) for name in ("irqmix", "planar", "pm32", "selfmod")}
NOTHING_TO_CLUSTER = {"crash", "stop"}
# A window of 16 must divide the exits by this at least, in all and in the guest's own part.
LEAST_RATIO = {"planar": 3, "modex": 3, "pic": 3, "netecho": 5}
# Regions must divide all exits by this at least, where KVM is so slow that there is no horizon: the firmware's self-test alone,
# and guests that use devices much.
NO_HORIZON = ("pvm",)
LEAST_RATIO_ON = {"stop": 50, "ide": 100, "modex": 100, "palette": 100, "pic": 100, "planar": 100, "scroll": 100,
                  "netecho": 1000}
PAIRS_HELP = {"planar", "pairs64"}


def variants_of(name):
    return FEWER_VARIANTS.get(name) or HORIZON_VARIANTS.get(name) or VARIANTS


def is_region(variant):
    return variant.partition(":")[0] == "on"


def machine_args(tool, name):
    """The guest's image and what it needs besides."""
    disk = [f"--hda={tool.guest(HARD_DISK[name])}"] if name in HARD_DISK else []
    net = [f"--net={NETWORK[name]}"] if name in NETWORK else []
    image = tool.patched(name, count=COUNT[name]) if name in COUNT else tool.guest(name)
    return [*disk, *net, image]


def compare(tool, name, variants, windows="none"):
    """huddle ab on a guest; the report. Nothing may differ, and it must end as it should."""
    report = tool.scratch / "report.json"
    ended = tool.run("ab", f"--variants={','.join(variants)}", f"--windows={windows}", f"--json={report}",
                     *machine_args(tool, name), limit=LIMIT)
    ended.expect_status(0)
    result = json.loads(report.read_text())
    ended.expect(result["identical"] and result["first_difference"] is None, "the variants differ")
    ended.expect([v["name"] for v in result["variants"]] == list(variants), "not the variants asked for")
    for run in result["variants"] + result["windows"]:
        end = (run["end"]["reason"], run["end"]["status"])
        ended.expect(end == ENDS.get(name, EXIT_PORT_0), f"{run['name']}: ended by {end}: {run['end']['text']}")
        ended.expect(run["result"] == result["variants"][0]["result"], f"{run['name']}: another result")
        ended.expect(run["time_nudges"] == 0, f"{run['name']}: time was moved on while the guest was busy")
    return result


def counted(run):
    """The exits that depend on nothing but guest and firmware."""
    return sum(count for kind, count in run["exits"].items() if kind not in LEFT_OUT)


def numbers(run):
    """What is expected of a run."""
    exits = {kind: count for kind, count in run["exits"].items() if kind not in LEFT_OUT}
    clusters = run["clusters"]
    wanted = {"exits": exits, "accesses": run["accesses"], "interrupts": run["interrupts"]}
    if is_region(run["name"]):
        return wanted
    return wanted | {"formed": clusters["formed"], "exits_avoided": clusters["exits_avoided"]}


def expected_numbers(result):
    return {run["name"]: numbers(run) for run in result["variants"] if run["name"] != HORIZON}


# --- the sets of expectations ---

def firmware_in_use(tool):
    """Name -> SHA-256 of the firmware files that huddle finds."""
    text = tool.run("doctor").out
    found = re.findall(r"^ok +(system firmware|VGA firmware) +(/.*) \([0-9.]+ KiB\)$", text, re.MULTILINE)
    expect(len(found) == 2, f"huddle doctor does not say which firmware is used:\n{text}")
    return {what: hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest() for what, path in found}


def load_sets():
    return json.loads(EXPECTED.read_text())["sets"] if EXPECTED.exists() else []


def save_sets(sets):
    """A line per variant, so that a change can be read in a diff."""
    def render(value, depth):
        if depth == 5 or not isinstance(value, (dict, list)):
            return json.dumps(value)
        inner = "\n" + " " * (depth + 1)
        if isinstance(value, list):
            return "[" + inner + ("," + inner).join(render(item, depth + 1) for item in value) + "\n" + " " * depth + "]"
        rows = [json.dumps(key) + ": " + render(item, depth + 1) for key, item in value.items()]
        return "{" + inner + ("," + inner).join(rows) + "\n" + " " * depth + "}"

    EXPECTED.write_text(render({"sets": sets}, 0) + "\n")


def find_set(sets, firmware, backend):
    for candidate in sets:
        if candidate["firmware"] == firmware and candidate["backend"] == backend:
            return candidate
    return None


def describe_change(variant, want, have):
    """One line per number that is not what it was."""
    rows = [(kind, want["exits"].get(kind, 0), have["exits"].get(kind, 0)) for kind in have["exits"]]
    rows += [(key, want.get(key, 0), have[key]) for key in have if key != "exits"]
    return [f"  {variant:8}{what:14}{old:>10,} -> {new:>10,}" for what, old, new in rows if old != new]


def check_numbers(tool, name, result):
    firmware = firmware_in_use(tool)
    known = find_set(load_sets(), firmware, result["backend"])
    if not known:
        print(f"{name}: no expectations for this firmware on KVM backend {result['backend']}: "
              "only ratios are checked")
        return
    want = known["guests"].get(name)
    expect(want, f"{name} is not in {EXPECTED.name}: run guests.py --rebase {name}")
    changes = []
    for variant, have in expected_numbers(result).items():
        expect(variant in want, f"{name}: variant {variant} is not in {EXPECTED.name}: run guests.py --rebase {name}")
        changes += describe_change(variant, want[variant], have)
    expect(not changes, f"{name}: not what {EXPECTED.name} says; if that is meant: guests.py --rebase {name}\n"
           + "\n".join(changes))


# --- what holds for any firmware ---

def bare_numbers(tool, variants):
    """The firmware's own exits, per variant. Kept in the build directory for as long as the program stays the same."""
    stat = tool.program.stat()
    key = hashlib.sha256(repr((stat.st_mtime_ns, stat.st_size, sorted(firmware_in_use(tool).items()))).encode())
    path = tool.cache / f"bare-{key.hexdigest()[:16]}.json"
    if not path.exists():
        result = compare(tool, BARE, VARIANTS)
        bare = {run["name"]: {"exits": counted(run), "avoided": run["clusters"]["exits_avoided"]}
                for run in result["variants"]}
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(bare))
        temporary.replace(path)
    bare = json.loads(path.read_text())
    return {variant: bare[variant] for variant in variants}


def check_ratios(tool, name, result):
    runs = {run["name"]: run for run in result["variants"]}
    bare = bare_numbers(tool, [variant for variant in runs if variant != HORIZON])
    own = {variant: counted(run) - bare[variant]["exits"] for variant, run in runs.items()
           if variant in bare}
    for variant in runs:
        clusters = runs[variant]["clusters"]
        clustered = variant != "off"
        expect((clusters["formed"] > 0) == clustered and (clusters["exits_avoided"] > 0) == clustered,
               f"{name}: {clusters['formed']} clusters and {clusters['exits_avoided']} exits avoided with {variant}")
    if name not in NOTHING_TO_CLUSTER:
        avoided = runs["window"]["clusters"]["exits_avoided"] - bare["window"]["avoided"]
        expect(avoided > 0, f"{name}: the guest's own part saves no exits")
    if name in PAIRS_HELP:
        expect(own["pairs"] < own["off"] and counted(runs["pairs"]) < counted(runs["off"]),
               f"{name}: pairs do not save exits")
    total = counted(runs["off"]) / counted(runs["window"])
    part = own["off"] / own["window"] if own["off"] > 0 and own["window"] > 0 else None
    print(f"{name}: window needs {total:.1f}x fewer exits"
          + (f", {part:.1f}x in the guest's own part" if part else ""))
    least = LEAST_RATIO.get(name)
    if least:
        expect(total >= least, f"{name}: window needs only {total:.2f}x fewer exits in all, not {least}x")
        expect(part and part >= least,
               f"{name}: window needs only {part or 0:.2f}x fewer in the guest's own part, not {least}x")


def check_regions(name, result):
    """Level on needs next to no exits, and never more than a window. A finite horizon is left, but not far."""
    runs = {run["name"]: run for run in result["variants"]}
    off, window, on = (counted(runs[variant]) for variant in ("off", "window", "on"))
    print(f"{name}: on needs {off / on:,.0f}x fewer exits: {off:,} -> {on:,}")
    expect(on <= window, f"{name}: on needs {on} exits, window {window}")
    least = LEAST_RATIO_ON.get(name) if result["backend"] in NO_HORIZON else None
    expect(not least or off >= least * on, f"{name}: on needs only {off / on:.1f}x fewer exits, not {least}x")
    if HORIZON in runs:
        left, exits = runs[HORIZON]["clusters"]["left"]["horizon"], counted(runs[HORIZON])
        expect(left > 0 and exits > on, f"{name}: {HORIZON} was left {left} times and made {exits} exits, on {on}")
        expect(exits < window, f"{name}: {HORIZON} made {exits} exits, window {window}")


def check_balance(name, result):
    """An exit is made or avoided: together they are as many as without clusters, to the last one. Interrupt windows are
    exits of the monitor's own making.

    An instruction that KVM gives up at (x87 with an operand in device memory) is one exit of the kind "other", which is left
    out, and its accesses are made here without exits of their own. In a region they are accesses like any others, avoided: at
    most three for each of these exits (an operand of ten bytes)."""
    off = counted(result["variants"][0]) - result["variants"][0]["exits"]["irq_window"]
    given_up = result["variants"][0]["exits"]["other"]
    for run in result["variants"][1:]:
        made, avoided = counted(run) - run["exits"]["irq_window"], run["clusters"]["exits_avoided"]
        most = off + 3 * given_up if is_region(run["name"]) else off
        expect(off <= made + avoided <= most,
               f"{name}: {run['name']} made {made} exits and avoided {avoided}: not {off}" + (f" to {most}" if most > off else ""))


# --- what can be asked for ---

def test_guest(tool, name):
    result = compare(tool, name, variants_of(name))
    check_balance(name, result)
    check_ratios(tool, name, result)
    check_regions(name, result)
    check_numbers(tool, name, result)


def test_host(tool, name):
    """Under the host's clock nothing is exact; the guest judges itself."""
    want = ENDS.get(name, EXIT_PORT_0)[1]
    for level in ("off", "on"):
        tool.run("run", "--clock=host", f"--cluster={level}", "--snapshot", *machine_args(tool, name),
                 limit=LIMIT / 2).expect_status(want)


def test_check(tool, name, extra):
    """Every cluster executed by the interpreter and by the executor in use, from the same state."""
    stats = tool.scratch / "stats.json"
    ended = tool.run("run", "--clock=access", "--check", f"--stats={stats}", *extra, "--snapshot",
                     *machine_args(tool, name), limit=LIMIT)
    ended.expect_status(ENDS.get(name, EXIT_PORT_0)[1])
    run = json.loads(stats.read_text())
    ended.expect(run["end"]["reason"] == ENDS.get(name, EXIT_PORT_0)[0], f"ended by {run['end']['reason']}")
    check, runs = run["check"], run["clusters"]["runs"]
    ended.expect(check["differences"] == 0, f"{check['differences']} differences")
    ended.expect(check["compared"] + check["not_comparable"] == runs, f"{check} does not make {runs} runs")
    ended.expect(check["compared"] > 0.99 * runs > 0, f"only {check['compared']} of {runs} runs were compared")
    print(f"{name}: {check['compared']:,} runs of clusters compared, {ended.seconds:.1f} s")


def test_windows(tool, name):
    """The rows of --windows."""
    asked = (8, 32, 64)
    result = compare(tool, name, ("off", "window"), ",".join(map(str, asked)))
    rows = result["windows"]
    expect([row["window"] for row in rows] == list(asked), f"rows {[row['window'] for row in rows]}, not {asked}")
    off = counted(result["variants"][0])
    for row in rows:
        expect(row["identical"], f"window {row['window']} differs")
        expect(row["clusters"]["formed"] > 0 and counted(row) < off, f"window {row['window']} saves nothing")
        print(f"{name}: window {row['window']} needs {row['ratio']:.1f}x fewer exits")


def rebase(make_tool, names):
    """Two runs of each guest that agree become the expectations."""
    sets = load_sets()
    for name in names:
        with harness.tempfile.TemporaryDirectory(prefix="huddle-test-") as scratch:
            tool = make_tool(pathlib.Path(scratch))
            variants = [variant for variant in variants_of(name) if variant != HORIZON]
            first, second = compare(tool, name, variants), compare(tool, name, variants)
            firmware = firmware_in_use(tool)
        found = [expected_numbers(result) for result in (first, second)]
        for variant in variants:
            changes = describe_change(variant, found[0][variant], found[1][variant])
            expect(not changes, f"{name}: two runs do not agree\n" + "\n".join(changes))
        known = find_set(sets, firmware, first["backend"])
        if not known:
            known = {"backend": first["backend"], "firmware": firmware, "guests": {}}
            sets.append(known)
        for variant in variants:
            old = known["guests"].get(name, {}).get(variant)
            for line in describe_change(variant, old, found[0][variant]) if old else []:
                print(f"{name}: {line}")
        known["guests"][name] = found[0]
        known["guests"] = dict(sorted(known["guests"].items()))
        save_sets(sets)
        print(f"{name}: kept")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    harness.add_place_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--rebase", action="store_true", help="write expected.json")
    what.add_argument("--host", action="store_true", help="run under the host's clock")
    what.add_argument("--windows", action="store_true", help="test the rows of --windows")
    what.add_argument("--check", action="store_true", help="execute every cluster twice and compare")
    parser.add_argument("--with", dest="extra", action="append", default=[], metavar="OPTION",
                        help="--check: pass this to huddle as well (--with=--stress=flush)")
    parser.add_argument("guest", nargs="*", help="default: all that are built")
    args = parser.parse_args()
    make_tool = harness.tool_maker(args)
    disks = set(HARD_DISK.values())
    names = args.guest or sorted(path.stem for path in make_tool(None).images.glob("*.img") if path.stem not in disks)
    if args.rebase:
        try:
            return rebase(make_tool, names)
        except Failed as why:
            sys.exit(f"nothing more was written: {why}")
    def test_check_with(tool, name):
        test_check(tool, name, args.extra)

    test = (test_host if args.host else test_windows if args.windows else test_check_with if args.check
            else test_guest)
    for name in names:
        harness.case(name)(lambda tool, name=name: test(tool, name))
    statuses = [harness.run_case(name, make_tool) for name in names]
    sys.exit(1 if 1 in statuses else harness.SKIPPED if harness.SKIPPED in statuses else 0)


if __name__ == "__main__":
    main()

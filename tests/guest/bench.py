#!/usr/bin/env python3
"""huddle bench: what it prints, and that JSON, CSV and picture agree with each other. Numbers are not judged, but for one ratio."""

import csv
import json
import math
import sys
import xml.etree.ElementTree

sys.dont_write_bytecode = True
from harness import Failed, case, expect, main

PERCENTILES = ("min", "p10", "p50", "p90", "p99", "max")
KINDS = ("control cpuid vmcall coalesced_port coalesced_mmio spin out in mmio_write mmio_read rep_outsb rep_insb hlt hlt_wake "
         "interrupt window immediate sync get_regs set_regs get_sregs set_sregs").split()
# What every KVM has, in real mode.
NEEDED = "control cpuid spin out in mmio_write mmio_read rep_outsb rep_insb hlt immediate sync get_regs set_regs".split()
PLACES = "host_small host_huge long_small long_huge flat_kvm flat_huddle".split()
SVG = "{http://www.w3.org/2000/svg}"
NAME_COLUMNS = 24
BARE_TRIES = 5


def bench(tool, name):
    """Runs one with everything written; returns what it said, the JSON, the lines of the CSV, and the picture."""
    files = {kind: tool.scratch / f"{name}.{kind}" for kind in ("json", "csv", "svg")}
    ended = tool.run("bench", name, "--quick", *(f"--{kind}={path}" for kind, path in files.items()), limit=120)
    ended.expect_status(0)
    with open(files["csv"], newline="") as lines:
        rows = list(csv.DictReader(lines))
    return ended, json.loads(files["json"].read_text()), rows, xml.etree.ElementTree.parse(files["svg"]).getroot()


def check_host(ended, result):
    host = result["host"]
    for key in ("cpu", "kernel", "backend"):
        expect(host[key] and host[key] in ended.out, f"the host's {key} {host[key]!r} is not said")
    expect(host["tsc_hz"] > 1e8, f"a counter of {host['tsc_hz']} Hz")


def check_picture(root, lines):
    expect(root.tag == SVG + "svg" and root.get("role") == "img", "the picture is not one")
    expect("width" not in root.attrib and root.get("viewBox"), "the picture has a size of its own")
    texts = {text.text for text in root.iter(SVG + "text")}
    for line in lines:
        expect(line in texts, f"the picture has no {line!r}")


def check_kind(kind, rows):
    what = f"{kind['id']}: "
    if not kind["there"]:
        expect(kind["why"], what + "missing without a reason")
        expect(not rows, what + "samples of what is missing")
        return
    samples = sorted(max(0, int(row["cycles"]) - kind["control_cycles"]) for row in rows)
    expect(len(samples) == kind["samples"] > 0, what + f"{len(samples)} lines for {kind['samples']} samples")
    expect({int(row["control_cycles"]) for row in rows} == {kind["control_cycles"]}, what + "two controls")
    for unit in ("cycles", "ns"):
        values = [kind[unit][name] for name in PERCENTILES]
        expect(values == sorted(values), what + f"percentiles are not in order: {values}")
    for name, percent in (("p10", 10), ("p50", 50), ("p90", 90), ("p99", 99)):
        rank = max(1, math.ceil(len(samples) * percent / 100))
        expect(kind["cycles"][name] == samples[rank - 1], what + f"{name} is not the samples'")
    expect(kind["cycles"]["min"] == samples[0] and kind["cycles"]["max"] == samples[-1], what + "not its range")
    bins = kind["histogram"]
    expect(sum(bins["counts"]) + bins["beyond"] == len(samples), what + "the histogram does not have all samples")
    expect(len(bins["edges_ns"]) == len(bins["counts"]) + 1, what + "edges and bins do not fit")
    expect(bins["edges_ns"] == sorted(bins["edges_ns"]), what + "edges are not in order")


@case()
def exits(tool):
    """Every kind is listed or said to be missing, and the three files say the same."""
    ended, result, rows, root = bench(tool, "exits")
    check_host(ended, result)
    expect([(run["mode"], run["pinned"]) for run in result["runs"]] ==
           [("real mode", True), ("64-bit mode", True), ("real mode", False), ("64-bit mode", False)], "not the runs expected")
    for run in result["runs"]:
        expect([kind["id"] for kind in run["kinds"]] == KINDS, "not the kinds expected")
        for kind in run["kinds"]:
            own = [row for row in rows if (row["mode"], row["pinned"], row["kind"]) ==
                   (run["mode"], str(int(run["pinned"])), kind["id"])]
            check_kind(kind, own)
            rows_of = ended.out.count(f"\n{kind['name']:<{NAME_COLUMNS}}")
            ended.expect(rows_of == 3, f"{kind['name']} is in {rows_of} tables, not in 3")
            if run["mode"] == "real mode" and kind["id"] in NEEDED:
                expect(kind["there"], f"{kind['id']} is missing: {kind.get('why')}")
            elif not kind["there"]:
                ended.expect(kind["why"] in ended.out, f"{kind['id']}: the reason is not said")
    real = {kind["id"]: kind for kind in result["runs"][0]["kinds"]}
    check_picture(root, ["real mode", "64-bit mode"] + [kind["name"] for kind in real.values()
                                                        if kind["there"] and kind["cycles"]["p50"]])
    expect(real["rep_outsb"]["bytes_per_exit"] >= 1, "REP OUTSB without bytes")
    ended.expect(max(map(len, ended.out.splitlines())) <= 120, "lines are too long")


@case()
def bare_loop(tool):
    """A bare loop of KVM_RUN in the same run says the same of an exit, within 20 %; a busy host may spoil a run."""
    ratios = []
    for _ in range(BARE_TRIES):
        path = tool.scratch / "exits.json"
        ended = tool.run("bench", "exits", "--quick", f"--json={path}", limit=120).expect_status(0)
        ratios.append(json.loads(path.read_text())["bare_loop"]["ratio"])
        ended.expect(f"ratio {ratios[-1]:.2f}" in ended.out, "the comparison is not said")
        if 0.8 < ratios[-1] < 1.2:
            return
    raise Failed(f"samples against the bare loop: {ratios}")


def check_points(place, order, sizes, rows, host):
    what = f"{place['id']}, {order}: "
    points = place[order]
    if not place["there"]:
        expect(place["why"] and not points and not rows, what + "points of what is missing, or no reason")
        return
    expect([point["bytes"] for point in points] == sizes, what + "not the sizes expected")
    expect([(int(row["bytes"]), int(row["elements"]), int(row["cycles"])) for row in rows] ==
           [(point["bytes"], point["elements"], point["cycles"]) for point in points], what + "the CSV says something else")
    for point, row in zip(points, rows):
        ns = point["cycles"] / point["elements"] / host["tsc_hz"] * 1e9
        expect(0 < point["cycles"] and abs(ns / point["ns_per_element"] - 1) < 1e-3, what + f"{point} does not fit itself")
        expect(abs(float(row["ns_per_element"]) - point["ns_per_element"]) < 1e-3, what + "nanoseconds differ")
        expect(("slowdown" in point) == (not place["id"].startswith("host")), what + "a slowdown where there is none, or none")


@case()
def memory(tool):
    """Each place has all points or is said to be missing, and the three files say the same."""
    ended, result, rows, root = bench(tool, "memory")
    check_host(ended, result)
    places = {place["id"]: place for place in result["places"]}
    expect(list(places) == PLACES, "not the places expected")
    sizes = [point["bytes"] for point in places["host_small"]["random"]]
    expect(sizes[0] == 1024 and all(b == 2 * a for a, b in zip(sizes, sizes[1:])) and len(sizes) > 8, f"the sizes are {sizes}")
    for place in places.values():
        for order in ("sequential", "random"):
            check_points(place, order, sizes, [row for row in rows if (row["place"], row["order"]) == (place["id"], order)],
                         result["host"])
        if not place["there"]:
            ended.expect(f"{place['name']}: not here: {place['why']}" in ended.out, "the reason is not said")
    for name in ("host_small", "flat_kvm", "flat_huddle"):
        expect(places[name]["there"], f"{name} is missing: {places[name].get('why')}")
    ended.expect(("this KVM interprets" in ended.out) == result["kvm_interprets"], "text and JSON disagree on the backend")
    check_picture(root, ["A list in random order", "Slowdown, in order"] +
                  [place["name"] for place in places.values() if place["there"]])
    ended.expect(max(map(len, ended.out.splitlines())) <= 120, "lines are too long")


@case()
def bad_arguments(tool):
    ended = tool.run("bench", "exits", "--quick", "--cpu=1023").expect_status(2)
    ended.expect("--cpu=1023: there is no such processor" in ended.err, "the message does not say so")
    for option in ("json", "csv", "svg"):
        ended = tool.run("bench", "exits", "--quick", f"--{option}=/nowhere/at/all", limit=120).expect_status(2)
        ended.expect("/nowhere/at/all: No such file" in ended.err, f"--{option}: the message does not say so")


if __name__ == "__main__":
    main(__doc__)

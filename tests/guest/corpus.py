#!/usr/bin/env python3
"""huddle ab --corpus: a table of guests that do well and badly, results that outlive an interruption, lists that are wrong."""

import json
import os
import pathlib
import re
import shutil
import signal
import sys

sys.dont_write_bytecode = True
from harness import case, expect, main, wait_until

EXIT, SPIN, TIME_STAMP = 0, 1, 7  # guest_flag of probe.asm
QUICK = "--variants=on,on:5000"  # where it does not matter what is compared
VERDICTS = ("same", "DIFFERENT", "NOT DECIDED", "FAILED", "not run")
ROW = re.compile(rf"^(.+?) +([\d,]+|-) +([\d,]+|-) +([\d.,]+x|-) +([\d.,]+x|-)  ({'|'.join(VERDICTS)})$", re.MULTILINE)


def make_list(tool, *lines, to="list.txt"):
    return tool.file(to, "".join(f"{line}\n" for line in lines))


def rows_of(ended):
    """Guest -> (exits, exits, factor, verdict): all but the time."""
    return {row[0]: (row[1], row[2], row[3], row[5]) for row in ROW.findall(ended.out)}


def without_times(ended):
    """What is printed, but for times and for what depends on them."""
    text = ROW.sub(lambda row: f"{row[1]} {row[2]} {row[3]} {row[4]} {row[6]}", ended.out)
    return text[:text.index("  faster")]


def results_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def verdicts_of(path):
    return [(result["guest"], result["verdict"]) for result in results_of(path)]


def run(tool, status, *args):
    ended = tool.run("ab", *args, limit=200).expect_status(status)
    ended.expect(ROW.search(ended.out), "there is no table")
    return ended


def ours(tool):
    """The processes that were started on files of this test; those of a corpus begin in its list's directory."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != os.getpid() and os.readlink(entry / "cwd") == str(tool.scratch):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def child_of(process):
    return int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


@case()
def table(tool):
    """One of each kind, one at a time and two: the same table, a line of JSON each."""
    tool.patched("probe", flag=EXIT, to="well one.img")
    tool.patched("probe", flag=TIME_STAMP, to="differs.img")
    tool.patched("probe", flag=SPIN, to="spins.img")
    shutil.copy(tool.cache / "doscalls.com", tool.scratch / "calls.com")
    guests = {"'well one.img' --ram=4": "same", "calls.com n": "same", "missing.img": "FAILED",
              "--timeout=1 spins.img": "NOT DECIDED", "differs.img": "DIFFERENT"}
    corpus = make_list(tool, "# a corpus", *guests, "")
    seen = []
    for jobs in (1, 2):
        results = tool.scratch / f"results{jobs}.jsonl"
        # Relative names in the list begin where the list is.
        ended = run(tool, 1, f"--jobs={jobs}", f"--corpus={corpus}", f"--json={results}", "--variants=off,window,on")
        rows = rows_of(ended)
        ended.expect({guest: row[3] for guest, row in rows.items()} == guests, "not the verdicts that should be there")
        ended.expect("FAILED: missing.img: No such file or directory" in ended.out, "no reason for the failure")
        ended.expect("5 guests: 2 the same, 1 DIFFERENT, 1 not decided, 1 FAILED" in ended.out, "not so many of each")
        off, on = (int(cell.replace(",", "")) for cell in rows["calls.com n"][:2])
        ended.expect(off > 100 * on > 0, f"{off} exits -> {on}")
        lines = results_of(results)
        expect(sorted((line["guest"], line["verdict"]) for line in lines) ==
               sorted((guest, {"NOT DECIDED": "undecided"}.get(what, what.lower())) for guest, what in guests.items()),
               f"the JSON has {[(line['guest'], line['verdict']) for line in lines]}")
        for line in lines:
            if line["verdict"] == "same":
                expect([v["name"] for v in line["report"]["variants"]] == ["off", "window", "on"], "not its variants")
                expect(line["report"]["windows"] == [], "windows that nobody asked for")
        seen.append(without_times(ended))
    expect(seen[0] == seen[1], f"--jobs changes the summary:\n{seen[0]}\n{seen[1]}")


@case()
def interrupted(tool):
    """Ctrl-C ends all of it; the same command goes on, also behind half a line, and only where something is new."""
    for name in ("a", "b"):
        tool.patched("probe", flag=EXIT, to=f"{name}.img")
    tool.patched("probe", flag=SPIN, to="c.img")
    results = tool.scratch / "results.jsonl"
    arguments = (f"--corpus={make_list(tool, 'a.img', 'b.img', 'c.img')}", f"--json={results}", "--jobs=1", QUICK)
    process = tool.start("ab", *arguments, start_new_session=True)
    wait_until(lambda: results.exists() and results.read_text().count("\n") == 2, 60, "two guests are done")
    os.killpg(process.pid, signal.SIGINT)
    ended = tool.finish(process, 30).expect_status(130)
    ended.expect("interrupted: the same command goes on from what is in" in ended.err, "it does not say so")
    expect({guest: row[3] for guest, row in rows_of(ended).items()} ==
           {"a.img": "same", "b.img": "same", "c.img": "not run"}, f"not what was done:\n{ended}")
    expect(not ours(tool), f"processes are left: {ours(tool)}")

    results.write_text(results.read_text()[:-100])
    tool.patched("probe", flag=EXIT, to="c.img")
    ended = run(tool, 0, *arguments)
    ended.expect("1 of 3 guests are in" in ended.err and "half there" in ended.err, "it does not go on")
    expect(verdicts_of(results) == [("a.img", "same"), ("b.img", "same"), ("c.img", "same")], "not each of them once")

    before = results.read_text()
    first = run(tool, 0, *arguments)
    first.expect("3 of 3 guests are in" in first.err, "something is run again")
    expect(results.read_text() == before and first.out == ended.out, "another result of nothing new")
    tool.patched("probe", flag=EXIT, param=0x100, to="b.img")  # the same for the guest, another image
    run(tool, 0, *arguments).expect(results.read_text().startswith(before), "results are lost")
    expect(verdicts_of(results)[3:] == [("b.img", "same")], "not what is new alone")
    run(tool, 0, *arguments, "--ram=8")
    expect(len(results_of(results)) == 7, "other options are no reason to run them again")


@case()
def killed(tool):
    """A huddle that dies is a row; the death of the one that started them ends all."""
    tool.patched("probe", flag=SPIN, to="spins.img")
    tool.patched("probe", flag=EXIT, to="well.img")
    corpus = make_list(tool, "spins.img", "well.img")

    def start():
        process = tool.start("ab", f"--corpus={corpus}", "--jobs=1", QUICK)
        wait_until(lambda: len(ours(tool)) == 3, 30, "a guest runs")
        return process

    process = start()
    os.kill(child_of(process), signal.SIGSEGV)
    ended = tool.finish(process, 60).expect_status(1)
    expect([row[3] for row in rows_of(ended).values()] == ["FAILED", "same"], f"not the verdicts:\n{ended}")
    ended.expect("huddle itself died of signal 11" in ended.out, "no reason")
    process = start()
    process.kill()
    process.communicate()
    wait_until(lambda: not ours(tool), 10, "no process is left")


@case()
def parts(tool):
    """What N machines made of a list is one table again."""
    for name in ("a", "b", "c"):
        tool.patched("probe", flag=EXIT, param=0, to=f"{name}.img")
    corpus = (f"--corpus={make_list(tool, 'a.img', 'b.img', 'c.img')}", QUICK)
    whole = tool.scratch / "whole.jsonl"
    for part, guests in ((1, ["a.img", "c.img"]), (2, ["b.img"])):
        results = tool.scratch / f"part{part}.jsonl"
        ended = run(tool, 0, *corpus, f"--part={part}/2", f"--json={results}")
        expect(list(rows_of(ended)) == guests, f"part {part} has {list(rows_of(ended))}")
        whole.write_text((whole.read_text() if whole.exists() else "") + results.read_text())
    ended = run(tool, 0, *corpus, f"--json={whole}")
    ended.expect("3 of 3 guests are in" in ended.err, "something is run again")


@case(kvm=False)
def refused(tool):
    """What is wrong with a list is said with its line, before anything runs."""
    tool.file("x.img", bytes(1474560))
    lines = {
        "x.img 'y": "a quote is not closed",
        "--ram=none x.img": "--ram=none: not a number of MiB (2 to 3072)",
        "--clsuter=on x.img": "--clsuter: no such option",
        "--cluster=on x.img": "--cluster: only for 'huddle run'",
        "x.img y.img": "y.img: only one image",
        "--ram=4": "nothing to run",
        "--json=x.json x.img": "--json: not in a list",
        "--jobs=2 x.img": "--jobs: not in a list",
        "--corpus=list.txt x.img": "--corpus: not in a list",
        "--help": "no place in a list",
    }
    for line, reason in lines.items():
        corpus = make_list(tool, "", "x.img", line)
        ended = tool.run("ab", f"--corpus={corpus}", "--json=results.jsonl").expect_status(2)
        ended.expect(f"{corpus}:3: " in ended.err and reason in ended.err, f"not \"{reason}\" in line 3")
        ended.expect(not ended.out, "something was run")
    expect(not (tool.scratch / "results.jsonl").exists(), "there are results")
    for corpus, reason in ((make_list(tool, "# nothing"), "there are no guests in it"), (tool.scratch / "none", "No such file"),
                           (tool.scratch, "Is a directory")):
        ended = tool.run("ab", f"--corpus={corpus}").expect_status(2)
        ended.expect(reason in ended.err, f"not \"{reason}\"")
    diary = tool.file("diary.txt", "dear diary\n")
    ended = tool.run("ab", f"--corpus={make_list(tool, 'x.img')}", f"--json={diary}").expect_status(2)
    ended.expect("not a file of results" in ended.err and diary.read_text() == "dear diary\n", "somebody else's file")


if __name__ == "__main__":
    main(__doc__)

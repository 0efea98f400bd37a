#!/usr/bin/env python3
"""The whole machine saved and loaded. A guest that was saved in the middle and goes on in another process, at another level,
must make the same accesses and leave the same memory and picture as one that was never interrupted; saving must not disturb
the one that is saved; and what does not fit must be refused."""

import json
import os
import random
import subprocess
import sys

sys.dont_write_bytecode = True
from harness import case, expect, main

LEVELS = ("off", "window", "on")
# Guests and the milliseconds of their time between two states; they end by themselves.
GUESTS = {"planar": 10, "modex": 20, "irqmix": 20, "keyboard": 30, "pic": 30, "pm32": 20, "selfmod": 20, "uart": 20,
          "x87": 20, "retrace": 100, "ide": 20, "edges": 20, "netecho": 150}
HARD_DISK = {"ide": "ide-disk"}
STATES = 3  # of each run: each is loaded at another level


def guest_args(tool, name):
    disk = [f"--hda={tool.guest(HARD_DISK[name])}"] if name in HARD_DISK else []
    if name == "netecho":
        return ["--snapshot", "--net=echo", tool.patched(name, count=30, to="netecho.img")]
    return ["--snapshot", *disk, tool.guest(name)]


def run(tool, *args, status=(0, 1), clock="access"):
    """Statistics of a run that ends well."""
    stats = tool.scratch / "stats.json"
    ended = tool.run("run", f"--clock={clock}", f"--stats={stats}", *args, limit=120)
    ended.expect_status(*status)
    return json.loads(stats.read_text())


def outcome(run):
    """What must be the same however often the guest was saved."""
    return {key: run[key] for key in ("result", "accesses", "virtual_ns", "end")}


def script_of(tool, ms, paths, *more):
    lines = [line for path in paths for line in (f"wait {ms}ms", f"save {path}")]
    return tool.file("script.txt", "\n".join([*lines, *more, ""]))


def test_guest(tool, name):
    args = guest_args(tool, name)
    reference = outcome(run(tool, *args))
    points = []
    for turn, level in enumerate(LEVELS):
        paths = [tool.scratch / f"{level}{i}.state" for i in range(STATES)]
        script = script_of(tool, GUESTS[name] + turn * 10, paths)
        saving = outcome(run(tool, f"--cluster={level}", f"--script={script}", *args))
        expect(saving == reference, f"saving at level {level} disturbed the guest: {saving}, not {reference}")
        made = [path for path in paths if path.exists()]
        expect(made, f"the guest ended before a state was saved at level {level}")
        points += [(level, path) for path in made]
    for i, (level, path) in enumerate(points):
        on = LEVELS[i % len(LEVELS)]
        resumed = outcome(run(tool, f"--cluster={on}", f"--load-state={path}", *args))
        expect(resumed == reference,
               f"{path.name} loaded at level {on}: {resumed}, not {reference}")
    print(f"{name}: {len(points)} states of {points[0][1].stat().st_size:,} bytes and more")


for name in sorted(GUESTS.keys() - {"modex", "retrace"}):  # these take long, and have nothing that planar has not
    case(name)(lambda tool, name=name: test_guest(tool, name))


@case()
def same_bytes(tool):
    """A state that is loaded and saved again is the same file."""
    for name in ("planar", "ide", "x87", "retrace"):
        first, second = tool.scratch / "first.state", tool.scratch / "second.state"
        args = guest_args(tool, name)
        run(tool, f"--script={script_of(tool, 40, [first], 'quit')}", *args, status=(0,))
        script = tool.file("again.txt", f"load {first}\nsave {second}\nquit\n")
        run(tool, f"--script={script}", *args, status=(0,))
        expect(first.read_bytes() == second.read_bytes(), f"{name}: loaded and saved again it is another")


@case()
def chained(tool):
    """Saved, loaded and saved again several times by --save-state, then to the end."""
    args, state = guest_args(tool, "irqmix"), tool.scratch / "chain.state"
    reference = outcome(run(tool, *args))
    resume = []
    for level in ("on", "off", "window", "on", "off"):
        script = tool.file("short.txt", "wait 10ms\nquit\n")
        run(tool, f"--cluster={level}", f"--script={script}", f"--save-state={state}", *resume, *args, status=(0,))
        resume = [f"--load-state={state}"]
    end = outcome(run(tool, *resume, *args))
    expect(end == reference, f"{end}, not {reference}")


@case()
def back_in_time(tool):
    """A script that goes back, again and again: each time the guest does the same."""
    args, state = guest_args(tool, "planar"), tool.scratch / "back.state"
    reference = outcome(run(tool, *args))
    lines = ["wait 20ms", f"save {state}"]
    for i in range(3):
        lines += ["wait 20ms", f"cluster {LEVELS[i % 3]}", f"load {state}"]
    for level in LEVELS:
        script = tool.file("back.txt", "\n".join(lines) + "\n")
        end = outcome(run(tool, f"--cluster={level}", f"--script={script}", *args))
        expect(end == reference, f"{level}: {end}, not {reference}")


@case()
def host_clock(tool):
    """There nothing is exact; the guest judges itself, and its windows are open when it is saved."""
    for name, ms in (("irqmix", 60), ("pic", 60), ("keyboard", 100), ("modex", 60), ("blit13", 60), ("ide", 60)):
        args, state = guest_args(tool, name), tool.scratch / f"{name}.state"
        for save, load in (("on", "on"), ("on", "off"), ("off", "on")):
            script = script_of(tool, ms, [state], "quit")
            state.unlink(missing_ok=True)
            run(tool, f"--cluster={save}", f"--script={script}", *args, clock="host")
            if not state.exists():
                continue
            end = run(tool, f"--cluster={load}", f"--load-state={state}", *args, clock="host", status=(1,))
            expect(end["end"]["reason"] == "exit_port", f"{name}: ended by {end['end']}")


def refused(tool, what, *args, state, status=2):
    ended = tool.run("run", "--clock=access", f"--load-state={state}", *args).expect_status(status)
    ended.expect(what in ended.err and str(state) in ended.err, f'"{what}" and the file\'s name were not said')


@case()
def refusals(tool):
    args, state = guest_args(tool, "ide"), tool.scratch / "good.state"
    disk, image = tool.guest("ide-disk"), tool.guest("ide")
    run(tool, f"--script={script_of(tool, 40, [state], 'quit')}", *args, status=(0,))
    good = state.read_bytes()

    def bad(name, content):
        return tool.file(name, content)

    refused(tool, "not a state", *args, state=bad("magic", b"X" + good[1:]))
    refused(tool, "not a state", *args, state=bad("empty", b""))
    refused(tool, "another version", *args, state=bad("version", good[:8] + b"\xff\xff\0\0" + good[12:]))
    refused(tool, "cut off", *args, state=bad("short", good[:-1]))
    refused(tool, "cut off", *args, state=bad("shorter", good[:12]))
    refused(tool, "behind the end", *args, state=bad("long", good + b"\0"))
    middle = len(good) // 2
    refused(tool, "checksum", *args, state=bad("changed", good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:]))
    refused(tool, "No such file", *args, state=tool.scratch / "missing")
    refused(tool, "directory", *args, state=tool.scratch)
    refused(tool, "16 MiB", "--ram=32", *args, state=state)
    refused(tool, "exit port", "--exit-port=f6", *args, state=state)
    refused(tool, "hard disk 1", "--snapshot", image, state=state)
    second = tool.file("second.img", disk.read_bytes())
    refused(tool, "hard disk 2", f"--hdb={second}", *args, state=state)
    ended = tool.run("run", "--clock=host", f"--load-state={state}", *args).expect_status(2)
    ended.expect("--clock=access" in ended.err, "the clock was not named")


@case()
def overlay_needs_snapshot(tool):
    """What was written to memory instead of the image cannot be loaded without --snapshot."""
    image, state = tool.scratch / "disk.img", tool.scratch / "late.state"
    image.write_bytes(tool.guest("ide-disk").read_bytes())
    run(tool, "--snapshot", f"--hda={image}", f"--save-state={state}", tool.guest("ide"))
    before = image.read_bytes()
    refused(tool, "--snapshot", f"--hda={image}", tool.guest("ide"), state=state)
    expect(image.read_bytes() == before, "the image was changed")


@case()
def failures_lose_nothing(tool):
    args = guest_args(tool, "planar")
    reference = outcome(run(tool, *args))
    # A save that cannot be made leaves the old file, and says so; so does one over a folder that is not there.
    ended = tool.run("run", "--clock=access", f"--save-state={tool.scratch}/no/such.state", *args)
    ended.expect_status(2)
    kept = tool.file("kept.state", "precious")
    script = tool.file("bad.txt", f"wait 20ms\nload {kept}\n")
    ended = tool.run("run", "--clock=access", f"--script={script}", *args).expect_status(1)
    ended.expect("not a state" in ended.err, "the reason was not said")
    expect(kept.read_text() == "precious", "the file was changed")
    full = tool.file("full.txt", "wait 20ms\nsave /dev/full\n")
    tool.run("run", "--clock=access", f"--script={full}", *args).expect_status(1)
    crashed = tool.run("run", "--clock=access", f"--save-state={kept}", tool.guest("crash")).expect_status(70)
    crashed.expect("not saved" in crashed.err and kept.read_text() == "precious", "a crash was saved")
    expect(outcome(run(tool, f"--save-state={tool.scratch}/end.state", *args)) == reference, "saving changed the end")
    expect((tool.scratch / "end.state").exists(), "nothing was saved at the end")


@case()
def interrupted(tool):
    """Ctrl-C and --timeout save too."""
    args, state = guest_args(tool, "retrace"), tool.scratch / "timeout.state"
    tool.run("run", "--timeout=0.05", "--clock=access", f"--save-state={state}", *args).expect_status(124, 1)
    expect(state.exists(), "nothing was saved")
    reference = outcome(run(tool, *args))
    if tool.run("run", "--clock=access", f"--load-state={state}", *args).status == 1:
        end = outcome(run(tool, f"--load-state={state}", *args))
        expect(end == reference, f"{end}, not {reference}")


def sections(data):
    """Where the sections of a state are: (first, behind the last)."""
    at, found = 20, []
    while at < len(data) - 8:
        name_end = at + 1 + data[at]
        length = int.from_bytes(data[name_end:name_end + 8], "little")
        found.append((at, name_end + 8 + length))
        at = name_end + 8 + length
    return found


@case()
def corrupt(tool):
    """Wrong bytes with a right checksum: refused, or the guest does whatever it then does. huddle neither crashes nor hangs."""
    seal, rounds = tool.cache / "seal_state", int(os.environ.get("HUDDLE_CORRUPTIONS", "40"))
    state, bad = tool.scratch / "good.state", tool.scratch / "bad.state"
    args = guest_args(tool, "ide")
    run(tool, f"--script={script_of(tool, 40, [state], 'quit')}", *args, status=(0,))
    good, choose, statuses = state.read_bytes(), random.Random(1), {}
    for i in range(rounds):
        data, places = bytearray(good), sections(good)
        for _ in range(choose.randint(1, 4)):
            # The processor is the last one; of the others the beginning says more than RAM or planes.
            first, end = places[-1] if choose.random() < 0.5 else choose.choice(places)
            data[choose.randrange(first, min(end, first + 900))] = choose.choice((0, 1, 0x7F, 0x80, 0xFF, choose.randrange(256)))
        bad.write_bytes(data)
        subprocess.run([seal, bad], check=True)
        level = LEVELS[i % len(LEVELS)]
        ended = tool.run("run", "--clock=access", "--timeout=1", f"--cluster={level}", f"--load-state={bad}", *args, limit=30)
        statuses[ended.status] = statuses.get(ended.status, 0) + 1
    print(f"statuses: {statuses}")
    expect(statuses.get(2), "nothing was refused")


if __name__ == "__main__":
    main(__doc__)

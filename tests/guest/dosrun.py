#!/usr/bin/env python3
"""Programs of DOS from the command line: `huddle run PROGRAM`, `huddle run DIRECTORY`, -c, drives, standard input and output, the
errorlevel, saved states, the kept self-test; what calls of DOS cost in exits; the same stream at every level."""

import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from harness import Skip, case, expect, main

LIMIT = 60
LEVELS = ("off", "window", "on")


def place(tool, name="CALLS.COM", folder="c"):
    """The program in a folder of its own."""
    directory = tool.scratch / folder
    directory.mkdir(exist_ok=True)
    shutil.copy(tool.cache / "doscalls.com", directory / name)
    return directory


def lines(text):
    return [line for line in text.replace("\r", "").split("\n") if line]


def environment(tool):
    """A cache that is empty at first."""
    return {**os.environ, "XDG_CACHE_HOME": str(tool.scratch / "cache")}


@case()
def program(tool):
    """Its arguments, output, errorlevel; long and odd names of the host."""
    directory = place(tool)
    ended = tool.run("run", directory / "CALLS.COM", "/x", "two words").expect_status(7)
    ended.expect(lines(ended.out) == [" /x two words"], "other output")
    ended.expect(not ended.err, "something on standard error")
    for name in ("calls program.com", "Calls.Com", "callsprogram.COM"):
        shutil.copy(directory / "CALLS.COM", directory / name)
        tool.run("run", directory / name).expect_status(7)
    tool.run("run", directory / "NOWHERE.COM").expect_status(2)
    tool.file("c/bad.exe", b"MZ" + bytes(10))
    ended = tool.run("run", directory / "bad.exe").expect_status(2)
    ended.expect("no program" in ended.err, "no reason")


@case()
def input_and_output(tool):
    """Standard input feeds CON, and its end is a file's end."""
    directory = place(tool)
    for level in LEVELS:
        ended = subprocess.run([str(tool.program), "run", f"--cluster={level}", str(directory / "CALLS.COM"), "c"],
                               input="first line\nsecond\n", capture_output=True, text=True, timeout=LIMIT, cwd=tool.scratch)
        expect(ended.returncode == 7, f"{level}: status {ended.returncode}: {ended.stderr}")
        expect(lines(ended.stdout) == [" c", "FIRST LINE", "SECOND"], f"{level}: {ended.stdout!r}")


@case()
def commands(tool):
    """-c: one after the other, the status of the last; files, redirection, a batch file, AUTOEXEC.BAT."""
    directory = place(tool)
    tool.file("c/AUTOEXEC.BAT", "@echo off\r\nset FROM=autoexec\r\n")
    tool.file("c/go.bat", "@echo off\r\necho batch %1\r\ncalls\r\n")
    ended = tool.run("run", "-c", "echo made > NEW.TXT", "-c", "type new.txt", "-c", "calls a", directory).expect_status(7)
    ended.expect([line.strip() for line in lines(ended.out)] == ["made", "a"], "other output")
    expect((directory / "new.txt").read_bytes().strip() == b"made", "no file on the host")
    tool.run("run", "-c", "calls", "-c", "dir", directory).expect_status(0)
    tool.run("run", "-c", "if exist nowhere\\nul calls", directory).expect_status(0)
    ended = tool.run("run", "--autoexec", "-c", "echo %FROM%", directory).expect_status(0)
    ended.expect(lines(ended.out) == ["autoexec"], "AUTOEXEC.BAT was not honoured")
    ended = tool.run("run", directory / "go.bat", "word").expect_status(7)
    ended.expect(lines(ended.out)[0].strip() == "batch word", "other output")


@case()
def drives(tool):
    """Another directory, read-only; an image; nothing outside of them."""
    directory = place(tool)
    other = tool.scratch / "other"
    other.mkdir()
    (other / "there.txt").write_text("there\r\n")
    (tool.scratch / "secret.txt").write_text("secret\r\n")
    (other / "link.txt").symlink_to(tool.scratch / "secret.txt")
    ended = tool.run("run", f"--mount=d={other}:ro", "-c", "type d:there.txt", "-c", "copy calls.com d:", "-c",
                     "type d:..\\secret.txt", "-c", "type d:link.txt", directory)
    ended.expect("there" in ended.out and "secret" not in ended.out.replace("secret.txt", ""), "other output")
    expect(sorted(p.name for p in other.iterdir()) == ["link.txt", "there.txt"], "a read-only drive was written")
    if not shutil.which("mkfs.fat"):
        raise Skip("mkfs.fat (package dosfstools) is not there")
    image = tool.scratch / "floppy.img"
    image.write_bytes(bytes(1474560))
    subprocess.run(["mkfs.fat", str(image)], check=True, capture_output=True)
    tool.run("run", f"--mount=a={image}", "-c", "copy calls.com a:", "-c", "a:calls", directory).expect_status(7)
    subprocess.run(["fsck.fat", "-n", str(image)], check=True, capture_output=True)


@case()
def full_disk(tool):
    """A write takes what fits, without an error; the shell says so and removes what it could not copy whole."""
    if not shutil.which("mkfs.fat"):
        raise Skip("mkfs.fat (package dosfstools) is not there")
    directory = place(tool)
    shutil.copy(tool.cache / "dosfull.com", directory / "FULL.COM")
    tool.file("c/BIG.BIN", os.urandom(200000))
    image = tool.scratch / "floppy.img"
    for level in LEVELS:
        image.write_bytes(bytes(160 << 10))
        subprocess.run(["mkfs.fat", str(image)], check=True, capture_output=True)
        ended = tool.run("run", f"--cluster={level}", f"--mount=a={image}", "-c", "copy big.bin a:", directory).expect_status(1)
        ended.expect("Insufficient disk space" in ended.out, "no reason")
        ended = tool.run("run", f"--cluster={level}", f"--mount=a={image}", directory / "FULL.COM")
        free = subprocess.run(["mdir", "-i", str(image)], capture_output=True, text=True, check=False).stdout
        ended.expect(lines(ended.out) == ["full"] and ended.status < 41, f"{level}: other output")
        expect(not free or " 0 bytes free" in free, f"{level}: {free}")
        subprocess.run(["fsck.fat", "-n", str(image)], check=True, capture_output=True)


@case()
def exits(tool):
    """A hundred thousand calls of DOS leave the regions, not the monitor; a call leaves once."""
    directory = place(tool)
    stats = tool.scratch / "stats.json"
    tool.run("run", f"--stats={stats}", directory / "CALLS.COM", "n").expect_status(7)
    run = json.loads(stats.read_text())
    print(f"{run['exits']['total']} exits")
    expect(run["exits"]["total"] < 1000, "calls of DOS are exits")
    left = run["clusters"]["left"]
    expect(100000 <= left["request"] < 101000, f"left for requests {left['request']} times")


@case()
def compared(tool):
    """The guest cannot tell the levels apart."""
    directory = place(tool)
    tool.run("ab", "--variants=off,window,on", "--windows=none", directory / "CALLS.COM", "n", limit=300).expect_status(0)


@case()
def self_test_is_kept(tool):
    """The second run begins behind the firmware's self-test, and is the same; a damaged state is made anew."""
    directory = place(tool)
    env = environment(tool)
    stats = tool.scratch / "stats.json"
    outputs, exits_made = [], []
    for turn in range(4):
        if turn == 2:
            for kept in (tool.scratch / "cache" / "huddle").iterdir():
                kept.write_bytes(kept.read_bytes()[:1000])
        ended = tool.run("run", "--cluster=off", f"--stats={stats}", directory / "CALLS.COM", "x", env=env).expect_status(7)
        outputs.append(ended.out)
        exits_made.append(json.loads(stats.read_text())["exits"]["total"])
    print(exits_made)
    expect(len(set(outputs)) == 1, f"other output: {outputs}")
    expect(exits_made[1] * 10 < exits_made[0] and exits_made[3] * 10 < exits_made[2], "the self-test was run again")
    expect(exits_made[2] * 2 > exits_made[0], "a damaged state was taken")


@case()
def self_test_is_kept_once(tool):
    """INT 19h of a program does not replace what is kept; a kept state in which DOS runs already is not begun with."""
    directory, env = place(tool), environment(tool)
    shutil.copy(tool.cache / "dosreset.com", directory / "RESETS.COM")
    stats, state = tool.scratch / "stats.json", tool.scratch / "running.state"

    def exits_of_calls():
        tool.run("run", "--cluster=off", f"--stats={stats}", directory / "CALLS.COM", env=env).expect_status(7)
        return json.loads(stats.read_text())["exits"]["total"]

    ended = subprocess.run([str(tool.program), "run", str(directory / "RESETS.COM")], input="i", capture_output=True, text=True,
                           timeout=LIMIT, cwd=tool.scratch, env=env)
    expect(ended.returncode == 70, f"status {ended.returncode}: {ended.stderr}")
    kept = list((tool.scratch / "cache" / "huddle").iterdir())
    expect(len(kept) == 1, f"kept: {kept}")
    after = exits_of_calls()
    script = tool.file("save.txt", f'wait 2s\nsave {state}\nquit 5\n')
    tool.run("run", f"--script={script}", directory / "RESETS.COM", env=env).expect_status(5)
    shutil.copy(state, kept[0])
    anew, again = exits_of_calls(), exits_of_calls()
    print(f"{after}, {anew}, {again} exits")
    expect(after * 10 < anew and again * 10 < anew, f"{after}, {anew}, {again} exits")


@case()
def ctrl_c(tool):
    """INT 23h: the program's handler returns, and the call is made again; or ends the program. The shell's own."""
    directory = place(tool)
    shutil.copy(tool.cache / "dosbreak.com", directory / "STOPS.COM")
    script = tool.file("break.txt", 'wait-text "C:\\\\>"\ntype "stops\\n"\nwait 300ms\ntype "ab"\nkey ctrl-c\nwait 300ms\nkey ctrl-c\n'
                       'wait 300ms\ntype "x"\nkey ctrl-c\nwait 300ms\ntype "pause\\n"\nwait 300ms\nkey ctrl-c\nwait 300ms\ntext\nquit\n')
    for level in LEVELS:
        ended = tool.run("run", f"--cluster={level}", "--clock=access", "--serial=none", f"--script={script}", directory)
        shown = [line.rstrip() for line in ended.expect_status(0).out.splitlines()]
        shown = shown[-shown[::-1].index("C:\\>stops") - 1:] if "C:\\>stops" in shown else shown
        expected = ["C:\\>stops", "ab^C", "!^C", "!x^C", "!", "C:\\>pause", "Press any key to continue . . .^C", "C:\\>"]
        ended.expect([line for line in shown if line] == expected, f"{level}: other text: {shown}")


@case()
def reset(tool):
    """A program that resets the machine has ended; a prompt comes again, without what was lost with memory."""
    directory, env = place(tool), environment(tool)
    shutil.copy(tool.cache / "dosreset.com", directory / "RESETS.COM")
    for key, *arguments in (("x", directory / "RESETS.COM"), ("i", directory / "RESETS.COM"),
                            ("x", "-c", "resets", "-c", "echo not reached", directory)):
        ended = subprocess.run([str(tool.program), "run", *map(str, arguments)], input=key, capture_output=True, text=True,
                               timeout=LIMIT, cwd=tool.scratch, env=env)
        expect(ended.returncode == 70, f"status {ended.returncode}: {ended.stderr}")
        expect(lines(ended.stdout) == ["running"], f"other output: {ended.stdout!r}")
        expect("the machine was reset while" in ended.stderr and "eflags" not in ended.stderr, f"other message: {ended.stderr}")
    for key in "xi":  # what was read of the input is not lost with memory
        ended = subprocess.run([str(tool.program), "run", str(directory)], input=f"resets\n{key}\necho {key} >> IN.TXT\nexit\n",
                               capture_output=True, text=True, timeout=LIMIT, cwd=tool.scratch, env=env)
        expect(ended.returncode == 0, f"status {ended.returncode}: {ended.stderr}")
    expect((directory / "in.txt").read_bytes().split() == [b"x", b"i"], "other contents")
    script = tool.file("reset.txt", 'wait-text "C:\\\\>"\ntype "set LOST=1\\n"\nwait 300ms\ntype "resets\\nx"\nwait 3s\n'
                       'wait-text "C:\\\\>"\ntype "t\\n"\nwait 500ms\n'
                       'type "set LOST=1\\n"\nwait 300ms\ntype "resets\\ni"\nwait 1s\nwait-text "C:\\\\>"\ntype "t\\n"\nwait 500ms\ntext\nquit\n')
    tool.file("c/T.BAT", "@echo [%LOST%]>>R.TXT\r\n")
    for level in LEVELS[1:]:
        tool.run("run", f"--cluster={level}", "--clock=access", f"--script={script}", directory, env=env).expect_status(0)
        expect((directory / "r.txt").read_bytes() == b"[]\r\n" * 2, f"{level}: other contents")
        (directory / "r.txt").unlink()


@case()
def retrace(tool):
    """A program of DOS, which runs with A20 off, that waits for the retrace lets the processor sleep."""
    directory, stats = place(tool), tool.scratch / "stats.json"
    shutil.copy(tool.cache / "dosretrace.com", directory)
    tool.run("run", f"--stats={stats}", directory / "dosretrace.com").expect_status(0)
    run = json.loads(stats.read_text())
    expect(run["polls"] >= 20, f"{run['polls']} of 60 waits were found, with {run['accesses']:,} accesses")


@case()
def saved_while_a_line_is_typed(tool):
    """A state in the middle of a call of DOS, with a file open in the shell's redirection."""
    directory = place(tool)
    state = tool.scratch / "half.state"
    first = tool.file("first.txt", f'wait-text "C:\\\\>"\ntype "echo half"\nwait 300ms\nsave {state}\nquit 5\n')
    second = tool.file("second.txt", 'type " done > R.TXT\\n"\nwait 300ms\ntype "exit\\n"\nwait 5s\n')
    tool.run("run", f"--script={first}", directory).expect_status(5)
    for level in LEVELS:
        tool.run("run", f"--cluster={level}", f"--load-state={state}", f"--script={second}", directory).expect_status(0)
        expect((directory / "r.txt").read_bytes().split() == [b"half", b"done"], f"{level}: other contents")
        (directory / "r.txt").unlink()


if __name__ == "__main__":
    main(__doc__)

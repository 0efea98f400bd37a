#!/usr/bin/env python3
"""What people get wrong: each mistake must end huddle at once with a message that names what was wrong, and with a
status that is not 0; never with a signal, and never not at all."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from harness import NOBODY, Skip, case, expect, main

USAGE, FAILED, HOST_ERROR = 2, 1, 71
EXIT = 0  # guest_flag of probe.asm
COMMANDS = ("run", "ab", "clusters", "doctor")
GUEST_COMMANDS = ("run", "ab", "clusters")
LIMIT = 20
FLOPPY_BYTES = 1474560
BIOS_BYTES = 128 << 10


def expect_refused(ended, *names, statuses=(USAGE,)):
    """A message on standard error that has one of each of `names`; nothing on standard output."""
    ended.expect_status(*statuses)
    for name in names:
        wanted = (name,) if isinstance(name, str) else name
        ended.expect(any(one in ended.err for one in wanted), f"the message does not say {' or '.join(wanted)}")
    ended.expect(all(line.startswith("huddle: ") for line in ended.err.splitlines()), "a message without huddle's name")
    ended.expect(not ended.out, "something on standard output")


def good_image(tool):
    return tool.patched("probe", flag=EXIT, to="good.img")


# --- options ---

JUNK = ("", "junk", "-1", "0", "0x10", "1 ", " 1", "1.5.5", "99999999999999999999999", "1e9", "none,none", ",", "%s%n",
        "\N{EURO SIGN}", "\x01\x02", "x" * 5000, "*", "nan")
# What every string is good for, by the name of the value in the help: only these may be wrong.
JUNK_FOR = {
    "TEXT": ("",),
    **dict.fromkeys(("FILE", "FILE.png", "FILE.json", "FILE.html", "FILE.svg", "FILE.csv", "PATH", "FILE|-", "stdio|FILE|none"),
                    ("", "/nonexistent/folder/file", "/", "x" * 5000)),
}
# Junk elsewhere, but right there.
VALID = {("exit-port", "1e9")}


def options_of(tool, command):
    """(name, value's name or None, whether the value may be left out) of each option, from the help, so that new ones are
    tested too."""
    text = tool.run(command, "--help").expect_status(0).out
    found = re.findall(r"^  --([a-z][a-z-]*)(\[?)(?:=([^\s\]]+)\]?)?(?: |$)", text, re.MULTILINE)
    expect(len(found) >= (4 if command == "doctor" else 15), f"only these options in the help: {found}")
    return [(name, value or None, bool(optional)) for name, optional, value in found]


def image_args(tool, command):
    return [] if command == "doctor" else [good_image(tool)]


@case(kvm=False)
def option_values(tool):
    """Each option of each command with values it cannot have."""
    tested = 0
    for command in COMMANDS:
        for name, value, _ in options_of(tool, command):
            if not value:
                continue
            for junk in JUNK_FOR.get(value, JUNK):
                if (name, junk) in VALID:
                    continue
                try:
                    ended = tool.run(command, f"--{name}={junk}", *image_args(tool, command), limit=LIMIT)
                except OSError:
                    continue  # the kernel does not pass such an argument
                if command == "doctor":
                    # It looks at the file and says what it thinks of it.
                    ended.expect_status(USAGE, FAILED)
                    ended.expect(f"--{name}" in ended.err or "PROBLEM" in ended.out, "no problem found")
                else:
                    expect_refused(ended, (f"--{name}", junk[:60] or f"--{name}"))
                tested += 1
    expect(tested > 200, f"only {tested} values were tested")
    print(f"{tested} values")


@case(kvm=False)
def option_forms(tool):
    """A value missing, a value too many, an option twice, one that there is not, one of another command."""
    image = good_image(tool)
    for command in GUEST_COMMANDS:
        for name, value, optional in options_of(tool, command):
            if name in ("help", "version") or optional:
                continue
            if value:
                expect_refused(tool.run(command, image, f"--{name}"), f"--{name}", "needs a value")
                continue
            expect_refused(tool.run(command, f"--{name}=yes", image), f"--{name}", "takes no value")
            expect_refused(tool.run(command, f"--{name}", f"--{name}", image), f"--{name}", "twice")
        expect_refused(tool.run(command, "--no-such-option", image), "--no-such-option")
        expect_refused(tool.run(command, "--rram=4", image), "--ram")
        expect_refused(tool.run(command, "-x", image), "-x")
        expect_refused(tool.run(command, image, image), str(image)[:40], "only one image")
        expect_refused(tool.run(command), "nothing to run")
        expect_refused(tool.run(command, ""), "empty")
    expect_refused(tool.run("run", "--json=x.json", image), "--json", "ab")
    expect_refused(tool.run("ab", "--clock=host", image), "--clock")
    expect_refused(tool.run("doctor", image), "no image")
    expect_refused(tool.run(), "command")
    expect_refused(tool.run("rum", image), "rum", "run")
    expect_refused(tool.run(image), "huddle run")


@case(kvm=False)
def option_contradictions(tool):
    image = good_image(tool)
    expect_refused(tool.run("run", "--cluster=off", "--cluster-window=8", image), "--cluster-window")
    expect_refused(tool.run("run", "--boot=c", image), "--boot=c", "--hda")
    expect_refused(tool.run("run", f"--fda={image}", image), "--fda")
    expect_refused(tool.run("run", f"--stats={image}", image), "--stats", "same file")
    expect_refused(tool.run("run", "--stats=x.json", "--debugcon=x.json", image), "--stats", "--debugcon")
    expect_refused(tool.run("run", f"--hdb={image}"), "--hdb")
    expect_refused(tool.run("run", "--perf-map=x.map", "--dump-clusters=x.map", image), "--perf-map", "--dump-clusters")
    expect_refused(tool.run("run", "--executor=interp", "--code-cache=1M", image), "--code-cache", "--executor=interp")
    expect_refused(tool.run("run", "--executor=interp", "--stress=slow", image), "--stress", "--executor=interp")
    expect_refused(tool.run("ab", "--perf-map=x.map", image), "--perf-map=x.map", "'huddle ab'")
    expect_refused(tool.run("clusters", "--cluster=off", image), "--cluster=off")
    expect_refused(tool.run("clusters", "--stats=x.json", image), "--stats", "--json")
    expect_refused(tool.run("clusters", f"--json={image}", image), "--json", "same file")
    expect_refused(tool.run("ab", "--variants=off", image), "--variants")
    expect_refused(tool.run("ab", "--variants=off,off", image), "--variants", "twice")
    expect_refused(tool.run("ab", "--variants=off,pairs,window,on,window:4,window:5", image), "--variants")


# --- images ---

def expect_bad_image(tool, path, *names, options=("", "--fda=", "--hda=")):
    for option in options:
        for command in GUEST_COMMANDS:
            ended = tool.run(command, f"{option}{path}", *(["--windows=none"] if command == "ab" else []), limit=LIMIT)
            expect_refused(ended, str(path)[:100], *names)


@case(kvm=False)
def image_not_a_file(tool):
    expect_bad_image(tool, tool.scratch / "nowhere.img", "No such file")
    for command in GUEST_COMMANDS:
        expect_refused(tool.run(command, f"--hda={tool.scratch}", limit=LIMIT), "directory")
    expect_bad_image(tool, "/dev/null", ("some other kind of file", "not a regular file"))
    expect_bad_image(tool, "/dev/zero", ("some other kind of file", "not a regular file"))
    loop = tool.scratch / "loop.img"
    loop.symlink_to(loop)
    expect_bad_image(tool, loop, "symbolic links")


@case(kvm=False)
def image_pipe(tool):
    """Opening a pipe that nobody writes to must not hang."""
    pipe = tool.scratch / "pipe.img"
    os.mkfifo(pipe)
    expect_bad_image(tool, pipe, ("some other kind of file", "not a regular file"))


@case(kvm=False)
def image_sizes(tool):
    """Sizes that no disk has. A hard disk's may be any multiple of a sector, so they are tried as floppies too."""
    expect_bad_image(tool, tool.file("empty.img", b""), "empty")
    for bytes_there in (1, 100, 511):
        expect_bad_image(tool, tool.file(f"{bytes_there}.img", b"\xf4" * bytes_there))
    odd = bytearray(good_image(tool).read_bytes()) + b"\0"
    expect_bad_image(tool, tool.file("odd.img", bytes(odd)))
    expect_bad_image(tool, tool.file("short.img", bytes(odd[:FLOPPY_BYTES - 100])))
    big = tool.file("big.img", b"")
    with open(big, "r+b") as file:
        file.truncate(64 << 20)
    expect_bad_image(tool, big, options=("--fda=",))
    with open(big, "r+b") as file:
        file.truncate(1 << 40)
    expect_bad_image(tool, big)


@case(kvm=False)
def image_unreadable(tool):
    image = good_image(tool)
    image.chmod(0)
    if os.geteuid() == 0:
        ended = tool.as_nobody("run", image)
    else:
        ended = tool.run("run", image)
    expect_refused(ended, str(image)[:100], "Permission denied")
    image.chmod(0o644)


@case()
def image_without_system(tool):
    """Nothing bootable: the firmware says so, and the run goes on until something ends it."""
    for content in (b"\0", b"\xff", b"\x55\xaa"):
        image = tool.file("blank.img", (content * FLOPPY_BYTES)[:FLOPPY_BYTES])
        ended = tool.run("run", "--until-text=No bootable device", "--timeout=5", image)
        # Code FFh raises exceptions for ever; what is not bootable is the firmware's business.
        ended.expect_status(0, 124, 70)


# --- firmware ---

@case(kvm=False)
def firmware(tool):
    image = good_image(tool)
    text = tool.file("text.bin", "This is a text file.\n" * 200)
    good = pathlib.Path("/usr/share/seabios/bios.bin")
    for option in ("--bios", "--vgabios"):
        bad = [(tool.scratch / "nowhere.bin", "No such file"), (text, "size" if option == "--bios" else "signature"),
               (tool.file("empty.bin", b""), ""), (tool.scratch, "directory"),
               (tool.file("zeros.bin", bytes(BIOS_BYTES)), ""), (tool.file("odd.bin", bytes(BIOS_BYTES - 1)), ""),
               (tool.file("huge.bin", bytes(32 << 20)), "")]
        if good.exists():
            bad.append((tool.file("cut.bin", good.read_bytes()[:-1000]), ""))
        for path, word in bad:
            ended = tool.run("run", f"{option}={path}", image, limit=LIMIT)
            expect_refused(ended, str(path)[:100], word, "seabios")
            ended = tool.run("doctor", f"{option}={path}", limit=LIMIT).expect_status(FAILED)
            ended.expect(str(path)[:60] in ended.out and "seabios" in ended.out, "doctor does not say what is wrong")


# --- the host ---

@case(kvm=False)
def kvm_not_allowed(tool):
    """A user who may not open /dev/kvm is told so, and by doctor what to do."""
    if os.path.exists("/dev/kvm") and os.stat("/dev/kvm").st_mode & 0o006:
        raise Skip("everybody may open /dev/kvm here")
    if not os.path.exists("/dev/kvm"):
        raise Skip("there is no /dev/kvm here")
    image = good_image(tool)
    image.chmod(0o644)
    for command in (["run"], ["clusters"], ["ab", "--windows=none"]):
        ended = tool.as_nobody(*command, image)
        ended.expect_status(HOST_ERROR)
        ended.expect("/dev/kvm" in ended.err and "ermission" in ended.err, "the message does not name /dev/kvm")
        ended.expect("group kvm" in ended.err, "the message does not say what to do")
    ended = tool.as_nobody("doctor").expect_status(FAILED)
    ended.expect("you may not open it" in ended.out and "usermod" in ended.out, "doctor does not say what to do")


def with_other_kvm(tool, source, *args):
    """Runs in a mount namespace where /dev/kvm is something else."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or not unshare or not os.path.exists("/dev/kvm"):
        raise Skip("needs root, unshare and a /dev/kvm to hide")
    prefix = [unshare, "--mount", "sh", "-c", f'mount --bind {source} /dev/kvm && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL).returncode:
        raise Skip("mount namespaces cannot be made here")
    return tool.finish(tool.start(*args, prefix=prefix))


@case(kvm=False)
def kvm_is_something_else(tool):
    image = good_image(tool)
    for source in ("/dev/null", image):
        ended = with_other_kvm(tool, source, "run", image).expect_status(HOST_ERROR)
        ended.expect("/dev/kvm" in ended.err, "the message does not name /dev/kvm")
        with_other_kvm(tool, source, "doctor").expect_status(FAILED)


@case(kvm=False)
def outputs(tool):
    """A result that could not be written is refused before the guest runs."""
    image = good_image(tool)
    bad = ("/nonexistent/folder/file", str(tool.scratch), "/proc/version/x")
    for path in bad:
        for option in ("--stats", "--screenshot", "--debugcon", "--serial", "--dump-clusters", "--perf-map"):
            expect_refused(tool.run("run", f"{option}={path}", image, limit=LIMIT), option)
        expect_refused(tool.run("clusters", f"--json={path}", image, limit=LIMIT), "--json")
    full = pathlib.Path("/dev/full")
    if full.exists():
        ended = tool.run("ab", "--windows=none", "--json=/dev/full", image)
        ended.expect_status(HOST_ERROR)
        ended.expect("/dev/full" in ended.err, "the message does not name the file")
        ended = tool.run("clusters", "--json=/dev/full", image).expect_status(HOST_ERROR)
        ended.expect("/dev/full" in ended.err, "the message does not name the file")
        # The guest's own status says that all is well, the message that the listing is not there.
        ended = tool.run("run", "--dump-clusters=/dev/full", image)
        ended.expect("--dump-clusters=/dev/full" in ended.err, "the message does not name the file")


# --- scripts ---

@case(kvm=False)
def script_errors(tool):
    """A line that cannot be understood is named by file and number, before anything runs."""
    image = good_image(tool)
    bad = ("dance", "wait", "wait 5", "wait 5 s", "wait -1s", "wait-text", "wait-text abc", 'wait-text "abc', 'wait-text ""',
           'wait-text "a" soon', "type", 'type "\\q"', 'type "\N{EURO SIGN}"', "key", "key nokey", "key ctrl-", "mouse",
           "mouse 1", "mouse a b", "mouse 1 2 nose", "screenshot", "cluster", "cluster half", "quit now", "quit 256",
           "quit -1", "text please", "\0", "\x7fELF" + "\xff" * 300, "x" * 100000, "key " + "-".join("a" * 20))
    for line in bad:
        script = tool.file("bad.txt", f"# first\nwait 1ms\n{line}\n")
        for command in GUEST_COMMANDS:
            expect_refused(tool.run(command, f"--script={script}", image, limit=LIMIT), "bad.txt:3:")
    for path, words in ((tool.scratch / "none.txt", "No such file"), (tool.scratch, ("directory", "cannot be read"))):
        expect_refused(tool.run("run", f"--script={path}", image, limit=LIMIT), str(path)[:100], words)
    expect_refused(tool.run("ab", f"--script={tool.file('c.txt', 'cluster on')}", image), "c.txt", "cluster")


if __name__ == "__main__":
    main(__doc__)

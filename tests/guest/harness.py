"""What the guest tests share: finding the program, running it, judging how it ended.

A test file defines cases with @case and ends with main(). Meson runs one case per test; by hand:

    tests/guest/commands.py --build=BUILD --list
    tests/guest/commands.py --build=BUILD crash timeout

Without names all cases of the file run. Status 0: all is well, 1: something is not, 77: skipped.
Environment: HUDDLE, HUDDLE_IMAGES, HUDDLE_CACHE (instead of --build); HUDDLE_SLOW, a factor for all time limits
(sanitizers, a loaded host); HUDDLE_NEED_KVM=1: a host without KVM is a failure, not a reason to skip."""

import argparse
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import traceback

SKIPPED = 77
SOURCE = pathlib.Path(__file__).resolve().parents[2]
SLOW = float(os.environ.get("HUDDLE_SLOW", "1"))
NOBODY = 65534
# What a sanitizer says; the program must never make one speak.
SANITIZER = re.compile(r"Sanitizer|runtime error:|BUG:")
SHOWN_LINES = 60


class Failed(Exception):
    """The program does not do what it should."""


class Skip(Exception):
    """The test cannot be run here."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Ended:
    """How a run of the program ended."""

    def __init__(self, command, status, out, err, seconds):
        self.command, self.status, self.out, self.err, self.seconds = command, status, out, err, seconds

    def expect(self, condition, text):
        """Like expect(), with what the program said."""
        if not condition:
            raise Failed(f"{text}\n{self}")

    def expect_status(self, *statuses):
        self.expect(self.status in statuses, f"status {self.status} instead of {' or '.join(map(str, statuses))}")
        return self

    def __str__(self):
        def tail(name, text):
            lines = text.splitlines()
            cut = [f"... {len(lines) - SHOWN_LINES} lines left out"] if len(lines) > SHOWN_LINES else []
            return [f"--- {name}"] + cut + lines[-SHOWN_LINES:]

        words = [word if len(word) < 200 else word[:200] + "..." for word in self.command]
        head = [f"$ {shlex.join(words)}", f"status {self.status} after {self.seconds:.1f} s"]
        return "\n".join(head + tail("stdout", self.out) + tail("stderr", self.err))


def judge(ended):
    """What holds for every run, whatever was asked for."""
    ended.expect(ended.status >= 0, f"huddle died of signal {-ended.status}")
    ended.expect(not SANITIZER.search(ended.err), "huddle has a bug")
    return ended


def stop(process):
    """Ends a run that takes too long, gently if it lets itself be ended: then it says what it was doing."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


class Tool:
    """The program and its images, with a scratch folder."""

    def __init__(self, program, images, cache, scratch):
        self.program, self.images, self.cache, self.scratch = program, images, cache, scratch

    def guest(self, name):
        for folder in (self.images, self.cache):
            path = folder / f"{name}.img"
            if path.exists():
                return path
        raise Failed(f"{name}.img is neither in {self.images} nor in {self.cache}: build it first")

    def patched(self, name, param=None, flag=None, count=None, to="patched.img"):
        """A copy of a guest with other parameters (the offsets of guests/include/boot.inc)."""
        image = bytearray(self.guest(name).read_bytes())
        for offset, size, value in ((0x20, 4, param), (0x24, 1, flag), (0x28, 4, count)):
            if value is not None:
                image[offset:offset + size] = value.to_bytes(size, "little")
        path = self.scratch / to
        path.write_bytes(image)
        return path

    def file(self, name, content):
        path = self.scratch / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def start(self, *args, prefix=(), **popen):
        command = [*prefix, str(self.program), *map(str, args)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=self.scratch, **popen)
        process.command, process.started = command, time.monotonic()
        return process

    def finish(self, process, limit=60):
        """Waits for a process of start(); one that takes longer than the limit (seconds) is a failure."""
        try:
            out, err = process.communicate(timeout=limit * SLOW)
            hung = False
        except subprocess.TimeoutExpired:
            out, err = stop(process)
            hung = True
        ended = Ended(process.command, process.returncode, out.decode(errors="replace"), err.decode(errors="replace"),
                      time.monotonic() - process.started)
        ended.expect(not hung, f"huddle did not end within {limit * SLOW:.0f} s")
        return judge(ended)

    def run(self, *args, limit=60, **popen):
        return self.finish(self.start(*args, **popen), limit)

    def as_nobody(self, *args, limit=60):
        """Runs as a user without any rights; skips where that cannot be done."""
        if os.geteuid() != 0:
            raise Skip("needs root, to run as another user")
        os.chmod(self.scratch, 0o755)
        user = dict(user=NOBODY, group=NOBODY, extra_groups=[])
        for path in (self.program, self.images, self.scratch):
            if subprocess.run(["test", "-r", path], **user).returncode:
                raise Skip(f"another user cannot reach {path}")
        return self.run(*args, limit=limit, **user)


def wait_until(condition, limit, what):
    """Polls; seconds."""
    end = time.monotonic() + limit * SLOW
    while not condition():
        expect(time.monotonic() < end, f"{what}: not within {limit * SLOW:.0f} s")
        time.sleep(0.02)


def need_kvm():
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        return
    expect(os.environ.get("HUDDLE_NEED_KVM") != "1", "/dev/kvm cannot be used, and HUDDLE_NEED_KVM=1 says it must")
    raise Skip("/dev/kvm is not there or may not be used")


CASES = {}


def case(name=None, kvm=True):
    """Registers a case: a function that takes a Tool."""
    def register(function):
        CASES[name or function.__name__.replace("_", "-")] = (function, kvm)
        return function
    return register


def run_case(name, make_tool):
    function, kvm = CASES[name]
    try:
        if kvm:
            need_kvm()
        with tempfile.TemporaryDirectory(prefix="huddle-test-") as scratch:
            function(make_tool(pathlib.Path(scratch)))
        print(f"ok       {name}")
        return 0
    except Skip as why:
        print(f"skipped  {name}: {why}")
        return SKIPPED
    except Failed as why:
        print(f"FAILED   {name}: {why}")
    except Exception:
        print(f"FAILED   {name}: the test itself")
        traceback.print_exc(file=sys.stdout)
    return 1


def add_place_arguments(parser):
    parser.add_argument("--build", type=pathlib.Path, help="meson's build directory")


def tool_maker(args):
    """A function from a scratch folder to a Tool, from --build or the environment."""
    if args.build:
        build = args.build.resolve()
        program, images, cache = build / "src" / "huddle", build / "guests", build / "tests" / "guest"
    else:
        try:
            program, images, cache = (pathlib.Path(os.environ[name]).resolve()
                                      for name in ("HUDDLE", "HUDDLE_IMAGES", "HUDDLE_CACHE"))
        except KeyError as missing:
            sys.exit(f"either --build or {missing} in the environment is needed")
    if not program.exists():
        sys.exit(f"{program} is not there: build it first")
    return lambda scratch: Tool(program, images, cache, scratch)


def main(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_place_arguments(parser)
    parser.add_argument("--list", action="store_true", help="print the cases and end")
    parser.add_argument("case", nargs="*", help="default: all")
    args = parser.parse_args()
    if args.list:
        print("\n".join(CASES))
        return
    for name in args.case:
        if name not in CASES:
            sys.exit(f"{name}: no such case; --list names them")
    make_tool = tool_maker(args)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    statuses = [run_case(name, make_tool) for name in args.case or CASES]
    sys.exit(1 if 1 in statuses else SKIPPED if set(statuses) == {SKIPPED} else 0)

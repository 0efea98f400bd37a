#!/usr/bin/env python3
"""huddle top: on a pseudo-terminal with pyte, and as text and JSON."""

import fcntl
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

sys.dont_write_bytecode = True
from harness import SANITIZER, SLOW, Failed, Skip, case, expect, main, wait_until
from qmp import Client

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, whichever Python this is; pyte has no binary parts
try:
    import pyte
except ImportError:
    pyte = None

TABLE = 2  # guest_flag of typed.asm
HINT = "c clustering on/off   space stop/go on   s screenshot   q leave"


class Guest:
    """A guest that goes on until it is told to end."""

    def __init__(self, tool, *args):
        self.tool, self.path = tool, tool.scratch / "socket"
        self.process = tool.start("run", f"--control={self.path}", *args, tool.patched("typed", flag=TABLE, param=3))
        self.client = Client(self.path)
        self.client.wait(lambda stats: stats["interrupts"] > 20, "it runs")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def status(self):
        return self.client.call("query-status")["status"]

    def level(self):
        return self.client.call("huddle-cluster")["level"]


class Terminal:
    """huddle top in a terminal of its own, whose settings outlive it."""

    def __init__(self, tool, path, rows=24, columns=80, term="xterm-256color", locale="C.UTF-8", folder=None):
        if pyte is None:
            raise Skip("python3-pyte is not installed")
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = b""
        self.master, self.slave = os.openpty()
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(self.slave)
        environment = {**os.environ, "TERM": term, "LC_ALL": locale}
        self.process = subprocess.Popen([tool.program, "top", path], stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        cwd=folder or tool.scratch, env=environment, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def take(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        data = os.read(self.master, 65536)
        self.bytes += data
        self.stream.feed(data)
        return True

    def wait(self, condition, what):
        end = time.monotonic() + 20 * SLOW
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"{what}: not in time; the terminal shows\n" + "\n".join(self.screen.display))
            self.take(0.02)

    def text(self):
        return "\n".join(self.screen.display)

    def shows(self, pattern):
        """A regular expression."""
        self.wait(lambda: re.search(pattern, self.text()), f"the terminal shows {pattern!r}")

    def send(self, data):
        os.write(self.master, data)

    def end(self):
        """It has ended well, and the terminal is as it was."""
        self.wait(lambda: self.process.poll() is not None, "it ends")
        while self.take(0.1):
            pass
        text = self.bytes.decode(errors="replace")
        expect(not SANITIZER.search(text), text[-4000:])
        expect(self.process.returncode == 0, f"status {self.process.returncode}: {text[-1000:]}")
        expect(termios.tcgetattr(self.slave) == self.modes, "the terminal's settings are not what they were")
        expect(text.rfind("\x1b[?1049l") > text.rfind("\x1b[?1049h") >= 0, "the alternate screen was not left")
        expect(text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l"), "the cursor is still hidden")


@case()
def screen(tool):
    """What is on it at 80 x 24; it moves; other sizes; an ASCII locale; leaving."""
    with Guest(tool) as guest:
        with Terminal(tool, guest.path) as t:
            t.shows(r"huddle top +\S*patched\.img +running +cluster on +up [\d.]+ m?s")
            expect(HINT in t.screen.display[23], f"the last line is {t.screen.display[23]!r}")
            for pattern in (r"exits/s +[\d.,-]+", r"avoided/s +[\d.,-]+", r"KVM \d+ %   clusters \d+ %", "by kind",
                            "by port or address", r"avoided/s +by instruction", r"guest +[\d.]+ m?s at [01]\.\d\dx"):
                t.shows(pattern)
            t.shows(r"avoided/s +[\d.,-]+ .*[▁▂▃▄▅▆▇█]{2}")  # two samples that avoided something
            before = re.search(r"guest  +(\S+ \S+) at", t.text())[1]
            t.wait(lambda: before not in t.text(), "time goes by")
            t.resize(50, 120)
            t.wait(lambda: HINT in t.screen.display[49], "the last line follows")
            t.shows("by kind")
            for rows, columns in ((1, 1), (2, 10), (5, 200), (24, 80)):
                t.resize(rows, columns)
                t.send(b"x")  # a key that means nothing
            t.wait(lambda: HINT in t.screen.display[23], "the last line is back")
            t.send(b"q")
            t.end()
        with Terminal(tool, guest.path, term="vt100", locale="C") as t:
            t.shows(r"avoided/s +[\d.,-]+ .*[.:=+*#@-]{2}")
            expect(t.bytes.isascii(), "not ASCII")
            t.process.send_signal(signal.SIGTERM)
            t.wait(lambda: t.process.poll() is not None, "it ends")
            expect(t.process.returncode == 0, f"status {t.process.returncode}")
            expect(termios.tcgetattr(t.slave) == t.modes, "the terminal's settings are not what they were")
        expect(guest.status() == "running", "the guest did not go on")


@case()
def keys(tool):
    """c, space, s: what the guest does, and what is said of it; what another client does is seen, too."""
    folder = tool.scratch / "elsewhere"
    folder.mkdir()
    with Guest(tool) as guest, Terminal(tool, guest.path, folder=folder) as t:
        t.shows("running +cluster on")
        t.send(b"c")
        t.shows("clustering is off")
        t.shows("cluster off")
        expect(guest.level() == "off", f"the level is {guest.level()}")
        t.shows(r"exits/s  by kind[^\n]*\n +[\d,.]+  (port|HLT|kick|memory)")  # now there are some
        t.shows(r"by instruction.*\n +[\d,.]+  [0-9A-F]{4}:[0-9A-F]{4} \w+")
        t.send(b"c")
        t.shows("clustering is on")
        expect(guest.level() == "on", f"the level is {guest.level()}")
        t.send(b" ")
        t.shows("STOPPED")
        expect(guest.status() == "paused", "the guest is not stopped")
        t.shows("at 0.00x")
        t.send(b" ")
        t.shows("the guest goes on")
        expect(guest.status() == "running", "the guest is stopped")
        t.send(b"s")
        t.shows("the screenshot is in")
        pictures = list(folder.glob("huddle-*.png"))
        expect(len(pictures) == 1 and pictures[0].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", f"pictures: {pictures}")
        t.shows(re.escape(pictures[0].name[:20]))
        guest.client.call("stop")
        t.shows("STOPPED")
        guest.client.call("quit")
        t.end()
        expect(b"the guest has ended: a client of --control said quit" in t.bytes, "not told how it ended")


@case()
def guest_dies(tool):
    """The socket closes without a word."""
    with Guest(tool) as guest, Terminal(tool, guest.path) as t:
        t.shows("running")
        guest.process.kill()
        t.wait(lambda: t.process.poll() is not None, "it ends")
        while t.take(0.1):
            pass
        expect(t.process.returncode == 71 and b"is gone" in t.bytes, f"status {t.process.returncode}")
        expect(termios.tcgetattr(t.slave) == t.modes, "the terminal's settings are not what they were")


def ends_after(tool, stats):
    """What becomes of `top --once` on a guest that ends between its two looks."""
    path = tool.scratch / "ends"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        process = tool.start("top", "--once", path)
        connection, _ = listener.accept()
    with connection, connection.makefile("rw", newline="\n") as lines:
        def say(message):
            lines.write(json.dumps(message) + "\r\n")
            lines.flush()
        say({"QMP": {}})
        for reply in ({}, stats):
            say({"return": reply, "id": json.loads(lines.readline())["id"]})
        say({"event": "SHUTDOWN", "data": {"text": "it was enough"}})
    return tool.finish(process).expect_status(0)


@case()
def batch(tool):
    """--once, --json, a pipe; what is no guest."""
    with Guest(tool) as guest:
        for args in (["--once", guest.path], [f"--control={guest.path}"]):
            ended = tool.run("top", *args).expect_status(0)
            ended.expect(not ended.err and "\x1b" not in ended.out, "more than text")
            lines = ended.out.splitlines()
            ended.expect(lines[0].startswith(" huddle top ") and max(map(len, lines)) <= 80, "another form")
            ended.expect(re.search(r"^ avoided/s +[\d,.]+$", ended.out, re.M) and "q leave" not in ended.out, "another text")
        ended = tool.run("top", "--json=-", guest.path).expect_status(0)
        looked = json.loads(ended.out)
        expect(looked["stats"]["status"] == "running" and looked["per_second"]["seconds"] >= 1, f"{looked['per_second']}")
        expect(looked["per_second"]["avoided"] > 0 and looked["per_second"]["speed"] > 0.1, f"{looked['per_second']}")
        tool.run("top", "--json=top.json", guest.path).expect_status(0)
        json.loads((tool.scratch / "top.json").read_text())
        tool.run("top", "--json=/no/where", guest.path).expect_status(71)
        stats = guest.client.call("huddle-stats")
        guest.client.call("quit")
        guest.tool.finish(guest.process)
    ended = ends_after(tool, stats)
    ended.expect("the guest has ended: it was enough" in ended.err and not ended.out, "no word of the end")
    for path, why in ((guest.path, "No such file"), (tool.file("plain", ""), "refused|no guest listens")):
        ended = tool.run("top", path).expect_status(71)
        ended.expect(re.search(why, ended.err) and str(path) in ended.err, "no reason")
    tool.run("top").expect_status(2)
    ended = tool.run("top", "one", "two").expect_status(2)
    ended.expect("one guest at a time" in ended.err, "no reason")


if __name__ == "__main__":
    main(__doc__)

#!/usr/bin/env python3
"""--display=term: huddle on a pseudo-terminal, with pyte as the terminal that somebody looks at."""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

sys.dont_write_bytecode = True
from harness import SANITIZER, SLOW, Failed, Skip, case, expect, main, wait_until

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, whichever Python this is; pyte has no binary parts
try:
    import pyte
except ImportError:
    pyte = None
else:
    class Screen(pyte.Screen):
        """pyte's, which leaves a line where an empty one should come, and cannot scroll by itself (SU, SD)."""

        def delete_lines(self, count=None):
            for y in range(self.lines):
                _ = self.buffer[y]  # makes one of an empty line, too
            super().delete_lines(count)

        def scroll(self, move_lines, count):
            x, y = self.cursor.x, self.cursor.y
            self.cursor.y = self.margins.top if self.margins else 0
            move_lines(count)
            self.cursor.x, self.cursor.y = x, y

        def scroll_up(self, count=None):
            self.scroll(self.delete_lines, count)

        def scroll_down(self, count=None):
            self.scroll(self.insert_lines, count)

    class Stream(pyte.ByteStream):
        csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down"}
        events = pyte.ByteStream.events | {"scroll_up", "scroll_down"}

KEYS, RAW, TABLE = range(3)  # guest_flag of typed.asm
SMALL_FONT, NO_BLINK, BLOCK_CURSOR, ORANGE, EMPTY_PORT = (1 << bit for bit in range(8, 13))
TEXT_40, TEXT_80, GRAPHICS_256 = 0, 3, 0x13
ESCAPE = b"\x1d"
GLYPHS = (" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼" + bytes(range(0x20, 0x7f)).decode("cp437") + "⌂" +
          bytes(range(0x80, 0xff)).decode("cp437") + " ")
HINT = "Ctrl-] is huddle's"
LAST_WORDS = ("end", "exits", "accesses", "interrupts", "polls", "spins", "sleeps", "kvm_run", "virtual_ns", "host_ns", "cpu_ns",
              "sites")


class Terminal:
    """huddle in a terminal of its own. The terminal's settings are looked at from here: they outlive huddle."""

    def __init__(self, tool, *args, rows=30, columns=100, term="xterm-256color", locale="C.UTF-8", stderr=None):
        if pyte is None:
            raise Skip("python3-pyte is not installed")
        self.tool, self.debug, self.stats = tool, tool.scratch / "debug.txt", tool.scratch / "term-stats.json"
        self.screen = Screen(columns, rows)
        self.stream = Stream(self.screen)
        self.bytes = b""
        self.master, self.slave = os.openpty()
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(self.slave)
        environment = {**os.environ, "TERM": term, "LC_ALL": locale}
        self.process = subprocess.Popen([tool.program, "run", "--display=term", f"--debugcon={self.debug}", f"--stats={self.stats}",
                                         *map(str, args)],
                                        stdin=self.slave, stdout=self.slave, stderr=stderr or self.slave, cwd=tool.scratch,
                                        env=environment, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def take(self, seconds):
        """What comes within that time; True if something did."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        data = os.read(self.master, 65536)
        self.bytes += data
        self.stream.feed(data)
        return True

    def wait(self, condition, what, limit=30):
        end = time.monotonic() + limit * SLOW
        while not condition():
            if time.monotonic() > end:
                shown = "\n".join(line for line in self.screen.display if line.strip())
                raise Failed(f"{what}: not within {limit * SLOW:.0f} s; the terminal shows\n{shown}\n{self.last_words()}")
            self.take(0.02)

    def last_words(self):
        """Ends huddle, if it lets itself be ended: what it was doing."""
        if self.process.poll() is not None:
            return f"huddle has ended with {self.process.returncode}"
        threads = [(task / "stat").read_text() for task in Path(f"/proc/{self.process.pid}/task").iterdir()]
        self.stats.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + 5 * SLOW
        while self.process.poll() is None and time.monotonic() < end:
            self.take(0.02)
        run = json.loads(self.stats.read_text()) if self.stats.exists() else {}
        words = {key: run[key] for key in LAST_WORDS if key in run}
        return f"status {self.process.poll()}, {json.dumps(words)}\n" + "".join(threads)

    def shows(self, text, limit=30):
        self.wait(lambda: any(text in line for line in self.screen.display), f"the terminal shows {text!r}", limit)

    def debugged(self):
        return self.debug.read_text(errors="replace") if self.debug.exists() else ""

    def typed(self):
        """What the guest says that it got."""
        text = self.debugged()
        return re.findall(r"^[0-9A-F]{4}$", text, re.M) or re.findall(r"^[0-9A-F]{2}$", text, re.M)

    def send(self, data):
        while data:
            if select.select([], [self.master], [], 0.02)[1]:
                data = data[os.write(self.master, data[:256]):]
            self.take(0)

    def expect_typed(self, *keys):
        """These and nothing else since the last time."""
        before = getattr(self, "known", 0)
        self.wait(lambda: len(self.typed()) >= before + len(keys), f"the guest gets {keys}: {self.typed()[before:]}", 20)
        got = self.typed()[before:]
        expect(got == list(keys), f"the guest got {got} instead of {list(keys)}")
        self.known = before + len(keys)

    def end(self, status=0):
        """huddle has ended so, and the terminal is as it was."""
        self.wait(lambda: self.process.poll() is not None, "huddle ends", 20)
        while self.take(0.1):
            pass
        text = self.bytes.decode(errors="replace")
        expect(not SANITIZER.search(text), text[-4000:])
        expect(self.process.returncode == status, f"status {self.process.returncode} instead of {status}: {text[-1000:]}")
        expect(termios.tcgetattr(self.slave) == self.modes, "the terminal's settings are not what they were")
        # xterm: the alternate screen is left, the cursor is on.
        expect(text.rfind("\x1b[?1049l") > text.rfind("\x1b[?1049h"), "the alternate screen was not left")
        expect(text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l"), "the cursor is still hidden")

    def quit(self):
        self.send(ESCAPE)
        self.shows("q end the guest")
        self.send(b"q")
        self.end()


def typed(tool, flag, param=TEXT_80, count=0, **options):
    return Terminal(tool, tool.patched("typed", flag=flag, param=param, count=count), **options)


def ready(terminal):
    """A guest of typed.asm that takes keys."""
    terminal.wait(lambda: "Booting from 0000:7c00" in terminal.debugged(), "boot")
    terminal.shows("Ctrl-]")
    time.sleep(0.3 * SLOW)
    terminal.take(0)


# --- what is shown ---

@case()
def characters(tool):
    """All of code page 437, in text modes of 80 and 40 columns and of 50 rows."""
    for param in (TEXT_80, TEXT_40, TEXT_80 | SMALL_FONT):
        with typed(tool, TABLE, param, rows=60) as t:
            if param & 0xff == TEXT_40:
                # Its rows are half as long: what the guest puts there is two rows of the screen.
                t.shows(GLYPHS[0x41:0x50])
            else:
                t.shows(GLYPHS[0xf0:0xff])
                got = "".join(t.screen.display[2 + i][:16] for i in range(16))
                expect(got == GLYPHS, f"the characters are {got!r}")
                columns = 80
            t.quit()


@case()
def colors(tool):
    """Sixteen colours in front, eight behind and blinking, or sixteen behind, as the nearest of the terminal's."""
    standard = ["000000", "0000af", "00af00", "00afaf", "af0000", "af00af", "af5f00", "a8a8a8",
                "585858", "5f5fff", "5fff5f", "5fffff", "ff5f5f", "ff5fff", "ffff5f", "ffffff"]
    for param in (TEXT_80, TEXT_80 | NO_BLINK):
        with typed(tool, TABLE, param) as t:
            t.shows(GLYPHS[0xf0:0xff])
            front = [t.screen.buffer[0][i].fg for i in range(16)]
            expect(front == standard, f"colours in front: {front}")
            back = [t.screen.buffer[1][i].bg for i in range(16)]
            expect(back == (standard if param & NO_BLINK else standard[:8] * 2), f"colours behind: {back}")
            blinks = re.search(rb"\x1b\[(\d+;)*5[;m]", re.sub(rb"8;5;\d+", b"", t.bytes)) is not None
            expect(blinks == (not param & NO_BLINK), f"blinking: {blinks}")
            # The terminal was told what they really are.
            expect(b"\x1b]4;" in t.bytes, "no colour was set")
            t.quit()


@case()
def palette(tool):
    """A colour that the guest has set in the DAC."""
    with typed(tool, TABLE, TEXT_80 | ORANGE) as t:
        t.shows(GLYPHS[0xf0:0xff])
        t.wait(lambda: t.screen.buffer[0][1].fg == "ff8700", "colour 1 is orange")
        t.quit()


@case()
def few_colors(tool):
    """Terminals with sixteen, eight and no colours."""
    for term, blue, light_blue in (("xterm-16color", ("blue", False), ("blue", True)),
                                   ("linux", ("blue", False), ("blue", True)),
                                   ("vt220", ("default", False), ("default", True))):
        with typed(tool, TABLE, term=term) as t:
            t.shows(GLYPHS[0xf1:0xfe])
            for column, want in ((1, blue), (9, light_blue)):
                cell = t.screen.buffer[0][column]
                expect((cell.fg, cell.bold) == want, f"{term}: colour {column} is {cell.fg}, {cell.bold}")
            expect((b"94" in t.bytes) == (term == "xterm-16color"), f"{term}: colour 12")
            light = [t.screen.buffer[1][i].bg for i in (0, 4)]
            expect(light == (["default"] * 2 if term == "vt220" else ["black", "red"]) or term == "vt220" or
                   light == ["default", "red"], f"{term}: colours behind are {light}")
            t.send(ESCAPE + b"q")
            t.wait(lambda: t.process.poll() is not None, "huddle ends")
            expect(termios.tcgetattr(t.slave) == t.modes, "the terminal's settings are not what they were")


@case()
def without_unicode(tool):
    """A locale of ASCII: lines as the terminal draws them, other characters as what resembles them."""
    with typed(tool, TABLE, locale="C") as t:
        t.stream.feed(b"\x1b%@")  # pyte: no UTF-8, or there is no alternate character set
        t.shows("CueaaaaceeeiiiAA")
        t.shows("┌")  # C9h and DAh by the alternate character set
        t.shows("aBGpSsutFOOd8fen")
        t.quit()


@case()
def cursor(tool):
    """Where it is, that it is a block, and that a terminal that is too small shows the part around it."""
    with typed(tool, TABLE, TEXT_80 | BLOCK_CURSOR) as t:
        t.shows(GLYPHS[0xf0:0xff])
        t.wait(lambda: (t.screen.cursor.y, t.screen.cursor.x) == (20, 70), "the cursor is at row 20, column 70")
        t.wait(lambda: b"\x1b[1 q" in t.bytes and not t.screen.cursor.hidden, "the cursor is a block")
        t.resize(12, 40)
        t.shows("rows 11-21 of 25, columns 32-71 of 80")
        t.wait(lambda: (t.screen.cursor.y, t.screen.cursor.x) == (10, 39), "the cursor is where it should be")
        t.resize(25, 80)
        t.shows(GLYPHS[0x41:0x50])
        t.wait(lambda: "of 80" not in t.screen.display[24], "all of the screen is there")
        t.resize(1, 1)
        t.resize(40, 132)
        t.shows(HINT)
        t.shows(GLYPHS[0xf0:0xff])
        t.quit()


@case()
def graphics(tool):
    """The notice of a graphics mode, and a picture of it."""
    with Terminal(tool, tool.patched("probe", flag=5)) as t:
        t.shows("graphics mode 320x200, 256 colours")
        t.send(ESCAPE + b"s")
        t.shows("the picture is in huddle-")
        pictures = list(tool.scratch.glob("huddle-*.png"))
        expect(len(pictures) == 1 and re.fullmatch(r"huddle-\d{8}-\d{6}\.png", pictures[0].name), f"pictures: {pictures}")
        header = pictures[0].read_bytes()[:24]
        expect(struct.unpack(">II", header[16:]) == (320, 200), f"not that picture: {header}")
        t.quit()


# --- what is typed ---

@case()
def keys(tool):
    """Each kind of key, as the BIOS names them."""
    with typed(tool, KEYS) as t:
        ready(t)
        for sent, wanted in (
                ("a", "1E61"), ("A", "1E41"), ("!", "0221"), ("~", "297E"), ("\r", "1C0D"), ("\t", "0F09"), ("\x7f", "0E08"),
                ("\x03", "2E03"), ("\x1a", "2C1A"), ("\x00", "0300"), ("\x1ba", "1E00"), ("\x1b1", "7800"),
                ("\x1bOA", "48E0"), ("\x1bOB", "50E0"), ("\x1b[A", "48E0"), ("\x1bOH", "47E0"), ("\x1bOF", "4FE0"),
                ("\x1b[5~", "49E0"), ("\x1b[6~", "51E0"), ("\x1b[2~", "52E0"), ("\x1b[3~", "53E0"),
                ("\x1b[1;5D", "73E0"), ("\x1b[1;5C", "74E0"), ("\x1b[Z", "0F00"),
                ("\x1bOP", "3B00"), ("\x1b[21~", "4400"), ("\x1b[24~", "8600"), ("\x1b[1;2P", "5400"), ("\x1b[1;5P", "5E00"),
                ("\x1b[1;3P", "6800"), ("\x1b[23~", "8500"), ("\x1b[21;2~", "5D00"), ("\x1b[21;5~", "6700"), ("\x1b[21;3~", "7100"),
                ("\x1b[1;5H", "77E0"), ("\x1b[1;5F", "75E0"), ("\x1b[5;5~", "84E0"), ("\x1b[6;5~", "76E0"), ("\x1b[1;5A", "8DE0"),
                ("\x1b[1;5B", "91E0"), ("\x1b[1;2A", "48E0"), ("\x1b[1;2D", "4BE0"), ("\x1b[2;5~", "92E0"), ("\x1b[3;5~", "93E0"),
                ("\x1b[1;3A", "9800"), ("\x1b[1;3C", "9D00"), ("\x1bx", "2D00"), ("\x1b0", "8100"), ("\x1b-", "8200"),
                ("\x01", "1E01"), ("\x1c", "2B1C"), ("\x1e", "071E"), ("\x1f", "0C1F"),
                ("é", "0082"), ("█", "00DB"), ("ß", "00E1"), ("☺", "0001"), ("à", "0085"), ("a", "1E61")):
            t.send(sent.encode())
            t.expect_typed(wanted)
        t.send("aéb█c".encode())
        t.expect_typed("1E61", "0082", "3062", "00DB", "2E63")
        t.send(b"\x1b")
        t.expect_typed("011B")
        t.send(ESCAPE * 2)
        t.expect_typed("1B1D")
        t.quit()


@case()
def scan_codes(tool):
    """Make and break, modifiers around them."""
    with typed(tool, RAW) as t:
        ready(t)
        t.send(b"a")
        t.expect_typed("1E", "9E")
        t.send(b"A")
        t.expect_typed("2A", "1E", "9E", "AA")
        t.send(b"\x03")
        t.expect_typed("1D", "2E", "AE", "9D")
        t.send(b"\x1bOA")
        t.expect_typed("E0", "48", "E0", "C8")
        t.send("é█".encode())  # 130 and 219 on the keypad
        t.expect_typed("38", "4F", "CF", "51", "D1", "52", "D2", "B8", "38", "50", "D0", "4F", "CF", "49", "C9", "B8")
        t.send(ESCAPE + b"c")
        t.expect_typed("1D", "38", "E0", "53", "E0", "D3", "B8", "9D")
        t.quit()


@case()
def latency(tool):
    """A key arrives soon, in a guest that halts and in one that spins."""
    for flag in (KEYS, RAW):
        with typed(tool, flag) as t:
            ready(t)
            times = []
            for _ in range(20):
                before, start = len(t.typed()), time.monotonic()
                t.send(b"x")
                while len(t.typed()) == before:
                    expect(time.monotonic() - start < 10 * SLOW, "the key did not arrive")
                    time.sleep(0.001)
                times.append(time.monotonic() - start)
                time.sleep(0.05)
                t.take(0)
            print(f"keys arrive within {sorted(times)[10] * 1000:.1f} ms, at most {max(times) * 1000:.1f}")
            t.quit()


@case()
def paste(tool):
    """Two thousand characters at once, to a program that is busy for more than a second now and then."""
    text = "".join(chr(0x21 + i * 7 % 94) for i in range(2000))
    with typed(tool, KEYS, count=30) as t:
        ready(t)
        t.send(text.encode())
        t.wait(lambda: len(t.typed()) >= len(text), "all has arrived", 120)
        got = "".join(chr(int(key[2:], 16)) for key in t.typed())
        expect(got == text, f"pasted {len(text)} characters, got {len(got)}: {got}")
        t.quit()


# --- the built-in DOS ---

def prompt(t):
    t.shows("C:\\>")


def screen_has(t, text):
    return any(line.rstrip() == text for line in t.screen.display)


@case()
def dos_typing(tool):
    """At DOS's prompt: characters of code page 437 that no key has, a file from the keyboard, the line before by F3."""
    directory = tool.scratch / "c"
    directory.mkdir()
    with Terminal(tool, directory) as t:
        prompt(t)
        t.send("echo \"é█ß ñ\" >X.TXT\r".encode())
        t.wait(lambda: (directory / "x.txt").exists() and (directory / "x.txt").stat().st_size, "the file is there")
        expect((directory / "x.txt").read_bytes() == "\"é█ß ñ\" \r\n".encode("cp437"), (directory / "x.txt").read_bytes())
        t.send("type x.txt\r".encode())
        t.wait(lambda: screen_has(t, "\"é█ß ñ\""), "the characters are shown")
        t.send(b"copy con y.txt\rfirst line\rsecnd\b\bond\r\x1a\r")
        t.shows("1 file(s) copied")
        expect((directory / "y.txt").read_bytes() == b"first line\r\nsecond\r\n", (directory / "y.txt").read_bytes())
        t.send(b"type con > z.txt\rtyped\r\x1a\r")
        t.wait(lambda: (directory / "z.txt").exists() and (directory / "z.txt").stat().st_size, "the other file is there")
        expect((directory / "z.txt").read_bytes() == b"typed\r\n", (directory / "z.txt").read_bytes())
        t.send(b"echo again\r\x1bOR\r")
        t.wait(lambda: [line.rstrip() for line in t.screen.display].count("again") == 2, "F3 gives the line again")
        t.send(b"exit\r")
        t.end()


@case()
def dos_break(tool):
    """Ctrl-C in a batch file: the question, by a key; the file goes on or ends, and so do those that called it."""
    directory = tool.scratch / "c"
    directory.mkdir()
    tool.file("c/OUTER.BAT", "@echo off\r\ncall INNER\r\necho outer went on\r\n")
    tool.file("c/INNER.BAT", "echo one\r\npause > NUL\r\necho two\r\npause > NUL\r\necho three\r\n")
    with Terminal(tool, directory) as t:
        prompt(t)
        t.send(b"outer\r")
        t.shows("one")
        t.send(b"\x03")
        t.shows("Terminate batch job (Y/N)?")
        t.send(b"x")
        t.shows("Terminate batch job (Y/N)?x")
        t.send(b"n")
        t.shows("two")
        t.send(b"\x03")
        t.wait(lambda: sum("Terminate" in line for line in t.screen.display) == 3, "the question comes again")
        t.send(b"y")
        t.wait(lambda: screen_has(t, "C:\\>"), "the prompt")
        shown = [line.rstrip() for line in t.screen.display]
        expect("three" not in shown and "outer went on" not in shown, f"it went on: {shown}")
        t.send(b"exit 0\r")
        t.end()


@case()
def dos_reset(tool):
    """Ctrl-Alt-Del: the prompt comes again; a program is over."""
    directory = tool.scratch / "c"
    directory.mkdir()
    (directory / "RUNS.COM").write_bytes((tool.cache / "dosreset.com").read_bytes())
    with Terminal(tool, directory) as t:
        prompt(t)
        t.send(b"echo before\r")
        t.wait(lambda: screen_has(t, "before"), "the command is executed")
        t.send(ESCAPE + b"c")
        t.wait(lambda: "All threads complete" in t.debugged(), "the firmware has tested itself")  # what is typed before is lost
        t.wait(lambda: not screen_has(t, "before"), "the screen is new")
        prompt(t)
        t.send(b"echo after\r")
        t.wait(lambda: screen_has(t, "after"), "the command is executed")
        t.send(b"exit\r")
        t.end()
    with Terminal(tool, directory / "RUNS.COM") as t:
        t.shows("running")
        t.send(ESCAPE + b"c")
        t.end(70)
        expect(b"the machine was reset while C:\\RUNS.COM ran" in t.bytes, t.bytes[-500:])


# --- how it ends ---

@case()
def ends(tool):
    """By the guest, by signals, by a terminal that goes away, by a bug."""
    with typed(tool, KEYS) as t:
        ready(t)
        t.send(b"\x05")
        t.end(1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        with typed(tool, KEYS) as t:
            ready(t)
            t.process.send_signal(number)
            t.end(128 + number)
            expect(b"stopped by" in t.bytes[-300:], "nothing is said")
    for number in (signal.SIGABRT, signal.SIGFPE, signal.SIGSEGV):
        with typed(tool, KEYS) as t:
            ready(t)
            t.process.send_signal(number)
            t.end(-number)
    with typed(tool, KEYS, stderr=subprocess.DEVNULL) as t:
        ready(t)
        os.close(t.slave)
        os.close(t.master)
        t.master = t.slave = -1
        t.process.wait(20 * SLOW)
        expect(t.process.returncode == 128 + signal.SIGHUP, f"status {t.process.returncode}")


@case()
def messages(tool):
    """What is said meanwhile is in the status line, and on the terminal afterwards; the screen stays whole."""
    with typed(tool, TABLE, TEXT_80 | EMPTY_PORT) as t:
        t.shows("warning: nothing is at port 02ABh")
        expect("warning" in t.screen.display[-1], "that is not the status line")
        t.shows(HINT)  # after a while
        expect(not any("warning" in line for line in t.screen.display), "the message is still there")
        t.quit()
        expect(b"warning: nothing is at port 02ABh" in t.bytes[t.bytes.rfind(b"\x1b[?1049l"):], "nothing is said afterwards")
    with Terminal(tool, tool.guest("crash")) as t:
        t.wait(lambda: t.process.poll() is not None, "huddle ends")
        t.end(70)
        after = t.bytes[t.bytes.rfind(b"\x1b[?1049l"):].decode(errors="replace")
        expect("last exits:" in after and "eflags" in after, f"no crash report: {after}")
        expect(b"last exits:" not in t.bytes[:t.bytes.rfind(b"\x1b[?1049l")], "the report went to the guest's screen")


@case(kvm=False)
def refusals(tool):
    """Where it cannot be used."""
    image = tool.guest("typed")
    for arguments, what in ((("--display=term",), "standard input is not a terminal"),
                            (("--display=vnc",), "not one of none, term")):
        ended = tool.run("run", *arguments, image).expect_status(2)
        ended.expect(what in ended.err, "the message does not say so")
    for term, extra, what in (("no-such-terminal", (), "the terminal is unknown"), ("dumb", (), "cannot put characters"),
                              ("xterm", ("--serial=stdio",), "cannot share the terminal")):
        with Terminal(tool, *extra, image, term=term) as t:
            t.wait(lambda: t.process.poll() is not None, "huddle ends")
            while t.take(0.1):
                pass
            expect(t.process.returncode == 2 and what.encode() in t.bytes, f"{t.process.returncode}: {t.bytes}")


if __name__ == "__main__":
    main(__doc__)

#!/usr/bin/env python3
"""--control: what QMP's clients can do to a guest, and what bad clients cannot."""

import json
import os
import re
import signal
import socket
import stat
import sys
import threading
import time

sys.dont_write_bytecode = True
from harness import SLOW, SOURCE, case, expect, main, wait_until
from qmp import CAPABILITIES, Client, Closed, Refused, connect

sys.path.append(str(SOURCE / "tests" / "pictures"))
import picture

KEYS, TABLE = 0, 2  # guest_flag of typed.asm


class Guest:
    """A guest with a socket, and what is to be known of it from outside."""

    def __init__(self, tool, *args):
        self.tool, self.path, self.debug = tool, tool.scratch / "socket", tool.scratch / "debug.txt"
        self.process = tool.start("run", f"--control={self.path}", f"--debugcon={self.debug}", *args)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def client(self, **options):
        return Client(self.path, **options)

    def said(self):
        return self.debug.read_text(errors="replace") if self.debug.exists() else ""

    def runs(self):
        """The boot sector has been started."""
        wait_until(lambda: "Booting from 0000:7c00" in self.said(), 30, "the guest starts")
        return self

    def end(self, *statuses, limit=30):
        ended = self.tool.finish(self.process, limit).expect_status(*statuses)
        ended.expect(not self.path.exists(), "the socket is still there")
        return ended


def typed(tool, flag, *args):
    return Guest(tool, *args, tool.patched("typed", flag=flag, param=3))


def refused(client, kind, *args, **arguments):
    try:
        client.call(*args, **arguments)
    except Refused as error:
        expect(error.kind == kind, f"{args}: {error.kind} instead of {kind}: {error}")
        return str(error)
    expect(False, f"{args} was not refused")


@case()
def conversation(tool):
    """Greeting, negotiation, queries, events to all clients, errors, the end."""
    with typed(tool, TABLE) as guest:
        one, other = guest.client(negotiate=False), guest.client()
        expect(stat.S_IMODE(os.stat(guest.path).st_mode) == 0o600, "others may use the socket")
        version = one.greeting["QMP"]["version"]
        expect(version["package"].startswith("huddle ") and one.greeting["QMP"]["capabilities"] == [], f"{one.greeting}")
        refused(one, "CommandNotFound", "query-status")
        one.call("qmp_capabilities")
        refused(one, "CommandNotFound", "qmp_capabilities")
        refused(one, "CommandNotFound", "human-monitor-command")
        refused(one, "GenericError", "stop", now=True)
        names = {command["name"] for command in one.call("query-commands")}
        expect({"qmp_capabilities", "query-status", "screendump", "send-key", "stop", "cont", "quit", "system_reset",
                "huddle-stats", "huddle-cluster"} <= names, f"commands are {names}")
        expect(one.call("query-version") == version, "another version")
        expect(one.call("query-name")["name"].endswith("patched.img"), "another name")
        expect(one.call("query-kvm") == {"enabled": True, "present": True}, "no KVM")
        expect(one.call("query-status")["status"] == "running", "it does not run")
        one.call("stop")
        one.call("stop")  # once more: nothing, and no event
        expect(one.call("query-status") == {"running": False, "singlestep": False, "status": "paused"}, "it runs")
        for client in (one, other):
            event = client.event("STOP")
            expect(abs(event["timestamp"]["seconds"] - time.time()) < 3600, f"{event}")
        other.call("cont")
        one.event("RESUME")
        expect(not one.events, f"more events: {one.events}")
        one.call("quit")
        for client in (one, other):
            event = client.event("SHUTDOWN")
            expect(event["data"]["reason"] == "host-qmp-quit" and not event["data"]["guest"], f"{event}")
            try:
                client.read()
                expect(False, "something behind the end")
            except Closed:
                pass
        ended = guest.end(0)
        ended.expect("a client of --control said quit" in ended.err, "another end")


@case()
def paths(tool):
    """What cannot be made, what must not be replaced, what may; the socket goes with the guest."""
    image, socket_path = tool.guest("typed"), tool.scratch / "socket"
    plain = tool.file("plain", "text")
    for path, why in ((plain, "something else than a socket"), (tool.scratch / "no" / "socket", "No such file"),
                      (tool.scratch / ("x" * 120), "too long for a socket")):
        ended = tool.run("run", f"--control={path}", image).expect_status(2)
        ended.expect(f"--control={path}: " in ended.err and why in ended.err, f"not told: {why}")
    expect(plain.read_text() == "text", "a file was replaced")
    with Guest(tool, image) as guest:
        guest.client().close()
        ended = tool.run("run", f"--control={socket_path}", tool.guest("demo")).expect_status(2)
        ended.expect("a program listens there already" in ended.err, "not told that it is taken")
        guest.client().close()  # unharmed
        guest.process.kill()
        guest.process.communicate()
    expect(socket_path.exists(), "nothing is left of one that was killed")
    with Guest(tool, image) as guest:
        guest.client().call("quit")
        guest.end(0)


@case()
def stopped(tool):
    """Virtual time stands still, under the host's clock too; orders, signals and --timeout come through."""
    for clock in ("host", "access"):
        with typed(tool, TABLE, f"--clock={clock}") as guest:
            client = guest.runs().client()
            client.wait(lambda stats: stats["virtual_ns"] > 0, "it runs")
            client.call("stop")
            before = client.call("huddle-stats")
            time.sleep(0.3)
            after = client.call("huddle-stats")
            expect(before["status"] == "paused" and after["host_ns"]["total"] > before["host_ns"]["total"], "no time passed")
            for key in ("virtual_ns", "accesses", "interrupts"):
                expect(before[key] == after[key], f"{clock}: {key} went from {before[key]} to {after[key]}")
            client.call("cont")
            client.wait(lambda stats: stats["interrupts"] > after["interrupts"] + 3, "ticks come again")
            last = client.call("huddle-stats")
            if clock == "host":
                behind = last["host_ns"]["total"] - last["virtual_ns"]
                before_that = before["host_ns"]["total"] - before["virtual_ns"]
                expect(behind - before_that >= 0.29e9, f"the guest was told of {(behind - before_that) / 1e9:.3f} s of 0.3")
            client.call("stop")
            guest.process.send_signal(signal.SIGINT)
            event = client.event("SHUTDOWN")
            expect(event["data"]["reason"] == "host-signal", f"{event}")
            guest.end(130)
    with typed(tool, TABLE, "--timeout=1") as guest:
        client = guest.client()
        client.call("stop")
        guest.end(124)


@case()
def frames(tool):
    """Frames that come while the guest stands still wake it when it goes on, with nothing else to do so."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("127.0.0.1", 0))
        port = host.getsockname()[1]
    with Guest(tool, f"--net=user,hostfwd=udp:127.0.0.1:{port}-:9", tool.guest("frame")) as guest:
        client = guest.client()
        wait_until(lambda: "frame: ready" in guest.said(), 30, "the guest is ready")
        client.call("stop")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
            host.sendto(b"wake up", ("127.0.0.1", port))  # libslirp asks for the guest by ARP
        time.sleep(0.5)
        expect(client.call("query-status")["status"] == "paused", "it did not stand still")
        client.call("cont")
        guest.end(1)


@case()
def pictures(tool):
    """screendump's PNG is --screenshot's; its PPM, the default, has the same pixels."""
    last, png, ppm = (tool.scratch / name for name in ("last.png", "a.png", "a.ppm"))
    with typed(tool, TABLE, "--clock=access", f"--screenshot={last}") as guest:
        client = guest.runs().client()
        client.wait(lambda stats: stats["exits"]["total"] > 0, "it runs")
        client.call("stop")
        client.call("screendump", filename=str(png), format="png")
        client.call("screendump", filename="a.ppm")
        refused(client, "GenericError", "screendump", filename=str(tool.scratch / "no" / "a.png"))
        refused(client, "GenericError", "screendump", filename=str(png), format="gif")
        refused(client, "GenericError", "screendump")
        client.call("quit")
        guest.end(0)
    expect(png.read_bytes() == last.read_bytes(), "another picture than --screenshot's")
    shown = picture.read_png(png)
    pixels = b"".join(map(bytes, shown.rows))
    expect(ppm.read_bytes() == b"P6\n%d %d\n255\n" % shown.size() + pixels, "other pixels in the PPM")
    expect(len(set(pixels)) > 1, "nothing is on the picture")


@case()
def keys(tool):
    """send-key, by name and by number, held together and one after the other, into programs of the BIOS and of DOS."""
    with typed(tool, KEYS) as guest:
        client = guest.runs().client()
        client.keys("a")
        client.keys("shift", "b")
        client.call("send-key", keys=[{"type": "number", "data": 0x2e}], hold_time=20)
        client.keys("ctrl", "e", hold_time=20)  # its end
        event = client.event("SHUTDOWN")
        expect(event["data"]["guest"] and event["data"]["status"] == 1, f"{event}")
        expect(re.findall("^[0-9A-F]{4}$", guest.said(), re.M) == ["1E61", "3042", "2E63"], f"it got {guest.said()[-100:]}")
        guest.end(1)
    # A prompt by INT 21h, then what INT 16h gives, until Escape: errorlevel 7.
    program = tool.file("ECHO.COM", bytes.fromhex("b23eb402cd21" "b400cd163c1b740888c2b402cd21ebf0b8074ccd21"))
    with Guest(tool, program) as guest:
        expect(guest.process.stdout.read(1) == b">", "no prompt")
        client = guest.client()
        client.keys("shift", "h")
        for name in ("e", "l", "l", "o", "spc", "1", "esc"):
            client.keys(name, hold_time=10)
        ended = guest.end(7)
        ended.expect(ended.out.startswith("Hello 1"), "other keys")


@case()
def reset(tool):
    """system_reset, also of a guest that is stopped; the guest's own."""
    with typed(tool, TABLE) as guest:
        client = guest.runs().client()
        client.call("system_reset")
        event = client.event("RESET")
        expect(event["data"] == {"guest": False, "reason": "host-qmp-system-reset"}, f"{event}")
        wait_until(lambda: guest.said().count("Booting from 0000:7c00") == 2, 30, "it starts again")
        client.call("stop")
        client.call("system_reset")
        client.event("RESET")
        expect(client.call("query-status")["status"] == "paused", "it runs")
        client.call("cont")
        wait_until(lambda: guest.said().count("Booting from 0000:7c00") == 3, 30, "it starts once more")
        client.call("quit")
        guest.end(0)
    with Guest(tool, tool.guest("reset")) as guest:
        event = guest.client().event("RESET")
        expect(event["data"] == {"guest": True, "reason": "guest-reset"}, f"{event}")
        guest.end(1)
    # CMOS byte 0Fh says that the guest wants to go on by the pointer at 40:67 after a reset of its own; then it waits.
    code = bytes.fromhex("b00fe670" "b00ae671" "ebfe")
    with Guest(tool, tool.file("shutdown.img", code.ljust(510, b"\0") + b"\x55\xaa" + bytes(1474560 - 512))) as guest:
        client = guest.runs().client()
        time.sleep(0.2)  # until it has said so; too short a time hides a defect and makes none
        client.call("system_reset")
        wait_until(lambda: guest.said().count("Booting from 0000:7c00") == 2, 30, "the firmware starts all again")
        client.call("quit")
        guest.end(0)


@case()
def levels(tool):
    """huddle-cluster switches, and huddle-stats shows what comes of it."""
    with typed(tool, TABLE, "--cluster=off") as guest:
        client = guest.runs().client()
        expect(client.call("huddle-cluster") == {"level": "off"}, "another level")
        client.wait(lambda stats: stats["accesses"] > 0 and stats["interrupts"] > 0, "it works")
        stats = client.call("huddle-stats")
        expect(stats["level"] == "off" and stats["avoided"] == 0 and not stats["avoided_sites"], "clusters while off")
        expect(stats["exits"]["total"] == sum(count for kind, count in stats["exits"].items() if kind != "total"), "a sum")
        expect(stats["targets"][0]["exits"] >= stats["targets"][1]["exits"] > 0 and stats["sites"][0]["instruction"], "tops")
        refused(client, "GenericError", "huddle-cluster", level="much")
        expect(client.call("huddle-cluster", level="on") == {"level": "on"}, "another level")
        client.call("system_reset")  # something to do
        client.wait(lambda stats: stats["avoided"] > 10000 and stats["instructions"] > 0, "clusters avoid exits")
        avoided = client.call("huddle-stats")["avoided_sites"]
        expect(avoided[0]["avoided"] >= avoided[-1]["avoided"] > 0 and avoided[0]["instruction"], f"{avoided}")
        client.call("quit")
        guest.end(0)


# --- clients that mean no good ---

def junk(path, end):
    """Bytes that are no JSON, or too much of it."""
    state = 1
    sock = connect(path)
    sock.settimeout(0.2)
    pieces = [b"{" * 5000, b'{"execute": "' + b"x" * 100000, b"\n", b"[" * 100 + b"\n", bytes(range(256)) * 40, b"}\n", b"\0" * 999,
              b'{"execute": "stop", "execute": "stop"}\n', b'{"execute": 1e999}\n', b'\n{"execute": "qmp_capabilities"}\n']
    while not end.is_set():
        state = (state * 1103515245 + 12345) & 0x7fffffff
        try:
            sock.sendall(pieces[(state >> 8) % len(pieces)])
            sock.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return


def vanishing(path, end):
    """In the middle of a command, of a reply, of an order."""
    texts = [b"", b'{"execute": "qmp_cap', json.dumps(CAPABILITIES).encode() + b'{"execute": "huddle-stats"}' * 3,
             json.dumps(CAPABILITIES).encode() + b'{"execute": "query-commands"}' * 50]
    turn = 0
    while not end.is_set():
        try:
            with connect(path) as sock:
                sock.sendall(texts[turn % len(texts)])
            turn += 1
        except OSError:
            return


def deaf(path, end):
    """Asks and never reads."""
    sock = connect(path)
    sock.setblocking(False)
    sock.send(json.dumps(CAPABILITIES).encode())
    while not end.is_set():
        try:
            sock.send(b'{"execute": "query-commands"}{"execute": "huddle-stats"}')
        except BlockingIOError:
            end.wait(0.02)
        except OSError:
            return


def restless(path, end, counts):
    """Legal orders as fast as they are carried out. The others may have taken all the places: it comes again then."""
    while not end.is_set():
        try:
            client = Client(path)
            while not end.is_set():
                for order in ("huddle-stats", "cont", "huddle-stats", "stop"):
                    client.call(order)
                    counts.append(order)
        except (Closed, OSError, Refused):
            end.wait(0.02)


def attacked(tool, *args):
    """The statistics of a run with all of these attached, and what the last one did."""
    end, counts = threading.Event(), []
    stats = tool.scratch / "stats.json"
    with Guest(tool, "--clock=access", f"--stats={stats}", *args) as guest:
        guest.client().call("stop")  # until all are there: the guest is quick
        threads = [threading.Thread(target=client, args=(guest.path, end)) for client in (junk, vanishing, deaf)]
        threads.append(threading.Thread(target=restless, args=(guest.path, end, counts)))
        for thread in threads:
            thread.start()
        try:
            guest.end(1, limit=90)
        finally:
            end.set()
            for thread in threads:
                thread.join()
    return json.loads(stats.read_text()), counts


@case()
def same_stream(tool):
    """Under the access clock hostile clients change nothing that the guest can see."""
    for executor in ("host", "interp"):
        args, stats = [f"--executor={executor}", tool.guest("demo")], tool.scratch / "alone.json"
        debug = f"--debugcon={tool.scratch}/alone.txt"
        tool.run("run", "--clock=access", debug, f"--stats={stats}", *args, limit=90).expect_status(1)
        alone = json.loads(stats.read_text())
        run, counts = attacked(tool, *args)
        expect(len(counts) >= 10, f"{executor}: only {len(counts)} orders were carried out")
        for key, value in alone["result"].items():
            expect(run["result"][key] == value, f"{executor}: {key} is {run['result'][key]}, alone it was {value}")
        for key in ("accesses", "interrupts", "virtual_ns"):
            expect(run[key] == alone[key], f"{executor}: {key} is {run[key]}, alone it was {alone[key]}")


def resident_kib(process):
    status = open(f"/proc/{process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


@case()
def bounded(tool):
    """Tens of megabytes of junk from many clients, none of which reads, take no memory; then somebody else is served at once."""
    with typed(tool, TABLE) as guest:
        client = guest.runs().client()
        client.wait(lambda stats: stats["interrupts"] > 0, "it runs")
        client.call("stop")
        before, socks = resident_kib(guest.process), []
        for i in range(12):
            sock = connect(guest.path)
            sock.settimeout(0.05)
            socks.append(sock)
            block = (b'{"a": "' + b"x" * 65000 if i % 2 else b'{}\n' * 20000)
            try:
                for _ in range(64):
                    sock.sendall(block)
            except TimeoutError:
                pass  # its pipe is full, and stays so
        grown = resident_kib(guest.process) - before
        expect(grown < 16384, f"{grown} KiB for junk")
        second = guest.client()
        expect(second.call("query-status")["status"] == "paused", "another status")
        for sock in socks:
            sock.close()
        client.call("cont")
        second.event("RESUME")
        client.call("quit")
        guest.end(0)


@case()
def crowd(tool):
    """One client too many is told so, and there is room again when another leaves."""
    with typed(tool, TABLE) as guest:
        clients = [guest.client() for _ in range(16)]
        late = guest.client(negotiate=False)
        expect("too many clients" in late.greeting["error"]["desc"], f"{late.greeting}")
        clients.pop().close()
        wait_until(lambda: "QMP" in guest.client(negotiate=False).greeting, 10, "there is room again")
        clients[0].call("quit")
        guest.end(0)


if __name__ == "__main__":
    main(__doc__)

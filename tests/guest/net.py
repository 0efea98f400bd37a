#!/usr/bin/env python3
"""The network card with a guest that drives it: many datagrams at the levels where that is quick, the host's network with
nothing but this host, forwarded ports, and the guest itself under QEMU's card."""

import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from harness import SOURCE, Skip, case, expect, main

ALL = 10000
LOOPED = 2  # loopback to the coax: on the wire, and nobody answers
EXTRA = 1 + 6 + 16 + 1 + LOOPED  # ARP, the burst, the overflow, one behind it
QEMU_FLAG = 1


class Echo:
    """A socket on 127.0.0.1 that sends every datagram back."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port, self.count = self.socket.getsockname()[1], 0
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def serve(self):
        while True:
            data, peer = self.socket.recvfrom(65535)
            if data == b"end":
                return
            self.count += 1
            self.socket.sendto(data, peer)

    def __exit__(self, *why):
        self.socket.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


def run(tool, *args, limit=120):
    stats = tool.scratch / "stats.json"
    ended = tool.run("run", f"--stats={stats}", *args, limit=limit)
    ended.expect_status(1)
    return json.loads(stats.read_text())


@case()
def many(tool):
    """All datagrams in regions; exits have nothing to do with how many there are."""
    image = tool.patched("netecho", count=ALL)
    stats = run(tool, "--clock=access", "--net=echo", image)
    net, trips = stats["net"], stats["net"]["round_trips"]
    lost = net["dropped"]["ring_full"]
    expect(net["sent"] == ALL + EXTRA and net["received"] == net["sent"] - LOOPED - lost, f"{net}")
    expect(lost > 0 and sum(net["dropped"].values()) == lost, f"not only the overflow lost frames: {net['dropped']}")
    expect(trips["count"] >= ALL, f"{trips}")
    if stats["horizon"]["instructions"] is None:  # a KVM that is slower than translated code
        expect(trips["exits"] < trips["count"] / 100, f"{trips}")
    print(f"{trips['count']:,} round trips: {trips['exits']} exits, {trips['accesses']:,} accesses")


@case()
def levels(tool):
    """Fewer exits a round trip, level by level; ab compares the streams."""
    report = tool.scratch / "ab.json"
    image = tool.patched("netecho", count=25)
    ended = tool.run("ab", "--net=echo", "--variants=off,pairs,window,on", "--windows=none", f"--json={report}", image, limit=240)
    ended.expect_status(0)
    ended.expect("Network: echo" in ended.out and "exits each" in ended.out, "no section about the network")
    runs = [variant["net"] for variant in json.loads(report.read_text())["variants"]]
    for other in runs[1:]:
        for what in ("sent", "received", "sent_bytes", "received_bytes", "dropped"):
            expect(other[what] == runs[0][what], f"{what}: {other[what]}, not {runs[0][what]}")
        expect(other["round_trips"]["accesses"] == runs[0]["round_trips"]["accesses"], "another number of accesses")
    exits = [variant["round_trips"]["exits"] / variant["round_trips"]["count"] for variant in runs]
    print("exits a round trip: " + ", ".join(f"{n:.1f}" for n in exits))
    expect(exits[0] >= exits[1] > 5 * exits[2] and exits[2] > exits[3], f"{exits}")


@case()
def stressed(tool):
    """String I/O on the data port, executed twice, with everything that is rare made frequent."""
    image = tool.patched("netecho", count=60)
    for extra in (["--cluster=window"], ["--stress=flush,slow"]):
        stats = run(tool, "--clock=access", "--net=echo", "--check", *extra, image)
        check = stats["check"]
        expect(check["differences"] == 0 and check["compared"] > 100, f"{extra}: {check}")


@case()
def elsewhere(tool):
    """Another interrupt: the guest waits for one that never comes, and gives up."""
    stats = tool.scratch / "stats.json"
    ended = tool.run("run", "--clock=access", "--net=echo,irq=5", f"--stats={stats}", tool.patched("netecho", count=1))
    ended.expect_status(4 << 1 | 1)
    expect(json.loads(stats.read_text())["net"]["sent"] == LOOPED + 1, "it did not ask by ARP")
    tool.run("run", "--clock=access", "--net=echo,io=320", tool.patched("netecho", count=1)).expect_status(1 << 1 | 1)
    tool.run("run", "--clock=access", tool.patched("netecho", count=1)).expect_status(1 << 1 | 1)


@case()
def user(tool):
    """Datagrams to a socket of this host and back, through libslirp."""
    for level in ("on", "off"):
        with Echo() as echo:
            image = tool.patched("netecho", param=echo.port, count=40, flag=QEMU_FLAG)
            net = run(tool, "--net=user", f"--cluster={level}", image)["net"]
            expect(echo.count >= 40, f"only {echo.count} came to the host")
            print(f"{level}: {net['received']} frames of {net['sent']} sent")


@case()
def restricted(tool):
    with Echo() as echo:
        image = tool.patched("netecho", param=echo.port, count=1, flag=QEMU_FLAG)
        tool.run("run", "--net=user,restrict=on", image, limit=60).expect_status(7 << 1 | 1, 5 << 1 | 1)
        expect(echo.count == 0, "a restricted guest got out")


@case()
def nobody_comes(tool):
    """The guest halts with interrupts on and no timer: only a network that sends by itself may still wake it."""
    # cli; all interrupts masked; control word 30h: the timer stands still; sti; hlt; jmp to hlt
    sector = bytes.fromhex("fa b0ff e621 e6a1 b030 e643 fb f4 ebfd").ljust(510, b"\0") + b"\x55\xaa"
    image = tool.scratch / "halt.img"
    image.write_bytes(sector.ljust(1474560, b"\0"))
    ended = tool.run("run", "--net=echo", "--timeout=20", image).expect_status(70)
    ended.expect("no device will ever interrupt it" in ended.err, "it does not say why")
    tool.run("run", "--net=user", "--timeout=2", image).expect_status(124)


@case(kvm=False)
def refusals(tool):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    port = taken.getsockname()[1]
    ended = tool.run("run", f"--net=user,hostfwd=tcp:127.0.0.1:{port}-:80", tool.guest("netecho"))
    ended.expect_status(2)
    ended.expect(f"tcp:127.0.0.1:{port}" in ended.err and "in use" in ended.err, "the port was not named")
    ended = tool.run("run", "--net=echo", "--exit-port=300", tool.guest("netecho"))
    ended.expect(ended.status != 0 and "taken" in ended.err, "two devices have one port")


@case()
def saved_state(tool):
    """A state says whether there was a card, and which."""
    state, image = tool.scratch / "card.state", tool.patched("netecho", count=20)
    script = tool.file("save.txt", f"wait 200ms\nsave {state}\nquit\n")
    tool.run("run", "--clock=access", "--net=echo", f"--script={script}", image).expect_status(0)
    tool.run("run", "--clock=access", "--net=echo", f"--load-state={state}", image).expect_status(1)
    for words in ([], ["--net=echo,irq=10"], ["--net=echo,mac=02:00:00:00:00:01"]):
        ended = tool.run("run", "--clock=access", *words, f"--load-state={state}", image).expect_status(2)
        ended.expect("--net" in ended.err, "the network was not named")


class Web:
    """A web server on 127.0.0.1 with one file."""

    def __init__(self, content):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *why):
        self.server.shutdown()
        self.server.server_close()


@case()
def ipxe(tool):
    """An unmodified driver: Debian's iPXE finds the card, gets an address by DHCP, and runs a script that it fetches by HTTP
    from this host."""
    for program in ("syslinux", "mcopy"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    image = tool.scratch / "ipxe.img"
    made = subprocess.run(["sh", SOURCE / "guests" / "third-party" / "ipxe-floppy.sh", image], capture_output=True, text=True)
    expect(made.returncode == 0, f"the image cannot be made: {made.stderr}")
    content = b"#!ipxe\n" + b"# nothing\n" * 256 + b"echo the script came ${net0/ip}\nsleep 1000\n"
    with Web(content) as web:
        config = tool.file("syslinux.cfg", "DEFAULT ipxe\nPROMPT 0\nLABEL ipxe\n  KERNEL ipxe.krn\n"
                           f"  APPEND dhcp net0 && chain http://10.0.2.2:{web.port}/s.ipxe\n")
        subprocess.run(["mcopy", "-o", "-i", image, config, "::"], check=True)
        ended = tool.run("run", "--net=user", "--timeout=170", "--until-text=the script came 10.0.2.15", image, limit=180)
    ended.expect_status(0)


@case(kvm=False)
def under_qemu(tool):
    """Is the guest's driver right? QEMU's NE2000, its user network, and the same socket."""
    if not shutil.which("qemu-system-i386"):
        raise Skip("qemu-system-i386 is not installed")
    with Echo() as echo:
        image = tool.patched("netecho", param=echo.port, count=200, flag=QEMU_FLAG)
        ended = subprocess.run(
            ["qemu-system-i386", "-M", "isapc", "-accel", "tcg", "-cpu", "486", "-display", "none", "-no-reboot",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", f"file={image},format=raw,if=floppy",
             "-netdev", "user,id=net", "-device", "ne2k_isa,netdev=net,iobase=0x300,irq=9"],
            capture_output=True, text=True, timeout=120)
        expect(ended.returncode == 1, f"status {ended.returncode}: {ended.stderr}")
        expect(echo.count >= 200, f"only {echo.count} came to the host")


if __name__ == "__main__":
    main(__doc__)

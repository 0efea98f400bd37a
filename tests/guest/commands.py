#!/usr/bin/env python3
"""How runs end and what they leave behind: statuses, messages, pictures, disk images."""

import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib

sys.dont_write_bytecode = True
from harness import SLOW, Skip, case, expect, main, wait_until

EXIT, SPIN, HALT, WRITE, WRITE_SPIN, PICTURE, MASKED, TIME_STAMP, RESET = range(9)  # guest_flag of probe.asm
SECTOR = 512
FLOPPY_BYTES = 1474560
FLOPPY_SECTOR = 5 * 2 * 18  # cylinder 5, head 0, sector 1
DISK_BYTES = 8 << 20
DISK_SECTOR = 5 * 16 * 63
PATTERN = 0x6c646475
LEVELS = ("off", "on")
READY = "probe: ready"


def start_probe(tool, flag, *args, param=0):
    """Starts the probe and waits until it says that it is ready."""
    log = tool.scratch / "debug.txt"
    log.unlink(missing_ok=True)
    image = tool.patched("probe", flag=flag, param=param)
    process = tool.start("run", f"--debugcon={log}", *args, image)
    try:
        wait_until(lambda: READY in (log.read_text(errors="replace") if log.exists() else "") or
                   process.poll() is not None, 30, "the probe is ready")
    except BaseException:
        process.kill()
        raise
    if process.poll() is not None:
        tool.finish(process).expect(False, "the run ended before the guest was ready")
    return process


# --- how a guest ends ---

@case()
def exit_status(tool):
    """(value << 1) | 1, in the eight bits that a process status has."""
    for value in (0, 1, 3, 100, 127, 128, 255):
        ended = tool.run("run", tool.patched("probe", flag=EXIT, param=value))
        ended.expect_status(((value << 1) | 1) & 0xff)
        ended.expect(f"the guest wrote {value} to port F4h" in ended.err, "the message does not say so")


@case()
def exit_port(tool):
    """--exit-port moves the port, or takes it away."""
    image = bytearray(tool.patched("probe", flag=EXIT, param=5).read_bytes())
    at = image.index(b"\xe6\xf4")  # out 0F4h, al
    image[at + 1] = 0x7b
    moved = tool.file("moved.img", bytes(image))
    tool.run("run", "--exit-port=7B", moved).expect_status(11)
    # CLI and HLT follow.
    tool.run("run", moved).expect_status(70)
    tool.run("run", "--exit-port=none", tool.patched("probe", flag=EXIT, param=5)).expect_status(70)


@case()
def crash(tool):
    """A triple fault: registers, disassembly and the last exits."""
    for level in LEVELS:
        ended = tool.run("run", f"--cluster={level}", tool.guest("crash")).expect_status(70)
        for word in ("triple fault", "eax deadbeef", "ebx 12345678", "esp 00007c00", "cr0 0000001", "cs 0008",
                     "idt 00000000/0000", "=> 0008:", "int3", "last exits:"):
            ended.expect(word in ended.err, f"the report has no \"{word}\"")
        exits = re.findall(r"^ *#\d+ +rip [0-9a-f]{8} +\S", ended.err, re.MULTILINE)
        ended.expect(len(exits) >= 10, f"the report has {len(exits)} last exits")

@case()
def triple_fault(tool):
    """A reset where the guest wants one, a crash report where it does not, or what --triple-fault says."""
    plain, warm, code = (tool.patched("resets", flag=flag, to=f"{flag}.img") for flag in (0, 1, 4))
    for level in LEVELS:
        tool.run("run", f"--cluster={level}", warm).expect_status(1)
    tool.run("run", plain).expect_status(70)
    tool.run("run", code).expect_status(1)
    tool.run("run", "--triple-fault=reset", plain).expect_status(1)
    ended = tool.run("run", "--triple-fault=crash", warm).expect_status(70)
    ended.expect("triple fault" in ended.err and "last exits:" in ended.err, "no crash report")


@case()
def software_interrupts(tool):
    """INT n with a number above 7Fh, at which KVM's emulator does not come on by itself."""
    for level in LEVELS:
        for clock in ("host", "access"):
            tool.run("run", f"--clock={clock}", f"--cluster={level}", tool.guest("softint")).expect_status(1)


@case()
def shutdown_codes(tool):
    """The CMOS shutdown byte: the processor is reset, the chips are not, and the program goes on; at every level the same."""
    for flag, how in ((2, 0), (2, 1), (2, 2), (3, 0), (3, 1)):
        tool.run("run", tool.patched("resets", flag=flag, param=how)).expect_status(1)
    tool.run("ab", "--windows=none", "--variants=off,on", tool.patched("resets", flag=3, param=2)).expect_status(0)


@case()
def stop(tool):
    """HLT with interrupts off: nothing will ever happen again."""
    for clock in ("host", "access"):
        log = tool.scratch / "debug.txt"
        ended = tool.run("run", f"--clock={clock}", f"--debugcon={log}", tool.guest("stop")).expect_status(70)
        ended.expect("HLT with interrupts disabled" in ended.err, "the report does not say why")
        ended.expect(log.read_text(errors="replace").count("\n") > 1, "the debug port's text is not in the file")


@case()
def timeout(tool):
    """--timeout ends any guest in time, whatever it does: spins, idles, or waits for nothing."""
    for clock in ("host", "access"):
        for flag in (SPIN, HALT, MASKED):
            ended = tool.run("run", f"--clock={clock}", "--timeout=2", tool.patched("probe", flag=flag), limit=30)
            if flag == MASKED and ended.status == 70:
                ended.expect("no device will ever interrupt it" in ended.err, "it does not say why")
                continue
            ended.expect_status(124)
            ended.expect("--timeout" in ended.err, "the message does not say so")
            ended.expect(1.9 <= ended.seconds <= 4, f"it took {ended.seconds:.1f} s, not 2")


@case()
def reset(tool):
    """The guest resets the machine, which starts again from the firmware."""
    for level in LEVELS:
        tool.run("run", f"--cluster={level}", tool.patched("probe", flag=RESET)).expect_status(1)


# --- what --until-text, --frames, --script and signals do ---

@case()
def until_text(tool):
    for flag, clock in ((SPIN, "access"), (HALT, "host")):
        ended = tool.run("run", f"--clock={clock}", "--until-text=probe is here", tool.patched("probe", flag=flag))
        ended.expect_status(0)
        lines = ended.out.splitlines()
        ended.expect("probe is here" in lines, "the screen is not on standard output, line by line")
        ended.expect(any("Booting from Floppy" in line for line in lines), "the screen is not whole")


@case()
def until_text_never(tool):
    ended = tool.run("run", "--until-text=probe is elsewhere", "--timeout=4", tool.patched("probe", flag=HALT))
    ended.expect_status(124)


@case()
def frames(tool):
    for clock in ("host", "access"):
        stats = tool.scratch / "stats.json"
        ended = tool.run("run", f"--clock={clock}", "--frames=40", f"--stats={stats}", tool.patched("probe", flag=HALT))
        ended.expect_status(0)
        end = json.loads(stats.read_text())
        ended.expect(end["end"]["reason"] == "frames", f"ended by {end['end']}")
        # 70 frames a second in text mode, and the self-test takes its share.
        ended.expect(0.5e9 <= end["virtual_ns"] <= 60e9, f"40 frames took {end['virtual_ns']} ns of guest time")


@case()
def scripts(tool):
    """What a script can do: wait, type, press, look, end."""
    image = tool.patched("probe", flag=HALT)
    script = tool.file("good.txt", "\n".join((
        "# a comment, and an empty line", "", 'wait-text "probe is here" 30s', "wait 100ms", 'type "abc\\n"',
        "key ctrl-alt-f1", "mouse 5 -5 left", "text", "cluster off", "screenshot shot.png", "wait 50ms", "cluster on",
        "quit 9")))
    ended = tool.run("run", f"--script={script}", image).expect_status(9)
    ended.expect("probe is here" in ended.out, "the command text does not print the screen")
    expect(read_png(tool.scratch / "shot.png")[:2] == (720, 400), "not a text screen's picture")


@case()
def levels_in_one_run(tool):
    """A script changes the level every 10 ms of the guest's time, mostly in the middle of clusters: the guest cannot tell."""
    levels = [f"wait 10ms\ncluster {level}\n" for _ in range(10) for level in ("pairs", "off", "on", "pairs", "on", "off")]
    script = tool.file("levels.txt", "".join(levels))
    results = []
    for args in (("--cluster=off",), ("--cluster=on", f"--script={script}")):
        stats = tool.scratch / "stats.json"
        tool.run("run", "--clock=access", f"--stats={stats}", *args, tool.guest("irqmix")).expect_status(1)
        run = json.loads(stats.read_text())
        results.append(run["result"])
    expect(results[0] == results[1], f"not the same: {results}")
    expect(run["clusters"]["runs"] > 100 and run["clusters"]["formed"] > 30, "the script did not let clusters run")


@case()
def script_fails(tool):
    script = tool.file("never.txt", 'wait-text "probe is here"\nwait-text "probe is elsewhere" 1s\nquit 0\n')
    ended = tool.run("run", f"--script={script}", tool.patched("probe", flag=HALT)).expect_status(1)
    for word in ("never.txt:2:", "probe is elsewhere", "probe is here"):
        ended.expect(word in ended.err, f"the message has no \"{word}\"")


@case()
def signals(tool):
    """Ctrl-C and a termination signal end a run cleanly and at once, in every state the guest can be in."""
    for flag in (SPIN, HALT, MASKED):
        for clock in ("host", "access"):
            if flag == MASKED and clock == "access":
                continue  # nothing can happen any more, which ends the run or may end it
            for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
                stats = tool.scratch / "stats.json"
                stats.unlink(missing_ok=True)
                process = start_probe(tool, flag, f"--clock={clock}", f"--stats={stats}")
                time.sleep(0.3)
                sent = time.monotonic()
                process.send_signal(number)
                ended = tool.finish(process, 20).expect_status(status)
                took = time.monotonic() - sent
                ended.expect(took < 3 * SLOW, f"it took {took:.2f} s")
                expect(json.loads(stats.read_text())["end"]["reason"] == "signal", "the statistics do not say why")


@case()
def ab_interrupted(tool):
    process = tool.start("ab", "--windows=none", tool.patched("probe", flag=SPIN), start_new_session=True)
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    ended = tool.finish(process, 20).expect_status(130)
    ended.expect("interrupted" in ended.err, "it does not say so")


# --- disks ---

def disk_probe(tool, kind, flag):
    """A probe that boots from that drive."""
    image = tool.patched("probe", flag=flag, param=PATTERN)
    if kind == "disk":
        with open(image, "r+b") as file:
            file.truncate(DISK_BYTES)
    return image


def expect_written(before, after, sector):
    pattern = struct.pack("<I", PATTERN) * (SECTOR // 4)
    at = sector * SECTOR
    expect(after[at:at + SECTOR] == pattern, "what the guest wrote is not in the image")
    expect(after[:at] == before[:at] and after[at + SECTOR:] == before[at + SECTOR:],
           "more of the image changed than the guest wrote")


@case()
def disk_writes(tool):
    """Writes go to the image, and nowhere with --snapshot."""
    for kind, sector in (("floppy", FLOPPY_SECTOR), ("disk", DISK_SECTOR)):
        for level in LEVELS:
            image = disk_probe(tool, kind, WRITE)
            before = image.read_bytes()
            tool.run("run", f"--cluster={level}", "--snapshot", image).expect_status(1)
            expect(image.read_bytes() == before, f"{kind}: the image changed although --snapshot was given")
            tool.run("run", f"--cluster={level}", image).expect_status(1)
            expect_written(before, image.read_bytes(), sector)


@case()
def disk_write_then_signal(tool):
    """What was written when the run is interrupted is there."""
    for kind, sector in (("floppy", FLOPPY_SECTOR), ("disk", DISK_SECTOR)):
        log = tool.scratch / "debug.txt"
        log.unlink(missing_ok=True)
        image = disk_probe(tool, kind, WRITE_SPIN)
        before = image.read_bytes()
        process = tool.start("run", f"--debugcon={log}", image)
        try:
            wait_until(lambda: log.exists() and READY in log.read_text(errors="replace"), 30, "the sector is written")
        finally:
            process.send_signal(signal.SIGINT)
            ended = tool.finish(process, 20)
        ended.expect_status(130)
        expect_written(before, image.read_bytes(), sector)


@case()
def disk_read_only(tool):
    """An image that may only be read works, and the guest is told that the disk is write-protected."""
    prefix = []
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if not setpriv:
            raise Skip("root may write any file, and there is no setpriv to take that away")
        prefix = [setpriv, "--inh-caps=-dac_override", "--bounding-set=-dac_override", "--"]
        if subprocess.run([*prefix, "true"]).returncode:
            raise Skip("setpriv cannot drop capabilities here")
    for kind in ("floppy", "disk"):
        image = disk_probe(tool, kind, WRITE)
        before = image.read_bytes()
        image.chmod(0o444)
        ended = tool.finish(tool.start("run", image, prefix=prefix))
        ended.expect(ended.status not in (1, 2, 70, 71), "the guest's write is said to have worked, or the run failed")
        ended.expect(image.read_bytes() == before, "the image changed")
        image.chmod(0o644)


# --- files that a run writes ---

def read_png(path):
    """Checks a PNG as far as one can without a decoder of filters; (width, height, distinct bytes)."""
    data = path.read_bytes()
    expect(data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG signature")
    at, chunks, idat = 8, [], b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        crc, = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
        expect(crc == zlib.crc32(kind + body), f"chunk {kind} has a wrong CRC")
        chunks.append(kind)
        idat += body if kind == b"IDAT" else b""
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        at += 12 + length
    expect(chunks[0] == b"IHDR" and chunks[-1] == b"IEND", f"chunks {chunks}")
    pixels = zlib.decompress(idat)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    expect(len(pixels) == height * (1 + width * channels * depth // 8), "not as much picture as the header says")
    return width, height, len(set(pixels))


@case()
def screenshot(tool):
    for flag, size in ((HALT, (720, 400)), (PICTURE, (320, 200))):
        shot = tool.scratch / "shot.png"
        shot.unlink(missing_ok=True)
        tool.run("run", "--timeout=4", f"--screenshot={shot}", tool.patched("probe", flag=flag)).expect_status(124)
        width, height, values = read_png(shot)
        expect((width, height) == size, f"{width}x{height}, not {size[0]}x{size[1]}")
        expect(values > 3, "the picture is empty")


@case()
def serial(tool):
    """COM1 to a file and to standard output."""
    line = tool.scratch / "serial.txt"
    tool.run("run", f"--serial={line}", tool.guest("uart"), limit=120).expect_status(1)
    text = line.read_bytes()
    expect(b"\n" in text, f"no line from the guest in the file, but {text[:80]}")
    ended = tool.run("run", "--serial=stdio", tool.guest("uart"), limit=120).expect_status(1)
    ended.expect(text.decode(errors="replace").strip() in ended.out, "not the same on standard output")


@case()
def statistics(tool):
    path = tool.scratch / "stats.json"
    tool.run("run", f"--stats={path}", tool.patched("probe", flag=EXIT, param=3)).expect_status(7)
    stats = json.loads(path.read_text())
    expect(stats["end"] == {"reason": "exit_port", "status": 7, "text": "the guest wrote 3 to port F4h"},
           f"end: {stats['end']}")
    exits = stats["exits"]
    expect(exits["total"] == sum(count for kind, count in exits.items() if kind != "total"), "exits do not add up")
    left = stats["clusters"]["left"]
    inside = {reason: left[reason] for reason in ("end", "branch", "self_modified")}
    expect(stats["clusters"]["runs"] > 0 and left["request"] == 1 and not any(inside.values()),
           f"why regions were not gone on with: {left}")
    expect(stats["executor"] == "host" and stats["translation"]["translations"] > 0, "no host code")
    tool.run("run", "--cluster=window", f"--stats={path}", tool.patched("probe", flag=EXIT, param=3)).expect_status(7)
    window = json.loads(path.read_text())["clusters"]
    expect(sum(window["left"].values()) == window["runs"] > 0, "the reasons for leaving clusters do not add up")


# --- clusters and what executes them ---

COLUMNS = 120
EXECUTORS = ("host", "interp")


def list_clusters(tool, image, *args, level="window"):
    """huddle clusters on a guest: how it ended, and the JSON."""
    path = tool.scratch / "clusters.json"
    ended = tool.run("clusters", f"--cluster={level}", f"--json={path}", *args, image, limit=120).expect_status(0)
    return ended, json.loads(path.read_text())


def check_sums(listing, regions=False):
    """What clusters say of themselves adds up to what the run counted. What was interpreted before there was a region is
    in none."""
    stats, clusters = listing["run"]["clusters"], listing["clusters"]
    for key in ("formed", "runs", "exits_avoided"):
        total = sum(cluster[key] for cluster in clusters)
        adds_up = 0 < total <= stats[key] if regions and key == "exits_avoided" else total == stats[key] > 0
        expect(adds_up, f"{key}: {total} by the clusters, {stats[key]} by the run")
    for cluster in clusters:
        where = f"cluster {cluster['linear']:X} ({cluster['exit']})"
        avoided = sum(insn["exits_avoided"] for insn in cluster["instructions"]) + cluster["exits_avoided_gone"]
        expect(avoided == cluster["exits_avoided"], f"{where}: {avoided} by its instructions, not {cluster['exits_avoided']}")
        expect(sum(cluster["left"].values()) == cluster["runs"], f"{where}: the reasons for leaving it do not add up")
        exiting = [insn for insn in cluster["instructions"] if insn["exiting"]]
        expect(len(exiting) == cluster["exiting"] and (exiting or regions), f"{where}: {len(exiting)} exiting instructions")
        expect((cluster["exit"] == "region") == regions, f"{where}: the exit is {cluster['exit']}")
        expect(all(insn["class"] != "filler" for insn in exiting), f"{where}: a gap filler exits")
        expect(all(insn["exits"] > 0 for insn in exiting if insn["class"] == "weak"),
               f"{where}: a weak instruction joined that never exited")
    order = [cluster["exits_avoided"] for cluster in clusters]
    expect(order == sorted(order, reverse=True), "not the hottest first")


@case()
def clusters(tool):
    """The drawing loop of planar: index and data of a VGA register, then the latches and the byte."""
    image = tool.guest("planar")
    ended, listing = list_clusters(tool, image, "--top=8")
    check_sums(listing)
    ended.expect(max(map(len, ended.out.splitlines())) <= COLUMNS, "a line is too long")
    ended.expect(len(re.findall(r"^\d+\. exit ", ended.out, re.MULTILINE)) == 8, "not 8 clusters")
    loop = ["out dx, al", "mov al, es:[di]", "mov byte ptr es:[di], 0xFF"]
    found = [cluster for cluster in listing["clusters"]
             if [insn["instruction"] for insn in cluster["instructions"] if insn["exiting"]] == loop]
    ended.expect(len(found) == 1, f"{len(found)} clusters are the drawing loop")
    cluster, runs = found[0], found[0]["runs"]
    ended.expect(runs > 1000 and cluster["exits_avoided"] == 3 * runs and cluster["left"] == {"end": runs},
                 f"the loop's counts: {cluster}")
    exiting = [insn for insn in cluster["instructions"] if insn["exiting"]]
    ended.expect([insn["class"] for insn in exiting] == ["strong", "weak", "weak"], "its classes")
    # Two exits each before the cluster was formed at the third.
    ended.expect(all(insn["exits"] == 2 and insn["exits_avoided"] == runs for insn in exiting), "its instructions' counts")
    ended.expect(re.search(rf"^\d+\. exit just before \S+: {3 * runs:,} exits avoided in {runs:,} runs, 3.0 each$",
                           ended.out, re.MULTILINE), "the headline")
    for insn in exiting:
        row = rf"^   \S+  {insn['bytes']} +{re.escape(insn['instruction'])} +2 +{runs:,}  {insn['class']}\b"
        ended.expect(re.search(row, ended.out, re.MULTILINE), f"no row of {insn['instruction']}")


@case()
def clusters_regions(tool):
    """The same loop with level on: a region that is left by value, at its RET."""
    ended, listing = list_clusters(tool, tool.guest("planar"), "--top=1000000", level="on")
    check_sums(listing, regions=True)
    ended.expect(max(map(len, ended.out.splitlines())) <= COLUMNS, "a line is too long")
    loop = ["out dx, al", "out dx, al", "mov al, es:[di]", "mov byte ptr es:[di], 0xFF"]
    found = [cluster for cluster in listing["clusters"]
             if [insn["instruction"] for insn in cluster["instructions"] if insn["exiting"]] == loop]
    ended.expect(len(found) == 1, f"{len(found)} regions are the drawing loop")
    avoided = found[0]["exits_avoided"]
    ended.expect(avoided > 10000 and found[0]["instructions"][-1]["instruction"] == "ret", f"the region: {found[0]}")
    ended.expect(re.search(rf"^\d+\. region at \S+: {avoided:,} exits avoided; {found[0]['runs']:,} runs? began here$",
                           ended.out, re.MULTILINE), "the headline")
    rest = listing["run"]["clusters"]["exits_avoided"] - sum(cluster["exits_avoided"] for cluster in listing["clusters"])
    ended.expect(re.search(rf"^Avoided by interpreting .*: {rest:,} exits$", ended.out, re.MULTILINE), "what was in none")
    blocks = [int(n) for n in re.findall(r" instructions? in (\d+) blocks?,", ended.out)]
    ended.expect(len(blocks) == len(listing["clusters"]) and max(blocks) > 10, f"blocks: {blocks}")
    targets = sum(len({insn["target"] for insn in cluster["instructions"]} - {None}) for cluster in listing["clusters"])
    ended.expect(len(re.findall(r"^ > \S", ended.out, re.MULTILINE)) == targets > 100, "marks where branches come to")


@case()
def clusters_executors(tool):
    """Both executors count the same, instruction by instruction. With regions they go on in their own ways."""
    for name in ("planar", "irqmix", "selfmod"):
        results = []
        for executor in EXECUTORS:
            _, listing = list_clusters(tool, tool.guest(name), f"--executor={executor}", level="on")
            check_sums(listing, regions=True)
            results.append(listing["run"]["result"])
        expect(results[0] == results[1], f"{name}: the executors' results differ with regions")
        seen = []
        for executor in EXECUTORS:
            _, listing = list_clusters(tool, tool.guest(name), f"--executor={executor}")
            check_sums(listing)
            run = listing["run"]
            expect(run["executor"] == executor, f"the executor is said to be {run['executor']}")
            translated = [host_bytes for cluster in listing["clusters"] if (host_bytes := cluster.pop("host_bytes"))]
            expect(bool(translated) == (run["translation"] is not None) == (executor == "host"),
                   f"{executor}: {len(translated)} clusters have host code, and it counted {run['translation']}")
            seen.append((listing["clusters"], run["clusters"], run["result"]))
        for what, host, interp in zip(("clusters", "counts", "results"), *seen):
            expect(host == interp, f"{name}: the executors' {what} differ")


@case()
def clusters_details(tool):
    image = tool.guest("pairs64")
    ended, listing = list_clusters(tool, image, "--top=1", "--steps", "--host")
    insns = [insn for cluster in listing["clusters"] for insn in cluster["instructions"]]
    expect(all(insn["steps"] for insn in insns if insn["instruction"] != "nop"), "an instruction without steps")
    expect(sum(len(insn["host_code"]) for insn in insns) > len(insns), "hardly any host code")
    for line in [*listing["clusters"][0]["instructions"][0]["steps"],
                 *(code["text"] for code in listing["clusters"][0]["instructions"][0]["host_code"])]:
        ended.expect(f" {line}\n" in ended.out, f"the listing does not have {line}")
    ended = tool.run("clusters", "--executor=interp", "--host", image).expect_status(0)
    ended.expect("no host code to show" in ended.out, "it does not say why there is no host code")


@case()
def clusters_end(tool):
    """There is a listing however the guest ends; what is not the listing goes to standard error."""
    ended = tool.run("clusters", "--timeout=3", tool.patched("probe", flag=SPIN)).expect_status(0)
    ended.expect("--timeout" in ended.out and "1. region " in ended.out, "no listing after --timeout")
    ended = tool.run("clusters", tool.guest("crash")).expect_status(0)
    ended.expect("triple fault" in ended.out and "1. region " in ended.out, "no listing after a crash")
    script = tool.file("text.txt", 'wait-text "probe is here" 30s\ntext\nquit 9\n')
    ended = tool.run("clusters", f"--script={script}", tool.patched("probe", flag=HALT)).expect_status(0)
    ended.expect("probe is here" in ended.err and "probe is here" not in ended.out, "the guest's screen is in the listing")
    image = disk_probe(tool, "floppy", WRITE)
    before = image.read_bytes()
    tool.run("clusters", image).expect_status(0)
    expect(image.read_bytes() == before, "the image changed")


@case()
def dump_clusters(tool):
    """run lists all clusters at its end, as the command clusters does."""
    image, path = tool.guest("pairs64"), tool.scratch / "dump.txt"
    level = "--cluster=window"
    listing = tool.run("clusters", level, "--top=1000000", image).expect_status(0)
    first = listing.out.index("\n1. exit ")
    tool.run("run", level, "--clock=access", f"--dump-clusters={path}", image).expect_status(1)
    text = path.read_text()
    expect(text[text.index("\n1. exit "):] == listing.out[first:], "not the same clusters")
    ended = tool.run("run", level, "--clock=access", "--dump-clusters=-", image).expect_status(1)
    ended.expect(ended.out[ended.out.index("\n1. exit "):] == listing.out[first:], "not the same on standard output")
    ended = tool.run("run", level, "--cluster-window=1", "--dump-clusters=-", image).expect_status(1)
    ended.expect("there are no clusters" in ended.out, "clusters with a window of one instruction")
    ended = tool.run("run", "--clock=access", "--dump-clusters=-", image).expect_status(1)
    ended.expect("\n1. region at " in ended.out, "no regions")


@case()
def perf_map(tool):
    """A line for each translation; none overlap, and all lie in the code cache."""
    image, path, stats = tool.guest("planar"), tool.scratch / "perf.map", tool.scratch / "stats.json"
    tool.run("run", f"--perf-map={path}", "--code-cache=8M", f"--stats={stats}", image).expect_status(1)
    lines = path.read_text().splitlines()
    code = []
    for line in lines:
        match = re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) (\S+)", line)
        expect(match, f"perf cannot read {line!r}")
        code.append((int(match[1], 16), int(match[2], 16), match[3]))
    translation = json.loads(stats.read_text())["translation"]
    expect(len(code) == translation["translations"] > 10, f"{len(code)} lines for {translation['translations']} translations")
    expect(sum(size for _, size, _ in code) == translation["code_bytes"], "the sizes do not add up")
    expect(all(re.search(r"[0-9a-fA-F]{5}", name) for _, _, name in code), "a name without an address")
    code.sort()
    expect(all(at + size <= after for (at, size, _), (after, _, _) in zip(code, code[1:])), "two lines overlap")
    expect(code[-1][0] + code[-1][1] - code[0][0] <= 8 << 20, "not all of them can be in the code cache")
    process = tool.start("run", "--perf-map", tool.patched("probe", flag=EXIT))
    default = pathlib.Path(f"/tmp/perf-{process.pid}.map")
    try:
        tool.finish(process).expect_status(1)
        expect(default.read_text().count("\n") > 0, f"{default} is empty")
    finally:
        default.unlink(missing_ok=True)


@case()
def stress(tool):
    """Whatever --stress makes common changes nothing; that it did is seen in the counts."""
    def run(*args):
        stats = tool.scratch / "stats.json"
        tool.run("run", "--clock=access", f"--stats={stats}", *args, tool.guest("irqmix")).expect_status(1)
        return json.loads(stats.read_text())

    plain = run("--cluster=window", "--executor=interp")
    stressed = {
        "flush": lambda t, c: t["translations"] > 0.9 * c["runs"],
        "slow": lambda t, c: t["faults"] == 0,
        "threshold=1": lambda t, c: t["translations"] > 0,
        "code=4096": lambda t, c: t["flushes"] > 5,
        "flush,slow,code=65536": lambda t, c: t["translations"] > 0.9 * c["runs"],
        "heat=0": lambda t, c: c["formed"] > plain["clusters"]["formed"] and c["not_run"]["cold"] == 0,
        "heat=9": lambda t, c: c["formed"] < plain["clusters"]["formed"],
    }
    for items, happened in stressed.items():
        result = run("--cluster=window", f"--stress={items}")
        expect(result["result"] == plain["result"], f"{items}: another result")
        if "heat" not in items:
            expect(result["clusters"] == plain["clusters"], f"{items}: other clusters")
        expect(happened(result["translation"], result["clusters"]), f"{items}: nothing was stressed: {result['translation']}")
    regions = run()
    stressed = {
        "flush,slow": lambda t, c: t["translations"] > 10 * regions["translation"]["translations"] and t["faults"] == 0,
        "code=8192,threshold=1": lambda t, c: t["flushes"] > 100,
        "heat=0": lambda t, c: c["formed"] > 2 * regions["clusters"]["formed"],
    }
    for items, happened in stressed.items():
        result = run(f"--stress={items}")
        expect(result["result"] == plain["result"], f"{items}: another result with regions")
        expect(happened(result["translation"], result["clusters"]),
               f"{items}: nothing was stressed in regions: {result['translation']}, {result['clusters']}")


@case()
def weak_accesses(tool):
    """Memory that turns out to be a device is found by faults, few of them, and compiled as such."""
    stats = tool.scratch / "stats.json"
    tool.run("run", "--clock=access", "--cluster=window", f"--stats={stats}", tool.guest("shared")).expect_status(1)
    t = json.loads(stats.read_text())["translation"]
    expect(t["recompiled"] >= 2 and t["faults"] == 3 * t["recompiled"], f"faults of plain accesses: {t}")


@case()
def display_window(tool):
    """At level on and under the host's clock text and mode 13h are plain memory for a while."""
    def run(image, *args, status=1):
        stats = tool.scratch / "stats.json"
        tool.run("run", "--snapshot", f"--stats={stats}", *args, image).expect_status(status)
        result = json.loads(stats.read_text())
        return result["display_window"], result["result"]["frame_hash"]

    for guest in ("blit13", "scroll", "palette"):
        window, _ = run(tool.guest(guest), "--clock=host", "--cluster=on")
        expect(window["opened"] > 0 and 0 < window["closed"] <= window["opened"], f"{guest}: {window}")
    window, _ = run(tool.guest("blit13"), "--clock=access", "--cluster=on")
    expect(window["opened"] == 0, f"under the access clock: {window}")

    # A picture that stands still: what another shows depends on where the beam was.
    still = tool.patched("probe", flag=PICTURE)
    window, picture = run(still, "--clock=host", "--cluster=on", "--timeout=2", status=124)
    expect(window["opened"] > 0, f"the picture was not drawn into an open window: {window}")
    window, same = run(still, "--clock=host", "--cluster=window", "--timeout=2", status=124)
    expect(window["opened"] == 0, f"with a window of 16: {window}")
    expect(picture == same, f"pictures {picture} and {same}")


@case()
def bios_calls(tool):
    """A call of the BIOS goes through host code: neither its INT nor its IRET is interpreted."""
    calls, stats = 20000, tool.scratch / "stats.json"
    tool.run("run", "--cluster=on", f"--stats={stats}", tool.patched("bench/kbd", param=0, count=calls)).expect_status(1)
    interpreted = json.loads(stats.read_text())["translation"]["interpreted"]
    expect(interpreted < calls / 2, f"{interpreted} instructions were interpreted for {calls} calls")


# --- ab and doctor ---

@case()
def ab(tool):
    ended = tool.run("ab", "--windows=none", tool.patched("probe", flag=EXIT)).expect_status(0)
    ended.expect("nothing the guest can see differs" in ended.out and "fewer exits than off" in ended.out,
                 "the report does not begin with the result")


@case()
def ab_finds_a_difference(tool):
    """The time-stamp counter shows the host's time: a guest that sends it to a port differs from run to run."""
    path = tool.scratch / "report.json"
    ended = tool.run("ab", "--windows=none", f"--json={path}", tool.patched("probe", flag=TIME_STAMP)).expect_status(1)
    ended.expect("First difference" in ended.out and "080h" in ended.out, "the difference is not shown")
    ended.expect("RDTSC" in ended.out, "the report does not say that the guest reads the time-stamp counter")
    report = json.loads(path.read_text())
    expect(not report["identical"], "the JSON calls it identical")
    sides = [report["first_difference"][side]["access"] for side in "ab"]
    expect(all(side["kind"] == "pio_out" and side["addr"] == 0x80 and side["size"] == 4 for side in sides),
           f"the first difference is {sides}")


@case()
def ab_keeps_disks(tool):
    image = disk_probe(tool, "floppy", WRITE)
    before = image.read_bytes()
    tool.run("ab", "--windows=none", image).expect_status(0)
    expect(image.read_bytes() == before, "the image changed")


@case()
def ab_of_a_crash(tool):
    """A guest that ends badly in the same way every time is no difference; the report says how it ended."""
    ended = tool.run("ab", "--windows=none", tool.guest("crash")).expect_status(0)
    ended.expect("triple fault" in ended.out, "the report does not say how the guest ended")


@case()
def ab_timeout(tool):
    """What --timeout cuts off is cut off somewhere else each time: no verdict, and no status 0."""
    ended = tool.run("ab", "--windows=none", "--timeout=3", tool.patched("probe", flag=SPIN)).expect_status(1)
    ended.expect("--timeout" in ended.out, "the report does not say that the time was over")


@case()
def doctor(tool):
    ended = tool.run("doctor").expect_status(0)
    ended.expect("huddle can run here." in ended.out and "PROBLEM" not in ended.out, "a problem, though it runs")
    for label in ("/dev/kvm", "backend", "an exit", "system firmware", "VGA firmware"):
        ended.expect(re.search(rf"^ok +{label} ", ended.out, re.MULTILINE), f"nothing about {label}")


if __name__ == "__main__":
    main(__doc__)

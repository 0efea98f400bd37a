#!/usr/bin/env python3
"""The picture proof: huddle's pictures against QEMU's, dot by dot.

    compare.py --huddle HUDDLE --guests DIR --out DIR [what is to be compared]

Each guest is run to its end in both, the tour (guest `modes`) through its list
of cases, the loaders (--loaders) to their screens. What QEMU is known to draw
wrongly is in quirks.py. In huddle guests run with clustering off and on: the
frame hashes must be those of frames.json (--rebase writes them). Status 0: all
is equal; 1: something is not, and the pictures are in --out; 77: no QEMU, only
the hashes were looked at.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True

import picture  # noqa: E402
import qemu as qemu_machine  # noqa: E402
import tour  # noqa: E402
from quirks import GUEST_QUIRKS, QUIRKS  # noqa: E402
from reference import Mismatch, Reference  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FRAMES = os.path.join(HERE, "frames.json")
FIRMWARE = ("/usr/share/seabios/bios.bin", "/usr/share/seabios/vgabios-isavga.bin")
GUESTS = ("planar", "demo", "modex", "blit13", "scroll", "retrace", "pairs64",
          "pm32")
LEVELS = ("off", "on")
# Guests that leave another mode's memory on the screen. QEMU keeps what was
# written by chain-4 and by odd/even addresses elsewhere than a VGA does, so that
# it looks otherwise in planar modes. They are compared with all their mode sets
# clearing the memory.
CLEARED = ("pairs64",)
KEEP_MEMORY = re.compile(rb"\xb8([\x80-\xff])\x00\xcd\x10")  # mov ax, 80h + n; int 10h
TIMEOUT_S = 300
SKIPPED = 77
ALL_PHASES = 4 + 2  # of cursor and blinking in text, of blinking in graphics
EXIT_SUCCESS = 1  # the status of a guest's exit code 0

# The text is the last that the loader writes before it waits for keys.
Loader = collections.namedtuple("Loader", "script disk text")
LOADERS = {
    "syslinux": Loader("syslinux-floppy.sh", "floppy", "boot:"),
    "grub": Loader("grub-disk.sh", "ide", "Reboot"),
}
SETTLED_S = 0.5


class Failed(Exception):
    """A run did not end as it must."""


class Report:
    """What came of it, from several threads: lines in the order of their
    coming, failures, hashes, quirks made use of, phases seen."""

    def __init__(self):
        self.lock = threading.Lock()
        self.failures = []
        self.hashes = {}
        self.used = collections.Counter()
        self.phases = set()
        self.sheet = {}

    def say(self, line):
        with self.lock:
            print(line, flush=True)

    def fail(self, line):
        with self.lock:
            self.failures.append(line)
            print(f"FAIL  {line}", flush=True)

    def take(self, reference):
        with self.lock:
            self.used.update(reference.used)


# --- huddle ---

def run_huddle(huddle, image, level, png, script=None, clock="access"):
    """Returns the statistics of the run; the last picture is in `png`. With a
    script the run may also end by its `quit`."""
    stats = f"{png}.json"
    command = [huddle, "run", f"--clock={clock}",
               f"--cluster={level}", "--snapshot", f"--screenshot={png}", f"--stats={stats}",
               f"--timeout={TIMEOUT_S}", image]
    if script:
        with open(f"{png}.script", "w", encoding="utf-8") as file:
            file.write(script)
        command.append(f"--script={png}.script")
    run = subprocess.run(command, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True, check=False)
    if run.returncode != EXIT_SUCCESS and not (script and run.returncode == 0):
        raise Failed(f"huddle, cluster {level}: status {run.returncode}, "
                     f"{run.stderr.strip().splitlines()[-1:]}")
    with open(stats, encoding="utf-8") as file:
        return json.load(file)


def pixels_hash(shown):
    digest = hashlib.sha256(b"%d %d " % shown.size())
    for row in shown.rows:
        digest.update(row)
    return digest.hexdigest()[:16]


# --- one picture ---

def write_mismatch(out, name, ours, expected, theirs):
    """The four pictures; returns what to say about them."""
    base = os.path.join(out, name)
    six_bits = ours.six_bits()
    picture.write_png(ours, f"{base}-huddle.png")
    picture.write_png(theirs, f"{base}-qemu.png")
    if expected is None:
        return f"see {base}-huddle.png, -qemu.png"
    wide = bytes(i << 2 & 255 for i in range(256))
    picture.write_png(picture.Picture(
        expected.width, expected.height,
        [row.translate(wide) for row in expected.rows]), f"{base}-expected.png")
    picture.write_png(picture.difference_picture(six_bits, expected),
                      f"{base}-difference.png")
    wrong = picture.differences(six_bits, expected)
    x, y = wrong[0]
    return (f"{len(wrong)} pixels, the first at {x}, {y}: "
            f"{six_bits.pixel(x, y)} instead of {expected.pixel(x, y)}; see "
            f"{base}-huddle.png, -qemu.png, -expected.png, -difference.png")


def compare_with(machine, name, png, report, out, pel_mask=0xFF, more=()):
    """Our picture in the file `png` with the stopped machine's."""
    ours = picture.read_png(png)
    six_bits = ours.six_bits()
    best = None
    try:
        reference = Reference(machine, ours.size(), (*QUIRKS, *more), pel_mask)
        theirs = reference.raw
        for phase in reference.phases():
            expected = reference.expected(*phase)
            wrong = sum(a != b for a, b in zip(six_bits.rows, expected.rows))
            if not wrong:
                break
            if best is None or wrong < best[0]:
                best = (wrong, expected)
    except Mismatch as mismatch:
        theirs = machine.screen(0x3D4)
        picture_names = write_mismatch(out, name, ours, None, theirs)
        report.fail(f"{name}: {mismatch}; {picture_names}")
        return
    report.sheet[name] = (ours, theirs)
    if wrong:
        report.fail(f"{name}: " + write_mismatch(out, name, ours, best[1],
                                                 theirs))
        return
    report.take(reference)
    if len(reference.phases()) > 1:
        report.phases.add(("text" if reference.text else "graphics", *phase))
    quirks = ", ".join(name for name, n in reference.used.items() if n)
    report.say(f"ok    {name}: {ours.width} x {ours.height}"
               + (f" (QEMU corrected: {quirks})" if quirks else ""))


# --- guests, tour, loaders ---

def clear_memory(image, path):
    """The image, but its mode sets clear the memory."""
    with open(image, "rb") as file:
        data = file.read()
    data, n = KEEP_MEMORY.subn(
        lambda found: b"\xb8%c\x00\xcd\x10" % (found[1][0] & 127), data)
    if not n:
        raise Failed("no mode set keeps the memory: no longer in need of this?")
    with open(path, "wb") as file:
        file.write(data)


def compare_guest(name, options, report, scratch):
    image = os.path.join(options.guests, f"{name}.img")
    png = os.path.join(scratch, f"{name}.png")
    for level in LEVELS:
        result = run_huddle(options.huddle, image, level, png)["result"]
        check_hash(name, level, result["frame_hash"], report)
    if not options.qemu:
        return
    if name in CLEARED:
        cleared = os.path.join(scratch, f"{name}.img")
        clear_memory(image, cleared)
        image = cleared
        run_huddle(options.huddle, image, level, png)
    with qemu_machine.Qemu(image, scratch) as machine:
        code = machine.run_to_end(TIMEOUT_S)
        if code:
            raise Failed(f"QEMU: the guest's exit code is {code}")
        compare_with(machine, name, png, report, options.out,
                     more=GUEST_QUIRKS.get(name, ()))


def check_hash(name, level, value, report):
    """All levels must give one hash; `settle_hashes` compares it with the list."""
    with report.lock:
        first = report.hashes.setdefault(name, (level, value))
    if first[1] != value:
        report.fail(f"{name}: the frame hash is {first[1]} with cluster "
                    f"{first[0]}, {value} with {level}")


def tour_pictures(level, image, options, report, scratch):
    """Runs the tour in huddle; the files of its pictures."""
    files = [os.path.join(scratch, f"{i}-{name}.png")
             for i, name in enumerate(tour.CASES)]
    run_huddle(options.huddle, image, level, os.path.join(scratch, "last.png"),
               tour.script(files))
    for name, path in zip(tour.CASES, files):
        check_hash(f"modes {name}", level, pixels_hash(picture.read_png(path)),
                   report)
    return files


def run_tour(level, options, report, scratch):
    image = os.path.join(scratch, "tour.img")
    tour.write_image(os.path.join(options.guests, "modes.img"), tour.CASES, image)
    files = tour_pictures(level, image, options, report, scratch)
    if options.qemu and level == LEVELS[-1]:
        compare_tour(image, files, options, report, scratch)


def compare_tour(image, files, options, report, scratch):
    with qemu_machine.Qemu(image, scratch) as machine:
        for i, (name, path) in enumerate(zip(tour.CASES, files)):
            machine.run_to_count(tour.COUNT_ADDRESS, i + 1, TIMEOUT_S)
            compare_with(machine, f"modes {name}", path, report, options.out,
                         tour.pel_mask(name))
            machine.go_on()
            machine.press("ret")
        code = machine.run_to_end(TIMEOUT_S)
        if code:
            raise Failed(f"QEMU: the guest's exit code is {code}")
    if len(report.phases) < ALL_PHASES and not options.cases:
        report.fail(f"tour: only these phases of cursor and blinking were seen: "
                    f"{sorted(report.phases)}")


def compare_loader(name, options, report, scratch):
    loader = LOADERS[name]
    image = os.path.join(scratch, f"{name}.img")
    script = os.path.join(HERE, "..", "..", "guests", "third-party",
                          loader.script)
    made = subprocess.run(["sh", script, image], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        report.say(f"skip  {name}: {made.stderr.strip().splitlines()[-1:]}")
        return
    png = os.path.join(scratch, f"{name}.png")
    run_huddle(options.huddle, image, LEVELS[-1], png,
               f'wait-text "{loader.text}" 120s\nwait {SETTLED_S * 1000:.0f}ms\nquit\n',
               clock="host")  # GRUB waits without accesses, for which the other is slow
    with qemu_machine.Qemu(image, scratch, loader.disk) as machine:
        machine.run_to_text(loader.text, SETTLED_S, TIMEOUT_S)
        compare_with(machine, name, png, report, options.out)


# --- all of it ---

def firmware_hashes():
    out = {}
    for path in FIRMWARE:
        if os.path.exists(path):
            with open(path, "rb") as file:
                out[os.path.basename(path)] = hashlib.sha256(
                    file.read()).hexdigest()[:16]
    return out


def settle_hashes(options, report):
    """Compares the hashes with the list, or makes the list."""
    hashes = {name: value for name, (_, value) in report.hashes.items()}
    with open(FRAMES, encoding="utf-8") as file:
        kept = json.load(file)
    if options.rebase:
        same = kept["firmware"] == firmware_hashes()
        frames = {**(kept["frames"] if same else {}), **hashes}
        with open(FRAMES, "w", encoding="utf-8") as file:
            json.dump({"firmware": firmware_hashes(), "frames": frames}, file,
                      indent=1, sort_keys=True)
            file.write("\n")
        return
    if kept["firmware"] != firmware_hashes():
        report.say("note  frames.json was made with another SeaBIOS: its hashes "
                   "are not looked at (--rebase makes new ones)")
        return
    for name, value in hashes.items():
        if kept["frames"].get(name) != value:
            report.fail(f"{name}: the frame hash is {value}, frames.json has "
                        f"{kept['frames'].get(name)}")


def write_sheet(report, path):
    """Pairs, ours on the left, in the order of their names."""
    pictures = []
    for name in sorted(report.sheet):
        pictures += report.sheet[name]
    picture.write_png(picture.sheet(pictures, 6), path)


def run_job(job, options, report):
    work, name = job
    scratch = tempfile.mkdtemp(prefix="huddle-pictures-")
    try:
        work(name, options, report, scratch)
    except (Failed, qemu_machine.QemuError, picture.PictureError) as error:
        report.fail(f"{name}: {error}")
    finally:
        shutil.rmtree(scratch)


def parse_options():
    parser = argparse.ArgumentParser(description="huddle's pictures and QEMU's")
    parser.add_argument("--huddle", required=True)
    parser.add_argument("--guests", required=True, help="folder of the images")
    parser.add_argument("--out", required=True, help="folder for mismatches")
    parser.add_argument("--loaders", action="store_true",
                        help="compare the screens of SYSLINUX and GRUB")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="a guest, loader, or `modes`; can be repeated")
    parser.add_argument("--cases", help="of the tour: names with commas between; "
                        "hashes are not looked at")
    parser.add_argument("--sheet", help="write a contact sheet (PNG)")
    parser.add_argument("--rebase", action="store_true",
                        help="write the frame hashes to frames.json")
    return parser.parse_args()


def jobs_of(options):
    if options.loaders:
        jobs = [(compare_loader, name) for name in LOADERS]
    else:
        jobs = [(run_tour, level) for level in LEVELS[::-1]]
        jobs += [(compare_guest, name) for name in GUESTS]
    return [job for job in jobs if not options.only or job[1] in options.only or
            (job[0] == run_tour and "modes" in options.only)]


def main():
    options = parse_options()
    options.qemu = qemu_machine.version()
    if options.cases:
        tour.CASES = options.cases.split(",")
    if options.loaders and not options.qemu:
        print("there is no QEMU to compare with")
        return SKIPPED
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("/dev/kvm cannot be used")
        return SKIPPED
    os.makedirs(options.out, exist_ok=True)
    report = Report()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: run_job(job, options, report),
                      jobs_of(options)))
    if not options.loaders and not options.cases:
        settle_hashes(options, report)
    whole = not (options.only or options.cases or options.loaders)
    if whole and options.qemu and not report.failures:
        for quirk in (*QUIRKS, *sum(GUEST_QUIRKS.values(), ())):
            if not report.used[quirk.name]:
                report.fail(f"quirk `{quirk.name}` changed nothing: no longer "
                            "needed?")
    if options.sheet:
        write_sheet(report, options.sheet)
    if report.failures:
        print(f"{len(report.failures)} failed")
        return 1
    if not options.qemu:
        print("hashes looked at; there is no QEMU to compare pictures with")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())

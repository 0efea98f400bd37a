#!/usr/bin/env python3
"""Other people's programs and compilers on the built-in DOS, unmodified: what they print. README.md.

    run.py CASE    status 0: as expected; 1: not; 77: skipped
    run.py --list"""

import gzip
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SKIPPED = 77
HERE = pathlib.Path(__file__).resolve().parent
SLOW = float(os.environ.get("HUDDLE_SLOW", "1"))
LOADLIN = pathlib.Path("/usr/lib/loadlin/loadlin.exe.gz")
ETHFLOP = pathlib.Path("/usr/share/ethflop/ethflop.com")
IPXE = pathlib.Path("/usr/lib/ipxe/ipxe.lkrn")
WAYS = [["--cluster=off"], ["--cluster=window"], ["--cluster=on"], ["--cluster=on", "--clock=access"]]


def run(folder, command, options):
    args = [os.environ.get("HUDDLE", "huddle"), "run", "--display=none", "--timeout=60", *options, "-c", command, str(folder)]
    ended = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, timeout=120 * SLOW, check=False,
                           env=dict(os.environ, XDG_CACHE_HOME=str(folder.parent)))
    return ended.returncode, ended.stdout.decode("latin-1").replace("\r\n", "\n")


def in_dosbox(folder, command):
    """The same in DOSBox."""
    root = folder.parent
    conf = root / "dosbox.conf"
    conf.write_text(f"[autoexec]\n@mount c {folder}\n@c:\n@{command} > OUT.TXT\n@exit\n")
    subprocess.run(["dosbox", "-conf", str(conf)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOW, check=False,
                   env=dict(os.environ, SDL_VIDEODRIVER="dummy", SDL_AUDIODRIVER="dummy", HOME=str(root)))
    return (folder / "OUT.TXT").read_bytes().decode("latin-1").replace("\r\n", "\n")


def compile_c(name, folder):
    subprocess.run(["bcc", "-Md", "-ansi", "-o", str(folder / f"{name}.COM".upper()), str(HERE / f"{name}.c")], check=True)


def run_c(name, arguments, status, folder):
    """All ways say the same, and the same as DOSBox, and what the source says."""
    if not shutil.which("bcc"):
        return SKIPPED
    compile_c(name, folder)
    command = f"{name.upper()} {arguments}".strip()
    expected = (HERE / f"{name}.expect").read_text()
    bad = 0
    for way in WAYS:
        got = run(folder, command, way)
        if got != (status, expected):
            print(f"{way}: status {got[0]}, {got[1]}")
            bad = 1
    if shutil.which("dosbox"):
        said = in_dosbox(folder, command)
        shown = expected.replace("to stderr\n", "")
        if said != shown:
            print(f"DOSBox: {said}")
            bad = 1
    return bad


def numbers(folder):
    return run_c("numbers", "hello world", 7, folder)


def files(folder):
    return run_c("files", "", 3, folder)


def loadlin_needs(folder):
    if not LOADLIN.exists():
        return False
    (folder / "LOADLIN.EXE").write_bytes(gzip.decompress(LOADLIN.read_bytes()))
    return True


def says(got, *patterns):
    bad = [pattern for pattern in patterns if not re.search(pattern, got[1])]
    for pattern in bad:
        print(f"it does not say {pattern}:\n{got[1]}")
    return int(bool(bad))


def loadlin(folder):
    """The text about its use; what it finds."""
    if not loadlin_needs(folder):
        return SKIPPED
    return int(any([says(run(folder, "LOADLIN", way), "LOADLIN v1.6", "USAGE:", r"load buffer size: 0x00F\w{5} XMS",
                         "PARAMS.TXT") for way in WAYS]))


def loadlin_test(folder):
    """Everything but starting a kernel."""
    if not loadlin_needs(folder) or not IPXE.exists():
        return SKIPPED
    shutil.copy(IPXE, folder / "KERNEL")
    return int(any([says(run(folder, "LOADLIN KERNEL -t root=/dev/ram", way), "CPU is in REAL mode", "cpu in real 386 mode",
                         "BOOT_IMAGE=kernel", "LOADLIN started from DOS-prompt", "Option -t set, Linux not loaded")
                    for way in WAYS]))


def ethflop(folder):
    """A TSR's installation: without a packet driver, with one that reaches nobody, after which it waits; its text, also in DOSBox."""
    if not ETHFLOP.exists():
        return SKIPPED
    shutil.copy(ETHFLOP, folder / "ETHFLOP.COM")
    subprocess.run(["nasm", "-f", "bin", "-w+error", "-o", str(folder / "PACKET.COM"), str(HERE / "packet.asm")], check=True)
    (folder / "GO.BAT").write_bytes(b"@ECHO OFF\r\nETHFLOP a\r\nPACKET\r\nETHFLOP a\r\nETHFLOP l\r\nETHFLOP\r\n")
    bad = int(any([says(run(folder, "GO", way), "^ERROR: no packet driver found", "ERROR: server unreachable",
                        "ERROR: ethflop is not installed", "=== USAGE ===", "published under the terms of the ISC license")
                   for way in WAYS]))
    got = run(folder, "ETHFLOP", WAYS[0])
    if shutil.which("dosbox") and in_dosbox(folder, "ETHFLOP") != got[1]:
        print(f"DOSBox says something else than {got[1]}")
        bad = 1
    return bad or int(got[0] != 1)


def syslinux(folder):
    """Syslinux's installer for DOS on images, by INT 25h and 26h; they boot. It is not in Debian's packages: README.md."""
    program = os.environ.get("HUDDLE_SYSLINUX_COM")
    if not program:
        return SKIPPED
    shutil.copy(program, folder / "SYSLINUX.COM")
    script = folder.parent / "script"
    script.write_text('wait-text "boot:"\ntext\nquit 0\n')
    bad = 0
    for way in WAYS:
        for drive, options in ("A", ""), ("G", "-m -a "):
            image = folder.parent / "image"
            (disk if drive == "G" else floppy)(image)
            got = run(folder, f"SYSLINUX {options}{drive}:", [*way, f"--mount={drive}={image}"])
            command = [os.environ.get("HUDDLE", "huddle"), "run", "--display=none", "--timeout=60", f"--script={script}", str(image)]
            booted = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=90 * SLOW)
            if got != (0, "") or "SYSLINUX" not in booted.stdout:
                print(f"{way}, {drive}: {got}, {booted.stdout}")
                bad = 1
    return bad


def floppy(image):
    image.unlink(missing_ok=True)
    subprocess.run(["/sbin/mkfs.fat", "-C", str(image), "1440"], check=True, stdout=subprocess.DEVNULL)


def disk(image):
    """One partition of 40 MB, no loader."""
    first, sectors = 63, 80640
    with open(image, "wb") as file:
        file.truncate((first + sectors) * 512)
    subprocess.run(["/sbin/mkfs.fat", "-F", "16", "-h", str(first), "-g", "16/63", f"--offset={first}", str(image), str(sectors // 2)],
                   check=True, stdout=subprocess.DEVNULL)
    with open(image, "r+b") as file:
        file.seek(446)
        file.write(struct.pack("<BBBBBBBBII", 0, 1, 1, 0, 6, 15, 63, 79, first, sectors) + bytes(48) + b"\x55\xaa")


CASES = {"numbers": numbers, "files": files, "loadlin": loadlin, "loadlin-test": loadlin_test, "ethflop": ethflop,
         "syslinux": syslinux}


def main():
    if sys.argv[1:] == ["--list"]:
        print(" ".join(CASES))
        return 0
    if not os.path.exists("/dev/kvm"):
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="huddle-dos-") as root:
        folder = pathlib.Path(root) / "c"
        folder.mkdir()
        return CASES[sys.argv[1]](folder)


sys.exit(main())

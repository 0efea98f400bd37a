#!/usr/bin/env python3
"""Other people's guests, unmodified from Debian's packages, with clustering off and on: SYSLINUX from a floppy, GRUB 2 from a
hard disk, iPXE as far as its banner. The images are made by guests/third-party; a missing package skips the case."""

import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
from harness import SOURCE, Failed, Skip, case, main

NEEDS = {
    "syslinux-floppy": ("syslinux", "mcopy"),
    "grub-disk": ("grub-mkimage", "mcopy"),
    "ipxe-floppy": ("syslinux", "mcopy"),
}
LIMIT = 280  # seconds: a software KVM decompresses slowly


def make_image(tool, name):
    for program in NEEDS[name]:
        if not shutil.which(program) and not shutil.which(program, path="/usr/sbin:/sbin"):
            raise Skip(f"{program} is not installed")
    image = tool.scratch / f"{name}.img"
    made = subprocess.run(["sh", SOURCE / "guests" / "third-party" / f"{name}.sh", image], capture_output=True, text=True)
    if made.returncode:
        raise Failed(f"the image cannot be made: {made.stderr}")
    return image


def run_script(tool, level, image, script, *texts):
    """Runs the script, which ends with quit, and looks for texts on the screens that it printed."""
    path = tool.file("script.txt", script)
    ended = tool.run("run", f"--cluster={level}", f"--timeout={LIMIT}", f"--script={path}", image, limit=LIMIT + 10)
    ended.expect_status(0)
    for text in texts:
        ended.expect(text in ended.out, f"the screen does not show \"{text}\"")


def syslinux(tool, level):
    """The prompt appears; a kernel that is not there is answered; what the message file says is shown."""
    run_script(tool, level, make_image(tool, "syslinux-floppy"), """
wait-text "boot:" 120s
text
type "nosuch\\n"
wait-text "nosuch" 60s
wait 500ms
text
quit
""", "boot:", "SYSLINUX from a floppy", "nosuch")


def grub(tool, level):
    """The menu appears, c opens the shell, ls lists the disk."""
    run_script(tool, level, make_image(tool, "grub-disk"), """
wait-text "GNU GRUB" 120s
wait 500ms
text
key c
wait-text "grub>" 60s
type "ls\\n"
wait-text "(hd0,msdos1)" 60s
text
quit
""", "GNU GRUB", "grub> ls", "(hd0) (hd0,msdos1)")


def ipxe(tool, level):
    image = make_image(tool, "ipxe-floppy")
    ended = tool.run("run", f"--cluster={level}", f"--timeout={LIMIT}", "--until-text=iPXE initialising devices", image,
                     limit=LIMIT + 10)
    ended.expect_status(0)


for guest in (syslinux, grub, ipxe):
    for level in ("off", "on"):
        case(f"{guest.__name__}-{level}")(lambda tool, guest=guest, level=level: guest(tool, level))

if __name__ == "__main__":
    main(__doc__)

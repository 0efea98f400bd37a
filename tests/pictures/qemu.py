"""QEMU's ISA PC as a reference: run to a state, stop there, and look.

It is driven over QMP (QEMU's "qmp-spec"); the monitor's `o` and `i` reach the
VGA's registers, `pmemsave` its memory. Without isa-debug-exit a guest that has
written its exit code goes on to CLI, HLT with the code in AL, and stays there.
"""

import json
import os
import re
import socket
import subprocess
import time

import picture

PROGRAM = "qemu-system-i386"
# How long the cursor stays on or off in QEMU, and some more.
CURSOR_PHASE_S = 0.3
POLL_S = 0.02

ATTR_INDEX, ATTR_READ, MISC_READ, MISC_WRITE = 0x3C0, 0x3C1, 0x3CC, 0x3C2
SEQ, GC, DAC_READ, DAC_WRITE, DAC_DATA = 0x3C4, 0x3CE, 0x3C7, 0x3C8, 0x3C9
ATTR_PAS = 0x20


class QemuError(Exception):
    """QEMU could not be started, or the guest did not get to where it should."""


def version():
    """The first line of --version; None if there is no QEMU."""
    try:
        out = subprocess.run([PROGRAM, "--version"], capture_output=True,
                             text=True, check=True)
        return out.stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


class Qemu:
    """One machine. `disk` is "floppy" or "ide"; nothing is written to image."""

    def __init__(self, image, scratch, disk="floppy"):
        self.scratch = scratch
        path = os.path.join(scratch, "qmp")
        command = [PROGRAM, "-M", "isapc", "-vga", "std", "-accel", "tcg",
                   "-cpu", "486", "-display", "none", "-no-reboot",
                   "-qmp", f"unix:{path},server=on,wait=off",
                   "-drive", f"file={image},format=raw,if={disk},snapshot=on"]
        self.errors = open(os.path.join(scratch, "qemu-errors"), "w+",
                           encoding="utf-8")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=self.errors, stderr=self.errors)
        try:
            self._connect(path)
        except BaseException:
            self.close()
            raise

    def _connect(self, path):
        deadline = time.monotonic() + 20
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError as error:
                if self.process.poll() is not None:
                    self.errors.seek(0)
                    raise QemuError(
                        f"QEMU: {self.errors.read().strip()}") from error
                if time.monotonic() > deadline:
                    raise QemuError("QEMU does not listen") from error
                time.sleep(POLL_S)
        self.stream = self.socket.makefile("rw", encoding="utf-8")
        self.stream.readline()
        self.command("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.errors.close()
        if hasattr(self, "stream"):
            self.stream.close()
        if hasattr(self, "socket"):
            self.socket.close()

    # --- the monitor ---

    def command(self, name, **arguments):
        self.stream.write(json.dumps(
            {"execute": name, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            line = self.stream.readline()
            if not line:
                raise QemuError("QEMU has ended")
            answer = json.loads(line)
            if "error" in answer:
                raise QemuError(f"{name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def monitor(self, line):
        return self.command("human-monitor-command", **{"command-line": line})

    def stop(self):
        self.command("stop")

    def go_on(self):
        self.command("cont")

    def press(self, key):
        self.monitor(f"sendkey {key}")

    def memory(self, address, size):
        path = os.path.join(self.scratch, "memory")
        self.monitor(f'pmemsave {address} {size} "{path}"')
        with open(path, "rb") as file:
            return file.read()

    # --- getting to a state ---

    def wait_until(self, what, reached, timeout_s):
        deadline = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > deadline:
                raise QemuError(f"{what}: not within {timeout_s} s")
            time.sleep(POLL_S)

    def _halted_for_good(self):
        text = self.monitor("info registers")
        interrupts = int(re.search(r"EFL=([0-9a-f]+)", text)[1], 16) & 0x200
        self.al = int(re.search(r"EAX=([0-9a-f]+)", text)[1], 16) & 255
        return "HLT=1" in text and not interrupts

    def run_to_end(self, timeout_s):
        """Returns the guest's exit code; the machine is stopped."""
        self.wait_until("the guest's end", self._halted_for_good, timeout_s)
        self.stop()
        return self.al

    def run_to_text(self, text, settled_s, timeout_s):
        """Until the text page contains `text`, and a little on; the machine is
        stopped."""
        wanted = text.encode("cp437")
        self.wait_until(f"the text {text!r}", lambda: wanted in
                        self.memory(0xB8000, 4000)[::2], timeout_s)
        time.sleep(settled_s)
        self.stop()

    def run_to_count(self, address, count, timeout_s):
        """Until the dword there is `count`; the machine is stopped."""
        self.wait_until(f"picture {count}", lambda: int.from_bytes(
            self.memory(address, 4), "little") == count, timeout_s)
        self.stop()

    # --- the VGA's registers ---

    def port_in(self, port):
        return int(self.monitor(f"i /b {port}").split("=")[1], 16)

    def port_out(self, port, value):
        self.monitor(f"o /b {port} {value}")

    def read_register(self, group, index):
        """`group` is SEQ, GC or the CRT controller's index port."""
        self.port_out(group, index)
        return self.port_in(group + 1)

    def write_register(self, group, index, value):
        self.port_out(group, index)
        self.port_out(group + 1, value)

    def palette_on(self, crtc):
        """The palette address source: off, no picture is shown."""
        self.port_in(crtc + 6)
        return self.port_in(ATTR_INDEX) & ATTR_PAS

    def read_attribute(self, index, crtc):
        on = self.palette_on(crtc)
        self.port_out(ATTR_INDEX, index | on)
        return self.port_in(ATTR_READ)

    def write_attribute(self, index, value, crtc):
        on = self.palette_on(crtc)
        self.port_out(ATTR_INDEX, index)
        self.port_out(ATTR_INDEX, value)
        self.port_out(ATTR_INDEX, on)

    def read_colour(self, index):
        self.port_out(DAC_READ, index)
        return tuple(self.port_in(DAC_DATA) & 63 for _ in range(3))

    def write_colour(self, index, colour):
        self.port_out(DAC_WRITE, index)
        for component in colour:
            self.port_out(DAC_DATA, component)

    # --- pictures ---

    def _screendump(self):
        path = os.path.join(self.scratch, "screen.ppm")
        self.command("screendump", filename=path)
        return picture.read_ppm(path)

    def screen(self, crtc):
        """The whole screen drawn anew; QEMU by itself draws what it thinks has
        changed, but always does everything when the start address has."""
        low = self.read_register(crtc, 0x0D)
        self.write_register(crtc, 0x0D, low ^ 1)
        self._screendump()
        self.write_register(crtc, 0x0D, low)
        return self._screendump()

    def stop_with_cursor_on(self, crtc):
        """In text modes, stopped: the cursor's phase stands still with the
        machine, which is what lets pictures be compared with each other."""
        start = self.read_register(crtc, 0x0A)
        for _ in range(3):
            shown = self.screen(crtc).rows
            self.write_register(crtc, 0x0A, start | 0x20)
            hidden = self.screen(crtc).rows
            self.write_register(crtc, 0x0A, start)
            if shown != hidden:
                return
            self.go_on()
            time.sleep(CURSOR_PHASE_S)
            self.stop()

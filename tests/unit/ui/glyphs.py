#!/usr/bin/env python3
"""The characters of code page 437 against Python's table, from `test_ui --glyphs`: a code point per line."""

import subprocess
import sys

CONTROLS = "☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"  # 01h to 1Fh, as the VGA's font has them
HOUSE = "⌂"  # 7Fh

glyphs = [chr(int(line, 16)) for line in subprocess.run([sys.argv[1], "--glyphs"], check=True, capture_output=True,
                                                        text=True).stdout.split()]
expected = [" ", *CONTROLS, *bytes(range(0x20, 0x7f)).decode("cp437"), HOUSE, *bytes(range(0x80, 0x100)).decode("cp437")]
wrong = [f"{code:02X}h is {got!r}, not {want!r}" for code, (got, want) in enumerate(zip(glyphs, expected)) if got != want]
print("\n".join(wrong) or f"{len(glyphs)} characters")
sys.exit(bool(wrong) or len(glyphs) != 256)

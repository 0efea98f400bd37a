#!/usr/bin/env python3
"""A file as C: embed.py FILE OUT.c makes `command_com` and `command_com_bytes` (command.h) of it."""
import sys

path, out = sys.argv[1:]
data = open(path, "rb").read()
lines = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(out, "w") as f:
    f.write('#include "dos/shell/command.h"\n\nconst u8 command_com[] = {\n    ' + ",\n    ".join(lines) + "};\n")
    f.write(f"const u32 command_com_bytes = {len(data)};\n")

#!/usr/bin/env python3
"""A file as C: embed.py FILE OUT.c NAME [HEADER] makes `const u8 NAME[]` and `const u32 NAME_bytes`, which HEADER declares."""
import sys

path, out, name = sys.argv[1:4]
header = sys.argv[4] if len(sys.argv) > 4 else "dos/embedded.h"
data = open(path, "rb").read()
lines = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(out, "w") as f:
    f.write(f'#include "{header}"\n\n')
    f.write(f"const u8 {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n")
    f.write(f"const u32 {name}_bytes = {len(data)};\n")

#!/usr/bin/env python3
"""A style sheet as C: embed.py FILE.css OUT.c makes `html_style` and `html_style_bytes` (html_style.h). It goes into XML as it is,
so it may have neither '<' nor '&'."""
import sys

path, out = sys.argv[1:]
data = open(path, "rb").read()
if b"<" in data or b"&" in data:
    sys.exit(f"{path}: < and & must not be in a style sheet that becomes part of a page")
lines = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
with open(out, "w") as f:
    f.write('#include "report/html_style.h"\n\nconst u8 html_style[] = {\n    ' + ",\n    ".join(lines) + "};\n")
    f.write(f"const u32 html_style_bytes = {len(data)};\n")

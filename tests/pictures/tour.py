"""The cases of the tour: modes and effects of the guest `modes`, and the list of
them that its image carries (guests/modes/modes.asm)."""

import struct

# Offsets in the image, address of guest_result.
FLAG_OFFSET, CASES_OFFSET, MOST_CASES = 0x24, 0x200, 64
COUNT_ADDRESS = 0x7C2C
PEL_MASK = 0x2B

EFFECTS = {name: 1 << 8 + bit for bit, name in enumerate((
    "start", "split", "pan", "pan-compat", "dac", "select", "pel-mask", "dots",
    "font", "no-blink", "cursor", "small-font", "screen-off", "row-scan",
    "byte-pan", "wide", "grey", "no-graphics", "planes", "wrap", "no-palette",
    "no-cursor", "underline", "blink"))}

# Every mode by itself, then each effect where it matters.
CASES = [f"{mode:02x}" for mode in (*range(8), *range(0x0D, 0x14))] + [
    "00+cursor+no-blink",
    "01+dots",
    "03+start",
    "03+split",
    "03+pan",
    "03+pan+split+pan-compat",
    "03+dac",
    "03+dac+select",
    "03+pel-mask",
    "03+dots",
    "03+font",
    "03+no-blink+cursor",
    "03+small-font",
    "03+row-scan+start",
    "03+byte-pan+split",
    "03+wide",
    "03+no-graphics",
    "03+planes+no-cursor",
    "03+underline+cursor",
    "03+screen-off",
    "03+no-palette",
    "07+no-blink+font",
    "07+dots+split",
    "07+underline",
    "04+start",
    "04+dac+select",
    "05+split",
    "06+wide",
    "0d+pan+split",
    "0d+wrap",
    "0d+dac",
    "0e+pan+split+pan-compat",
    "0f+blink+dac",
    "10+blink",
    "10+blink+planes+split",
    "10+planes+start",
    "10+dac+select",
    "10+grey",
    "12+pan+wide",
    "12+byte-pan+split",
    "12+wrap",
    "12+pel-mask",
    "13+start+split",
    "13+pan",
    "13+dac",
    "13+pel-mask",
    "13+planes",
    "13+wide+grey",
    "13+screen-off",
]


def case_value(name):
    mode, *effects = name.split("+")
    value = int(mode, 16)
    for effect in effects:
        value |= EFFECTS[effect]
    return value


def pel_mask(name):
    return PEL_MASK if "pel-mask" in name.split("+") else 0xFF


def write_image(image, cases, path):
    """`image` with the list of these cases, as the file `path`."""
    assert len(cases) <= MOST_CASES
    with open(image, "rb") as file:
        data = bytearray(file.read())
    data[FLAG_OFFSET] = 1
    for i, name in enumerate(cases):
        struct.pack_into("<I", data, CASES_OFFSET + 4 * i, case_value(name))
    with open(path, "wb") as file:
        file.write(data)


def script(pictures):
    """huddle's script: a picture of each case, then the key for the next. A
    case takes some 200 ms of the guest's time; waiting costs the host little."""
    lines = []
    for path in pictures:
        lines += ["wait 2s", f"screenshot {path}", "key enter"]
    return "\n".join(lines) + "\n"

"""Where QEMU's pictures are not what the VGA shows: the table, and what undoes
each of them. Everything that is not in the table must be equal, pixel by pixel.

A quirk corrects no more than what its reason names, and where it can it takes
the right dots from QEMU itself, which is made to show them by other registers.
Manuals: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"
(IBM VGA below); FreeVGA. QEMU: hw/display/vga.c.
"""

from collections import namedtuple

from reference import (ATTR_MODE, BLINK, EIGHT_BIT, LINE_GRAPHICS, MODE, OVERSCAN,
                       PAN_COMPATIBLE, PEL_PANNING, PLANE_ENABLE, PRESET_ROW,
                       UNDERLINE)

NINE_DOTS_FIRST, NINE_DOTS_LAST = 0xC0, 0xDF


# --- colours ---

def pel_mask(ref):
    return ref.pel_mask != 0xFF


def mask_dac(ref):
    for index in range(256):
        if index & ref.pel_mask != index:
            ref.set_dac_colour(index, ref.dac_colour(index & ref.pel_mask))


def text_planes(ref):
    return ref.text and ref.attr[PLANE_ENABLE] & 15 != 15


def mask_palette(ref):
    mask = ref.attr[PLANE_ENABLE]
    ref.set_palette([ref.attr[i & mask] for i in range(16)])


def halves(ref):
    """256 colours, and the two halves of a colour do not pass unchanged."""
    through = [ref.attr[i & ref.attr[PLANE_ENABLE]] & 15 for i in range(16)]
    return (not ref.text and ref.attr[ATTR_MODE] & EIGHT_BIT and
            through != list(range(16)))


def halves_in_dac(ref):
    through = [ref.attr[i & ref.attr[PLANE_ENABLE]] & 15 for i in range(16)]
    before = [ref.dac_colour(i) for i in range(256)]
    for i in range(256):
        ref.set_dac_colour(i, before[through[i >> 4] << 4 | through[i & 15]])


def graphics_blink(ref):
    return not ref.text and ref.attr[ATTR_MODE] & BLINK


def other_half(ref):
    return [ref.attr[i ^ 8] for i in range(16)]


# --- single characters ---

def nine_dots(ref):
    return ref.text and ref.dots == 9


def narrow(ref):
    return nine_dots(ref) and ref.seq[1] & 8


def wide_nine(ref):
    return (nine_dots(ref) and not narrow(ref) and
            ref.attr[ATTR_MODE] & LINE_GRAPHICS)


def ninth_dot_of_blocks(ref, cell, code, attribute, _blink):
    if not 0xB0 <= code < NINE_DOTS_FIRST:
        return
    for line in range(cell.lines):
        if line not in cell.cursor_lines:
            cell.put(8, line, ref.background(attribute))


def widen(ref, rows):
    """Room for a ninth dot behind each eight."""
    return [bytearray(b"".join(row[i:i + 24] + b"\0\0\0"
                               for i in range(0, len(row), 24)))
            for row in rows]


def ninth_dot(ref, cell, code, attribute, _blink):
    repeat = (ref.attr[ATTR_MODE] & LINE_GRAPHICS and
              NINE_DOTS_FIRST <= code <= NINE_DOTS_LAST)
    for line in range(cell.lines):
        if repeat or line in cell.cursor_lines:
            cell.put(8, line, cell.dot(7, line))
        else:
            cell.put(8, line, ref.background(attribute))


def text_blink(ref):
    return ref.text and ref.attr[ATTR_MODE] & BLINK


def redraw_blinking(ref, cell, code, attribute, blink):
    """Seven background colours, and a foreground that comes and goes."""
    if not ref.blinks(attribute):
        return
    glyph = ref.glyph(code, attribute)
    ninth = (ref.attr[ATTR_MODE] & LINE_GRAPHICS and
             NINE_DOTS_FIRST <= code <= NINE_DOTS_LAST)
    colours = (ref.background(attribute), ref.foreground(attribute))
    for line in range(cell.lines):
        bits = glyph[line] << 1 if blink else 0
        if ninth:
            bits |= bits >> 1 & 1
        if line in cell.cursor_lines:
            bits = 0x1FF
        cell.put(0, line, b"".join([colours[bits >> shift & 1] for shift in
                                    range(8, 8 - cell.dots, -1)]))


def underlined(ref):
    return ref.text and ref.crtc[UNDERLINE] & 31 < ref.row_lines


def underline(ref, cell, _code, attribute, blink):
    if attribute & 0x77 != 1 or (ref.blinks(attribute) and not blink):
        return
    cell.put(0, ref.crtc[UNDERLINE] & 31,
             ref.foreground(attribute) * cell.dots)


# --- where lines and dots come from ---

def _panned_dots(ref, value):
    """With nine dots a character 8 means none, and 0 means one."""
    if ref.dots == 9 and ref.text:
        return 0 if value >= 8 else value + 1
    if ref.attr[ATTR_MODE] & EIGHT_BIT:
        return (value & 7) // 2
    return value & 7


def _address_dots(ref):
    """Dots of our picture that one step of the start address moves it by."""
    return ref.width // ref.columns


def moved(ref):
    """Panned in a way that QEMU does not know, or split within a character."""
    return (_panned_dots(ref, ref.attr[PEL_PANNING]) or ref.crtc[PRESET_ROW] or
            (ref.text and ref.split_line is not None and
             (ref.split_line + 1) % ref.row_lines))


def _line_of(ref, y):
    """Start address, line of a picture from there, and dots panned, of line y:
    the present registers as the CRT controller walks through them."""
    panning, byte_pan = ref.attr[PEL_PANNING], ref.crtc[PRESET_ROW] >> 5 & 3
    if ref.split_line is not None:
        split_at = (ref.split_line + 1) // ref.line_repeat
        if y >= split_at:
            if ref.attr[ATTR_MODE] & PAN_COMPATIBLE:
                panning = byte_pan = 0
            return byte_pan, y - split_at, _panned_dots(ref, panning)
    line = y + (ref.crtc[PRESET_ROW] & 31 if ref.text else 0)
    start = ref.start + byte_pan
    if line >= ref.height:
        start, line = start + ref.row_cells, line - ref.row_lines
    return start, line, _panned_dots(ref, panning)


def move(ref, _rows, cursor, blink):
    out, step = [], _address_dots(ref)
    for y in range(ref.height):
        start, line, panned = _line_of(ref, y)
        row = ref.frame(start, cursor, blink)[line]
        if panned:
            beyond = ref.frame(start + 1, cursor, blink)[line]
            tail = 3 * (ref.width - step)
            row = row[3 * panned:] + beyond[tail:tail + 3 * panned]
        out.append(row)
    return out


def _memory_cells(ref):
    """Steps of the address counter after which the same memory comes again, and
    how many lines are interleaved."""
    mode, underline = ref.crtc[MODE], ref.crtc[UNDERLINE]
    if not mode & 1:  # the line takes the place of address bit 13
        return 0x2000 if mode & 0x40 else 0x1000, 2
    return 0x4000 if underline & 0x40 else 0x10000, 1


def wraps(ref):
    if ref.text:
        return False
    cells, interleaved = _memory_cells(ref)
    last = ref.start + (ref.height // interleaved - 1) * ref.row_cells
    return last + ref.columns > cells


def wrap(ref, rows, cursor, blink):
    """Lines that begin behind the end, and the rest of one that crosses it,
    from pictures that begin with them."""
    cells, interleaved = _memory_cells(ref)
    step = 3 * _address_dots(ref)
    out = []
    for y, row in enumerate(rows):
        first = ref.start + y // interleaved * ref.row_cells
        left = max(0, min(ref.columns, cells - first))
        if left < ref.columns:
            again = ref.frame(max(0, first - cells), cursor, blink)
            row = row[:step * left] + \
                again[y % interleaved][:step * (ref.columns - left)]
        out.append(row)
    return out


def screen_off(ref):
    return ref.seq[1] & 0x20


def black(ref, rows, _cursor, _blink):
    return [bytearray(len(row)) for row in rows]


def no_palette(ref):
    return not ref.palette_on and not screen_off(ref)


def border(ref, rows, _cursor, _blink):
    colour = ref.dac_colour(ref.attr[OVERSCAN])
    return [bytearray(colour * ref.width) for _ in rows]


Quirk = namedtuple("Quirk", "name applies why registers blink_palette widens "
                   "cell picture", defaults=(None,) * 5)

# In the order in which they are undone. Two more, which nothing can undo, are in
# compare.py: whole pixels and lines that QEMU repeats (mode 13h is 640 x 400
# there), and the two lowest of eight bits (QEMU makes A8h of 2Ah, huddle AAh).
QUIRKS = (
    Quirk("pel mask", pel_mask,
          "QEMU has no pel mask (3C6h); IBM VGA: it is ANDed with the palette "
          "address.",
          registers=mask_dac),
    Quirk("text planes", text_planes,
          "QEMU applies the colour plane enable register in graphics only; IBM "
          "VGA: it masks what addresses the internal palette in every mode.",
          registers=mask_palette),
    Quirk("256 colours through the palette", halves,
          "QEMU looks 8-bit colours up in the DAC directly; IBM VGA: they pass "
          "the internal palette as two halves, masked by the colour plane "
          "enable register.",
          registers=halves_in_dac),
    Quirk("graphics blink", graphics_blink,
          "QEMU does not blink in graphics modes (0Fh does); IBM VGA: the most "
          "significant bit of a dot is toggled.",
          blink_palette=other_half),
    Quirk("40 columns are 8 dots wide", narrow,
          "QEMU draws the characters of modes 0 and 1 without the ninth dot, "
          "\"no 18 pixel wide\"; IBM VGA: 360 dots.",
          widens=widen, cell=ninth_dot),
    Quirk("ninth dot of B0h-BFh", wide_nine,
          "QEMU repeats the eighth dot for B0h-DFh; IBM VGA: for C0h-DFh, the "
          "ninth dot of the others is background.",
          cell=ninth_dot_of_blocks),
    Quirk("text blink", text_blink,
          "QEMU shows blinking characters steady on 16 background colours; IBM "
          "VGA: attribute bit 7 then is not a colour.",
          cell=redraw_blinking),
    Quirk("underline", underlined,
          "QEMU does not underline; IBM VGA: attributes x000x001 are, on the "
          "line that CRTC register 14h names.",
          cell=underline),
    Quirk("panning, and splits within a character", moved,
          "QEMU does not know pel panning, byte panning and the preset row "
          "scan, and splits text between two rows of characters only; IBM VGA: "
          "attribute register 13h, CRTC registers 8 and 18h.",
          picture=move),
    Quirk("wrap", wraps,
          "QEMU goes on to what lies behind in its own memory; IBM VGA: an "
          "address of 16 bits, from which the modes make theirs.",
          picture=wrap),
    Quirk("screen off", screen_off,
          "QEMU shows the picture; IBM VGA: clocking mode bit 5 blanks it.",
          picture=black),
    Quirk("palette address source", no_palette,
          "QEMU shows black when the processor has the palette; IBM VGA: the "
          "border's colour.",
          picture=border),
)


# --- of one guest ---

BARS = 64  # guests/retrace: BAR_LINES


def always(_ref):
    return True


def bars(_ref, rows, _cursor, _blink):
    """Colour 0 as the guest sets it in each blank of the frame it ends in: bar i
    in that behind line i, so that it shows from line i + 1 on, and black again
    before line BARS. Line 0 shows the last bar of the frame before."""
    out = []
    for y, row in enumerate(rows):
        if y < BARS:
            i = (y - 1) % BARS
            bar = bytes((i, i ^ 63, i << 2 & 63))
            row = b"".join(bar if row[x:x + 3] == b"\0\0\0" else row[x:x + 3]
                           for x in range(0, len(row), 3))
        out.append(row)
    return out


GUEST_QUIRKS = {
    "retrace": (Quirk(
        "raster bars", always,
        "QEMU draws a whole frame with the registers at one instant; on a VGA "
        "what is written while the beam is on its way shows from there on.",
        picture=bars),),
}

"""What QEMU's screen says our picture must be.

A Reference looks at a stopped QEMU: it reads the registers, takes screendumps,
reduces them to the size of our pictures, and lets the quirks (quirks.py) correct
what QEMU is known to draw wrongly, as far as possible with further screendumps
of QEMU's own, taken with other registers. What comes out must equal our picture
in every pixel.
"""

import picture
from qemu import GC, MISC_READ, SEQ

# CRT controller.
OVERFLOW, PRESET_ROW, MAX_SCAN, CURSOR_START, CURSOR_END = 7, 8, 9, 10, 11
START_HIGH, START_LOW, CURSOR_HIGH, CURSOR_LOW = 12, 13, 14, 15
OFFSET, UNDERLINE, MODE, LINE_COMPARE = 0x13, 0x14, 0x17, 0x18
# Attribute controller.
ATTR_MODE, OVERSCAN, PLANE_ENABLE, PEL_PANNING, COLOUR_SELECT = range(16, 21)
LINE_GRAPHICS, BLINK, PAN_COMPATIBLE, EIGHT_BIT, P54S = 4, 8, 0x20, 0x40, 0x80
NO_SPLIT = 1023


class Mismatch(Exception):
    """QEMU's picture cannot be brought to the size of ours."""


class Reference:
    """Of a stopped QEMU, for our pictures of `size`. `quirks` is the table; `raw`
    is QEMU's screen as it is; `used` counts, by a quirk's name, what it has
    changed. `pel_mask` has to be told: in QEMU nothing is behind that port."""

    def __init__(self, qemu, size, quirks, pel_mask):
        self.qemu = qemu
        self.pel_mask = pel_mask
        self.width, self.height = size
        self.quirks = quirks
        self.used = {}
        self._read_registers()
        if self.text:
            qemu.stop_with_cursor_on(self.crtc_port)
            self._read_cells()
        self._measure()
        self.raw = qemu.screen(self.crtc_port)
        self._kept = {}
        self.start = self.crtc[START_HIGH] << 8 | self.crtc[START_LOW]
        for quirk in self.quirks:
            if quirk.registers and quirk.applies(self):
                quirk.registers(self)
                self.used[quirk.name] = 1

    def _read_registers(self):
        qemu = self.qemu
        misc = qemu.port_in(MISC_READ)
        self.crtc_port = 0x3D4 if misc & 1 else 0x3B4
        self.palette_on = bool(qemu.palette_on(self.crtc_port))
        self.seq = [qemu.read_register(SEQ, i) for i in range(5)]
        self.gc = [qemu.read_register(GC, i) for i in range(9)]
        self.crtc = [qemu.read_register(self.crtc_port, i) for i in range(25)]
        self.attr = [qemu.read_attribute(i, self.crtc_port) for i in range(21)]
        self.text = not self.gc[6] & 1
        self._colours = {}

    def _measure(self):
        """Characters, and where the split is."""
        self.columns = self.crtc[1] + 1
        self.dots = 8 if self.seq[1] & 1 else 9
        self.row_lines = (self.crtc[MAX_SCAN] & 31) + 1
        self.row_cells = 2 * self.crtc[OFFSET]
        line = (self.crtc[LINE_COMPARE] | (self.crtc[OVERFLOW] & 16) << 4 |
                (self.crtc[MAX_SCAN] & 64) << 3)
        display_lines = (self.crtc[0x12] | (self.crtc[OVERFLOW] & 2) << 7 |
                         (self.crtc[OVERFLOW] & 64) << 3) + 1
        self.line_repeat = display_lines // self.height
        self.split_line = line if line < display_lines - 1 else None

    # --- text ---

    def _read_cells(self):
        address = {2: 0xB0000, 3: 0xB8000}[self.gc[6] >> 2 & 3]
        self.cells = self.qemu.memory(address, 0x8000)
        qemu, keep = self.qemu, (self.seq[4], self.gc[4], self.gc[5], self.gc[6])

        def to(memory_mode, read_map, mode, misc):
            qemu.write_register(SEQ, 4, memory_mode)
            qemu.write_register(GC, 4, read_map)
            qemu.write_register(GC, 5, mode)
            qemu.write_register(GC, 6, misc)

        to(6, 2, 0, 4)  # plane 2 by itself at A0000h
        self.font = self.qemu.memory(0xA0000, 0x10000)
        to(*keep)

    def cell(self, start, row, column):
        """Character, attribute, and whether the cursor is there."""
        counter = start + row * self.row_cells + column & 0xFFFF
        at = 2 * counter & 0x7FFF
        cursor = self.crtc[CURSOR_HIGH] << 8 | self.crtc[CURSOR_LOW]
        return self.cells[at], self.cells[at + 1], counter == cursor

    def cursor_lines(self):
        """The lines of a cell that the cursor covers when it is on."""
        start, end = self.crtc[CURSOR_START], self.crtc[CURSOR_END] & 31
        if start & 32:
            return range(0)
        return range(start & 31, min(end, self.row_lines - 1) + 1)

    def glyph(self, code, attribute):
        """Eight bits a line, from the font that the attribute selects."""
        select = self.seq[3]
        if attribute & 8:
            font = select >> 2 & 3 | (select & 0x20) >> 3
        else:
            font = select & 3 | (select & 0x10) >> 2
        at = (font & 3) * 0x4000 + (font >> 2) * 0x2000 + 32 * code
        return self.font[at:at + self.row_lines]

    def blinks(self, attribute):
        return bool(attribute & 0x80 and self.attr[ATTR_MODE] & BLINK)

    def foreground(self, attribute):
        return self.attribute_colour(attribute & 15)

    def background(self, attribute):
        blink = self.attr[ATTR_MODE] & BLINK
        return self.attribute_colour(attribute >> 4 & (7 if blink else 15))

    # --- colours: three bytes of six bits ---

    def attribute_colour(self, index):
        value, select = self.attr[index], self.attr[COLOUR_SELECT]
        if self.attr[ATTR_MODE] & P54S:
            value = value & 15 | (select & 3) << 4
        return self.dac_colour(value & 63 | (select & 12) << 4)

    def dac_colour(self, index):
        if index not in self._colours:
            self._colours[index] = bytes(self.qemu.read_colour(index))
        return self._colours[index]

    def set_dac_colour(self, index, colour):
        self.qemu.write_colour(index, colour)
        self._colours[index] = bytes(colour)

    def set_palette(self, values):
        """The internal palette; values as they were are not written."""
        for index, value in enumerate(values):
            if value != self.attr[index]:
                self.qemu.write_attribute(index, value, self.crtc_port)
                self.attr[index] = value

    # --- pictures ---

    def _set_start(self, start, split):
        qemu, port = self.qemu, self.crtc_port
        line = self.split_line if split else NO_SPLIT
        if self.split_line is not None:
            qemu.write_register(port, LINE_COMPARE, line & 255)
            qemu.write_register(port, OVERFLOW, self.crtc[OVERFLOW] & ~16 |
                                line >> 4 & 16)
            qemu.write_register(port, MAX_SCAN, self.crtc[MAX_SCAN] & ~64 |
                                line >> 3 & 64)
        qemu.write_register(port, START_HIGH, start >> 8)
        qemu.write_register(port, START_LOW, start & 255)

    def _to_our_size(self, screen):
        """Takes out what QEMU repeats."""
        width = self.width
        if self.text and self.seq[1] & 8 and self.dots == 9:
            width = 8 * self.columns  # `narrow cells` puts the ninth dots in
        factors = (screen.width / width, screen.height / self.height)
        if any(f not in (1, 2, 4) for f in factors):
            raise Mismatch(f"QEMU's picture is {screen.width} x {screen.height},"
                           f" ours {self.width} x {self.height}")
        out = picture.unrepeat(screen, int(factors[0]), int(factors[1]))
        if out is None:
            raise Mismatch("QEMU does not repeat its dots or lines")
        return out

    def frame(self, start, cursor=True, blink=True, split=False):
        """Rows (bytearrays, to be left alone) of a picture that begins at
        `start`, with what is wrong in single cells corrected. `cursor` and
        `blink` are the phases. Without `split` there is no split."""
        key = (start & 0xFFFF, cursor, blink, split)
        if key not in self._kept:
            self._kept[key] = self._draw_frame(*key)
        return self._kept[key]

    def _draw_frame(self, start, cursor, blink, split):
        qemu, port = self.qemu, self.crtc_port
        self._set_start(start, split)
        if self.text and not cursor:
            qemu.write_register(port, CURSOR_START,
                                self.crtc[CURSOR_START] | 0x20)
        palette = self.attr[:16]
        if not self.text and not blink:
            for quirk in self.quirks:
                if quirk.blink_palette and quirk.applies(self):
                    self.set_palette(quirk.blink_palette(self))
                    self.used[quirk.name] = 1
        screen = self._to_our_size(qemu.screen(port).six_bits())
        self.set_palette(palette)
        qemu.write_register(port, CURSOR_START, self.crtc[CURSOR_START])
        self._set_start(self.start, True)
        rows = [bytearray(row) for row in screen.rows]
        if self.text and self.palette_on:
            rows = self._correct_cells(rows, start, cursor, blink, split)
        return rows

    def _correct_cells(self, rows, start, cursor, blink, split):
        for quirk in self.quirks:
            if not quirk.cell or not quirk.applies(self):
                continue
            if quirk.widens:
                rows = quirk.widens(self, rows)
            before = [bytes(row) for row in rows]
            for row in range(len(rows) // self.row_lines):
                at, text_row = start, row
                if split and self.split_line is not None:
                    first = self.split_line // self.row_lines + 1
                    if row >= first:
                        at, text_row = 0, row - first
                for column in range(self.columns):
                    code, attribute, here = self.cell(at, text_row, column)
                    canvas = Cell(self, rows, row, column,
                                  self.cursor_lines() if here and cursor else ())
                    quirk.cell(self, canvas, code, attribute, blink)
            self._count(quirk, before, rows)
        return rows

    def _count(self, quirk, before, after):
        changed = sum(a != b for a, b in zip(before, after))
        self.used[quirk.name] = self.used.get(quirk.name, 0) + changed

    def phases(self):
        """The phases of (cursor, blinking) that may make a difference."""
        blinking = any(quirk.name in ("text blink", "graphics blink") and
                       quirk.applies(self) for quirk in self.quirks)
        return [(cursor, blink)
                for blink in ((True, False) if blinking else (True,))
                for cursor in ((True, False) if self.text else (True,))]

    def expected(self, cursor, blink):
        """Our picture, six bits a component, in these phases."""
        rows = self.frame(self.start, cursor, blink, split=True)
        for quirk in self.quirks:
            if quirk.picture and quirk.applies(self):
                changed = quirk.picture(self, rows, cursor, blink)
                self._count(quirk, rows, changed)
                rows = changed
        return picture.Picture(self.width, self.height,
                               [bytes(row) for row in rows])


class Cell:
    """A character's place in a picture. `cursor_lines` are those that the
    cursor covers now."""

    def __init__(self, reference, rows, row, column, cursor_lines):
        self.rows = rows
        self.first = row * reference.row_lines
        self.lines = reference.row_lines
        self.dots = reference.dots
        self.left = 3 * column * reference.dots
        self.cursor_lines = cursor_lines

    def dot(self, x, line):
        at = self.left + 3 * x
        return bytes(self.rows[self.first + line][at:at + 3])

    def put(self, x, line, colours):
        """From dot x on, three bytes each."""
        at = self.left + 3 * x
        self.rows[self.first + line][at:at + len(colours)] = colours

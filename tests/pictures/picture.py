"""Pictures: rows of RGB bytes, and the two file formats they come in.

PNG: W3C "Portable Network Graphics (PNG) Specification", 8-bit RGB without
interlace, which is what huddle writes. PPM: netpbm's ppm(5), raw, 8 bits, which
is what QEMU writes.
"""

import itertools
import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIX_BITS = bytes(i >> 2 for i in range(256))


class PictureError(Exception):
    """A file is not a picture of the kind that was expected."""


class Picture:
    """width x height pixels; `rows` are `bytes` of 3 * width, top down."""

    def __init__(self, width, height, rows):
        self.width = width
        self.height = height
        self.rows = rows

    def size(self):
        return (self.width, self.height)

    def six_bits(self):
        """The same with the six bits of each component that the DAC has."""
        return Picture(self.width, self.height,
                       [row.translate(SIX_BITS) for row in self.rows])

    def pixel(self, x, y):
        return tuple(self.rows[y][3 * x:3 * x + 3])


def _average(line, above):
    left, out = 0, bytearray()
    for value, up in zip(line, above):
        left = (value + ((left + up) >> 1)) & 255
        out.append(left)
    return out


def _paeth(line, above):
    left = corner = 0
    out = bytearray()
    for value, up in zip(line, above):
        a, b = abs(up - corner), abs(left - corner)
        c = abs(left + up - 2 * corner)
        predicted = left if a <= b and a <= c else up if b <= c else corner
        left, corner = (value + predicted) & 255, up
        out.append(left)
    return out


# By filter type; one of the three components, from the line and that above.
FILTERS = {
    1: lambda line, _: bytes(itertools.accumulate(
        line, lambda left, value: (left + value) & 255)),
    2: lambda line, above: bytes((value + up) & 255
                                 for value, up in zip(line, above)),
    3: _average,
    4: _paeth,
}


def _unfilter(kind, line, above):
    """One line of a PNG; every pixel is three bytes."""
    if kind == 0:
        return bytes(line)
    if kind not in FILTERS:
        raise PictureError(f"PNG filter {kind}")
    out = bytearray(len(line))
    for c in range(3):
        out[c::3] = FILTERS[kind](line[c::3], above[c::3])
    return bytes(out)


def read_png(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != PNG_SIGNATURE:
        raise PictureError(f"{path}: not a PNG")
    at, packed, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
    if not header or header[2:] != (8, 2, 0, 0, 0):
        raise PictureError(f"{path}: not 8-bit RGB: {header}")
    width, height = header[:2]
    raw = memoryview(zlib.decompress(packed))
    stride, above, rows = 3 * width + 1, bytes(3 * width), []
    for y in range(height):
        line = raw[y * stride:(y + 1) * stride]
        above = _unfilter(line[0], line[1:], above)
        rows.append(above)
    return Picture(width, height, rows)


def write_png(picture, path):
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body +
                struct.pack(">I", zlib.crc32(kind + body)))

    raw = b"".join(b"\0" + row for row in picture.rows)
    with open(path, "wb") as file:
        file.write(PNG_SIGNATURE)
        file.write(chunk(b"IHDR", struct.pack(
            ">IIBBBBB", picture.width, picture.height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(raw, 6)))
        file.write(chunk(b"IEND", b""))


def read_ppm(path):
    with open(path, "rb") as file:
        data = file.read()
    fields = data[:64].split(None, 4)
    if len(fields) < 5 or fields[0] != b"P6" or fields[3] != b"255":
        raise PictureError(f"{path}: not a raw 8-bit PPM")
    width, height = int(fields[1]), int(fields[2])
    stride = 3 * width
    pixels = data[len(data) - stride * height:]
    if len(pixels) != stride * height:
        raise PictureError(f"{path}: cut short")
    return Picture(width, height,
                   [pixels[y * stride:(y + 1) * stride] for y in range(height)])


def repeat(picture, x_factor, y_factor):
    """Each pixel x_factor times, each row y_factor times."""
    rows = []
    for row in picture.rows:
        if x_factor > 1:
            row = b"".join(row[i:i + 3] * x_factor
                           for i in range(0, len(row), 3))
        rows += [row] * y_factor
    return Picture(picture.width * x_factor, picture.height * y_factor, rows)


def unrepeat(picture, x_factor, y_factor):
    """The inverse of `repeat`; None if what should be repeated differs."""
    rows = []
    for y in range(0, picture.height, y_factor):
        row = picture.rows[y]
        if any(other != row for other in picture.rows[y:y + y_factor]):
            return None
        if x_factor > 1:
            parts = [row[c + 3 * i::3 * x_factor]
                     for i in range(x_factor) for c in range(3)]
            if any(parts[c + 3 * i] != parts[c]
                   for i in range(x_factor) for c in range(3)):
                return None
            narrow = bytearray(len(row) // x_factor)
            for c in range(3):
                narrow[c::3] = parts[c]
            row = bytes(narrow)
        rows.append(row)
    return Picture(picture.width // x_factor, picture.height // y_factor, rows)


def differences(a, b):
    """Coordinates of the pixels in which two pictures of one size differ."""
    found = []
    for y, (p, q) in enumerate(zip(a.rows, b.rows)):
        if p != q:
            found += [(x, y) for x in range(a.width)
                      if p[3 * x:3 * x + 3] != q[3 * x:3 * x + 3]]
    return found


def difference_picture(a, b):
    """White where they differ, elsewhere `a` darkened; black where only one is."""
    rows = []
    for y in range(max(a.height, b.height)):
        row = bytearray(3 * max(a.width, b.width))
        if y < a.height and y < b.height:
            for x in range(min(a.width, b.width)):
                p, q = a.pixel(x, y), b.pixel(x, y)
                row[3 * x:3 * x + 3] = (b"\xff\xff\xff" if p != q else
                                        bytes(c // 3 for c in p))
        rows.append(bytes(row))
    return Picture(max(a.width, b.width), max(a.height, b.height), rows)


def sheet(labelled, columns, cell=(360, 240)):
    """A contact sheet: pictures reduced by leaving pixels out, side by side."""
    width, height = cell
    rows = []
    for first in range(0, len(labelled), columns):
        line = [bytearray(3 * (width + 4) * columns) for _ in range(height + 4)]
        for column, picture in enumerate(labelled[first:first + columns]):
            if picture is None:
                continue
            step = max(1, -(-picture.width // width), -(-picture.height // height))
            for y in range(0, picture.height, step):
                row = picture.rows[y]
                small = b"".join(row[i:i + 3]
                                 for i in range(0, len(row), 3 * step))
                start = 3 * (width + 4) * column
                line[y // step][start:start + len(small)] = small
        rows += [bytes(row) for row in line]
    return Picture((width + 4) * columns, len(rows), rows)

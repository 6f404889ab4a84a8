"""A PNG made from nothing: a small landscape."""

import math
import struct
import zlib


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixel(x: float, y: float) -> tuple[int, int, int]:
    """The colour at (x, y), both from 0 to 1, from the top left: an evening sky, a sun, two ridges of hills."""
    if y > 0.80 + 0.06 * math.sin(6 * x + 0.6):
        return 46, 52, 92
    if y > 0.66 + 0.09 * math.sin(9 * x):
        return 84, 82, 142
    if math.hypot((x - 0.68) * 1.5, y - 0.42) < 0.13:
        return 255, 236, 200
    return 240 + int(15 * y), 120 + int(125 * y), 130 + int(20 * y)


def landscape(width: int = 360, height: int = 240) -> bytes:
    rows = (
        b"\0" + b"".join(bytes(pixel(column / width, row / height)) for column in range(width)) for row in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )

"""BMP files with the headers of all versions."""

import struct

import numpy as np
from PIL import Image

from .scene import bits, over_white, ramp, saved, scene, shown
from .tiff import packed

RGB, RLE8, RLE4, FIELDS, JPEG, PNG, ALPHA_FIELDS = 0, 1, 2, 3, 4, 5, 6
UNSUPPORTED = ("UnsupportedFormat",)


def rows(samples, depth, down=False):
    """Rows padded to four bytes, from the bottom unless `down`."""
    data = [packed(row[None], depth) for row in (samples if down else samples[::-1])]
    return b"".join(row + bytes(-len(row) % 4) for row in data)


def file(body, depth, header=40, compression=RGB, table=b"", masks=(), width=140, height=110, offset=None, used=0, length=None, gap=0):
    if header == 12:
        head = struct.pack("<IHHHH", 12, width, height, 1, depth)
    else:
        head = struct.pack("<IiiHHIIiiII", header, width, height, 1, depth, compression, len(body), 2835, 2835, used, 0)
        inside = b"".join(struct.pack("<I", mask) for mask in masks)
        if header >= 52 and header != 64:
            head += inside
            inside = b""
        if header >= 108:
            head = head.ljust(56, b"\0") + b"BGRs" + bytes(48)
        head = head[:header].ljust(header, b"\0") + inside
    start = 14 + len(head) + len(table) + gap
    whole = start + len(body) if length is None else length
    return b"BM" + struct.pack("<IHHI", whole, 0, 0, start if offset is None else offset) + head + table + bytes(gap) + body


def rle(index, wide):
    """Runs of equal pixels."""
    out = bytearray()
    for row in index[::-1]:
        at = 0
        while at < len(row):
            run = 1
            while at + run < len(row) and run < 255 and row[at + run] == row[at]:
                run += 1
            out += bytes([run, int(row[at]) * (1 if wide else 17)])
            at += run
        out += b"\0\0"
    return bytes(out + b"\0\1")


def sixteen(picture, widths):
    value = np.zeros(picture.shape[:2], np.uint32)
    for channel, width in enumerate(widths):
        value = value << width | picture[..., channel].astype(np.uint32) >> 8 - width
    return value


def make(files):
    picture = scene()
    swapped = picture[..., ::-1]
    few = Image.fromarray(picture).quantize(14)
    index = np.asarray(few)
    colours = np.array(few.getpalette()[:42], np.uint8).reshape(-1, 3)
    table3 = np.vstack([colours, np.zeros((256 - len(colours), 3), np.uint8)])[:, ::-1]
    table = np.hstack([table3, np.zeros((256, 1), np.uint8)])
    lines = bits(picture)
    two = np.array([[0, 0, 0, 0], [255, 255, 255, 0]], np.uint8)
    for header in (12, 16, 40, 52, 56, 64, 108, 124):
        refused = UNSUPPORTED if header in (16, 64) else ()
        entries = table3 if header == 12 else table
        name = f"bmp/header-{header}"
        files.good(f"{name}-24-bit.bmp", file(rows(swapped, 8), 24, header), picture, refused=refused)
        files.good(f"{name}-8-bit.bmp", file(rows(index, 8), 8, header, table=entries.tobytes()), picture, refused=refused)
        files.good(f"{name}-4-bit.bmp", file(rows(index, 4), 4, header, table=entries[:16].tobytes()), picture, refused=refused)
        black = two[:, :3] if header == 12 else two
        files.good(f"{name}-1-bit.bmp", file(rows(lines, 1), 1, header, table=black.tobytes()), shown(lines, 1), refused=refused)
    four = np.dstack([swapped, ramp()])
    files.good("bmp/32-bit.bmp", file(rows(four, 8), 32), picture)
    files.good("bmp/down.bmp", file(rows(swapped, 8, True), 24, height=-110), picture)
    files.good("bmp/down-8-bit.bmp", file(rows(index, 8, True), 8, table=table.tobytes(), height=-110), picture)
    thin = sixteen(picture, (5, 5, 5))
    files.good("bmp/16-bit.bmp", file(rows(thin, 16), 16), picture, tolerance=5)
    full = sixteen(picture, (5, 6, 5))
    for header in (40, 52, 56, 108, 124):
        masks = (0xF800, 0x7E0, 0x1F) + ((0,) if header >= 56 else ())
        files.good(f"bmp/fields-565-{header}.bmp", file(rows(full, 16), 16, header, FIELDS, masks=masks), picture, tolerance=5)
        masks = (0xFF0000, 0xFF00, 0xFF) + ((0xFF000000,) if header >= 56 else ())
        expected = over_white(picture, ramp()) if header >= 56 else picture
        files.good(f"bmp/fields-8888-{header}.bmp", file(rows(four, 8), 32, header, FIELDS, masks=masks), expected)
    masks = (0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    other = np.dstack([picture, ramp()])
    files.good("bmp/fields-reversed.bmp", file(rows(other, 8), 32, 124, FIELDS, masks=masks), over_white(picture, ramp()))
    files.good("bmp/alpha-fields.bmp", file(rows(other, 8), 32, 40, ALPHA_FIELDS, masks=masks), over_white(picture, ramp()), refused=UNSUPPORTED)
    ten = (picture[..., 0].astype(np.uint32) << 22) | (picture[..., 1].astype(np.uint32) << 12) | (picture[..., 2].astype(np.uint32) << 2)
    files.good("bmp/fields-ten-bits.bmp", file(rows(ten, 32), 32, 56, FIELDS, masks=(0x3FF00000, 0xFFC00, 0x3FF, 0)), picture)
    for header in (40, 108, 124):
        files.good(f"bmp/rle-8-{header}.bmp", file(rle(index, True), 8, header, RLE8, table.tobytes()), picture)
        files.good(f"bmp/rle-4-{header}.bmp", file(rle(index, False), 4, header, RLE4, table[:16].tobytes()), picture)
    files.good("bmp/rle-no-end.bmp", file(rle(index, True)[:-2], 8, 40, RLE8, table.tobytes()), picture)
    files.good("bmp/colours-used.bmp", file(rows(index, 8), 8, table=table[:14].tobytes(), used=14), picture)
    files.good("bmp/colours-used-24-bit.bmp", file(rows(swapped, 8), 24, table=table[:14].tobytes(), used=14), picture)
    files.good("bmp/gap.bmp", file(rows(swapped, 8), 24, gap=100), picture)
    files.good("bmp/length-zero.bmp", file(rows(swapped, 8), 24, length=0), picture)
    files.good("bmp/length-wrong.bmp", file(rows(swapped, 8), 24, length=999), picture)
    files.good("bmp/offset-zero.bmp", file(rows(swapped, 8), 24, offset=0), picture, tolerance=256, refused=("DamagedImage",))
    files.good("bmp/trailer.bmp", file(rows(swapped, 8), 24) + bytes(500), picture)
    files.good("bmp/last-padding-lost.bmp", file(rows(swapped[:, :139], 8)[:-3], 24, width=139), picture[:, :139])
    files.bad("bmp/half.bmp", file(rows(swapped, 8), 24)[:25_000], "TruncatedImage")
    files.bad("bmp/jpeg-inside.bmp", file(saved(picture, "JPEG"), 0, 40, JPEG), "UnsupportedFormat", "DamagedImage")
    files.bad("bmp/png-inside.bmp", file(saved(picture, "PNG"), 0, 40, PNG), "UnsupportedFormat", "DamagedImage")
    files.bad("bmp/header-unknown.bmp", file(rows(swapped, 8), 24, 41), "UnsupportedFormat", "DamagedImage", "NotAnImage")

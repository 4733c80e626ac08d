"""GIF files."""

import struct

import numpy as np
from PIL import Image

from .scene import saved, scene


def parts(picture, colours=16):
    """The palette, and the compressed indices without and with interlacing."""
    image = Image.fromarray(picture).quantize(colours)
    found = []
    for interlace in (0, 1):
        data = saved(image, "GIF", interlace=interlace)
        size = 3 << (data[10] & 7) + 1
        at = 13 + size
        while data[at] != 0x2C:
            at += 2
            while data[at]:
                at += data[at] + 1
            at += 1
        begin = at + 10 + (3 << (data[at + 9] & 7) + 1 if data[at + 9] & 0x80 else 0)
        found.append(data[begin:-1])
        table = data[13 : 13 + size]
    return table, *found


def screen(width, height, table=b"", version=b"89a", background=0):
    flags = 0x80 | (len(table) // 3).bit_length() - 2 if table else 0
    return b"GIF" + version + struct.pack("<HHBBB", width, height, flags, background, 0) + table


def frame(data, left=0, top=0, width=140, height=110, table=b"", interlaced=False):
    flags = (0x80 | (len(table) // 3).bit_length() - 2 if table else 0) | (0x40 if interlaced else 0)
    return b"," + struct.pack("<HHHHB", left, top, width, height, flags) + table + data


def control(transparent=None, disposal=0):
    return b"!\xf9\x04" + struct.pack("<BHBB", disposal << 2 | (transparent is not None), 10, transparent or 0, 0)


def on_canvas(picture, width, height, left, top):
    """Browsers show a canvas that no frame covers as transparent."""
    canvas = np.full((height, width, 3), 255, np.uint8)
    part = picture[: max(0, height - top), : max(0, width - left)]
    canvas[top : top + len(part), left : left + part.shape[1]] = part
    return canvas


def make(files):
    picture = scene()
    table, plain, interlaced = parts(picture)
    end = b";"
    one = frame(plain)
    files.good("gif/screen-zero.gif", screen(0, 0, table) + one + end, picture)
    files.good("gif/screen-zero-wide.gif", screen(140, 0, table) + one + end, picture)
    files.good("gif/screen-zero-tall.gif", screen(0, 110, table) + one + end, picture)
    files.good("gif/screen-zero-87a.gif", screen(0, 0, table, b"87a") + one + end, picture)
    for width, height in ((100, 90), (1, 1), (139, 110), (140, 20)):
        files.good(f"gif/screen-{width}x{height}.gif", screen(width, height, table) + one + end, picture)
    files.good("gif/screen-larger.gif", screen(200, 150, table) + one + end, on_canvas(picture, 200, 150, 0, 0))
    files.good("gif/frame-inside.gif", screen(200, 150, table) + frame(plain, 30, 20) + end, on_canvas(picture, 200, 150, 30, 20))
    files.good("gif/frame-inside-background.gif", screen(200, 150, table, background=3) + frame(plain, 30, 20) + end, on_canvas(picture, 200, 150, 30, 20))
    # Browsers enlarge the screen until the first frame fits.
    files.good("gif/frame-beyond.gif", screen(140, 110, table) + frame(plain, 40, 30) + end, on_canvas(picture, 180, 140, 40, 30))
    files.good("gif/frame-outside.gif", screen(140, 110, table) + frame(plain, 160, 130) + end, on_canvas(picture, 300, 240, 160, 130))
    files.good("gif/no-end.gif", screen(140, 110, table) + one, picture)
    files.good("gif/trailer.gif", screen(140, 110, table) + one + end + b"trailing text", picture)
    files.good("gif/comment.gif", screen(140, 110, table) + b"!\xfe\x05hello\0" + one + end, picture)
    files.good("gif/unknown-extension.gif", screen(140, 110, table) + b"!\x77\x02ab\0" + one + end, picture)
    files.good("gif/application.gif", screen(140, 110, table) + b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" + one + end, picture)
    files.good("gif/local-table.gif", screen(140, 110) + frame(plain, table=table) + end, picture)
    files.good("gif/both-tables.gif", screen(140, 110, bytes(len(table))) + frame(plain, table=table) + end, picture)
    files.good("gif/interlaced.gif", screen(140, 110, table) + frame(interlaced, interlaced=True) + end, picture)
    files.good("gif/interlaced-screen-zero.gif", screen(0, 0, table) + frame(interlaced, interlaced=True) + end, picture)
    files.good("gif/version-87a.gif", screen(140, 110, table, b"87a") + one + end, picture)
    files.good("gif/control-twice.gif", screen(140, 110, table) + control() + control() + one + end, picture)
    files.good("gif/no-table.gif", screen(140, 110) + one + end, picture, tolerance=255, refused=("DamagedImage",))
    # The index of the first red pixel becomes transparent.
    colours = np.frombuffer(table, np.uint8).reshape(-1, 3)
    number = int(np.abs(colours.astype(int) - picture[2, 2]).sum(axis=1).argmin())
    hidden = (np.abs(picture.astype(int) - colours[number]).sum(axis=2) < 6)[..., None]
    clear = np.where(hidden, np.uint8(255), picture).astype(np.uint8)
    files.good("gif/clear.gif", screen(140, 110, table) + control(number) + one + end, clear)
    files.good("gif/clear-screen-zero.gif", screen(0, 0, table) + control(number) + one + end, clear)
    files.good("gif/clear-beyond-table.gif", screen(140, 110, table) + control(200) + one + end, picture)
    second = frame(parts(255 - picture)[1])
    for disposal in (0, 1, 2, 3):
        files.good(f"gif/two-frames-{disposal}.gif", screen(140, 110, table) + control(None, disposal) + one + control() + second + end, picture)
    files.good("gif/second-cut.gif", screen(140, 110, table) + one + control() + second[:60], picture)
    files.good("gif/second-damaged.gif", screen(140, 110, table) + one + control() + second[:20] + b"\xff" * 40 + end, picture)
    files.good("gif/last-code-lost.gif", screen(140, 110, table) + one[:-2] + end, picture, refused=("TruncatedImage", "DamagedImage"))
    files.bad("gif/half.gif", (screen(140, 110, table) + one)[: 400], "TruncatedImage", "DamagedImage")
    files.bad("gif/no-frame.gif", screen(140, 110, table) + end, "DamagedImage", "TruncatedImage")

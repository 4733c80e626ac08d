"""JPEG files, from Pillow and from an encoder of our own for what Pillow does not write."""

import struct
from itertools import product

import numpy as np
from PIL import Image

from .scene import exif, grey, inks, saved, scene, shown, stored

ZIGZAG = sorted(range(64), key=lambda at: (at // 8 + at % 8, (at // 8 if (at // 8 + at % 8) % 2 else at % 8)))
CUT = ("TruncatedImage",)


def segments(data):
    """The header's segments as marker and body, and where the first scan's data begins."""
    at, found = 2, []
    while True:
        marker, length = struct.unpack_from(">HH", data, at)
        found.append((marker, data[at + 4 : at + 2 + length]))
        at += 2 + length
        if marker == 0xFFDA:
            return found, at


def segment(marker, body):
    return struct.pack(">HH", marker, len(body) + 2) + body


def assembled(parts, data):
    return b"\xff\xd8" + b"".join(segment(*part) for part in parts) + data


def standard_tables():
    """The Huffman tables of ITU-T T.81, annex K, by class and number: their segments, and the codes by value."""
    parts, _ = segments(saved(scene(16, 16), "JPEG", quality=90))
    bodies, codes = [body for marker, body in parts if marker == 0xFFC4], {}
    for body in bodies:
        while body:
            counts, values = body[1:17], body[17 : 17 + sum(body[1:17])]
            code, at, table = 0, 0, {}
            for length, count in enumerate(counts, 1):
                for value in values[at : at + count]:
                    table[value] = (code, length)
                    code += 1
                at, code = at + count, code << 1
            codes[body[0]] = table
            body = body[17 + at :]
    return [(0xFFC4, body) for body in bodies], codes


COSINES = np.array([[np.cos((2 * x + 1) * u * np.pi / 16) * (0.5 if u else 8**-0.5) for x in range(8)] for u in range(8)])


class Bits:
    def __init__(self):
        self.out, self.value, self.count = bytearray(), 0, 0

    def put(self, value, length):
        self.value, self.count = self.value << length | value, self.count + length
        while self.count >= 8:
            self.count -= 8
            byte = self.value >> self.count & 255
            self.out += b"\xff\0" if byte == 255 else bytes([byte])
        self.value &= (1 << self.count) - 1

    def align(self):
        if self.count:
            self.put((1 << 8 - self.count) - 1, 8 - self.count)


def encoded(planes, factors, ids=None, headers=(), interval=0, tables=True, separate=False):
    """A baseline JPEG of planes of equal size with these sampling factors. `separate` writes a scan for each."""
    height, width = planes[0].shape
    ids = ids or range(1, len(planes) + 1)
    most_h, most_v = max(h for h, _ in factors), max(v for _, v in factors)
    across, down = -(-width // (8 * most_h)), -(-height // (8 * most_v))
    dht, codes = standard_tables()
    grids, sizes = [], []
    for plane, (h, v) in zip(planes, factors):
        size = (-(-width * h // most_h), -(-height * v // most_v))
        small = np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BOX)).astype(float) - 128
        small = np.pad(small, ((0, down * v * 8 - size[1]), (0, across * h * 8 - size[0])), mode="edge")
        blocks = small.reshape(down * v, 8, across * h, 8).swapaxes(1, 2)
        grids.append(np.rint(COSINES @ blocks @ COSINES.T / 3).astype(int).reshape(down * v, across * h, 64)[..., ZIGZAG])
        sizes.append((-(-size[0] // 8), -(-size[1] // 8)))

    def amount(value):
        length = abs(value).bit_length()
        return length, value if value >= 0 else value + (1 << length) - 1

    def write(bits, block, before):
        length, value = amount(int(block[0]) - before)
        bits.put(*codes[0x00][length])
        bits.put(value, length)
        zeros = 0
        for coefficient in block[1:].tolist():
            if coefficient == 0:
                zeros += 1
                continue
            while zeros > 15:
                bits.put(*codes[0x10][0xF0])
                zeros -= 16
            length, value = amount(coefficient)
            bits.put(*codes[0x10][zeros << 4 | length])
            bits.put(value, length)
            zeros = 0
        if zeros:
            bits.put(*codes[0x10][0])
        return int(block[0])

    def scan(which):
        bits, before = Bits(), [0] * len(planes)
        if len(which) == 1:
            columns, rows = sizes[which[0]]
            units = [[(which[0], y, x)] for y in range(rows) for x in range(columns)]
        else:
            units = [
                [(c, y * factors[c][1] + v, x * factors[c][0] + h) for c in which for v in range(factors[c][1]) for h in range(factors[c][0])]
                for y in range(down)
                for x in range(across)
            ]
        for index, unit in enumerate(units):
            if interval and index and index % interval == 0:
                bits.align()
                bits.out += bytes([0xFF, 0xD0 + (index // interval - 1) % 8])
                before = [0] * len(planes)
            for component, y, x in unit:
                before[component] = write(bits, grids[component][y, x], before[component])
        bits.align()
        head = bytes([len(which)]) + b"".join(bytes([ids[c], 0]) for c in which) + b"\0\x3f\0"
        return segment(0xFFDA, head) + bytes(bits.out)

    frame = struct.pack(">BHHB", 8, height, width, len(planes))
    frame += b"".join(bytes([id_, h << 4 | v, 0]) for id_, (h, v) in zip(ids, factors))
    parts = [*headers, (0xFFDB, b"\0" + b"\x03" * 64), (0xFFC0, frame)]
    parts += dht if tables else []
    parts += [(0xFFDD, struct.pack(">H", interval))] if interval else []
    scans = [[c] for c in range(len(planes))] if separate else [list(range(len(planes)))]
    return assembled(parts, b"".join(map(scan, scans)) + b"\xff\xd9")


def planes(pixels, mode="YCbCr"):
    picture = Image.fromarray(pixels)
    return [np.asarray(band) for band in (picture if mode == "RGB" else picture.convert(mode)).split()]


def adobe(transform):
    return (0xFFEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform))


JFIF = (0xFFE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")


def make(files):
    ends(files)
    colours(files)
    restarts(files)
    tables(files)
    samplings(files)
    headers(files)


def ends(files):
    picture = scene()
    kinds = {
        "baseline": saved(picture, "JPEG", quality=90),
        "progressive": saved(picture, "JPEG", quality=90, progressive=True),
        "restarts": saved(picture, "JPEG", quality=90, restart_marker_rows=1),
        "grey": saved(grey(picture), "JPEG", quality=90),
    }
    for kind, data in kinds.items():
        expected = shown(grey(picture)) if kind == "grey" else picture
        body = data[:-2]
        files.good(f"jpeg/end-{kind}-none.jpg", body, expected)
        files.good(f"jpeg/end-{kind}-half.jpg", data[:-1], expected)
        files.good(f"jpeg/end-{kind}-zeros.jpg", body + bytes(64), expected)
        files.good(f"jpeg/end-{kind}-text.jpg", data + b"written by a camera", expected)
        # The last codes may be lost; the picture still shows.
        for lost in (1, 2, 3, 10):
            files.good(f"jpeg/end-{kind}-lost-{lost}.jpg", body[:-lost], expected, refused=CUT)
        files.bad(f"jpeg/end-{kind}-half-lost.jpg", data[: len(data) * 6 // 10], *CUT)
    data = kinds["baseline"]
    trailers = {
        "panorama": bytes(16) + b"\x0a\x08Panorama" + b"\xa5" * 500,
        "video": struct.pack(">I4s", 24, b"ftyp") + b"mp42" + bytes(400),
        "second": kinds["grey"],
        "ff": b"\xff" * 40,
    }
    for name, trailer in trailers.items():
        files.good(f"jpeg/end-trailer-{name}.jpg", data + trailer, picture)
        files.good(f"jpeg/end-none-trailer-{name}.jpg", data[:-2] + trailer, picture)
    files.bad("jpeg/end-header-alone.jpg", data[: segments(data)[1]], *CUT, "DamagedImage")


def colours(files):
    picture = scene()
    flat = [(1, 1)] * 3
    rgb, luma = planes(picture, "RGB"), planes(picture)
    cases = {
        "adobe-0": (rgb, (1, 2, 3), [adobe(0)]),
        "adobe-0-jfif-before": (luma, (1, 2, 3), [JFIF, adobe(0)]),
        "adobe-0-ids-0": (rgb, (0, 1, 2), [adobe(0)]),
        "adobe-0-letters": (rgb, b"RGB", [adobe(0)]),
        "letters": (rgb, b"RGB", []),
        "adobe-0-exif": (rgb, (1, 2, 3), [(0xFFE1, b"Exif\0\0" + exif(1)), adobe(0)]),
        "adobe-1": (luma, (1, 2, 3), [adobe(1)]),
        "adobe-1-letters": (luma, b"RGB", [adobe(1)]),
        "no-marker": (luma, (1, 2, 3), []),
        "no-marker-ids-0": (luma, (0, 1, 2), []),
        "jfif-letters": (luma, b"RGB", [JFIF]),
        "other-ids": (luma, (34, 35, 36), []),
    }
    for name, (channels, ids, head) in cases.items():
        files.good(f"jpeg/colours-{name}.jpg", encoded(channels, flat, ids, head), picture)
    files.good("jpeg/colours-adobe-0-pillow.jpg", saved(picture, "JPEG", quality=92, keep_rgb=True), picture)
    files.good("jpeg/colours-adobe-0-progressive.jpg", saved(picture, "JPEG", quality=92, keep_rgb=True, progressive=True), picture)
    ink = [np.ascontiguousarray(plane) for plane in np.moveaxis(inks(picture), 2, 0)]
    four = [(1, 1)] * 4
    files.good("jpeg/inks-adobe.jpg", encoded([255 - plane for plane in ink], four, headers=[adobe(0)]), picture)
    # Programs differ in whether these inks are inverted.
    files.good("jpeg/inks-no-marker.jpg", encoded(ink, four), picture, tolerance=256)
    ycck = [*planes(255 - picture), 255 - ink[3]]
    for factors in (four, [(2, 2), (1, 1), (1, 1), (2, 2)], [(2, 1), (1, 1), (1, 1), (2, 1)]):
        name = f"{factors[0][0]}x{factors[0][1]}"
        files.good(f"jpeg/ycck-{name}.jpg", encoded(ycck, factors, headers=[adobe(2)]), picture)
    files.good("jpeg/inks-sampled.jpg", encoded([255 - plane for plane in ink], [(2, 1)] * 4, headers=[adobe(0)]), picture)


def restarts(files):
    picture = scene(280, 220)
    kinds = {
        "blocks": encoded(planes(picture), [(1, 1)] * 3, interval=4),
        "pillow": saved(picture, "JPEG", quality=90, subsampling=0, restart_marker_blocks=5),
        "sampled": saved(picture, "JPEG", quality=90, restart_marker_blocks=2),
        "grey": saved(grey(picture), "JPEG", quality=90, restart_marker_blocks=5),
    }
    for kind, data in kinds.items():
        expected = shown(grey(picture)) if kind == "grey" else picture
        start = segments(data)[1]
        markers = [at for at in range(start, len(data) - 2) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
        one, next_ = markers[len(markers) // 2], markers[len(markers) // 2 + 1]
        # An interval from behind its marker to the next marker.
        files.good(f"jpeg/restart-{kind}-lost.jpg", data[:one] + data[next_:], expected)
        files.good(f"jpeg/restart-{kind}-emptied.jpg", data[: one + 2] + data[next_:], expected)
        files.good(f"jpeg/restart-{kind}-overwritten.jpg", data[: one + 2] + b"\x5a" * (next_ - one - 2) + data[next_:], expected)
        files.good(f"jpeg/restart-{kind}-zeroed.jpg", data[: one + 2] + bytes(next_ - one - 2) + data[next_:], expected)
        files.good(f"jpeg/restart-{kind}-marker-lost.jpg", data[:one] + data[one + 2 :], expected)
        files.good(f"jpeg/restart-{kind}-inserted.jpg", data[:one] + b"\x12\x34" + data[one:], expected)


def tables(files):
    picture = scene()
    cases = {
        "colours": saved(picture, "JPEG", quality=90),
        "full": saved(picture, "JPEG", quality=90, subsampling=0),
        "half": saved(picture, "JPEG", quality=90, subsampling=1),
        "grey": saved(grey(picture), "JPEG", quality=90),
        "restarts": saved(picture, "JPEG", quality=90, subsampling=1, restart_marker_rows=1),
    }
    for name, data in cases.items():
        parts, start = segments(data)
        kept = [part for part in parts if part[0] != 0xFFC4]
        expected = shown(grey(picture)) if name == "grey" else picture
        files.good(f"jpeg/no-huffman-{name}.jpg", assembled(kept, data[start:]), expected)
    data = cases["half"]
    parts, start = segments(data)
    kept = [part for part in parts if part[0] not in (0xFFC4, 0xFFE0)]
    webcam = [(0xFFE0, b"AVI1\0\0\0\0\0\0\0\0\0\0"), *kept]
    files.good("jpeg/no-huffman-webcam.jpg", assembled(webcam, data[start:]), picture)
    files.good("jpeg/no-huffman-own.jpg", encoded(planes(picture), [(1, 1)] * 3, tables=False), picture)
    one = [part for part in parts if part[0] != 0xFFC4 or part[1][0] in (0, 0x10)]
    files.good("jpeg/no-huffman-chroma.jpg", assembled(one, data[start:]), picture, refused=("DamagedImage",))
    files.bad("jpeg/no-quantisation.jpg", assembled([part for part in parts if part[0] != 0xFFDB], data[start:]), "DamagedImage")


def samplings(files):
    picture = scene()
    luma = planes(picture)
    one = (1, 1)
    for factors in (
        [(2, 2), one, one],
        [(2, 1), one, one],
        [(1, 2), one, one],
        [(4, 1), one, one],
        [(1, 4), one, one],
        [(4, 2), one, one],
        [(2, 4), one, one],
        [(2, 2), (2, 1), (2, 1)],
        [(2, 2), (1, 2), (1, 2)],
        [(2, 2), (2, 1), (1, 2)],
        [(2, 2), (2, 2), one],
        [(2, 1), (2, 1), (2, 1)],
        [(4, 1), (2, 1), (2, 1)],
        [(3, 1), one, one],
        [(1, 3), one, one],
    ):
        name = "-".join(f"{h}{v}" for h, v in factors)
        files.good(f"jpeg/sampling-{name}.jpg", encoded(luma, factors), picture, tolerance=5)
    # Brightness coarser than colour, and ratios that are no whole numbers: libjpeg refuses the second.
    files.good("jpeg/sampling-11-22-22.jpg", encoded(luma, [one, (2, 2), (2, 2)]), picture, tolerance=6)
    files.good("jpeg/sampling-11-21-21.jpg", encoded(luma, [one, (2, 1), (2, 1)]), picture, tolerance=6)
    files.good("jpeg/sampling-32-21-21.jpg", encoded(luma, [(3, 2), (2, 1), (2, 1)]), picture, tolerance=6, refused=("UnsupportedFormat",))
    # More than the ten blocks that the standard allows a unit.
    files.good("jpeg/sampling-22-22-22.jpg", encoded(luma, [(2, 2)] * 3), picture, refused=("UnsupportedFormat", "DamagedImage"))
    gray = grey(picture)
    for h, v in ((2, 2), (1, 2), (4, 1), (3, 3)):
        files.good(f"jpeg/sampling-grey-{h}{v}.jpg", encoded([gray], [(h, v)]), shown(gray))
    files.good("jpeg/scans-separate.jpg", encoded(luma, [one] * 3, separate=True), picture)
    files.good("jpeg/scans-separate-sampled.jpg", encoded(luma, [(2, 2), one, one], separate=True), picture)
    files.good("jpeg/scans-separate-restarts.jpg", encoded(luma, [(2, 1), one, one], separate=True, interval=7), picture)
    files.bad("jpeg/two-components.jpg", encoded(luma[:2], [one] * 2), "UnsupportedFormat", "DamagedImage")


def headers(files):
    picture = scene()
    for order, (kind, count) in product("<>", ((3, 1), (4, 1))):
        for number in (3, 6):
            data = saved(stored(picture, number), "JPEG", quality=90)
            parts, start = segments(data)
            app1 = (0xFFE1, b"Exif\0\0" + exif(number, order, kind, count))
            name = f"{'big' if order == '>' else 'little'}-{'long' if kind == 4 else 'short'}-{number}"
            # Browsers take an orientation only from a SHORT.
            expected = (picture, number) if kind == 3 else (stored(picture, number), 1)
            files.good(f"jpeg/exif-{name}.jpg", assembled([parts[0], app1, *parts[1:]], data[start:]), *expected)
    data = saved(stored(picture, 6), "JPEG", quality=90)
    parts, start = segments(data)
    app1 = (0xFFE1, b"Exif\0\0" + exif(6))
    xmp = (0xFFE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    photoshop = (0xFFED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\0")
    comment = (0xFFFE, b"a comment")
    long = [(0xFFE2, b"MPF\0" + bytes(65_000))] * 5
    places = {
        "first": [app1, *parts],
        "after-jfif": [parts[0], app1, *parts[1:]],
        "after-xmp": [parts[0], xmp, app1, *parts[1:]],
        "after-photoshop": [parts[0], photoshop, app1, *parts[1:]],
        "after-comment": [comment, app1, *parts],
        "after-long": [parts[0], *long, app1, *parts[1:]],
        "after-tables": [parts[0], *parts[1:3], app1, *parts[3:]],
        "before-scan": [*parts[:-1], app1, parts[-1]],
        "twice": [parts[0], app1, (0xFFE1, b"Exif\0\0" + exif(3)), *parts[1:]],
    }
    for name, order in places.items():
        files.good(f"jpeg/exif-place-{name}.jpg", assembled(order, data[start:]), picture, 6)
    data = saved(picture, "JPEG", quality=90)
    parts, start = segments(data)
    for number in (0, 9, 255):
        app1 = (0xFFE1, b"Exif\0\0" + exif(number))
        files.good(f"jpeg/exif-invalid-{number}.jpg", assembled([parts[0], app1, *parts[1:]], data[start:]), picture)
    for name, body in {"offset": exif(6, offset=60_000), "empty": b"", "cut": exif(6)[:12], "order": b"XX" + exif(6)[2:]}.items():
        app1 = (0xFFE1, b"Exif\0\0" + body)
        files.good(f"jpeg/exif-damaged-{name}.jpg", assembled([parts[0], app1, *parts[1:]], data[start:]), picture)
    files.good("jpeg/fill-bytes.jpg", data[:2] + b"\xff\xff\xff" + data[2:], picture)
    files.good("jpeg/long-header.jpg", assembled([parts[0], *long, *parts[1:]], data[start:]), picture)

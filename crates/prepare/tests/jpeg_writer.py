"""A JPEG encoder for files that other encoders do not write: any sampling, component identifiers, restart intervals, and segments.

It writes baseline pictures with the standard Huffman tables (ITU-T T.81, annex K).
"""

import struct

import numpy as np

ZIGZAG = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
]  # fmt: skip
DC = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), bytes(range(12))
AC = bytes([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D]), bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748"
    "494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3"
    "c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
STEP = 6
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
JFIF = b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def adobe(transform):
    return segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))


def tables():
    return segment(0xC4, b"\0" + DC[0] + DC[1]) + segment(0xC4, b"\x10" + AC[0] + AC[1])


def codes(table):
    lengths, symbols = table
    found, code, at = {}, 0, 0
    for length, count in enumerate(lengths, 1):
        for _ in range(count):
            found[symbols[at]] = (code, length)
            code, at = code + 1, at + 1
        code <<= 1
    return found


DC_CODES, AC_CODES = codes(DC), codes(AC)
COSINES = np.array(
    [[np.cos((2 * x + 1) * u * np.pi / 16) * (np.sqrt(1 / 8) if u == 0 else 0.5) for x in range(8)] for u in range(8)]
)


def number(value):
    size = int(abs(value)).bit_length()
    return size, value if value >= 0 else value + (1 << size) - 1


class Bits:
    def __init__(self):
        self.bits = []

    def put(self, value, length):
        if length:
            self.bits.append(format(value, f"0{length}b"))

    def block(self, coefficients, before):
        size, bits = number(int(coefficients[0]) - before)
        self.put(*DC_CODES[size])
        self.put(bits, size)
        run = 0
        for value in coefficients[1:]:
            if value == 0:
                run += 1
                continue
            while run > 15:
                self.put(*AC_CODES[0xF0])
                run -= 16
            size, bits = number(int(value))
            self.put(*AC_CODES[run << 4 | size])
            self.put(bits, size)
            run = 0
        if run:
            self.put(*AC_CODES[0])
        return int(coefficients[0])

    def done(self):
        text = "".join(self.bits)
        text += "1" * (-len(text) % 8)
        return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")


def write(
    planes,
    sampling,
    ids=None,
    before=JFIF,
    huffman=True,
    restart=0,
    interleaved=True,
    frame=0xC0,
    height=None,
    between=b"",
    intervals=None,
    end=EOI,
):
    """The file of a picture whose `planes` all have its full size and are scaled down by `sampling`. `intervals` may change the list
    of coded restart intervals, each with the marker behind it, before they are joined."""
    rows, columns = planes[0].shape
    across, down = max(h for h, _ in sampling), max(v for _, v in sampling)
    mcus = -(-columns // (8 * across)), -(-rows // (8 * down))
    blocks = []
    for plane, (h, v) in zip(planes, sampling):
        size = mcus[0] * 8 * h, mcus[1] * 8 * v
        x = (np.arange(size[0]) + 0.5) * across / h
        y = (np.arange(size[1]) + 0.5) * down / v
        scaled = plane[np.minimum(y.astype(int), rows - 1)][:, np.minimum(x.astype(int), columns - 1)].astype(float) - 128
        tiles = scaled.reshape(size[1] // 8, 8, size[0] // 8, 8).swapaxes(1, 2)
        levels = np.round(COSINES @ tiles @ COSINES.T / STEP).astype(int)
        blocks.append(levels.reshape(*levels.shape[:2], 64)[..., ZIGZAG])
    ids = ids or [1, 2, 3, 4][: len(planes)]
    out = SOI + before + segment(0xDB, b"\0" + bytes([STEP] * 64))
    body = struct.pack(">BHHB", 8, rows if height is None else height, columns, len(planes))
    for name, (h, v) in zip(ids, sampling):
        body += bytes([name, h << 4 | v, 0])
    out += segment(frame, body)
    if huffman:
        out += tables()
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    out += between
    # One scan for all components, or one for each.
    scans = [range(len(planes))] if interleaved else [[index] for index in range(len(planes))]
    for scan in scans:
        out += segment(0xDA, bytes([len(scan)]) + b"".join(bytes([ids[index], 0]) for index in scan) + b"\0\x3f\0")
        if len(scan) == 1:
            index = scan[0]
            h, v = sampling[index]
            columns_of = -(-(-(-columns * h // across)) // 8), -(-(-(-rows * v // down)) // 8)
            units = [[(index, row, column)] for row in range(columns_of[1]) for column in range(columns_of[0])]
        else:
            units = [
                [
                    (index, row * sampling[index][1] + y, column * sampling[index][0] + x)
                    for index in scan
                    for y in range(sampling[index][1])
                    for x in range(sampling[index][0])
                ]
                for row in range(mcus[1])
                for column in range(mcus[0])
            ]
        every = restart or len(units)
        coded = []
        for start in range(0, len(units), every):
            bits, last = Bits(), [0] * len(planes)
            for unit in units[start : start + every]:
                for index, row, column in unit:
                    last[index] = bits.block(blocks[index][row, column], last[index])
            marker = bytes([0xFF, 0xD0 + len(coded) % 8]) if start + every < len(units) else b""
            coded.append(bits.done() + marker)
        out += b"".join(intervals(coded) if intervals else coded)
    return out + end

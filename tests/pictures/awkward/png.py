"""PNG files."""

import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

from .colours import from_linear_light, linear_light, shown_on_sdr, wide
from .scene import exif, grey, over_white, ramp, scene, shown, stored

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DAMAGED = ("DamagedImage", "TruncatedImage")


def chunk(kind, body, wrong=False):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ (1 if wrong else 0))


def scanlines(samples, depth):
    if samples.ndim == 2:
        samples = samples[..., None]
    if depth == 16:
        rows = samples.astype(">u2").reshape(len(samples), -1).view(np.uint8)
    elif depth == 8:
        rows = samples.astype(np.uint8).reshape(len(samples), -1)
    else:
        flat = samples.reshape(len(samples), -1).astype(np.uint8)
        spread = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        rows = np.packbits(spread.reshape(len(samples), -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def pixels(samples, depth, interlaced=False):
    if not interlaced:
        return scanlines(samples, depth)
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    return b"".join(scanlines(samples[y::dy, x::dx], depth) for y, x, dy, dx in passes)


def header(samples, depth, colour, interlaced=False):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, interlaced))


END = chunk(b"IEND", b"")


def file(samples, depth=8, colour=2, before=b"", after=b"", interlaced=False, data=None):
    body = data if data is not None else chunk(b"IDAT", zlib.compress(pixels(samples, depth, interlaced)))
    return SIGNATURE + header(samples, depth, colour, interlaced) + before + body + after + END


def make(files):
    ends(files)
    layouts(files)
    transparency(files)
    colour_chunks(files)
    others(files)


def ends(files):
    picture = scene()
    packed = zlib.compress(pixels(picture, 8))
    head = SIGNATURE + header(picture, 8, 2)
    idat = chunk(b"IDAT", packed)
    whole = head + idat + END
    files.good("png/no-end.png", head + idat, picture)
    for lost in (1, 4, 8, 11):
        files.good(f"png/end-cut-{lost}.png", whole[:-lost], picture)
    files.good("png/data-checksum-cut.png", (head + idat)[:-2], picture)
    # The file ends within the data, but behind the last pixel: only zlib's checksum is lost.
    files.good("png/zlib-checksum-cut.png", (head + idat)[:-6], picture, refused=DAMAGED)
    files.good("png/zlib-checksum-missing.png", head + chunk(b"IDAT", packed[:-4]) + END, picture, refused=DAMAGED)
    files.good("png/zlib-checksum-wrong.png", head + chunk(b"IDAT", packed[:-4] + b"\1\2\3\4") + END, picture, refused=DAMAGED)
    files.good("png/data-checksum-wrong.png", head + chunk(b"IDAT", packed, True) + END, picture, refused=DAMAGED)
    files.good("png/end-checksum-wrong.png", head + idat + chunk(b"IEND", b"", True), picture)
    files.good("png/text-checksum-wrong.png", head + chunk(b"tEXt", b"Title\0x", True) + idat + END, picture)
    files.good("png/gamma-checksum-wrong.png", head + chunk(b"gAMA", struct.pack(">I", 45_455), True) + idat + END, picture)
    wrong = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 140, 110, 8, 2, 0, 0, 0), True)
    files.good("png/header-checksum-wrong.png", wrong + idat + END, picture, refused=DAMAGED)
    files.good("png/trailer.png", whole + b"trailing text" * 9, picture)
    parts = [packed[at : at + 50] for at in range(0, len(packed), 50)]
    files.good("png/many-data-chunks.png", head + b"".join(chunk(b"IDAT", part) for part in parts) + END, picture)
    broken = b"".join(chunk(b"IDAT", part, index == 2) for index, part in enumerate(parts))
    files.good("png/one-checksum-wrong.png", head + broken + END, picture, refused=DAMAGED)
    files.good("png/empty-data-chunks.png", head + chunk(b"IDAT", b"") + idat + chunk(b"IDAT", b"") + END, picture)
    files.good("png/data-behind-pixels.png", head + chunk(b"IDAT", zlib.compress(pixels(picture, 8) + bytes(500))) + END, picture, refused=DAMAGED)
    files.good("png/data-behind-stream.png", head + chunk(b"IDAT", packed + b"more") + END, picture)
    rows = zlib.compress(pixels(picture[:40], 8))
    files.bad("png/rows-missing.png", head + chunk(b"IDAT", rows) + END, *DAMAGED)
    files.bad("png/half.png", whole[: len(whole) * 6 // 10], *DAMAGED)
    files.bad("png/no-data.png", head + END, *DAMAGED)


def layouts(files):
    picture = scene()
    plane = grey(picture)
    quantised = Image.fromarray(picture).quantize(14)
    index = np.asarray(quantised)
    palette = chunk(b"PLTE", bytes(quantised.getpalette()[: 3 * 14]))
    for interlaced in (False, True):
        suffix = "-interlaced" if interlaced else ""
        for depth in (1, 2, 4, 8, 16):
            levels = (1 << depth) - 1
            samples = plane.astype(np.uint32) * levels // 255
            files.good(f"png/grey-{depth}{suffix}.png", file(samples, depth, 0, interlaced=interlaced), shown(samples, levels))
        for depth in (8, 16):
            scale = 257 if depth == 16 else 1
            files.good(f"png/rgb-{depth}{suffix}.png", file(picture.astype(np.uint32) * scale, depth, 2, interlaced=interlaced), picture)
            clear = np.dstack([plane, ramp()])
            files.good(f"png/grey-alpha-{depth}{suffix}.png", file(clear.astype(np.uint32) * scale, depth, 4, interlaced=interlaced), over_white(shown(plane), ramp()))
            clear = np.dstack([picture, ramp()])
            files.good(f"png/rgb-alpha-{depth}{suffix}.png", file(clear.astype(np.uint32) * scale, depth, 6, interlaced=interlaced), over_white(picture, ramp()))
        for depth in (4, 8):
            files.good(f"png/palette-{depth}{suffix}.png", file(index, depth, 3, palette, interlaced=interlaced), picture)
    files.good("png/palette-for-rgb.png", file(picture, before=palette), picture)
    short = chunk(b"PLTE", bytes(quantised.getpalette()[: 3 * 3]))
    small = index % 3
    colours = np.array(quantised.getpalette()[:9], np.uint8).reshape(-1, 3)[small]
    files.good("png/palette-short.png", file(small, 8, 3, short), colours)
    files.bad("png/palette-missing.png", file(index, 8, 3), *DAMAGED)
    files.bad("png/depth-3.png", file(index, 3, 0), *DAMAGED, "UnsupportedFormat")


def transparency(files):
    picture = scene()
    plane = grey(picture)

    def behind(rgb, hidden):
        return np.where(hidden[..., None], np.uint8(255), rgb).astype(np.uint8)

    for depth in (2, 4, 8, 16):
        levels = (1 << depth) - 1
        samples = plane.astype(np.uint32) * levels // 255
        value = int(samples[-1, 2])
        trns = chunk(b"tRNS", struct.pack(">H", value))
        files.good(f"png/clear-grey-{depth}.png", file(samples, depth, 0, trns), behind(shown(samples, levels), samples == value))
    red = picture[2, 2]
    hidden = (picture == red).all(axis=2)
    files.good("png/clear-rgb-8.png", file(picture, before=chunk(b"tRNS", struct.pack(">HHH", *map(int, red)))), behind(picture, hidden))
    deep = struct.pack(">HHH", *(int(c) * 257 for c in red))
    files.good("png/clear-rgb-16.png", file(picture.astype(np.uint32) * 257, 16, before=chunk(b"tRNS", deep)), behind(picture, hidden))
    quantised = Image.fromarray(picture).quantize(14)
    index = np.asarray(quantised)
    palette = chunk(b"PLTE", bytes(quantised.getpalette()[: 3 * 14]))
    opaque = np.array([255, 0, 128] + [255] * 253, np.uint8)
    files.good("png/clear-palette.png", file(index, 8, 3, palette + chunk(b"tRNS", b"\xff\0\x80")), over_white(picture, opaque[index]))
    files.good("png/clear-palette-long.png", file(index, 8, 3, palette + chunk(b"tRNS", b"\xff" * 40)), picture, refused=DAMAGED)
    files.good("png/clear-first.png", file(index, 8, 3, chunk(b"tRNS", b"\0") + palette), picture, tolerance=40, refused=DAMAGED)
    files.good("png/clear-with-alpha.png", file(np.dstack([picture, ramp()]), 8, 6, chunk(b"tRNS", bytes(6))), over_white(picture, ramp()))
    files.good("png/background.png", file(np.dstack([picture, ramp()]), 8, 6, chunk(b"bKGD", bytes(6))), over_white(picture, ramp()))


def colour_chunks(files):
    """Colours as files describe them: the samples are made so that the scene shows."""
    picture = scene()
    light = linear_light(picture)

    def gamma(value):
        return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))

    def encoded_with(value):
        return (light**value * 255).round().astype(np.uint8)

    for value in (1.0, 0.6, 0.45455, 0.3):
        samples = picture if value == 0.45455 else encoded_with(value)
        files.good(f"png/gamma-{value}.png", file(samples, before=gamma(value)), picture, tolerance=6)
    files.good("png/gamma-grey.png", file((linear_light(grey(picture)) * 255).round().astype(np.uint8), 8, 0, gamma(1.0)), shown(grey(picture)), tolerance=6)
    files.good("png/gamma-16-bit.png", file((light * 65_535).round().astype(np.uint32), 16, 2, gamma(1.0)), picture, tolerance=6)
    files.good("png/gamma-zero.png", file(picture, before=gamma(0)), picture)
    srgb = chunk(b"sRGB", b"\0")
    files.good("png/srgb-over-gamma.png", file(picture, before=srgb + gamma(1.0)), picture)
    files.good("png/gamma-then-srgb.png", file(picture, before=gamma(1.0) + srgb), picture)
    primaries = {
        "srgb": ((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)),
        "p3": ((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
        "bt2020": ((0.3127, 0.329), (0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
    }
    for name, points in primaries.items():
        chrm = chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for point in points for value in point)))
        samples = (wide(light, points) ** 0.45455 * 255).round().astype(np.uint8)
        files.good(f"png/primaries-{name}.png", file(samples, before=gamma(0.45455) + chrm), picture, tolerance=6)
    files.good("png/primaries-zero.png", file(picture, before=gamma(0.45455) + chunk(b"cHRM", bytes(32))), picture, tolerance=6)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    iccp = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(icc))
    files.good("png/profile-over-gamma.png", file(picture, before=gamma(1.0) + iccp), picture)
    files.good("png/profile-grey-file.png", file(grey(picture), 8, 0, iccp), shown(grey(picture)))
    files.good("png/profile-broken.png", file(picture, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))), picture)
    files.good("png/profile-not-packed.png", file(picture, before=chunk(b"iCCP", b"x\0\0" + icc[:200])), picture)
    files.good("png/profile-huge.png", file(picture, before=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(60_000_000), 9))), picture)
    for name, (points, transfer, code) in {
        "srgb": ("srgb", 13, (1, 13)),
        "p3": ("p3", 13, (12, 13)),
        "bt2020": ("bt2020", 13, (9, 13)),
        "linear": ("srgb", 8, (1, 8)),
        "bt2020-pq": ("bt2020", 16, (9, 16)),
        "p3-pq": ("p3", 16, (12, 16)),
        "bt2020-hlg": ("bt2020", 18, (9, 18)),
    }.items():
        samples = (from_linear_light(wide(light, primaries[points]), transfer) * 65_535).round().astype(np.uint32)
        cicp = chunk(b"cICP", bytes([*code, 0, 1]))
        tolerance = 12 if transfer in (16, 18) else 6
        expected = shown_on_sdr(picture) if transfer in (16, 18) else picture
        files.good(f"png/code-points-{name}.png", file(samples, 16, 2, cicp), expected, tolerance=tolerance)
        if name in ("p3", "bt2020"):
            files.good(f"png/code-points-{name}-over-srgb.png", file(samples, 16, 2, cicp + srgb), picture, tolerance=tolerance)
            files.good(f"png/code-points-{name}-over-profile.png", file(samples, 16, 2, cicp + iccp), picture, tolerance=tolerance)
    files.good("png/code-points-narrow.png", file(picture, before=chunk(b"cICP", bytes([1, 13, 0, 0]))), picture, tolerance=16)


def others(files):
    picture = scene()
    for number in range(1, 9):
        files.good(f"png/exif-{number}.png", file(stored(picture, number), before=chunk(b"eXIf", exif(number))), picture, number)
    # Browsers want it before the pixels.
    files.good("png/exif-after-data.png", file(stored(picture, 6), after=chunk(b"eXIf", exif(6))), stored(picture, 6))
    files.good("png/exif-little.png", file(stored(picture, 8), before=chunk(b"eXIf", exif(8, "<"))), picture, 8)
    files.good("png/exif-broken.png", file(picture, before=chunk(b"eXIf", b"XX" + exif(6)[2:])), picture)
    files.good("png/unknown-chunk.png", file(picture, before=chunk(b"prVt", bytes(100))), picture)
    files.good("png/unknown-critical-chunk.png", file(picture, before=chunk(b"CgBX", bytes(4))), picture, tolerance=60, refused=(*DAMAGED, "UnsupportedFormat"))
    frame = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 140, 110, 0, 0, 1, 10, 0, 0))
    files.good("png/animation.png", file(picture, before=frame), picture)
    hidden = chunk(b"acTL", struct.pack(">II", 1, 0))
    later = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 140, 110, 0, 0, 1, 10, 0, 0))
    later += chunk(b"fdAT", struct.pack(">I", 1) + zlib.compress(pixels(255 - picture, 8)))
    # Rekognition gets the file itself, and reads the default picture. Browsers show the animation.
    files.good("png/animation-default-apart.png", file(picture, before=hidden, after=later), picture)

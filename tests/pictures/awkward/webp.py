"""WebP files: chunks, flags and sizes that contradict each other. The flags are those of the VP8X chunk."""

import io
import struct

import numpy as np
from PIL import Image, ImageCms

from .scene import exif, over_white, ramp, saved, scene, stored

ANIMATION, XMP, EXIF, ALPHA, ICC = 2, 4, 8, 16, 32


def chunks(data):
    at, found = 12, []
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def file(parts, length=None):
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in parts)
    return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body


def extended(flags, width=140, height=110):
    return b"VP8X", bytes([flags, 0, 0, 0]) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]


def make(files):
    picture = scene()
    lossy = chunks(saved(picture, "WEBP", quality=90))
    lossless = chunks(saved(picture, "WEBP", lossless=True))
    clear = np.dstack([picture, ramp()])
    alpha = chunks(saved(clear, "WEBP", quality=90))
    alpha_lossless = chunks(saved(clear, "WEBP", lossless=True))
    white = over_white(picture, ramp())
    icc = (b"ICCP", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name, image in (("lossy", lossy), ("lossless", lossless)):
        for flag, missing in ((EXIF, "exif"), (XMP, "xmp"), (ICC, "profile"), (ALPHA, "alpha"), (EXIF | XMP | ICC, "all")):
            files.good(f"webp/{name}-flag-without-{missing}.webp", file([extended(flag), *image]), picture)
        tag = (b"EXIF", exif(6))
        files.good(f"webp/{name}-exif-without-flag.webp", file([extended(0), *image, tag]), picture)
        files.good(f"webp/{name}-exif-without-header.webp", file([*image, tag]), picture)
        files.good(f"webp/{name}-profile-without-flag.webp", file([extended(0), icc, *image]), picture)
        files.good(f"webp/{name}-unknown-chunk.webp", file([extended(0), (b"ABCD", b"12345"), *image, (b"EFGH", b"1")]), picture)
        files.good(f"webp/{name}-reserved-flags.webp", file([extended(0xC1), *image]), picture, refused=("DamagedImage",))
        files.good(f"webp/{name}-trailer.webp", file(image) + b"trailing" * 9, picture)
        whole = file(image)
        size = len(whole) - 8
        files.good(f"webp/{name}-size-zero.webp", file(image, 0), picture, refused=("DamagedImage", "TruncatedImage"))
        files.good(f"webp/{name}-size-small.webp", file(image, size - 20), picture, refused=("DamagedImage", "TruncatedImage"))
        files.good(f"webp/{name}-size-large.webp", file(image, size + 1000), picture, refused=("DamagedImage", "TruncatedImage"))
        files.good(f"webp/{name}-size-odd.webp", file(image, size + 1), picture, refused=("DamagedImage", "TruncatedImage"))
        files.good(f"webp/{name}-canvas-differs.webp", file([extended(0, 200, 150), *image]), picture, refused=("DamagedImage",))
        files.bad(f"webp/{name}-half.webp", whole[: len(whole) * 6 // 10], "TruncatedImage", "DamagedImage")
        files.good(f"webp/{name}-animation-flag-alone.webp", file([extended(ANIMATION), *image]), picture, refused=("DamagedImage",))
    tag = (b"EXIF", exif(6))
    turned = chunks(saved(stored(picture, 6), "WEBP", lossless=True))
    wide = extended(EXIF, 110, 140)
    files.good("webp/exif-after.webp", file([wide, *turned, tag]), picture, 6)
    files.good("webp/exif-before.webp", file([wide, tag, *turned]), picture, 6)
    files.good("webp/exif-prefixed.webp", file([wide, *turned, (b"EXIF", b"Exif\0\0" + exif(6))]), picture, 6)
    files.good("webp/exif-odd-length.webp", file([wide, *turned, (b"EXIF", exif(6) + b"\0")]), picture, 6)
    for number in (2, 3, 5, 8):
        image = chunks(saved(stored(picture, number), "WEBP", lossless=True))
        size = (110, 140) if number >= 5 else (140, 110)
        files.good(f"webp/exif-{number}.webp", file([extended(EXIF, *size), *image, (b"EXIF", exif(number, "<"))]), picture, number)
    files.good("webp/exif-broken.webp", file([extended(EXIF), *lossless, (b"EXIF", b"XX" + exif(6)[2:])]), picture)
    files.good("webp/alpha.webp", file(alpha), white)
    # Without the flag, browsers show the colours alone.
    files.good("webp/alpha-without-flag.webp", file([extended(0), *alpha[1:]]), picture, tolerance=6)
    files.good("webp/alpha-lossless-without-flag.webp", file([extended(0), *(part for part in alpha_lossless if part[0] != b"VP8X")]), picture, tolerance=256)
    frames = io.BytesIO()
    first, second = Image.fromarray(picture), Image.fromarray(255 - picture)
    first.save(frames, "WEBP", save_all=True, append_images=[second], lossless=True)
    animation = chunks(frames.getvalue())
    files.good("webp/animation.webp", file(animation), picture)
    files.good("webp/animation-without-flag.webp", file([extended(0), *animation[1:]]), picture, refused=("DamagedImage",))
    files.bad("webp/animation-without-frames.webp", file([extended(ANIMATION), animation[1]]), "DamagedImage", "TruncatedImage")

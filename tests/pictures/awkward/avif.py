"""AVIF files whose colours are described by ITU-T H.273's code points."""

import struct

import numpy as np
from PIL import Image

from .colours import BT2020, P3, SRGB, from_linear_light, linear_light, shown_on_sdr, wide
from .scene import over_white, ramp, saved, scene, stored


def coded(samples, primaries, transfer, **options):
    """Encoded, with the code points in the file's colour box exchanged."""
    data = bytearray(saved(samples, "AVIF", quality=90, speed=10, **options))
    at = data.index(b"colrnclx") + 8
    struct.pack_into(">HH", data, at, primaries, transfer)
    return bytes(data)


def make(files):
    picture = scene()
    light = linear_light(picture)
    points = {1: SRGB, 12: P3, 9: BT2020}
    for primaries, transfer, name in (
        (1, 13, "srgb"),
        (1, 1, "bt709"),
        (1, 8, "linear"),
        (12, 13, "p3"),
        (12, 16, "p3-pq"),
        (9, 13, "bt2020"),
        (9, 1, "bt2020-bt709"),
        (9, 14, "bt2020-10-bit"),
        (9, 16, "bt2020-pq"),
        (1, 16, "pq"),
        (9, 18, "bt2020-hlg"),
        (1, 18, "hlg"),
        (2, 2, "unspecified"),
    ):
        # Browsers decode BT.709's curve like that of sRGB.
        curve = {1: 13, 14: 13, 2: 13}.get(transfer, transfer)
        samples = (from_linear_light(wide(light, points.get(primaries, SRGB)), curve) * 255).round().astype(np.uint8)
        # Eight bits are few for PQ and for linear light.
        tolerance = 12 if transfer in (16, 18) else 8 if transfer == 8 else 6
        expected = shown_on_sdr(picture) if transfer in (16, 18) else picture
        for subsampling in ("4:4:4", "4:2:0"):
            files.good(f"avif/{name}-{subsampling[::2]}.avif", coded(samples, primaries, transfer, subsampling=subsampling), expected, tolerance=tolerance)
    files.good("avif/alpha.avif", saved(np.dstack([picture, ramp()]), "AVIF", quality=90, speed=10), over_white(picture, ramp()), tolerance=6)
    for number in (2, 3, 6, 7):
        tags = Image.Exif()
        tags[0x0112] = number
        files.good(f"avif/turned-{number}.avif", saved(stored(picture, number), "AVIF", quality=90, speed=10, exif=tags), picture, number, tolerance=6)
    whole = saved(picture, "AVIF", quality=90, speed=10)
    files.good("avif/trailer.avif", whole + bytes(40), picture, tolerance=6)
    files.good("avif/free-box.avif", whole + struct.pack(">I4s", 16, b"free") + bytes(8), picture, tolerance=6)
    files.bad("avif/half.avif", whole[: len(whole) * 6 // 10], "TruncatedImage", "DamagedImage")

"""The picture that most files show, and its variants."""

import io
import struct

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 140, 110
RED, GREEN, BLUE, YELLOW = (220, 40, 30), (40, 160, 60), (30, 60, 200), (230, 200, 40)


def scene(width=WIDTH, height=HEIGHT):
    """Four coloured quarters, a white bar at the top left and a black block at the bottom right, so that every shift, mirror,
    rotation and exchange of colours shows."""
    pixels = np.empty((height, width, 3), np.uint8)
    x, y = width // 2, height // 2
    pixels[:y, :x], pixels[:y, x:], pixels[y:, :x], pixels[y:, x:] = RED, GREEN, BLUE, YELLOW
    pixels[height // 10 : height // 5, width // 14 : width * 3 // 7] = 255
    pixels[height * 3 // 4 : height * 19 // 20, width * 4 // 5 : width * 19 // 20] = 0
    return pixels


def grey(pixels):
    return np.asarray(Image.fromarray(pixels).convert("L"))


def bits(pixels):
    """Zeros and ones."""
    return (grey(pixels) > 100).astype(np.uint8)


def shown(plane, maximum=255):
    """Grey samples as an RGB picture."""
    return np.repeat((plane.astype(np.uint32) * 255 // maximum).astype(np.uint8)[..., None], 3, axis=2)


def ramp(width=WIDTH, height=HEIGHT):
    """Samples that change in every column, for channels that are no colours."""
    return np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))


def over_white(pixels, alpha):
    alpha = alpha[..., None].astype(np.uint32)
    return ((pixels * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def inks(pixels):
    """CMYK without black."""
    return np.dstack([255 - pixels, np.zeros(pixels.shape[:2], np.uint8)])


def stored(pixels, orientation):
    """The pixels that this Exif orientation makes upright."""
    undo = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p.swapaxes(0, 1)[::-1],
        7: lambda p: p.swapaxes(0, 1)[::-1, ::-1],
        8: lambda p: p.swapaxes(0, 1)[:, ::-1],
    }
    return np.ascontiguousarray(undo[orientation](pixels))


def saved(pixels, format, **options):
    """The file that Pillow writes."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def exif(orientation, order=">", kind=3, count=1, offset=8):
    """Exif data with an orientation alone, without the prefix `Exif\\0\\0`."""
    value = {1: struct.pack(f"{order}B3x", orientation), 3: struct.pack(f"{order}H2x", orientation), 4: struct.pack(f"{order}I", orientation)}[kind]
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", offset)
    return head + struct.pack(f"{order}HHHI", 1, 0x0112, kind, count) + value + bytes(4)

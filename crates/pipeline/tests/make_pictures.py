#!/usr/bin/env python3
"""Writes the pictures that the preparation tests read, and what is to come out of them.

    python3 tests/make_pictures.py FOLDER

Every picture is written by a real encoder: Pillow (libjpeg-turbo, libwebp, libtiff, libavif) or
libvips, by `pip install 'pillow>=11.3' 'pyvips[binary]' numpy`. FOLDER/expected.json says for each
what preparation has to make of it; the upright picture is what Pillow's ImageOps.exif_transpose
makes of it, over white and in sRGB, told as the mean colours of GRID x GRID equal fields.
"""

import io
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image, ImageCms, ImageOps

GRID = 6
CORNERS = [(220, 30, 30), (30, 170, 40), (30, 60, 210), (235, 200, 30)]
SIZES = [(160, 120), (97, 201), (640, 480), (1201, 903)]
ORIENTATION = 0x0112


def picture(width, height):
    """Four differently coloured quarters, shaded so that no two fields are alike."""
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    pixels = np.empty((height, width, 3))
    for index, colour in enumerate(CORNERS):
        part = ((x >= 0.5) == bool(index & 1)) & ((y >= 0.5) == bool(index & 2))
        pixels[part] = colour
    shade = 0.75 + 0.25 * np.sin(3 * x + 5 * y)
    return Image.fromarray((pixels * shade[..., None]).round().astype(np.uint8))


def with_alpha(image):
    alpha = Image.linear_gradient("L").resize(image.size)
    image = image.convert("RGBA")
    image.putalpha(alpha)
    return image


def vips(image):
    return pyvips.Image.new_from_array(np.asarray(image), interpretation="srgb")


def exif(orientation):
    data = Image.Exif()
    data[ORIENTATION] = orientation
    return data


def grid(path):
    """The mean colours of the upright picture, as Pillow sees it."""
    with Image.open(path) as image:
        profile = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16") or upright.mode == "I":
            upright = Image.fromarray((np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8))
        if upright.mode in ("P", "PA", "LA", "RGBA") or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright).convert("RGB")
        if profile and upright.mode in ("RGB", "CMYK", "L"):
            upright = ImageCms.profileToProfile(
                upright,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
            )
        upright = upright.convert("RGB")
        small = upright.resize((GRID, GRID), Image.Resampling.BOX)
        return list(upright.size), np.asarray(small).reshape(-1, 3).tolist()


class Folder:
    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.expected = []

    def good(self, name, format, reason=None, orientation=1, tolerance=6, judge=None):
        """A picture that can be prepared; `reason` says why it is converted, None that it is not."""
        size, colours = grid(self.path / (judge or name))
        self.expected.append(
            {
                "file": name,
                "format": format,
                "orientation": orientation,
                "width": size[0],
                "height": size[1],
                "reason": reason,
                "grid": colours,
                "tolerance": tolerance,
            }
        )

    def bad(self, name, code, data=None):
        if data is not None:
            (self.path / name).write_bytes(data)
        self.expected.append({"file": name, "error": code})

    def read(self, name):
        return (self.path / name).read_bytes()

    def done(self):
        (self.path / "expected.json").write_text(
            json.dumps({"grid": GRID, "pictures": self.expected}, indent=1)
        )


def orientations(out):
    """All formats in all sizes, in each of the eight orientations where the format knows them."""
    for width, height in SIZES:
        image = picture(width, height)
        clear = with_alpha(image)
        size = f"{width}x{height}"
        for turn in range(1, 9):
            name = f"{size}-{turn}"
            image.save(out.path / f"{name}.jpg", quality=90, exif=exif(turn))
            out.good(f"{name}.jpg", "jpeg", orientation=turn)
            image.save(out.path / f"{name}.png", exif=exif(turn))
            out.good(f"{name}.png", "png", "orientation" if turn > 1 else None, turn)
            image.save(out.path / f"{name}.webp", quality=90, exif=exif(turn))
            out.good(f"{name}.webp", "webp", "format", turn, tolerance=10)
            image.save(out.path / f"{name}.tiff", compression="tiff_lzw", exif=exif(turn))
            out.good(f"{name}.tiff", "tiff", "format", turn)
            source = clear if turn % 2 else image
            source.save(out.path / f"{name}.avif", quality=90, speed=9, exif=exif(turn))
            out.good(f"{name}.avif", "avif", "format", turn, tolerance=10)
        image.save(out.path / f"{size}.gif")
        out.good(f"{size}.gif", "gif", "format")
        image.save(out.path / f"{size}.bmp")
        out.good(f"{size}.bmp", "bmp", "format")


def variants(out):
    """What else the formats can do."""
    image = picture(500, 375)
    clear = with_alpha(image)
    colourful = vips(image)

    def pillow(name, format, reason, source=image, tolerance=6, **options):
        source.save(out.path / name, **options)
        out.good(name, format, reason, tolerance=tolerance)

    def libvips(name, format, reason, source=colourful, tolerance=6, **options):
        source.write_to_file(str(out.path / name), **options)
        out.good(name, format, reason, tolerance=tolerance)

    pillow("progressive.jpg", "jpeg", None, quality=85, progressive=True)
    pillow("no-subsampling.jpg", "jpeg", None, quality=85, subsampling=0)
    pillow("half-subsampling.jpg", "jpeg", None, quality=85, subsampling=1)
    pillow("grey.jpg", "jpeg", None, source=image.convert("L"))
    pillow("restarts.jpg", "jpeg", None, restart_marker_rows=1)
    pillow("inks.jpg", "jpeg", "colours", source=image.convert("CMYK"), quality=90)
    libvips("inks-profile.jpg", "jpeg", "colours", colourful.icc_transform("cmyk", input_profile="srgb"))
    libvips("p3.jpg", "jpeg", None, colourful.icc_transform("p3", input_profile="srgb"))
    libvips("p3.png", "png", None, colourful.icc_transform("p3", input_profile="srgb"))
    libvips("p3.webp", "webp", "format", colourful.icc_transform("p3", input_profile="srgb"), tolerance=10)
    libvips("p3.tif", "tiff", "format", colourful.icc_transform("p3", input_profile="srgb"))

    pillow("alpha.png", "png", None, source=clear)
    pillow("palette.png", "png", None, source=image.quantize(64))
    pillow("palette-clear.png", "png", None, source=clear.quantize(64))
    pillow("grey.png", "png", None, source=image.convert("L"))
    pillow("grey-alpha.png", "png", None, source=clear.convert("LA"))
    pillow("bits.png", "png", None, source=image.convert("1"), tolerance=8)
    libvips("interlaced.png", "png", None, interlace=True)
    libvips("interlaced-alpha.png", "png", None, vips(clear), interlace=True)
    libvips("16-bit-grey.png", "png", None, (colourful.colourspace("b-w").cast("ushort") << 8).copy(interpretation="grey16"))
    rgb16 = (colourful.cast("ushort") << 8).copy(interpretation="rgb16")
    rgb16.write_to_file(str(out.path / "16-bit.png"))
    colourful.write_to_file(str(out.path / "16-bit-judge.png"))
    out.good("16-bit.png", "png", None, judge="16-bit-judge.png")
    image.save(out.path / "animated.png", save_all=True, append_images=[ImageOps.invert(image)])
    out.good("animated.png", "png", None)

    pillow("lossless.webp", "webp", "format", lossless=True)
    pillow("alpha.webp", "webp", "format", source=clear, tolerance=10)
    pillow("alpha-lossless.webp", "webp", "format", source=clear, lossless=True)
    image.save(out.path / "animated.webp", save_all=True, append_images=[ImageOps.invert(image)], quality=90)
    out.good("animated.webp", "webp", "format", tolerance=10)

    image.save(out.path / "animated.gif", save_all=True, append_images=[ImageOps.invert(image)])
    out.good("animated.gif", "gif", "format")
    pillow("clear.gif", "gif", "format", source=clear.quantize(64))

    pillow("grey.bmp", "bmp", "format", source=image.convert("L"))
    pillow("palette.bmp", "bmp", "format", source=image.quantize(64))
    pillow("bits.bmp", "bmp", "format", source=image.convert("1"), tolerance=8)

    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        pillow(f"{compression}.tif", "tiff", "format", compression=compression)
    pillow("grey.tif", "tiff", "format", source=image.convert("L"))
    pillow("alpha.tif", "tiff", "format", source=clear)
    pillow("inks.tif", "tiff", "format", source=image.convert("CMYK"))
    pillow("bits.tif", "tiff", "format", source=image.convert("1"), tolerance=8)
    pillow("fax.tif", "tiff", "format", source=image.convert("1"), compression="group4", tolerance=8)
    pillow("big-endian.tif", "tiff", "format", big_tiff=True)
    libvips("tiled.tif", "tiff", "format", tile=True, tile_width=128, tile_height=64, compression="deflate")
    libvips("predictor.tif", "tiff", "format", compression="lzw", predictor="horizontal")
    libvips("pyramid.tif", "tiff", "format", tile=True, pyramid=True)
    rgb16.write_to_file(str(out.path / "16-bit.tif"))
    out.good("16-bit.tif", "tiff", "format", judge="16-bit-judge.png")
    planar(out.path / "planar.tif", image)
    out.good("planar.tif", "tiff", "format")
    image.quantize(64).save(out.path / "palette.tif")
    out.bad("palette.tif", "UnsupportedFormat")

    pillow("444.avif", "avif", "format", quality=90, subsampling="4:4:4", speed=9, tolerance=10)
    pillow("422.avif", "avif", "format", quality=90, subsampling="4:2:2", speed=9, tolerance=10)
    pillow("grey.avif", "avif", "format", source=image.convert("L"), quality=90, subsampling="4:0:0", speed=9, tolerance=10)
    pillow("limited.avif", "avif", "format", quality=90, range="limited", speed=9, tolerance=10)
    pillow("alpha.avif", "avif", "format", source=clear, quality=90, speed=9, tolerance=10)
    pillow("premultiplied.avif", "avif", "format", source=clear, quality=90, speed=9, alpha_premultiplied=True, tolerance=10)
    image.save(out.path / "animated.avif", save_all=True, append_images=[ImageOps.invert(image)], quality=90, speed=9)
    out.good("animated.avif", "avif", "format", tolerance=10)
    # Tiles of colour and of transparency, turned and mirrored, which Pillow does not write; made by
    # avifenc 0.11.1: avifenc --min 12 --max 20 --grid 2x2 --irot 1 --imir 0
    grid_file = Path(__file__).parent / "fixtures/grid-turned.avif"
    (out.path / grid_file.name).write_bytes(grid_file.read_bytes())
    out.good(grid_file.name, "avif", "format", 5, tolerance=10)
    for bits in (10, 12):
        rgb16.heifsave(str(out.path / f"{bits}-bit.avif"), compression="av1", bitdepth=bits, Q=90, effort=1)
        out.good(f"{bits}-bit.avif", "avif", "format", judge="16-bit-judge.png", tolerance=10)
    colourful.heifsave(str(out.path / "identity.avif"), compression="av1", lossless=True, effort=1)
    out.good("identity.avif", "avif", "format")


def planar(path, image):
    """A TIFF whose colours lie one after the other, in two strips each."""
    width, height = image.size
    rows = height // 2 + 1
    pixels = np.asarray(image)
    strips = [
        pixels[top : top + rows, :, plane].tobytes() for plane in range(3) for top in (0, rows)
    ]
    tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8, 8, 8]),
        259: (3, [1]),
        262: (3, [2]),
        273: (4, None),
        277: (3, [3]),
        278: (4, [rows]),
        279: (4, [len(strip) for strip in strips]),
        284: (3, [2]),
    }
    start = 8 + 2 + 12 * len(tags) + 4
    extra = b""
    places_at = start
    extra += b"\0" * 4 * len(strips)
    entries = []
    for tag, (kind, values) in sorted(tags.items()):
        if tag == 273:
            entries.append(struct.pack("<HHII", tag, kind, len(strips), places_at))
            continue
        body = b"".join(struct.pack("<H" if kind == 3 else "<I", value) for value in values)
        if len(body) <= 4:
            entries.append(struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0"))
        else:
            entries.append(struct.pack("<HHII", tag, kind, len(values), start + len(extra)))
            extra += body
    places, at = [], start + len(extra)
    for strip in strips:
        places.append(at)
        at += len(strip)
    extra = struct.pack(f"<{len(places)}I", *places) + extra[4 * len(places) :]
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(entries) + b"\0\0\0\0"
    path.write_bytes(head + extra + b"".join(strips))


def limits(out):
    """At and beyond Rekognition's limits."""
    picture(80, 80).save(out.path / "80x80.png")
    out.good("80x80.png", "png")
    picture(79, 400).save(out.path / "79x400.png")
    out.bad("79x400.png", "ImageTooSmall")
    picture(400, 79).save(out.path / "400x79.jpg", exif=exif(6))
    out.bad("400x79.jpg", "ImageTooSmall")
    long = vips(picture(10_001, 400))
    long.write_to_file(str(out.path / "long.jpg"), Q=85)
    out.good("long.jpg", "jpeg", "pixels")
    long.write_to_file(str(out.path / "long.png"))
    out.good("long.png", "png", "pixels")
    vips(picture(10_000, 82)).write_to_file(str(out.path / "10000x82.png"))
    out.good("10000x82.png", "png")
    vips(picture(10_500, 90)).write_to_file(str(out.path / "10500x90.png"))
    out.good("10500x90.png", "png", "pixels")
    vips(picture(20_000, 90)).write_to_file(str(out.path / "20000x90.png"))
    out.bad("20000x90.png", "ImageTooNarrow")
    vips(picture(6000, 120)).write_to_file(str(out.path / "6000x120.webp"))
    out.good("6000x120.webp", "webp", "format", tolerance=10)
    # Noise makes files large: over 15 MB as JPEG and PNG, over 5 MB after conversion.
    noise = np.random.default_rng(1).integers(-60, 60, (3000, 4000, 3))
    noisy = np.asarray(picture(4000, 3000)).astype(int) + noise
    noisy = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    noisy.save(out.path / "heavy.jpg", quality=98, subsampling=0, exif=exif(8))
    out.good("heavy.jpg", "jpeg", "bytes", 8)
    noisy.save(out.path / "heavy.png", compress_level=1)
    out.good("heavy.png", "png", "bytes")
    scan = vips(picture(8000, 5000))
    scan.write_to_file(str(out.path / "40-megapixels.jpg"), Q=80)
    out.good("40-megapixels.jpg", "jpeg")
    scan.write_to_file(str(out.path / "40-megapixels-progressive.jpg"), Q=80, interlace=True)
    out.good("40-megapixels-progressive.jpg", "jpeg")
    scan.write_to_file(str(out.path / "40-megapixels.webp"), Q=80, effort=0)
    out.good("40-megapixels.webp", "webp", "format", tolerance=10)
    scan.heifsave(str(out.path / "40-megapixels.avif"), compression="av1", Q=60, effort=0)
    out.good("40-megapixels.avif", "avif", "format", tolerance=10)
    scan.write_to_file(str(out.path / "40-megapixels.tif"), compression="lzw", predictor="horizontal")
    out.good("40-megapixels.tif", "tiff", "format")


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_nothing(width, height, interlaced=0):
    """A PNG of one colour: a few kilobytes for any number of pixels."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def refused(out):
    """What is no picture, no whole one, or one that means harm."""
    out.bad("empty", "EmptyObject", b"")
    out.bad("text.jpg", "NotAnImage", b"This is no picture.\n" * 100)
    out.bad("page.html", "NotAnImage", b"<!doctype html><title>404</title>")
    box = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    out.bad("phone.heic", "UnsupportedFormat", box + b"\0" * 400)
    for name in ("640x480-1.jpg", "progressive.jpg", "640x480-1.png", "lossless.webp", "640x480-1.webp", "640x480.gif", "640x480.bmp", "raw.tif", "640x480-1.avif"):
        data = out.read(name)
        stem, dot, ending = name.rpartition(".")
        out.bad(f"cut-{stem}.{ending}", ["TruncatedImage", "DamagedImage"], data[: len(data) * 6 // 10])
    out.bad("bomb.png", "ImageTooLarge", png_of_nothing(30_000, 30_000))
    out.bad("bomb-interlaced.png", "ImageTooLarge", png_of_nothing(15_000, 15_000, 1))
    gif = bytearray(out.read("animated.gif"))
    gif[6:10] = b"\xff\xff\xff\xff"
    out.bad("bomb.gif", "ImageTooLarge", bytes(gif))
    gif[6:10] = struct.pack("<HH", 15_000, 15_000)
    out.bad("large.gif", "ImageTooLarge", bytes(gif))
    bmp = bytearray(out.read("grey.bmp"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    out.bad("bomb.bmp", "ImageTooLarge", bytes(bmp))
    tiff = bytearray(out.read("raw.tif"))
    ifd = struct.unpack_from("<I", tiff, 4)[0]
    for entry in range(struct.unpack_from("<H", tiff, ifd)[0]):
        at = ifd + 2 + 12 * entry
        tag, kind = struct.unpack_from("<HH", tiff, at)
        if tag in (256, 257, 278):
            struct.pack_into("<HII", tiff, at + 2, 4, 1, 15_000)
    out.bad("bomb.tif", ["ImageTooLarge", "DamagedImage", "TruncatedImage"], bytes(tiff))
    jpeg = bytearray(out.read("640x480-1.jpg"))
    frame = jpeg.index(b"\xff\xc0")
    struct.pack_into(">HH", jpeg, frame + 5, 65_500, 65_500)
    out.bad("bomb.jpg", "ImageTooLarge", bytes(jpeg))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Folder(sys.argv[1])
    orientations(out)
    variants(out)
    limits(out)
    refused(out)
    out.done()
    print(f"{len(out.expected)} pictures in {out.path}")


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    main()

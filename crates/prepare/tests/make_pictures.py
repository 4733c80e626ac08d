#!/usr/bin/env python3
"""Writes the pictures of the preparation tests, and the expected results.

    python3 tests/make_pictures.py FOLDER

Real encoders write every picture: Pillow (libjpeg-turbo, libwebp, libtiff, libavif) or libvips. Install them with
`pip install 'pillow>=11.3' 'pyvips[binary]' numpy`. FOLDER/expected.json has the expected result for each picture. The upright
picture is that of Pillow's ImageOps.exif_transpose, over white and in sRGB, given as the mean colours of GRID x GRID equal fields.
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

import faults

GRID = 6
CORNERS = [(220, 30, 30), (30, 170, 40), (30, 60, 210), (235, 200, 30)]
SIZES = [(160, 120), (97, 201), (640, 480), (1201, 903)]
ORIENTATION = 0x0112


def picture(width, height):
    """Four quarters in different colours, shaded so that no two fields are equal."""
    pixels = np.empty((height, width, 3), np.uint8)
    x = np.arange(width, dtype=np.float32) / width
    # In bands, because the numbers of a whole large picture take a gigabyte.
    for top in range(0, height, 64):
        y = np.arange(top, min(height, top + 64), dtype=np.float32)[:, None] / height
        shade = 0.75 + 0.25 * np.sin(3 * x + 5 * y)
        colours = np.array(CORNERS, np.float32)[(x >= 0.5) + 2 * (y >= 0.5)]
        pixels[top : top + 64] = (colours * shade[..., None]).round()
    return Image.fromarray(pixels)


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
    """The size and the mean colours of the upright picture, according to Pillow."""
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
        """A picture that can be prepared. `reason` says why it is converted; None if it is not."""
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

    def bad(self, name, code, data=None, says=None):
        """A picture that is rejected. The message must contain `says`."""
        if data is not None:
            (self.path / name).write_bytes(data)
        self.expected.append({"file": name, "error": code, "says": says})

    def read(self, name):
        return (self.path / name).read_bytes()

    def done(self):
        (self.path / "expected.json").write_text(
            json.dumps({"grid": GRID, "pictures": self.expected}, indent=1)
        )


def orientations(out):
    """All formats in all sizes, in all eight orientations if the format supports them."""
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
    """Other features of the formats."""
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
    vips(clear).write_to_file(str(out.path / "premultiplied.tif"), premultiply=True)
    out.good("premultiplied.tif", "tiff", "format", judge="alpha.tif")
    pillow("inks.tif", "tiff", "format", source=image.convert("CMYK"))
    pillow("bits.tif", "tiff", "format", source=image.convert("1"), tolerance=8)
    pillow("fax.tif", "tiff", "format", source=image.convert("1"), compression="group4", tolerance=8)
    pillow("big-endian.tif", "tiff", "format", big_tiff=True)
    libvips("tiled.tif", "tiff", "format", tile=True, tile_width=128, tile_height=64, compression="deflate")
    libvips("predictor.tif", "tiff", "format", compression="lzw", predictor="horizontal")
    libvips("pyramid.tif", "tiff", "format", tile=True, pyramid=True)
    rgb16.write_to_file(str(out.path / "16-bit.tif"))
    out.good("16-bit.tif", "tiff", "format", judge="16-bit-judge.png")
    planes(out.path / "planar.tif", image)
    out.good("planar.tif", "tiff", "format")
    libvips("brightness-jpeg.tif", "tiff", "format", compression="jpeg", Q=75)
    pillow("brightness.tif", "tiff", "format", source=image.convert("YCbCr"))
    planes(out.path / "brightness-planar.tif", image.convert("YCbCr"), 6)
    out.good("brightness-planar.tif", "tiff", "format", judge="brightness.tif")
    pillow("grey-alpha.tif", "tiff", "format", source=clear.convert("LA"))

    pillow("444.avif", "avif", "format", quality=90, subsampling="4:4:4", speed=9, tolerance=10)
    pillow("422.avif", "avif", "format", quality=90, subsampling="4:2:2", speed=9, tolerance=10)
    pillow("grey.avif", "avif", "format", source=image.convert("L"), quality=90, subsampling="4:0:0", speed=9, tolerance=10)
    pillow("limited.avif", "avif", "format", quality=90, range="limited", speed=9, tolerance=10)
    pillow("alpha.avif", "avif", "format", source=clear, quality=90, speed=9, tolerance=10)
    pillow("premultiplied.avif", "avif", "format", source=clear, quality=90, speed=9, alpha_premultiplied=True, tolerance=10)
    image.save(out.path / "animated.avif", save_all=True, append_images=[ImageOps.invert(image)], quality=90, speed=9)
    out.good("animated.avif", "avif", "format", tolerance=10)
    # Tiles of colour and alpha, rotated and mirrored, which Pillow cannot write. Made with avifenc 0.11.1:
    # avifenc --min 12 --max 20 --grid 2x2 --irot 1 --imir 0
    grid_file = Path(__file__).parent / "fixtures/grid-turned.avif"
    (out.path / grid_file.name).write_bytes(grid_file.read_bytes())
    out.good(grid_file.name, "avif", "format", 5, tolerance=10)
    for bits in (10, 12):
        rgb16.heifsave(str(out.path / f"{bits}-bit.avif"), compression="av1", bitdepth=bits, Q=90, effort=1)
        out.good(f"{bits}-bit.avif", "avif", "format", judge="16-bit-judge.png", tolerance=10)
    colourful.heifsave(str(out.path / "identity.avif"), compression="av1", lossless=True, effort=1)
    out.good("identity.avif", "avif", "format")


def tiff(path, size, tags, chunks, order="<"):
    """A TIFF that Pillow and libvips cannot write. `tags` maps numbers to a type (3 for 16 bits, 4 for 32) and values. `chunks` are
    tiles if `tags` has a tile width, else strips."""
    path.write_bytes(tiff_pages((size, tags, chunks), order=order))


def tiff_pages(*pages, order="<"):
    """The bytes of a TIFF with these pages."""
    data = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    for index, page in enumerate(pages):
        data += tiff_page(*page, order, len(data), index + 1 < len(pages))
    return data


def tiff_page(size, tags, chunks, order, start, has_next):
    """The directory at this offset, with its strips or tiles. The next one follows directly if there is one."""
    tiled = 322 in tags
    tags = {
        256: (4, [size[0]]),
        257: (4, [size[1]]),
        258: (3, [8]),
        259: (3, [1]),
        277: (3, [1]),
        324 if tiled else 273: (4, [0] * len(chunks)),
        325 if tiled else 279: (4, [len(chunk) for chunk in chunks]),
        **tags,
    }
    offsets = tags[324 if tiled else 273][1]
    extra_start = start + 2 + 12 * len(tags) + 4

    def directory(following):
        entries, extra = b"", b""
        for tag, (kind, values) in sorted(tags.items()):
            body = struct.pack(f"{order}{len(values)}{' BxHI'[kind]}", *values)
            if len(body) > 4:
                body, extra = struct.pack(f"{order}I", extra_start + len(extra)), extra + body
            entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + body.ljust(4, b"\0")
        count = struct.pack(f"{order}H", len(tags))
        return count + entries + struct.pack(f"{order}I", following) + extra

    at = start + len(directory(0))
    for index, chunk in enumerate(chunks):
        offsets[index] = at
        at += len(chunk)
    return directory(at if has_next else 0) + b"".join(chunks)


def strips(pixels, rows, pack=lambda rows: rows.tobytes()):
    return [pack(pixels[top : top + rows]) for top in range(0, len(pixels), rows)]


def packed(bits):
    """Packs rows of values below 2 ** bits."""

    def pack(rows):
        per_byte = 8 // bits
        rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % per_byte)))
        rows = rows.reshape(len(rows), -1, per_byte) << (8 - bits * (1 + np.arange(per_byte)))
        return rows.sum(axis=2).astype(np.uint8).tobytes()

    return pack


def planes(path, image, photometric=2):
    """A planar TIFF with two strips for each colour."""
    rows = image.height // 2 + 1
    pixels = np.asarray(image)
    chunks = [strip for plane in range(3) for strip in strips(pixels[..., plane], rows)]
    tags = {258: (3, [8, 8, 8]), 262: (3, [photometric]), 277: (3, [3]), 278: (4, [rows]), 284: (3, [2])}
    if photometric == 6:
        tags[530] = (3, [1, 1])
    tiff(path, image.size, tags, chunks)


def palettes(out):
    """TIFFs with a palette."""
    image = picture(500, 375)

    def colour_map(image, bits, unit=257):
        colours = np.zeros((1 << bits, 3), int)
        used = np.array(image.getpalette()[: 3 << bits]).reshape(-1, 3)
        colours[: len(used)] = used * unit
        return (3, colours.T.ravel().tolist())

    def good(name, image, bits, chunks, order="<", unit=257, judge=None, **more):
        tags = {258: (3, [bits]), 262: (3, [3]), 278: (4, [64]), 320: colour_map(image, bits, unit)}
        tags.update({int(tag[1:]): value for tag, value in more.items()})
        if "t322" in more:
            del tags[278]
        tiff(out.path / name, image.size, tags, chunks, order)
        out.good(name, "tiff", "format", judge=judge)

    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        image.quantize(64).save(out.path / f"palette-{compression}.tif", compression=compression)
        out.good(f"palette-{compression}.tif", "tiff", "format")
    image.quantize(200).save(out.path / "palette-predictor.tif", compression="tiff_lzw", tiffinfo={317: 2})
    out.good("palette-predictor.tif", "tiff", "format")
    image.quantize(200).save(out.path / "palette-big.tif", big_tiff=True)
    out.good("palette-big.tif", "tiff", "format")
    # Compressed, because Pillow does not apply the orientation to files that it memory-maps.
    image.quantize(200).save(out.path / "palette-turned.tif", compression="tiff_lzw", exif=exif(6))
    out.good("palette-turned.tif", "tiff", "format", 6)
    with_alpha(image).quantize(64).convert("PA").save(out.path / "palette-alpha.tif")
    out.good("palette-alpha.tif", "tiff", "format")
    for bits in (1, 2, 4, 8):
        few = image.quantize(1 << bits, dither=Image.Dither.NONE)
        pixels = np.asarray(few)
        good(f"palette-{bits}-bit.tif", few, bits, strips(pixels, 64, packed(bits)))
        good(f"palette-{bits}-bit-mm.tif", few, bits, strips(pixels, 64, packed(bits)), order=">")
    # A palette of 8 instead of 16 bits, which Pillow shows nearly black.
    good("palette-8-bit-map.tif", few, 8, strips(pixels, 64), unit=1, judge="palette-8-bit.tif")
    four = image.quantize(16, dither=Image.Dither.NONE)
    pixels = np.pad(np.asarray(four), ((0, -375 % 96), (0, -500 % 64)))
    tiles = [
        packed(4)(pixels[top : top + 96, left : left + 64])
        for top in range(0, 375, 96)
        for left in range(0, 500, 64)
    ]
    good("palette-tiles.tif", four, 4, tiles, t322=(3, [64]), t323=(3, [96]))
    scan = picture(8000, 5000).convert("P", palette=Image.Palette.WEB, dither=Image.Dither.NONE)
    body = zlib.compress(scan.tobytes(), 1)
    good("40-megapixels-palette.tif", scan, 8, [body], t259=(3, [8]), t278=(4, [5000]))

    indices = np.asarray(image.quantize(16))
    without = {258: (3, [8]), 262: (3, [3]), 278: (4, [375])}
    tiff(out.path / "palette-missing.tif", image.size, without, [indices.tobytes()])
    out.bad("palette-missing.tif", "DamagedImage")
    wide = without | {258: (3, [16]), 320: (3, [0] * 3 * 65_536)}
    tiff(out.path / "palette-16-bit.tif", image.size, wide, [indices.astype("<u2").tobytes()])
    out.bad("palette-16-bit.tif", "UnsupportedFormat", says="uses a palette with 16 bits a pixel,")


def differences(rows, order):
    """What predictor 2 makes of rows of pixels."""
    rows = rows.astype(rows.dtype.newbyteorder(order))
    left = np.concatenate([np.zeros_like(rows[:, :1]), rows[:, :-1]], axis=1)
    return (rows - left).astype(rows.dtype).tobytes()


def reversed_bits(data):
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)


def layouts(out):
    """TIFFs in ways to store them that Pillow and libvips do not write, or seldom."""
    image = picture(500, 375)
    pixels = np.asarray(image)
    image.save(out.path / "layout-judge.png")
    out.good("layout-judge.png", "png")

    def good(name, tags, chunks, order="<", judge="layout-judge.png", size=image.size, orientation=1, tolerance=6):
        tiff(out.path / name, size, {278: (4, [64]), **tags}, chunks, order)
        out.good(name, "tiff", "format", orientation, tolerance, judge)

    def rgb(bits=8, samples=3):
        return {258: (3, [bits] * samples), 262: (3, [2]), 277: (3, [samples])}

    # Samples beyond the colours under the predictor: an alpha channel without a name, and two spot colours.
    for depth in (8, 16):
        for order in "<>":
            for count in (1, 2):
                extra = np.full((375, 500, count), 99)
                rows = np.concatenate([pixels, extra], axis=2).astype(np.uint16 if depth == 16 else np.uint8)
                rows = rows * 257 if depth == 16 else rows
                tags = rgb(depth, 3 + count) | {259: (3, [8]), 317: (3, [2]), 338: (3, [0] * count)}
                packed_rows = strips(rows, 64, lambda rows: zlib.compress(differences(rows, order)))
                good(f"extra-{depth}-{count}{'le' if order == '<' else 'be'}.tif", tags, packed_rows, order)
    tags = rgb(8, 4) | {259: (3, [8]), 317: (3, [2]), 338: (3, [0]), 322: (3, [128]), 323: (3, [96])}
    rows = np.pad(np.dstack([pixels, pixels[..., 0]]), ((0, -375 % 96), (0, -500 % 128), (0, 0)))
    tiles = [
        zlib.compress(differences(rows[top : top + 96, left : left + 128], "<"))
        for top in range(0, 375, 96)
        for left in range(0, 500, 128)
    ]
    good("extra-tiles.tif", tags, tiles)
    planar = [zlib.compress(differences(pixels[..., plane, None], "<")) for plane in range(3)]
    good("predictor-planar.tif", rgb() | {259: (3, [8]), 317: (3, [2]), 278: (4, [375]), 284: (3, [2])}, planar)

    # One strip, whatever the rows of a strip are said to be.
    for name, rows in (("default", {}), ("most", {278: (4, [0xFFFF_FFFF])}), ("more", {278: (3, [60_000])})):
        tags = {258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3])} | rows
        tiff(out.path / f"rows-{name}.tif", image.size, tags, [pixels.tobytes()])
        out.good(f"rows-{name}.tif", "tiff", "format", judge="layout-judge.png")

    # The lowest bit first, for every compression.
    bits = image.convert("1")
    bits.save(out.path / "bits-judge.png")
    out.good("bits-judge.png", "png", tolerance=8)
    for compression in ("packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_ccitt", "group3", "group4"):
        for order in (1, 2):
            name = f"bits-{compression}-{order}.tif"
            bits.save(out.path / name, compression=compression, tiffinfo={266: order})
            out.good(name, "tiff", "format", tolerance=8, judge="bits-judge.png")
    bits.save(out.path / "bits-mixed.tif", compression="group3", tiffinfo={292: 5})
    out.good("bits-mixed.tif", "tiff", "format", tolerance=8, judge="bits-judge.png")
    colours = [reversed_bits(strip) for strip in strips(pixels, 64)]
    good("reversed-colours.tif", rgb() | {266: (3, [2])}, colours)
    colours = [reversed_bits(zlib.compress(strip)) for strip in strips(pixels, 64)]
    good("reversed-deflate.tif", rgb() | {259: (3, [8]), 266: (3, [2])}, colours)

    # Byte counts that are missing, or zero.
    for name, counts in (("missing", None), ("zero", (4, [0] * 6))):
        chunks = [zlib.compress(strip) for strip in strips(pixels, 64)]
        tags = {258: (3, [8] * 3), 259: (3, [8]), 262: (3, [2]), 277: (3, [3]), 278: (4, [64])}
        tiff(out.path / f"counts-{name}.tif", image.size, tags | ({279: counts} if counts else {}), chunks)
        data = bytearray(out.read(f"counts-{name}.tif"))
        if not counts:
            # The number of an unknown tag in place of 279.
            data[data.index(struct.pack("<HHI", 279, 4, 6))] = 280 & 0xFF
            (out.path / f"counts-{name}.tif").write_bytes(data)
        out.good(f"counts-{name}.tif", "tiff", "format", judge="layout-judge.png")

    # Numbers of other sizes.
    grey = image.convert("L")
    grey.save(out.path / "grey-judge.png")
    out.good("grey-judge.png", "png")
    values = np.asarray(grey).astype(np.uint32)

    def one(bits, kind=1, photometric=1):
        return {258: (3, [bits]), 262: (3, [photometric]), 339: (3, [kind])}

    def judge_grey(name, tags, body, order="<"):
        good(name, {278: (4, [375]), **tags}, [body], order, "grey-judge.png", tolerance=8)

    twelve = "".join(f"{value * 16:012b}" for value in values.ravel())
    judge_grey("12-bit.tif", one(12), int(twelve, 2).to_bytes(len(twelve) // 8, "big"))
    judge_grey("inverted.tif", one(8, photometric=0), (255 - values).astype(np.uint8).tobytes())
    judge_grey("32-bit.tif", one(32), (values * 0x0101_0101).astype("<u4").tobytes())
    judge_grey("signed-16.tif", one(16, 2), values.astype(">i2").tobytes(), ">")
    judge_grey("float.tif", one(32, 3), (values / 255).astype("<f4").tobytes())
    judge_grey("half.tif", one(16, 3), (values / 255).astype(">f2").tobytes(), ">")
    judge_grey("float-255.tif", one(64, 3), values.astype("<f8").tobytes())
    judge_grey("no-photometric.tif", {258: (3, [8])}, values.astype(np.uint8).tobytes())
    rows = (values / 255).astype(">f4").view(np.uint8).reshape(375, 500, 4)
    rows = rows.transpose(0, 2, 1).reshape(375, 2000)
    rows = (rows - np.pad(rows[:, :-1], ((0, 0), (1, 0)))).astype(np.uint8)
    judge_grey("float-predictor.tif", one(32, 3) | {259: (3, [8]), 317: (3, [3])}, zlib.compress(rows.tobytes()))

    # Colours that are no RGB.
    lab = np.asarray(image.convert("LAB"))
    lab_tags = {258: (3, [8] * 3), 277: (3, [3]), 278: (4, [375])}
    good("lab.tif", lab_tags | {262: (3, [8])}, [lab.tobytes()], tolerance=10)
    shifted = lab ^ np.array([0, 128, 128], np.uint8)
    good("icc-lab.tif", lab_tags | {262: (3, [9])}, [shifted.tobytes()], tolerance=10)
    luma, blue, red = np.moveaxis(np.asarray(image.convert("YCbCr")), 2, 0)
    for across, down in ((2, 2), (2, 1), (4, 4)):
        wide, high = -(-500 // across), -(-375 // down)
        block = np.pad(luma, ((0, high * down - 375), (0, wide * across - 500)), "edge")
        block = block.reshape(high, down, wide, across).transpose(0, 2, 1, 3).reshape(high, wide, -1)
        chroma = [plane[::down, ::across, None] for plane in (blue, red)]
        body = np.concatenate([block, *chroma], axis=2).tobytes()
        tags = {258: (3, [8] * 3), 262: (3, [6]), 277: (3, [3]), 278: (4, [375]), 530: (3, [across, down])}
        good(f"subsampled-{across}-{down}.tif", tags | {259: (3, [8])}, [zlib.compress(body)], tolerance=12)
    # A whole JPEG in the old style.
    image.save(out.path / "layout.jpg", quality=90)
    out.good("layout.jpg", "jpeg")
    jpeg = out.read("layout.jpg")
    tags = {258: (3, [8] * 3), 259: (3, [6]), 262: (3, [6]), 277: (3, [3]), 278: (4, [375])}
    good("old-jpeg-whole.tif", tags, [jpeg], judge="layout.jpg")

    # A preview in front of the main picture, and a document whose second page is larger.
    small = picture(120, 90)

    def page(image, kind, photometric=2):
        tags = {254: (4, [kind]), **rgb(), 262: (3, [photometric]), 278: (4, [image.height])}
        return image.size, tags, [image.tobytes()]

    for name, first, second, judge in (
        ("preview-first", 1, 0, "layout-judge.png"),
        ("larger-page-second", 2, 2, None),
        ("preview-second", 0, 1, None),
    ):
        (out.path / f"{name}.tif").write_bytes(tiff_pages(page(small, first), page(image, second)))
        out.good(f"{name}.tif", "tiff", "format", judge=judge)
    # Camera files: values of a sensor behind a preview, whether it says that it is one or not; the first bytes of a Canon CR2.
    for name, kind, photometric in (("camera.dng", 1, 32_803), ("camera.nef", 0, 32_803), ("linear.dng", 1, 34_892)):
        data = tiff_pages(page(small, kind), page(image, 0, photometric))
        out.bad(name, "UnsupportedFormat", data, "uses raw camera data,")
    cr2 = bytearray(tiff_pages(page(small, 0)))
    cr2[4:8] = struct.pack("<I", len(cr2))
    cr2 += cr2[8 : 8 + 2 + 12 * 12 + 4]
    cr2[8:12] = b"CR\x02\0"
    out.bad("camera.cr2", "UnsupportedFormat", bytes(cr2), "uses raw camera data,")

    # One strip that is too large to be held: an A1 sheet at 400 dpi, and 150 megapixels of grey.
    sheet = picture(468, 662).convert("1", dither=Image.Dither.NONE)
    sheet.save(out.path / "sheet-judge.png")
    sheet = sheet.resize((9354, 13_244))
    sheet.save(out.path / "sheet.tif", compression="group4", tiffinfo={278: 13_244})
    out.good("sheet.tif", "tiff", "format", tolerance=8, judge="sheet-judge.png")
    out.expected[-1].update(width=9354, height=13_244)
    packer = zlib.compressobj(1)
    row = np.repeat(np.arange(250, dtype=np.uint8), 40).tobytes()
    body = b"".join(packer.compress(row) for _ in range(15_000)) + packer.flush()
    Image.fromarray(np.tile(np.repeat(np.arange(250, dtype=np.uint8), 4), (1500, 1))).save(out.path / "one-strip-judge.png")
    tags = {258: (3, [8]), 259: (3, [8]), 262: (3, [1]), 278: (4, [15_000])}
    tiff(out.path / "one-strip.tif", (10_000, 15_000), tags, [body])
    out.good("one-strip.tif", "tiff", "format", judge="one-strip-judge.png")
    out.expected[-1].update(width=10_000, height=15_000)


def unsupported(out):
    """TIFFs that are not supported, and the messages for them."""
    image = picture(500, 375)
    def bad(name, says, code="UnsupportedFormat"):
        out.bad(name, code, says=says)

    def written(name, says, tags, samples=1, body=None):
        tags = {258: (3, [8] * samples), 277: (3, [samples]), 278: (4, [375]), **tags}
        tiff(out.path / name, image.size, tags, [body or bytes(500 * 375 * samples)])
        bad(name, says)

    written("itu-lab.tif", "uses ITU LAB colours,", {262: (3, [10])}, 3)
    written("mask.tif", "a transparency mask instead of a picture", {262: (3, [4])})
    written("raw-colours.tif", "raw camera data", {262: (3, [32_803])})
    written("logluv.tif", "LogLuv colours", {262: (3, [32_845])}, 3)
    written("unknown-colours.tif", "(photometric interpretation 77)", {262: (3, [77])})
    written("untold-colours.tif", "an unspecified colour space", {}, 2)
    written("two-of-rgb.tif", "2 samples a pixel for RGB colours", {262: (3, [2])}, 2)
    written("five-six-five.tif", "a different number of bits for each colour", {258: (3, [5, 6, 5]), 262: (3, [2])}, 3)
    written("subsampled.tif", "subsampled colours in separate planes", {262: (3, [6]), 284: (3, [2])}, 3)
    written("four-bit-predictor.tif", "a predictor below 8 bits a colour", {258: (3, [4]), 259: (3, [5]), 262: (3, [1]), 317: (3, [2])})
    written("complex.tif", "complex numbers", {258: (3, [64]), 262: (3, [1]), 339: (3, [6])})
    written("many-inks.tif", "inks other than cyan", {262: (3, [5]), 332: (3, [2])}, 4)
    written("jpeg-2000.tif", "uses JPEG 2000 compression,", {259: (3, [34_712]), 262: (3, [2])}, 3)
    written("compression.tif", "uses compression method 999,", {259: (3, [999]), 262: (3, [2])}, 3)
    for name, code in (("zstandard", 50_000), ("webp", 50_001), ("lzma", 34_925), ("old-jpeg", 6)):
        says = {"zstandard": "Zstandard", "webp": "WebP", "lzma": "LZMA", "old-jpeg": "old-style JPEG"}[name]
        written(f"{name}.tif", f"uses {says} compression,", {259: (3, [code]), 262: (3, [2])}, 3)


def stray_bytes(out):
    """JPEGs with bytes between their header segments, which libjpeg skips with a warning."""

    def good(name, source, before, bytes, reason="strayBytes", orientation=1):
        data = out.read(source)
        at = data.index(before)
        (out.path / name).write_bytes(data[:at] + bytes + data[at:])
        out.good(name, "jpeg", reason, orientation)

    tables, frame, scan = b"\xff\xdb", b"\xff\xc0", b"\xff\xda"
    good("stray-zero.jpg", "no-subsampling.jpg", tables, b"\0")
    good("stray-two.jpg", "half-subsampling.jpg", tables, b"\x12\x34")
    good("stray-stuffed.jpg", "restarts.jpg", frame, b"\xff\0\xff\xff\0\x12")
    good("stray-before-scan.jpg", "grey.jpg", scan, b"\0" * 7)
    good("stray-progressive.jpg", "progressive.jpg", tables, b"\x12\x34")
    # More bytes than are read of a file at first.
    good("stray-long.jpg", "640x480-1.jpg", tables, b"\xa5" * 150_000)
    good("stray-turned.jpg", "640x480-6.jpg", tables, b"\0\0\0", orientation=6)
    good("stray-inks.jpg", "inks.jpg", tables, b"\0", "colours")
    good("stray-40-megapixels.jpg", "40-megapixels.jpg", tables, b"\0")
    # Fill bytes are allowed there.
    good("filled.jpg", "no-subsampling.jpg", tables, b"\xff" * 5, None)
    data = out.read("stray-long.jpg")
    out.bad("stray-cut.jpg", "TruncatedImage", data[:100_000])
    data = out.read("stray-two.jpg")
    out.bad("stray-cut-data.jpg", "TruncatedImage", data[: len(data) * 6 // 10])
    data = out.read("640x480-1.jpg")
    for name, marker in (("start", b"\xff\xd8"), ("end", b"\xff\xd9")):
        at = data.index(tables)
        out.bad(f"stray-{name}.jpg", "DamagedImage", data[:at] + marker + data[at:])


def limits(out):
    """Pictures at and beyond Rekognition's limits."""
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


def blank_png(width, height, interlaced=0):
    """A PNG of one colour, which takes a few kilobytes for any number of pixels."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def rejected(out):
    """Files that are not pictures, incomplete pictures, and hostile ones."""
    out.bad("empty", "EmptyObject", b"")
    out.bad("text.jpg", "NotAnImage", b"This is not a picture.\n" * 100)
    out.bad("page.html", "NotAnImage", b"<!doctype html><title>404</title>")
    box = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    out.bad("phone.heic", "UnsupportedFormat", box + b"\0" * 400)
    for name in ("640x480-1.jpg", "progressive.jpg", "640x480-1.png", "lossless.webp", "640x480-1.webp", "640x480.gif", "640x480.bmp", "raw.tif", "640x480-1.avif"):
        data = out.read(name)
        stem, dot, ending = name.rpartition(".")
        out.bad(f"cut-{stem}.{ending}", "TruncatedImage", data[: len(data) * 6 // 10])
    out.bad("bomb.png", "ImageTooLarge", blank_png(30_000, 30_000))
    out.bad("bomb-interlaced.png", "ImageTooLarge", blank_png(15_000, 15_000, 1))
    gif = bytearray(out.read("animated.gif"))
    gif[6:10] = b"\xff\xff\xff\xff"
    out.bad("bomb.gif", "ImageTooLarge", bytes(gif))
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
    palettes(out)
    layouts(out)
    unsupported(out)
    limits(out)
    stray_bytes(out)
    image = picture(200, 150)
    faults.write_all(out, image, with_alpha(image))
    rejected(out)
    out.done()
    print(f"{len(out.expected)} pictures in {out.path}")


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    main()

"""JPEG, PNG and WebP files with faults and oddities, each with what browsers show of it.

`make_pictures.py` adds them to its folder. An expected picture is the intact one, or what Pillow reads of the file itself.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageFile

from jpeg_writer import EOI, JFIF, SOI, adobe, segment, write

BAD = b"\x01\x02\x03\x04"


def planes(image):
    return [np.asarray(plane) for plane in image.split()]


def write_all(out, image, clear):
    """`clear` is the image with an alpha channel."""
    image.save(out.path / "intact.png")
    out.good("intact.png", "png")
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    jpegs(out, image)
    pngs(out, image, clear)
    webps(out, image, clear)
    ImageFile.LOAD_TRUNCATED_IMAGES = False


def jpegs(out, image):
    ycc, rgb = planes(image.convert("YCbCr")), planes(image)
    full, common = [(1, 1)] * 3, [(2, 2), (1, 1), (1, 1)]

    def good(name, data, reason="repaired", judge="intact.png", tolerance=8, orientation=1):
        name = f"odd-{name}.jpg"
        (out.path / name).write_bytes(data)
        out.good(name, "jpeg", reason, orientation, tolerance, judge=judge or name)

    def bad(name, code, data, says=None):
        out.bad(f"odd-{name}.jpg", code, data, says)

    # Sampling.
    for name, sampling in {
        "440": [(1, 2), (1, 1), (1, 1)],
        "411": [(4, 1), (1, 1), (1, 1)],
        "410": [(4, 2), (1, 1), (1, 1)],
        "441": [(1, 4), (1, 1), (1, 1)],
        "3x2": [(3, 2), (1, 1), (1, 1)],
        "red-full": [(2, 2), (1, 1), (2, 2)],
        "different-chroma": [(2, 2), (2, 1), (1, 2)],
        "brightness-halved": [(1, 1), (2, 2), (2, 2)],
        "brightness-narrow": [(1, 1), (2, 1), (1, 1)],
        "brightness-low": [(1, 1), (1, 2), (1, 2)],
    }.items():
        good(f"sampling-{name}", write(ycc, sampling), None, tolerance=12)
    good("sampling-too-many-blocks", write(ycc, [(2, 2)] * 3), tolerance=12)
    good("planes", write(ycc, common, interleaved=False), None)
    bad("sampling-fraction", "UnsupportedFormat", write(ycc, [(3, 1), (2, 1), (2, 1)]), "uses sampling by a fraction")
    grey = planes(image.convert("L"))
    for h, v in [(2, 2), (2, 1), (4, 4), (1, 3)]:
        good(f"grey-{h}{v}", write(grey, [(h, v)]), None, None)

    # Colours.
    good("rgb-adobe", write(rgb, full, before=adobe(0)), "colours")
    good("rgb-names", write(rgb, full, ids=list(b"RGB"), before=b""), "colours")
    good("rgb-subsampled", write(rgb, common, before=adobe(0)), "colours", judge=None)
    good("rgb-brightness-low", write(rgb, [(1, 1), (1, 2), (1, 2)], before=adobe(0)), "colours", tolerance=12)
    good("names-but-jfif", write(ycc, full, ids=list(b"RGB")), None)
    good("adobe-but-jfif", write(ycc, full, before=JFIF + adobe(0)), None)
    good("names-from-zero", write(ycc, full, ids=[0, 1, 2], before=b""), None)
    inks = [255 - plane for plane in planes(image.convert("CMYK"))]
    good("inks-adobe", write(inks, [(1, 1)] * 4, before=adobe(0)), "colours")
    good("inks", write(inks, [(1, 1)] * 4, before=b""), "colours")
    bad("two-colours", "UnsupportedFormat", write(ycc[:2], [(1, 1)] * 2), "uses 2 colours")

    # Tables.
    good("no-tables", write(ycc, common, huffman=False))
    good("no-tables-restarts", write(ycc, full, huffman=False, restart=5))
    good("no-tables-grey", write(grey, [(1, 1)], huffman=False), judge=None)

    # Ends.
    data = write(ycc, common)
    good("no-end", data[:-2])
    good("half-end", data[:-1])
    good("end-of-data-lost", data[:-6])
    good("zeros", data[:-2] + bytes(5000))
    good("ones", data[:-2] + b"\xff" * 500)
    good("trailer", data[:-2] + b"SEFH\x01\0trailer" * 30)
    good("second-without-end", data[:-2] + data)
    good("second", data + data, None)
    bad("cut", "TruncatedImage", data[: len(data) * 7 // 10])
    bad("cut-with-end", "DamagedImage", data[: len(data) * 3 // 10] + EOI)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", progressive=True, quality=90)
    good("progressive-no-end", buffer.getvalue()[:-2])
    bad("progressive-cut", "TruncatedImage", buffer.getvalue()[: len(buffer.getvalue()) // 2])

    # Restart intervals.
    noise = lambda interval: b"\x55" * (len(interval) - 2) + interval[-2:]
    for name, change in {
        "lost": lambda parts: parts[:3] + parts[4:],
        "first-lost": lambda parts: parts[1:],
        "two-lost": lambda parts: parts[:2] + parts[4:],
        "last-lost": lambda parts: parts[:-1],
        "overwritten": lambda parts: parts[:3] + [noise(parts[3])] + parts[4:],
        "half-lost": lambda parts: parts[:3] + [parts[3][: len(parts[3]) // 2] + parts[3][-2:]] + parts[4:],
        "marker-lost": lambda parts: parts[:2] + [parts[2][:-2]] + parts[3:],
        "repeated": lambda parts: parts[:3] + [parts[2]] + parts[3:],
    }.items():
        good(f"restart-{name}", write(ycc, common, restart=13, intervals=change), judge=None)
    good("restart-row-lost", write(ycc, full, restart=25, intervals=lambda parts: parts[:9] + parts[10:]), judge=None)

    # Headers.
    good("stray-restart", write(ycc, common, before=JFIF + b"\xff\xd3"))
    good("stray-temporary", write(ycc, common, before=JFIF + b"\xff\x01"))
    good("short-segment", write(ycc, common, before=JFIF + b"\xff\xe4\0\x08" + bytes(20)), "strayBytes")
    good("filled", write(ycc, common, before=JFIF + b"\xff" * 30 + b"\xfe\0\4ab"), None)
    bad("long-segment", "DamagedImage", write(ycc, common, before=JFIF + b"\xff\xe4\0\x20" + bytes(10)))
    bad("second-start", "DamagedImage", SOI + data)
    bad("height-follows", "UnsupportedFormat", write(ycc, common, height=0, end=b"\xff\xdc\0\4\0\x96" + EOI), "a height that follows")
    bad("twelve-bits", "UnsupportedFormat", data.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc1\0\x11\x0c"), "12 bits a colour")
    turned = exif(6)
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
    image.transpose(Image.Transpose.ROTATE_270).save(out.path / "intact-turned.png")
    for name, before in {
        "exif-behind": JFIF + xmp + segment(0xED, b"Photoshop 3.0\0" + bytes(70)) + segment(0xE1, b"Exif\0\0" + turned),
        "exif-first": segment(0xE1, b"Exif\0\0" + turned) + JFIF + xmp,
        "exif-padded": JFIF + segment(0xE1, b"Exif\0\xff" + turned),
        "exif-after-comment": segment(0xFE, bytes(60_000)) * 3 + segment(0xE1, b"Exif\0\0" + turned),
    }.items():
        good(name, write(ycc, common, before=before), None, "intact-turned.png", orientation=6)
    good("exif-damaged", write(ycc, common, before=JFIF + segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f")), None)


def exif(orientation):
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HHI", orientation, 0, 0)


def chunk(kind, body, checksum=None):
    checksum = struct.pack(">I", zlib.crc32(kind + body)) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + checksum


def png_chunks(data):
    at, found = 8, []
    while at < len(data):
        length = struct.unpack_from(">I", data, at)[0]
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def pngs(out, image, clear):
    width, height = image.size

    def file(*chunks):
        return b"\x89PNG\r\n\x1a\n" + b"".join(item if isinstance(item, bytes) else chunk(*item) for item in chunks)

    def good(name, data, reason="repaired", judge="intact.png", tolerance=6):
        name = f"odd-{name}.png"
        (out.path / name).write_bytes(data)
        out.good(name, "png", reason, tolerance=tolerance, judge=judge)

    def bad(name, code, data):
        out.bad(f"odd-{name}.png", code, data)

    def rows(image):
        pixels = np.asarray(image)
        return b"".join(b"\0" + pixels[y].tobytes() for y in range(height))

    raw = rows(image)
    packed = zlib.compress(raw, 9)
    half = len(packed) // 2
    header = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    first, second, end = (b"IDAT", packed[:half]), (b"IDAT", packed[half:]), (b"IEND", b"")
    intact = file(header, first, second, end)

    good("no-end", intact[:-12])
    good("half-end", intact[:-6])
    good("end-checksum", file(header, first, second, (*end, BAD)))
    good("no-last-checksum", intact[:-16])
    good("checksum-first", file(header, (*first, BAD), second, end))
    good("checksum-last", file(header, first, (*second, BAD), end))
    good("checksum-zlib", file(header, (b"IDAT", packed[:-4] + BAD), end))
    good("no-zlib-checksum", file(header, (b"IDAT", packed[:-4]), end), None)
    good("checksum-gamma", file(header, (b"gAMA", struct.pack(">I", 10_000), BAD), first, second, end))
    good("checksum-text", file(header, (b"tEXt", b"a\0b", BAD), first, second, end))
    good("checksum-clear", file(header, (b"tRNS", b"\0\1\0\2\0\3", BAD), first, second, end))
    good("more", intact + b"trailing" * 50, None)
    good("more-data", file(header, first, second, (b"IDAT", b"more" * 20), end), None)
    good("unknown", file(header, (b"abCd", b"xx"), first, second, (b"efGh", b""), end), None)
    good("few-rows-missing", file(header, (b"IDAT", zlib.compress(raw[: (width * 3 + 1) * height * 97 // 100])), end), tolerance=60)
    bad("checksum-header", "DamagedImage", file((*header, BAD), first, second, end))
    bad("many-rows-missing", "DamagedImage", file(header, (b"IDAT", zlib.compress(raw[: len(raw) // 3])), end))
    bad("text-between", "DamagedImage", file(header, (b"IDAT", packed[: half // 2]), (b"tEXt", b"a\0b"), second, end))
    bad("cut", "TruncatedImage", intact[: len(intact) * 6 // 10])

    # Transparency in all kinds of colours.
    buffer = io.BytesIO()
    colours = image.quantize(16)
    colours.save(buffer, "PNG")
    (out.path / "intact-palette.png").write_bytes(buffer.getvalue())
    palette = png_chunks(buffer.getvalue())
    split = [kind for kind, _ in palette].index(b"PLTE")

    def around(before=(), after=()):
        return file(*palette[:split], *before, palette[split], *after, *palette[split + 1 :])

    good("clear-before-palette", around(before=[(b"tRNS", b"\x10" * 10)]), None, judge="intact-palette.png")
    good("clear-beyond-palette", around(after=[(b"tRNS", b"\xff" * 40)]), None, judge="intact-palette.png")
    good("clear-palette", around(after=[(b"tRNS", b"\xff" * 4)]), None, judge="intact-palette.png")
    bad("checksum-palette", "DamagedImage", file(*palette[:split], (*palette[split], BAD), *palette[split + 1 :]))
    bad("no-palette", "DamagedImage", file(*palette[:split], *palette[split + 1 :]))
    grey = np.asarray(image.convert("L")).copy()
    for depth, clear_value in ((8, 77), (16, 77 * 257)):
        values = grey if depth == 8 else (grey.astype(np.uint16) * 257).astype(">u2")
        data = b"".join(b"\0" + values[y].tobytes() for y in range(height))
        body = file(
            (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)),
            (b"tRNS", struct.pack(">H", clear_value)),
            (b"IDAT", zlib.compress(data)),
            end,
        )
        Image.fromarray(np.where(grey == 77, 255, grey).astype(np.uint8)).save(out.path / f"intact-clear-grey-{depth}.png")
        good(f"clear-grey-{depth}", body, None, judge=f"intact-clear-grey-{depth}.png")

    # Interlaced.
    import pyvips

    smooth = pyvips.Image.new_from_array(np.asarray(image), interpretation="srgb").write_to_buffer(".png", interlace=True)
    parts = png_chunks(smooth)
    good("interlaced-no-end", smooth[:-12])
    good("interlaced-checksum", file(*[(*part, BAD) if part[0] == b"IDAT" else part for part in parts]))
    good("interlaced-row-lost", smooth[:-40], tolerance=12)
    bad("interlaced-cut", "TruncatedImage", smooth[: len(smooth) * 6 // 10])


def webps(out, image, clear):
    width, height = image.size

    def saved(source, **options):
        buffer = io.BytesIO()
        source.save(buffer, "WEBP", **options)
        data, at, found = buffer.getvalue(), 12, {}
        while at < len(data):
            kind, length = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
            found[kind] = data[at + 8 : at + 8 + length]
            at += 8 + length + length % 2
        return found

    def chunks(*parts):
        return b"".join(kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for kind, body in parts)

    def file(*parts, length=None):
        body = b"WEBP" + chunks(*parts)
        return b"RIFF" + struct.pack("<I", len(body) if length is None else length) + body

    def three(value):
        return struct.pack("<I", value)[:3]

    def header(flags, size=(width, height)):
        return b"VP8X", bytes([flags, 0, 0, 0]) + three(size[0] - 1) + three(size[1] - 1)

    def frame(*parts, at=(0, 0), size=(width, height)):
        numbers = [at[0] // 2, at[1] // 2, size[0] - 1, size[1] - 1, 100]
        return b"ANMF", b"".join(map(three, numbers)) + b"\2" + chunks(*parts)

    def good(name, data, judge="intact.png", tolerance=12, orientation=1):
        name = f"odd-{name}.webp"
        (out.path / name).write_bytes(data)
        out.good(name, "webp", "format", orientation, tolerance, judge=judge)

    def bad(name, code, data):
        out.bad(f"odd-{name}.webp", code, data)

    lossy = b"VP8 ", saved(image, quality=90)[b"VP8 "]
    lossless = b"VP8L", saved(image, lossless=True)[b"VP8L"]
    parts = saved(clear, quality=90)
    alpha, below = (b"ALPH", parts[b"ALPH"]), (b"VP8 ", parts[b"VP8 "])
    white = Image.new("RGBA", image.size, "white")
    Image.alpha_composite(white, clear).convert("RGB").save(out.path / "intact-clear.png")
    turned = b"EXIF", exif(6)
    loop = b"ANIM", b"\xff\0\0\xff\0\0"

    good("exif-flag-alone", file(header(0x08), lossy))
    good("exif-flag-alone-lossless", file(header(0x08), lossless))
    good("xmp-flag-alone", file(header(0x04), lossy))
    good("profile-flag-alone", file(header(0x20), lossy))
    good("exif-chunk-alone", file(header(0), lossy, turned))
    good("exif-without-header", file(lossy, turned))
    good("exif", file(header(0x08), lossy, turned), "intact-turned.png", orientation=6)
    good("exif-before", file(header(0x08), turned, lossy), "intact-turned.png", orientation=6)
    good("profile-chunk-alone", file(header(0), (b"ICCP", b"no profile"), lossy))
    good("alpha-flag-alone", file(header(0x10), lossy))
    good("alpha-chunk-alone", file(header(0), alpha, below))
    good("alpha", file(header(0x10), alpha, below), "intact-clear.png")
    good("unknown", file(header(0), (b"abcd", b"odd"), lossy, (b"efgh", b"12345")))
    good("unknown-behind", file(lossy, (b"abcd", b"odd")))
    good("header-behind", file(lossy, header(0x08, (7, 7))))
    good("more", file(lossy) + b"trailing" * 40)
    good("animation-exif", file(header(0x0A), loop, frame(lossy), turned), "intact-turned.png", orientation=6)
    good("animation-unknown", file(header(2), (b"abcd", b"odd"), loop, frame((b"efgh", b"odd"), lossy)))
    good("animation-second-damaged", file(header(2), loop, frame(lossy), frame((b"VP8 ", b"damaged"))))
    offset = Image.new("RGB", (width + 40, height + 40), "white")
    offset.paste(image, (20, 10))
    offset.save(out.path / "intact-offset.png")
    for flags in (0x02, 0x12):
        data = file(header(flags, offset.size), loop, frame(lossy, at=(20, 10)))
        good(f"animation-offset-{flags:x}", data, "intact-offset.png")
    for name, data in {
        "alpha-behind": file(header(0x10), below, alpha),
        "alpha-without-header": file(alpha, below),
        "alpha-of-lossless": file(header(0x10), alpha, lossless),
        "animation-without-frames": file(header(2), lossy),
        "animation-without-flag": file(header(0), loop, frame(lossy)),
        "animation-without-loop": file(header(2), frame(lossy)),
        "animation-outside": file(header(2, (width - 20, height)), loop, frame(lossy)),
        "animation-and-still": file(header(2), loop, frame(lossy), lossy),
        "larger-canvas": file(header(0, (width + 40, height + 40)), lossy),
        "smaller-canvas": file(header(0, (width - 20, height - 20)), lossy),
        "two-pictures": file(header(0), lossy, lossy),
        "unknown-first": file((b"abcd", b"odd"), lossy),
        "unknown-flags": file(header(0xC1), lossy),
        "short-length": file(lossy, length=100),
        "no-length": file(lossy, length=0),
        "hidden": file((b"VP8 ", bytes([lossy[1][0] & ~0x10]) + lossy[1][1:])),
    }.items():
        bad(name, "DamagedImage", data)
    bad("long-length", "TruncatedImage", file(lossy, length=999_999))
    bad("cut", "TruncatedImage", file(lossy)[:-30])

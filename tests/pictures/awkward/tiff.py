"""TIFF files. https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf numbers the tags."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from .scene import bits, grey, inks, over_white, ramp, saved, scene, shown, stored

NONE, RLE, GROUP3, GROUP4, OLD_LZW_OR_LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 2, 3, 4, 5, 7, 8, 32946, 32773
LZW = OLD_LZW_OR_LZW
NAMES = {NONE: "raw", LZW: "lzw", DEFLATE: "deflate", OLD_DEFLATE: "old-deflate", PACKBITS: "packbits", GROUP3: "group3", GROUP4: "group4", RLE: "rle", JPEG: "jpeg"}
REFUSED = ("UnsupportedFormat",)


def lzw(data):
    codes, width = {bytes([i]): i for i in range(256)}, 9
    bits_, count, following = 0, 0, 258
    result = bytearray()

    def put(code):
        nonlocal bits_, count
        bits_, count = bits_ << width | code, count + width
        while count >= 8:
            count -= 8
            result.append(bits_ >> count & 255)
        bits_ &= (1 << count) - 1

    put(256)
    prefix = b""
    for byte in data:
        longer = prefix + bytes([byte])
        if longer in codes:
            prefix = longer
            continue
        put(codes[prefix])
        codes[longer] = following
        following += 1
        # The table has its last code of this width.
        if following in (512, 1024, 2048):
            width += 1
        if following == 4094:
            put(256)
            codes, width, following = {bytes([i]): i for i in range(256)}, 9, 258
        prefix = bytes([byte])
    if prefix:
        put(codes[prefix])
        following += 1
        if following in (512, 1024, 2048):
            width += 1
    put(257)
    if count:
        result.append(bits_ << 8 - count & 255)
    return bytes(result)


def packbits(data):
    """Literal runs, and one repeated run where bytes repeat at its start."""
    out = bytearray()
    at = 0
    while at < len(data):
        run = 1
        while run < 128 and at + run < len(data) and data[at + run] == data[at]:
            run += 1
        if run > 2:
            out += bytes([257 - run, data[at]])
            at += run
            continue
        start = at
        while at < len(data) and at - start < 128 and not (at + 2 < len(data) and data[at] == data[at + 1] == data[at + 2]):
            at += 1
        out += bytes([at - start - 1]) + data[start:at]
    return bytes(out)


def fax(rows, compression, **tags):
    """Bilevel rows, compressed by libtiff: ones are white."""
    name = {GROUP3: "group3", GROUP4: "group4", RLE: "tiff_ccitt"}[compression]
    data = saved(Image.fromarray(rows.astype(bool)), "TIFF", compression=name, tiffinfo={278: len(rows), **tags})
    with Image.open(io.BytesIO(data)) as image:
        start, length = image.tag_v2[273][0], image.tag_v2[279][0]
        assert image.tag_v2[262] == 1 or image.tag_v2[262] == 0
        return data[start : start + length], image.tag_v2[262]


def packed(rows, depth, order="<"):
    """Rows of samples below 2 ** depth, each row padded to whole bytes."""
    if depth == 8:
        return rows.astype(np.uint8).tobytes()
    if depth > 8:
        return rows.astype(f"{order}u{depth // 8}").tobytes()
    flat = rows.reshape(len(rows), -1).astype(np.uint8)
    spread = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(spread.reshape(len(rows), -1), axis=1).tobytes()


def predicted(rows, depth):
    """The differences of horizontal neighbours."""
    wide = rows.astype(np.int64)
    wide[:, 1:] -= rows[:, :-1].astype(np.int64)
    return wide % (1 << depth)


def backwards(data):
    """The bits of every byte in reverse."""
    return data.translate(bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256)))


COMPRESS = {NONE: bytes, LZW: lzw, DEFLATE: zlib.compress, OLD_DEFLATE: zlib.compress, PACKBITS: packbits}


def chunks(samples, depth=8, compression=NONE, rows=None, predictor=1, planar=False, fill=1, order="<", tile=None):
    """Strips or tiles of `samples`, an array of rows, columns and channels."""
    if samples.ndim == 2:
        samples = samples[..., None]
    planes = [samples[..., plane : plane + 1] for plane in range(samples.shape[2])] if planar else [samples]
    result = []
    for plane in planes:
        if tile:
            width, height = tile
            plane = np.pad(plane, ((0, -len(plane) % height), (0, -plane.shape[1] % width), (0, 0)))
            parts = [plane[y : y + height, x : x + width] for y in range(0, len(plane), height) for x in range(0, plane.shape[1], width)]
        else:
            step = rows or len(plane)
            parts = [plane[y : y + step] for y in range(0, len(plane), step)]
        for part in parts:
            if predictor == 2:
                part = predicted(part, depth)
            data = COMPRESS[compression](packed(part, depth, order))
            result.append(backwards(data) if fill == 2 else data)
    return result


def file(pages, order="<", big=False, sub=()):
    """A TIFF with these pages, each its tags and its strips or tiles. `tags` maps numbers to a type and values; None leaves a tag
    out. The pages in `sub` are in the SubIFDs of the first."""
    head = (b"II" if order == "<" else b"MM") + (struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if big else struct.pack(f"{order}HI", 42, 8))
    word, kind = ("Q", 16) if big else ("I", 4)
    out = bytearray(head)
    letters = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 7: "B", 11: "f", 16: "Q"}

    def page(tags, data, last):
        starts, lengths = (324, 325) if 322 in tags else (273, 279)
        tags = {starts: (kind, [0] * len(data)), lengths: (kind, [len(part) for part in data]), **tags}
        tags = {tag: value for tag, value in tags.items() if value is not None}
        entry = 20 if big else 12
        begin = len(out)
        after = begin + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
        extra_at, bodies = after, {}
        for tag, (type_, values) in sorted(tags.items()):
            count = len(values) // 2 if type_ == 5 else len(values)
            length = len(struct.pack(f"{order}{len(values)}{letters[type_]}", *values))
            bodies[tag] = (type_, count, values, extra_at if length > (8 if big else 4) else None)
            if length > (8 if big else 4):
                extra_at += length + length % 2
        if starts in tags and not any(tags[starts][1]):
            at = extra_at
            for index, part in enumerate(data):
                tags[starts][1][index] = at
                at += len(part)
        entries, extra = b"", b""
        for tag, (type_, count, values, place) in bodies.items():
            body = struct.pack(f"{order}{len(values)}{letters[type_]}", *values)
            if place is not None:
                extra += body + bytes(len(body) % 2)
                body = struct.pack(f"{order}{word}", place)
            entries += struct.pack(f"{order}HH{word}", tag, type_, count) + body.ljust(8 if big else 4, b"\0")
        size = extra_at + sum(map(len, data))
        size += size % 2
        out.extend(struct.pack(f"{order}{'Q' if big else 'H'}", len(tags)) + entries + struct.pack(f"{order}{word}", 0 if last else size))
        out.extend(extra + b"".join(data))
        out.extend(bytes(size - len(out)))
        return begin

    places = []
    tail = bytearray()
    if sub:
        # SubIFDs follow the first page; their places are known once it has been laid out with empty ones.
        tags, data = pages[0]
        length = len(out)
        page({**tags, 330: (kind, [0] * len(sub))}, data, True)
        for entry in sub:
            places.append(len(out))
            page(*entry, True)
        tail = out[places[0] :]
        del out[length:]
        pages = [({**tags, 330: (kind, places)}, data), *pages[1:]]
    for index, (tags, data) in enumerate(pages):
        # Subsequent pages and SubIFDs are not mixed.
        page({tag: (value[0], list(value[1])) if value else None for tag, value in tags.items()}, data, index == len(pages) - 1)
    return bytes(out + tail)


def tags(samples, depth=8, photometric=2, compression=NONE, rows=None, **more):
    channels = samples.shape[2] if samples.ndim == 3 else 1
    return {
        256: (4, [samples.shape[1]]),
        257: (4, [samples.shape[0]]),
        258: (3, [depth] * channels),
        259: (3, [compression]),
        262: (3, [photometric]),
        277: (3, [channels]),
        278: (4, [rows or samples.shape[0]]),
        **{int(tag[1:]): value for tag, value in more.items()},
    }


def simple(samples, depth=8, photometric=2, compression=NONE, rows=None, predictor=1, planar=False, fill=1, order="<", big=False, tile=None, **more):
    if predictor != 1:
        more["t317"] = (3, [predictor])
    if planar:
        more["t284"] = (3, [2])
    if fill == 2:
        more["t266"] = (3, [2])
    if tile:
        more.update(t322=(3, [tile[0]]), t323=(3, [tile[1]]), t278=None)
    data = chunks(samples, depth, compression, rows, predictor, planar, fill, order, tile)
    return file([(tags(samples, depth, photometric, compression, rows, **more), data)], order, big)


def make(files):
    predictors(files)
    fill_orders(files)
    strips(files)
    missing(files)
    layouts(files)
    previews(files)
    large(files)


def predictors(files):
    picture = scene()
    side = ramp()
    cases = {
        "unspecified": (np.dstack([picture, side]), [0], 2, picture),
        "alpha": (np.dstack([picture, side]), [2], 2, over_white(picture, side)),
        "premultiplied": (np.dstack([(picture * (side[..., None] / 255)).round().astype(np.uint8), side]), [1], 2, over_white(picture, side)),
        "two": (np.dstack([picture, side, 255 - side]), [0, 0], 2, picture),
        "three": (np.dstack([picture, side, 255 - side, side]), [0, 0, 0], 2, picture),
        "grey": (np.dstack([grey(picture), side]), [0], 1, shown(grey(picture))),
        "grey-two": (np.dstack([grey(picture), side, side]), [0, 0], 1, shown(grey(picture))),
        "inks": (np.dstack([inks(picture), side]), [0], 5, picture),
        "inks-two": (np.dstack([inks(picture), side, side]), [0, 0], 5, picture),
    }
    for name, (samples, extra, photometric, expected) in cases.items():
        for compression in (LZW, DEFLATE):
            data = simple(samples, compression=compression, photometric=photometric, predictor=2, rows=40, t338=(3, extra))
            files.good(f"tiff/predictor-{name}-{NAMES[compression]}.tif", data, expected)
        data = simple(samples, compression=DEFLATE, photometric=photometric, predictor=2, planar=True, rows=40, t338=(3, extra))
        files.good(f"tiff/predictor-{name}-planar.tif", data, expected)
    for name in ("unspecified", "alpha", "inks", "grey"):
        samples, extra, photometric, expected = cases[name]
        for order in "<>":
            data = simple(samples.astype(np.uint16) * 257, 16, photometric, DEFLATE, predictor=2, order=order, t338=(3, extra))
            files.good(f"tiff/predictor-{name}-16-bit-{'big' if order == '>' else 'little'}.tif", data, expected)
        data = simple(samples, photometric=photometric, compression=LZW, predictor=2, tile=(64, 48), t338=(3, extra))
        files.good(f"tiff/predictor-{name}-tiles.tif", data, expected)
    samples = cases["unspecified"][0]
    # An extra sample that no tag explains is transparency, as in Pillow.
    files.good("tiff/predictor-untold.tif", simple(samples, compression=LZW, predictor=2), over_white(picture, side))
    files.good("tiff/extra-raw.tif", simple(samples, t338=(3, [0])), picture)
    # Compressions without prediction ignore the tag.
    files.good("tiff/predictor-packbits.tif", simple(samples, compression=PACKBITS, t317=(3, [2]), t338=(3, [0])), picture, refused=REFUSED)
    files.good("tiff/predictor-raw.tif", simple(samples, t317=(3, [2]), t338=(3, [0])), picture, refused=REFUSED)


def fill_orders(files):
    picture = scene()
    lines = bits(picture)
    for compression in (NONE, PACKBITS, LZW, DEFLATE):
        name = NAMES[compression]
        files.good(f"tiff/fill-{name}.tif", simple(picture, compression=compression, fill=2, rows=40), picture)
        files.good(f"tiff/fill-bits-{name}.tif", simple(lines, 1, 1, compression, fill=2), shown(lines, 1))
    for compression in (GROUP3, GROUP4, RLE):
        data, photometric = fax(lines, compression)
        refused = () if compression == GROUP4 else REFUSED
        for fill in (1, 2):
            body = backwards(data) if fill == 2 else data
            entry = tags(lines, 1, photometric, compression, t266=(3, [fill]))
            files.good(f"tiff/fill-{NAMES[compression]}-{fill}.tif", file([(entry, [body])]), shown(lines, 1), refused=refused)
    data, photometric = fax(lines, GROUP4)
    inverted = tags(lines, 1, 1 - photometric, GROUP4, t266=(3, [2]))
    files.good("tiff/fill-group4-inverted.tif", file([(inverted, [backwards(data)])], ">"), shown(1 - lines, 1))
    files.good("tiff/fill-predictor.tif", simple(picture, compression=LZW, fill=2, predictor=2), picture)
    files.good("tiff/fill-tiles.tif", simple(picture, compression=PACKBITS, fill=2, tile=(32, 32)), picture)
    files.good("tiff/fill-16-bit.tif", simple(picture.astype(np.uint16) * 257, 16, fill=2), picture)
    files.good("tiff/fill-big-endian.tif", simple(picture, compression=DEFLATE, fill=2, order=">"), picture)
    few = grey(picture) // 16
    files.good("tiff/fill-4-bit.tif", simple(few, 4, 1, fill=2), shown(few, 15))
    # JPEG data has its own order of bits, which the tag does not change.
    whole = saved(picture, "JPEG", quality=95, subsampling=0)
    entry = tags(picture, 8, 6, JPEG, t266=(3, [2]), t530=(3, [1, 1]))
    files.good("tiff/fill-jpeg.tif", file([(entry, [whole])]), picture)


def strips(files):
    picture = scene()
    lines = bits(picture)
    group4, photometric = fax(lines, GROUP4)
    rows = {"default": (4, [2**32 - 1]), "short": (3, [65_535]), "one-more": (4, [111]), "twice": (4, [220]), "none": None, "zero": (4, [0])}
    for name, value in rows.items():
        refused = ("DamagedImage",) if name == "zero" else ()
        entry = tags(lines, 1, photometric, GROUP4)
        entry[278] = value
        files.good(f"tiff/rows-{name}-group4.tif", file([(entry, [group4])]), shown(lines, 1), refused=refused)
        for compression in (NONE, LZW, DEFLATE, PACKBITS):
            entry = tags(picture, compression=compression)
            entry[278] = value
            files.good(f"tiff/rows-{name}-{NAMES[compression]}.tif", file([(entry, chunks(picture, compression=compression))]), picture, refused=refused)
    entry = tags(picture, compression=LZW, t278=(4, [2**32 - 1]), t284=(3, [2]))
    files.good("tiff/rows-default-planar.tif", file([(entry, chunks(picture, compression=LZW, planar=True))]), picture)
    entry = tags(picture, compression=LZW, t278=(16, [2**64 - 1]))
    files.good("tiff/rows-default-bigtiff.tif", file([(entry, chunks(picture, compression=LZW))], big=True), picture)
    whole = saved(picture, "JPEG", quality=95, subsampling=0)
    entry = tags(picture, 8, 6, JPEG, t278=(4, [2**32 - 1]), t530=(3, [1, 1]))
    files.good("tiff/rows-default-jpeg.tif", file([(entry, [whole])]), picture)
    # The last strip holds whole strips' rows, as some scanners write it.
    padded = np.pad(picture, ((0, 10), (0, 0), (0, 0)))
    entry = tags(picture, rows=40)
    files.good("tiff/last-strip-padded.tif", file([(entry, chunks(padded, rows=40))]), picture)


def missing(files):
    picture = scene()
    plane = grey(picture)
    lines = bits(picture)

    def without(name, samples, drop, expected, compression=NONE, depth=8, photometric=2, refused=(), rows=None, order="<", **more):
        entry = tags(samples, depth, photometric, compression, rows, **more)
        entry.update({tag: None for tag in drop})
        data = chunks(samples, depth, compression, rows=rows, order=order)
        files.good(f"tiff/{name}.tif", file([(entry, data)], order), expected, refused=refused)

    for compression in (NONE, LZW, DEFLATE, PACKBITS):
        without(f"no-byte-counts-{NAMES[compression]}", picture, [279], picture, compression)
        without(f"zero-byte-counts-{NAMES[compression]}", picture, [], picture, compression, t279=(4, [0]))
        without(f"large-byte-counts-{NAMES[compression]}", picture, [], picture, compression, t279=(4, [10_000_000]), refused=("TruncatedImage", "DamagedImage"))
    without("zero-byte-counts-strips", picture, [], picture, rows=40, t279=(4, [0, 0, 0]))
    without("no-byte-counts-strips", picture, [279], picture, rows=40, refused=("DamagedImage",))
    without("no-compression", picture, [259], picture)
    without("no-samples", plane, [277], shown(plane), photometric=1)
    without("no-bits", lines, [258], shown(lines, 1), depth=1, photometric=1)
    without("one-bits-for-three", picture, [], picture, t258=(3, [8]), refused=("DamagedImage", "UnsupportedFormat"))
    without("no-photometric", picture, [262], picture, refused=REFUSED)
    without("short-tags", picture, [], picture, t256=(3, [140]), t257=(3, [110]), t278=(3, [110]))
    without("byte-tags", picture, [], picture, t259=(1, [1]), refused=("DamagedImage", "UnsupportedFormat"))
    for number in (2, 5, 6, 8):
        expected = scene()
        turned = stored(expected, number)
        files.good(f"tiff/orientation-{number}.tif", simple(turned, compression=LZW, t274=(3, [number])), expected, number)
    files.good("tiff/orientation-0.tif", simple(picture, t274=(3, [0])), picture)
    files.good("tiff/orientation-9.tif", simple(picture, t274=(3, [9])), picture)


def layouts(files):
    picture = scene()
    plane = grey(picture)
    for depth in (1, 2, 4, 8, 16):
        samples = plane.astype(np.uint32) * ((1 << depth) - 1) // 255
        levels = (1 << depth) - 1
        for photometric in (0, 1):
            stored_ = levels - samples if photometric == 0 else samples
            for order in "<>":
                name = f"tiff/grey-{depth}-bit-{'black' if photometric else 'white'}-zero-{'big' if order == '>' else 'little'}.tif"
                files.good(name, simple(stored_, depth, photometric, PACKBITS, order=order), shown(samples, levels))
    for depth in (2, 4, 16, 32):
        samples = picture.astype(np.uint64) * ((1 << depth) - 1) // 255
        refused = REFUSED if depth != 16 else ()
        expected = (samples * 255 // ((1 << depth) - 1)).astype(np.uint8)
        files.good(f"tiff/rgb-{depth}-bit.tif", simple(samples, depth), expected, refused=refused)
        files.good(f"tiff/rgb-{depth}-bit-planar.tif", simple(samples, depth, planar=True, rows=30), expected, refused=refused)
    for big in (False, True):
        for order in "<>":
            name = f"tiff/{'big' if big else 'classic'}-{'big' if order == '>' else 'little'}-endian"
            files.good(f"{name}.tif", simple(picture, compression=LZW, order=order, big=big, rows=32), picture)
            files.good(f"{name}-tiles.tif", simple(picture, compression=DEFLATE, order=order, big=big, tile=(48, 32)), picture)
    files.good("tiff/inks.tif", simple(inks(picture), photometric=5, compression=LZW), picture)
    files.good("tiff/inks-planar.tif", simple(inks(picture), photometric=5, planar=True), picture)
    files.good("tiff/old-deflate.tif", simple(picture, compression=OLD_DEFLATE), picture)
    luma = np.asarray(Image.fromarray(picture).convert("YCbCr"))
    files.good("tiff/brightness.tif", simple(luma, photometric=6, t530=(3, [1, 1])), picture)
    palette = np.zeros((256, 3), np.uint32)
    flat = Image.fromarray(picture).quantize(16)
    colours = np.array(flat.getpalette()).reshape(-1, 3)
    palette[: len(colours)] = colours
    index = np.asarray(flat)
    files.good("tiff/palette.tif", simple(index, photometric=3, compression=LZW, t320=(3, (palette.T * 257).ravel().tolist())), picture)
    files.good("tiff/palette-8-bit.tif", simple(index, photometric=3, t320=(3, palette.T.ravel().tolist())), picture)
    files.good("tiff/palette-planar-tag.tif", simple(index, photometric=3, planar=True, t320=(3, (palette.T * 257).ravel().tolist())), picture)
    mixed = tags(picture)
    mixed[258] = (3, [8, 8, 4])
    files.bad("tiff/mixed-depths.tif", file([(mixed, chunks(picture))]), "UnsupportedFormat")
    for number, name in ((34712, "jpeg2000"), (34925, "lzma"), (50000, "zstd"), (50001, "webp"), (65000, "private")):
        entry = tags(picture, compression=number)
        files.bad(f"tiff/compression-{name}.tif", file([(entry, chunks(picture))]), "UnsupportedFormat")


def previews(files):
    """Pages that are not the picture itself."""
    picture = scene()
    small = scene(140, 110)
    large_ = scene(1120, 880)
    raw = np.tile((large_[..., 1] // 2).astype(np.uint8), 1)
    preview = tags(small, t254=(4, [1]))
    sensor = tags(raw, 8, 32_803, t254=(4, [0]), t33421=(3, [2, 2]), t33422=(1, [0, 1, 1, 2]))
    dng = {**preview, 50_706: (1, [1, 4, 0, 0]), 50_708: (2, list(b"Camera\0"))}
    refused = ("UnsupportedFormat",)
    for order in "<>":
        name = "big" if order == ">" else "little"
        files.bad(f"tiff/dng-{name}.dng", file([(dng, chunks(small))], order, sub=[(sensor, chunks(raw, order=order))]), *refused)
    files.bad("tiff/raw-second-page.tif", file([(dng, chunks(small)), (sensor, chunks(raw))]), *refused)
    full = tags(large_, compression=DEFLATE, t254=(4, [0]))
    body = chunks(large_, compression=DEFLATE)
    files.good("tiff/preview-first.tif", file([(preview, chunks(small)), (full, body)]), large_, refused=refused)
    files.good("tiff/preview-sub.tif", file([(preview, chunks(small))], sub=[(full, body)]), large_, refused=refused)
    files.good("tiff/preview-second.tif", file([(full, body), (preview, chunks(small))]), large_)
    # A picture that says it is a preview but stands alone is the only one there is.
    files.good("tiff/preview-alone.tif", file([(preview, chunks(small))]), small, refused=refused)
    page = tags(picture, t254=(4, [2]), t297=(3, [0, 2]))
    files.good("tiff/two-pages.tif", file([(page, chunks(picture)), (page, chunks(255 - picture))]), picture)


def large(files):
    """One strip for all."""
    tall = bits(scene(4677, 6622))
    data, photometric = fax(tall, GROUP4)
    files.good("tiff/large-group4.tif", file([(tags(tall, 1, photometric, GROUP4), [data])]), shown(tall, 1))
    plane = grey(scene(6000, 5000))
    packer = zlib.compress(plane.tobytes(), 6)
    files.good("tiff/large-deflate.tif", file([(tags(plane, 8, 1, DEFLATE), [packer])]), shown(plane))

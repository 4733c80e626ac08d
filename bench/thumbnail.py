#!/usr/bin/env python3
"""Measures thumbnails of a 12-megapixel photo: Sightline's preparation, with and without a preview, vipsthumbnail and Pillow.

    tests/.venv/bin/python bench/thumbnail.py [--runs N] [--program PATH] [PICTURE.jpg ...]

Each program reads the file and writes an upright JPEG of at most 128 pixels a side without metadata. They take turns, each in a new
process, so every time includes the start. The second row is the functions' default: a preview of 1,440 pixels, and a thumbnail of 320 made
from it. The table shows the median and the fastest time, and the highest peak of resident memory
(ru_maxrss). The last table shows the peak of the whole processor function (the debug build) with such pictures.

Without a picture, it generates 4000 x 3000 pixels that compress like a photo: noise of all scales as in landscapes, and the fine
noise of a sensor (baseline 4:2:0 at quality 90, about 4 MB; the same progressive). It needs vipsthumbnail (Debian: libvips-tools),
and Pillow and NumPy in the interpreter, as tests/run installs them in tests/.venv. Without --program it builds the example
`prepare` for release.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import processor
from comparison.child import run

ROOT = Path(__file__).resolve().parent.parent
PX = 128
SIZES = {
    "sightline": {"THUMBNAIL_PX": str(PX), "PREVIEW_PX": "0"},
    "sightline, with a preview": {"THUMBNAIL_PX": "320", "PREVIEW_PX": "1440"},
}

MAKE = """
import sys
import numpy as np
from PIL import Image
random = np.random.default_rng(7)
width, height = 4000, 3000
pixels = np.zeros((height, width, 3), np.float32)
for octave in range(2, 11):
    size = 2**octave
    noise = random.random((height // size + 2, width // size + 2, 3), dtype=np.float32)
    for channel in range(3):
        layer = Image.fromarray(noise[..., channel]).resize((width, height), Image.BICUBIC)
        pixels[..., channel] += np.asarray(layer) * (size / 1024) ** 0.75
pixels -= pixels.min()
pixels *= 255 / pixels.max()
pixels += random.normal(0, 7, (height, width, 1)) + random.normal(0, 2.5, pixels.shape)
image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
exif = Image.Exif()
exif[0x0112] = 6
image.save(sys.argv[1], quality=90, exif=exif)
image.save(sys.argv[2], quality=90, exif=exif, progressive=True)
"""

PILLOW = f"""
import sys
from PIL import Image, ImageOps
with Image.open(sys.argv[1]) as image:
    image.draft("RGB", ({2 * PX}, {2 * PX}))
    image = ImageOps.exif_transpose(image)
    image.thumbnail(({PX}, {PX}))
    image.save(sys.argv[2], quality=90, exif=b"")
"""


def commands(program, picture, out):
    """The commands that make one thumbnail each, by program."""
    return {
        "sightline": [program, picture, out],
        "vipsthumbnail": ["vipsthumbnail", picture, "--size", f"{PX}x{PX}", "-o", f"{out}[Q=90,strip]"],
        "Pillow": [sys.executable, "-c", PILLOW, picture, out],
    }


def build(*options, program):
    subprocess.run(["cargo", "build", "--quiet", *options], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), program)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--program", type=Path)
    parser.add_argument("pictures", nargs="*", type=Path)
    arguments = parser.parse_args()
    if not shutil.which("vipsthumbnail"):
        sys.exit("vipsthumbnail is missing; install it (Debian: libvips-tools).")
    program = arguments.program or build(
        "--release", "-p", "sightline-prepare", "--example", "prepare", program="release/examples/prepare"
    )
    function = build(program="debug/sightline-processor")
    with tempfile.TemporaryDirectory() as folder:
        pictures = arguments.pictures
        if not pictures:
            pictures = [Path(folder, "baseline.jpg"), Path(folder, "progressive.jpg")]
            subprocess.run([sys.executable, "-c", MAKE, *pictures], check=True)
        out = str(Path(folder, "thumbnail.jpg"))
        for picture in pictures:
            others = commands(program, picture, out)
            sightline = others.pop("sightline")
            preview = [*sightline, str(Path(folder, "no.jpg")), str(Path(folder, "preview.jpg"))]
            programs = {"sightline": sightline, "sightline, with a preview": preview, **others}
            results = {name: [] for name in programs}
            for _ in range(arguments.runs):
                for name, command in programs.items():
                    one = run(command, {**os.environ, **SIZES.get(name, {})})
                    results[name].append((one.wall_ms, one.peak_mib))
            print(f"\n{picture.name}, {picture.stat().st_size / 1e6:.1f} MB, {arguments.runs} runs\n")
            print("| program | median ms | fastest ms | peak MiB |\n|---|---|---|---|")
            for name, runs in results.items():
                times, peaks = zip(*runs)
                print(f"| {name} | {statistics.median(times):.0f} | {min(times):.0f} | {max(peaks):.0f} |")
        print("\npeak of the processor function, MiB\n")
        for number, picture in enumerate(pictures):
            own = Path(folder, str(number))
            own.mkdir()
            figures = processor.peaks(function, [picture], own)
            if number == 0:
                print(f"| picture | {' | '.join(figures)} |\n|---|{'---|' * len(figures)}")
            print(f"| {picture.name} | {' | '.join(f'{peak:.0f}' for peak in figures.values())} |")


if __name__ == "__main__":
    main()
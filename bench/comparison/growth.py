"""How time and memory grow with the number of pictures, their size, and the size of a batch."""

import subprocess
import sys
import tempfile
from pathlib import Path

from . import contenders
from .figures import Line, Section, digits
from .local import library

PICTURES = (100, 1_000, 10_000)
BATCHES = (1, 2, 5, 10)
# Megapixels, and the sides of a picture of that many.
SIZES = {0.1: (366, 274), 1: (1155, 866), 12: (4000, 3000), 50: (8165, 6124), 100: (11547, 8660)}
# Soft shapes and a little grain: a photograph of 100 megapixels that is below Rekognition's limit of 15 MB.
MAKE = """
import sys
import numpy as np
from PIL import Image
random = np.random.default_rng(7)
width, height = int(sys.argv[1]), int(sys.argv[2])
small = Image.fromarray(random.integers(0, 256, (max(2, height // 64), max(2, width // 64), 3), dtype=np.uint8))
image = small.resize((width, height), Image.BICUBIC)
grain = Image.fromarray(random.integers(0, 256, (512, 512, 3), dtype=np.uint8))
tile = Image.new("RGB", (width, height))
for x in range(0, width, 512):
    for y in range(0, height, 512):
        tile.paste(grain, (x, y))
Image.blend(image, tile, 0.04).save(sys.argv[3], quality=80)
"""


def section(programs, standin, settings):
    lines = [*by_number(programs, standin, settings), *by_batch(programs, standin, settings), *by_size(programs, standin, settings),
             *by_library(programs, settings)]
    text = ("The processor over TLS, Rekognition answering at once: processor time a picture and resident memory. Growth is linear "
            "where the time a picture stays the same.")
    return Section("Growth", text, lines)


def numbers(settings):
    return [number for number in PICTURES if number <= settings.most_pictures]


def by_number(programs, standin, settings):
    """One process, more and more pictures."""
    function = standin.start(contenders.processor(programs, **contenders.PLAIN))
    event = contenders.pictures(standin)
    function.invoke(event, 20)
    lines, done = [], 0
    for wanted in numbers(settings):
        before = function.processor_ms()
        function.invoke(event, wanted - done)
        used = (function.processor_ms() - before) / (wanted - done)
        lines.append(Line(f"{wanted:,} pictures, one after the other", f"{digits(used)} ms, {function.memory('VmRSS'):.1f} MiB"))
        done = wanted
    function.stop()
    return lines


def by_batch(programs, standin, settings):
    """A process for each size of a batch, because memory that was needed once stays."""
    lines = []
    for size in BATCHES:
        function = standin.start(contenders.processor(programs, **contenders.THUMBNAIL))
        event = contenders.pictures(standin, size)
        function.invoke(event, 3)
        times = settings.times(20)
        before = function.processor_ms()
        took = function.invoke(event, times)
        used = (function.processor_ms() - before) / times / size
        lines.append(Line(f"batches of {size}, with thumbnails",
                          f"{digits(used)} ms, {digits(sum(took) / len(took) / size)} ms of wall time, peak {function.memory('VmHWM'):.1f} MiB"))
        function.stop()
    return lines


def by_size(programs, standin, settings):
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for megapixels, (width, height) in SIZES.items():
            file = Path(folder, f"{megapixels}.jpg")
            subprocess.run([sys.executable, "-c", MAKE, str(width), str(height), file], check=True)
            name = f"size{megapixels}"
            standin.add(name, file)
            defaults = {"THUMBNAIL_PX": "320", "PREVIEW_PX": "1440"}
            function = standin.start(contenders.processor(programs, **defaults))
            event = contenders.pictures(standin, 1, name)
            function.invoke(event)
            before = function.processor_ms()
            times = settings.rounds(4)
            function.invoke(event, times)
            used = (function.processor_ms() - before) / times
            lines.append(Line(f"{megapixels} megapixels ({file.stat().st_size / 1e6:.1f} MB), with thumbnail and preview",
                              f"{digits(used)} ms, {digits(used / megapixels)} a megapixel, peak {function.memory('VmHWM'):.0f} MiB"))
            function.stop()
    return lines


def by_library(programs, settings):
    lines = []
    for images in numbers(settings):
        rows = library(programs, images, settings.times(50))["rows"]
        slowest = max(rows, key=lambda row: row["p99"])
        lines.append(Line(f"`GET /images` of `sightline local` at {images:,} pictures",
                          f"{rows[0]['name']}: {rows[0]['p50']:.1f} ms; slowest p99 {slowest['p99']:.1f} ms ({slowest['name']})"))
    return lines

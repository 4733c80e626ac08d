"""What other programs make of a file: its upright size, and its thumbnail in sRGB over white."""

import base64
import html
import io
import json
import os
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image, ImageCms, ImageOps

SIDE = 128
ORIENTATION = 0x0112

Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")


def pillow(path):
    with Image.open(path) as image:
        orientation = image.getexif().get(ORIENTATION, 1)
        profile = image.info.get("icc_profile")
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):
            deep = np.asarray(image).astype(np.float64)
            image = Image.fromarray((deep / 257).clip(0, 255).round().astype(np.uint8))
        if image.mode in ("P", "PA", "LA", "La", "RGBa", "RGBA") or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        size = image.size
        if image.mode not in ("RGB", "L", "CMYK"):
            image = image.convert("RGB")
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        if profile:
            try:
                image = ImageCms.profileToProfile(
                    image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB"
                )
            except (ImageCms.PyCMSError, OSError):
                pass
        return result(size, image.convert("RGB"), orientation if orientation in range(1, 9) else 1)


def libvips(path):
    image = pyvips.Image.new_from_file(path).autorot()
    size = (image.width, image.height)
    small = pyvips.Image.thumbnail(path, SIDE, height=SIDE, size="down", output_profile="srgb")
    if small.hasalpha():
        small = small.flatten(background=255)
    small = small.colourspace("srgb").cast("uchar")
    pixels = small.numpy()
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return result(size, Image.fromarray(np.ascontiguousarray(pixels[..., :3])), None)


def result(size, image, orientation):
    return {"size": list(size), "thumbnail": image, "orientation": orientation}


def attempt(program, path):
    """The result, or None if the program refuses the file."""
    try:
        return program(path)
    except Exception:  # Whatever a decoder raises, it does not show the file.
        return None


PAGE = """<!doctype html><meta charset="utf-8"><pre id="out"></pre>%s<script>
const one = image => {
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  if (!image.complete || !width) return null;
  const scale = Math.min(1, %d / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  // A file whose header alone can be read leaves the canvas as it was.
  const bytes = context.getImageData(0, 0, canvas.width, canvas.height).data;
  if (bytes.every(byte => byte === 255)) return null;
  return {size: [width, height], png: canvas.toDataURL("image/png").split(",")[1]};
};
// The page counts as loaded when this has run: Chromium prints it then.
onload = () => {
  document.getElementById("out").textContent = JSON.stringify([...document.images].map(one));
};
</script>"""


def chromium(paths):
    """The results of Chromium, which opens 40 files a page."""
    results = []
    for start in range(0, len(paths), 40):
        some = paths[start : start + 40]
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            images = "".join(f'<img src="{html.escape(Path(path).absolute().as_uri())}">' for path in some)
            page.write_text(PAGE % (images, SIDE))
            command = ["chromium", "--headless", "--disable-gpu", "--allow-file-access-from-files", "--force-color-profile=srgb"]
            command += ["--no-sandbox"] if os.geteuid() == 0 else []
            command += [f"--user-data-dir={folder}/profile", "--dump-dom", page.as_uri()]
            dom = subprocess.run(command, capture_output=True, text=True, timeout=300).stdout
        text = dom.partition('<pre id="out">')[2].partition("</pre>")[0]
        if not text:
            raise RuntimeError("Chromium printed no result")
        for entry in json.loads(text):
            if entry:
                image = Image.open(io.BytesIO(base64.b64decode(entry["png"]))).convert("RGB")
                entry = result(entry["size"], image, None)
            results.append(entry)
    return results

"""The size of the functions as they are deployed."""

import subprocess
import tempfile
import zipfile
from pathlib import Path

from .figures import Line, Section
from .paths import ROOT

LIMIT = 4_000_000
ZIPS = ROOT / "cdk/functions/arm64"


def section(programs, *_):
    lines = [line(programs, function) for function in ("sightline-processor", "sightline-upload-api")]
    text = ("`cdk/build-functions` makes the zips for arm64; where it has not, this is the binary of this machine's processor, without symbols, "
            "in a zip.")
    return Section("Zips", text, lines)


def line(programs, function):
    built = ZIPS / function / "bootstrap.zip"
    if built.exists() and built.stat().st_mtime >= (programs.functions / function).stat().st_mtime - 86_400:
        size, what = built.stat().st_size, "arm64"
    else:
        size, what = packed(programs.functions / function), "this machine's processor"
    return Line(f"{function}, {what}", f"{size / 1e6:.2f} MB", "", "at most 4 MB", size <= LIMIT)


def packed(binary):
    """The size of a zip with the stripped binary."""
    with tempfile.TemporaryDirectory() as folder:
        stripped, packed = Path(folder, "bootstrap"), Path(folder, "bootstrap.zip")
        subprocess.run(["strip", "-o", stripped, binary], check=True)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            archive.write(stripped, "bootstrap")
        return packed.stat().st_size

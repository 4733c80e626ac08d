"""Packs a folder into a .tar.gz or .zip whose bytes depend on nothing but the files' names, modes and contents.

    pack.py FOLDER OUT.tar.gz      the archive has the folder itself
    pack.py FOLDER OUT.zip         the archive has the folder's contents

All files get the time SOURCE_DATE_EPOCH.
"""

import gzip
import os
import sys
import tarfile
import time
import zipfile
from pathlib import Path

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def mode(path: Path) -> int:
    return 0o755 if os.access(path, os.X_OK) else 0o644


def pack_tar(folder: Path, out: Path) -> None:
    with out.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=EPOCH) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for path in files(folder):
            entry = tarfile.TarInfo(str(path.relative_to(folder.parent)))
            entry.size, entry.mtime, entry.mode = path.stat().st_size, EPOCH, mode(path)
            with path.open("rb") as content:
                tar.addfile(entry, content)


def pack_zip(folder: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w") as packed:
        for path in files(folder):
            # Zip files know no time before 1980 and none between two seconds.
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), time.gmtime(max(EPOCH, 315532800))[:6])
            entry.external_attr = (0o100000 | mode(path)) << 16
            # Packing packed files again costs time and gains nothing.
            entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".zip" else zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    (pack_zip if target.suffix == ".zip" else pack_tar)(source, target)

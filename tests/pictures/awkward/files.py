"""The folder of files, with the expected result of each."""

import hashlib
import json
from pathlib import Path

from PIL import Image


class Files:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "expected").mkdir(exist_ok=True)
        self.expected = []

    def good(self, name, data, picture, orientation=1, tolerance=4, refused=()):
        """A file that shows this upright picture, or that may be refused with one of these codes instead."""
        self._write(name, data)
        image = Image.fromarray(picture)
        size = list(image.size)
        # A smaller copy of a large picture is enough for its thumbnail.
        image = image.reduce(max(1, max(size) // 512))
        # The bytes of the picture name it, so that many files share one.
        key = hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()[:16] + ".png"
        if not (self.folder / "expected" / key).exists():
            image.save(self.folder / "expected" / key)
        self._expect(name, picture=key, size=size, orientation=orientation, tolerance=tolerance, refused=list(refused))

    def bad(self, name, data, *codes):
        """A file that is refused with one of these codes."""
        self._write(name, data)
        self._expect(name, refused=list(codes))

    def _write(self, name, data):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)

    def _expect(self, name, **result):
        if any(entry["file"] == name for entry in self.expected):
            raise ValueError(f"two files are named {name}")
        self.expected.append({"file": name, **result})

    def done(self):
        (self.folder / "expected.json").write_text(json.dumps(self.expected, indent=1))

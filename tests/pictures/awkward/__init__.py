"""Makes awkward files: valid but rare, or slightly damaged, in the ways that real programs make them. Each has an expected result
that follows from how it was made. The files are the same in every run."""

from . import avif, bmp, gif, jpeg, png, tiff, webp
from .files import Files


def make(folder):
    """Writes all files and `expected.json` to a folder."""
    files = Files(folder)
    for module in (tiff, jpeg, png, webp, gif, bmp, avif):
        module.make(files)
    files.done()
    return files.expected

"""Makes awkward files: valid but rare, or slightly damaged, in the ways that real programs make them. Each has an expected result
that follows from how it was made. The files are the same in every run."""

from . import avif, bmp, gif, jpeg, png, tiff, webp
from .files import Files


KINDS = {"tiff": tiff, "jpeg": jpeg, "png": png, "webp": webp, "gif": gif, "bmp": bmp, "avif": avif}


def make(folder, kinds=()):
    """Writes the files of these kinds, or of all, and `expected.json` to a folder."""
    files = Files(folder)
    for kind in kinds or KINDS:
        KINDS[kind].make(files)
    files.done()
    return files.expected

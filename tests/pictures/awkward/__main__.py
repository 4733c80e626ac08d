"""Makes the files alone: `python -m awkward FOLDER [KIND...]`, in the folder `tests/pictures`."""

import sys

from . import make

make(sys.argv[1], sys.argv[2:])

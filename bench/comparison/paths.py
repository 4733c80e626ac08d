"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
RESULTS = BENCH / "RESULTS.md"
PICTURE = ROOT / "docs/pictures/astronaut.jpg"

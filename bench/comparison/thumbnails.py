"""A thumbnail of a 12-megapixel JPEG: the product's preparation beside vipsthumbnail and Pillow."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import thumbnail

from .child import run
from .figures import Line, Section, Spread


def section(programs, _, settings):
    rounds = settings.rounds(9)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        pictures = [Path(folder, "baseline.jpg"), Path(folder, "progressive.jpg")]
        subprocess.run([sys.executable, "-c", thumbnail.MAKE, *pictures], check=True)
        out = str(Path(folder, "thumbnail.jpg"))
        for picture in pictures:
            commands = thumbnail.commands(programs.release / "examples/prepare", picture, out)
            runs = {name: [] for name in commands}
            for _ in range(rounds):
                for name, command in commands.items():
                    runs[name].append(run(command, {**os.environ, **thumbnail.SIZES["sightline"]}))
            used = {name: Spread.of([one.processor_ms for one in own]) for name, own in runs.items()}
            peak = {name: max(one.peak_mib for one in own) for name, own in runs.items()}

            def beside(name):
                return f"{name} {used[name].show('ms')}, {peak[name]:.0f} MiB"

            lines.append(Line(
                f"{picture.stem}, {picture.stat().st_size / 1e6:.1f} MB", f"{used['sightline'].show('ms')}, {peak['sightline']:.0f} MiB",
                f"{beside('vipsthumbnail')}; {beside('Pillow')}", "at most vipsthumbnail's",
                used["sightline"].median <= used["vipsthumbnail"].median))
    text = (f"Processor time and peak memory of a process that makes a thumbnail of {thumbnail.PX} pixels from 4000 x 3000. Medians and "
            f"quartiles of {rounds} rounds.")
    return Section("Thumbnails", text, lines)

"""`bench/compare`: builds, measures, and writes RESULTS.md."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import build, cold, warm
from .paths import RESULTS, ROOT
from .settings import Settings
from .standin import StandIn

# A section: the measurements it consists of, and what each takes.
FUNCTIONS = {
    "cold": [cold.section],
    "warm": [warm.section, warm.billed, warm.memory],
}
SECTIONS = [*FUNCTIONS]


def main():
    options = arguments()
    settings = Settings(scale=options.scale, invocations=options.invocations)
    chosen = [name for name in SECTIONS if not options.sections or name in options.sections]
    took = []

    def built(what, one):
        seconds, program = one()
        took.append((what, seconds))
        return program

    programs = build.Programs(
        functions=options.functions or built("functions (profile lambda)", build.functions),
        release=options.release,
        standin=built("stand-in for AWS", build.standin),
        floor=options.floor or built("empty function (profile lambda)", build.floor),
    )
    began = time.monotonic()
    sections = []
    with tempfile.TemporaryDirectory() as folder, StandIn(programs.standin, folder) as standin:
        for name in chosen:
            for measure in FUNCTIONS[name]:
                started = time.monotonic()
                sections.append(measure(programs, standin, settings))
                print(f"{name}: {sections[-1].title} ({time.monotonic() - started:.0f} s)", file=sys.stderr)
    report = write(sections, took, time.monotonic() - began)
    if not options.sections:
        RESULTS.write_text(report)
    print(report)


def arguments():
    parser = argparse.ArgumentParser(prog="bench/compare", description="Measures Sightline beside what people would use instead.")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], metavar="SECTION", help=f"some of: {' '.join(SECTIONS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual rounds; 0.2 for a first look")
    parser.add_argument("--invocations", type=int, default=2000, help="for the memory of the functions (goal: 100000)")
    parser.add_argument("--functions", type=Path, help="the folder of built functions, in place of building them")
    parser.add_argument("--floor", type=Path, help="the built empty function")
    parser.add_argument("--release", type=Path, help="the folder of the other built programs")
    return parser.parse_args()


def write(sections, took, seconds):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    built = "; ".join(f"{what} {seconds / 60:.1f} minutes" for what, seconds in took) or "nothing"
    head = [
        "# Results of bench/compare",
        "",
        f"Commit {commit}, {machine()}. Built first: {built}. Measuring took {seconds / 60:.1f} minutes.",
        "",
    ]
    return "\n".join([*head, *(section.markdown() for section in sections)])


def machine():
    def field(file, name):
        lines = Path(file).read_text().splitlines() if Path(file).exists() else []
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "unknown")

    gib = int(field("/proc/meminfo", "MemTotal").split()[0]) / 1024 / 1024
    load = os.getloadavg()[1]
    return f"{os.cpu_count()} cores ({field('/proc/cpuinfo', 'model name')}), {gib:.0f} GiB, load of the last five minutes {load:.1f}"


if __name__ == "__main__":
    main()

"""`bench/compare`: builds, measures, and writes RESULTS.md."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import build, cold, cost, growth, load, local, quick, thumbnails, warm, zips
from .paths import RESULTS, ROOT
from .settings import Settings
from .standin import StandIn

# The measurements of each section.
SECTIONS = {
    "cold": [cold.section],
    "warm": [warm.section, warm.billed, warm.memory],
    "thumbnail": [thumbnails.section],
    "zips": [zips.section],
    "local": [local.section],
    "api": [load.section],
    "growth": [growth.section],
    "cost": [cost.section],
}
# Sections that need the deployed functions, and those that need `sightline` and its companions.
WITH_FUNCTIONS = {"cold", "warm", "zips", "growth", "cost"}
WITH_RELEASE = {"thumbnail", "local", "api", "growth"}
TOOLS = {"openssl": "openssl", "vipsthumbnail": "libvips-tools", "wrk": "wrk", "strip": "binutils", "valgrind": "valgrind"}


def main():
    options = arguments()
    require(["valgrind", "openssl"] if options.quick else [tool for tool in TOOLS if tool != "valgrind"])
    if options.quick:
        return quick.main(options.update)
    chosen = [name for name in SECTIONS if not options.sections or name in options.sections]
    settings = Settings(options.scale, options.invocations, options.uploads, tuple(options.images), options.most_pictures)
    programs, took = build_programs(options, set(chosen))
    began = time.monotonic()
    sections = []
    with tempfile.TemporaryDirectory() as folder, StandIn(programs.standin, folder) as standin:
        for measure in [measure for name in chosen for measure in SECTIONS[name]]:
            started = time.monotonic()
            sections.append(measure(programs, standin, settings))
            print(f"{sections[-1].title}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    report = write(sections, took, time.monotonic() - began)
    if not options.sections and options.scale == 1:
        RESULTS.write_text(report)
    print(report)


def require(tools):
    missing = [f"{tool} (Debian: {TOOLS[tool]})" for tool in tools if not shutil.which(tool)]
    if missing:
        sys.exit(f"bench/compare: please install {', '.join(missing)}.")


def build_programs(options, chosen):
    """Builds what the sections need and is not given. Returns the seconds that each took."""
    took = []

    def built(what, one):
        seconds, program = one()
        took.append((what, seconds))
        return program

    functions, release, floor = options.functions, options.release, options.floor
    if functions is None and chosen & WITH_FUNCTIONS:
        functions = built("functions, profile lambda", build.functions)
    if floor is None and chosen & {"cold", "warm"}:
        floor = built("empty function", build.floor)
    if release is None and chosen & WITH_RELEASE:
        release = built("sightline and what loads it, profile release", build.release)
    return build.Programs(functions, release, built("stand-in for AWS", build.standin), floor, options.dev), took


def arguments():
    parser = argparse.ArgumentParser(prog="bench/compare", description="Compares Sightline with what people would use instead.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"some of: {' '.join(SECTIONS)}; without any, all are measured and RESULTS.md is written")
    parser.add_argument("--quick", action="store_true", help="count instructions in place of measuring, and compare them with bench/quick.json")
    parser.add_argument("--update", action="store_true", help="with --quick: write the counts to bench/quick.json")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of rounds; 0.2 gives a first look and does not write RESULTS.md")
    parser.add_argument("--invocations", type=int, default=2000, help="invocations in the test of memory; the goal needs 100000 (default: 2000)")
    parser.add_argument("--uploads", type=int, default=400, help="uploads to the local mode; the goal for memory needs 10000 (default: 400)")
    parser.add_argument("--images", type=int, nargs="*", choices=list(local.SEARCH_MS), default=[100_000],
                        help="sizes of the library (default: 100000)")
    parser.add_argument("--most-pictures", type=int, default=10_000, help="the largest number of pictures in the section growth (default: 10000)")
    parser.add_argument("--functions", type=path, help="the folder of built functions, in place of building them")
    parser.add_argument("--floor", type=path, help="the built empty function")
    parser.add_argument("--release", type=path, help="the folder of the other built programs")
    parser.add_argument("--dev", type=path, default=build.DEV, help="the folder of `sightline` as `cargo run` builds it")
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"unknown section {unknown[0]}; use {', '.join(SECTIONS)}")
    return options


def path(text):
    """A path that stays valid in another folder."""
    return Path(text).absolute()


def write(sections, took, seconds):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    built = "; ".join(f"{what} {seconds / 60:.1f} minutes" for what, seconds in took) or "nothing"
    total = (seconds + sum(seconds for _, seconds in took)) / 60
    head = [
        "# Results of bench/compare",
        "",
        f"`bench/compare{''.join(f' {argument}' for argument in sys.argv[1:])}`, commit {commit}, {machine()}. Built first: {built}. Measuring took {seconds / 60:.1f} minutes, all together {total:.1f}.",
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

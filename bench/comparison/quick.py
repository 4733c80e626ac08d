"""`bench/compare --quick`: counts the instructions of a few scenarios with callgrind, and compares them with bench/quick.json.

Counts hardly depend on the load of the machine, so a regression shows in two minutes. A scenario runs twice, with so many
repetitions and with twice as many; the difference is what the repetitions take, without the start. Preparation
runs once. The network of the labels takes minutes under callgrind; bench/compare measures it in time.
"""

import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from . import build, contenders
from .contenders import PLAIN, THUMBNAIL
from .local_server import Local
from .paths import BENCH, PICTURE
from .standin import StandIn

BASELINE = BENCH / "quick.json"
# Threads take turns in another order each time, which moves counts a little.
TOLERANCE = 0.05
LIBRARY = 300


def main(update):
    if not update and not BASELINE.exists():
        sys.exit("bench/compare: there are no counts to compare with; run `bench/compare --quick --update` on the unchanged tree first.")
    programs = built()
    with tempfile.TemporaryDirectory() as folder:
        found = count(programs, Path(folder))
    expected = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    print(report(found, expected))
    if update:
        BASELINE.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    elif worse := regressions(found, expected):
        sys.exit(f"bench/compare: {', '.join(worse)}: more instructions than bench/quick.json allows. If that is intended, run "
                 "`bench/compare --quick --update`.")


def built():
    """One build serves all scenarios: the release build, whose parts compile fast, although functions are deployed in another profile."""
    packages = ["sightline", "sightline-processor", "sightline-upload-api", "sightline-bench", "sightline-prepare"]
    build.cargo("--release", *(option for package in packages for option in ("-p", package)), "--bins", "--example", "prepare")
    release = build.TARGET / "release"
    return build.Programs(functions=release, release=release, standin=build.standin()[1], floor=release, dev=build.DEV)


def count(programs, folder):
    """Instructions by scenario; two scenarios at a time."""
    with StandIn(programs.standin, folder) as standin:
        functions = {
            "upload-api, a presigned address": (contenders.upload_api(programs), contenders.upload_request(), 20),
            "processor, a picture": (contenders.processor(programs, **PLAIN), contenders.pictures(standin), 10),
            "processor, a picture with a thumbnail": (contenders.processor(programs, **THUMBNAIL), contenders.pictures(standin), 10),
        }
        found = {name: invocations(standin, folder, *function) for name, function in functions.items()}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        others = {
            "preparation of a JPEG of 512 x 512": pool.submit(preparation, programs, folder),
            "GET /images, 50 of 300 pictures": pool.submit(search, programs, folder),
        }
        found.update({name: future.result() for name, future in others.items()})
    return found


def callgrind(out):
    return ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]


def total(out):
    """The instructions of a run."""
    lines = out.read_text().splitlines()
    return next(int(line.split()[1]) for line in reversed(lines) if line.startswith(("totals:", "summary:")))


def each(run, times):
    """Instructions of one repetition; `run` counts those of a process with so many."""
    once, twice = run(times), run(2 * times)
    return round((twice - once) / times)


def invocations(standin, folder, contender, event, times):
    def run(repetitions):
        out = folder / f"{contender.name}-{repetitions}.callgrind"
        command = [*callgrind(out), *contender.command]
        function = standin.start(contenders.Contender(contender.name, command, contender.environment), tls=False)
        # What is done once, such as connecting, is the same in both runs.
        function.invoke(event, 3 + repetitions)
        function.stop()
        return total(out)

    return each(run, times)


def preparation(programs, folder):
    out = folder / "prepare.callgrind"
    environment = {**os.environ, "THUMBNAIL_PX": "320", "PREVIEW_PX": "1440"}
    command = [*callgrind(out), programs.release / "examples/prepare", PICTURE, folder / "thumbnail.jpg"]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return total(out)


def search(programs, folder):
    data = folder / "search"
    data.mkdir()
    client = programs.release / "sightline-bench"
    subprocess.run([client, "fill", data / "data", str(LIBRARY)], check=True, stdout=subprocess.DEVNULL)
    tries = itertools.count()

    def run(repetitions):
        out = folder / f"search-{next(tries)}.callgrind"
        (data / "ready.json").unlink(missing_ok=True)
        with Local(programs.release / "sightline", data, client, callgrind(out)) as local:
            for _ in range(3 + repetitions):
                with urllib.request.urlopen(f"{local.api}/images?label=Thing%200", timeout=120) as answer:
                    answer.read()
        return total(out)

    return each(run, 20)


def regressions(found, expected):
    """The scenarios that take more than the file and the tolerance allow, or that it does not have."""
    return [name for name, value in found.items() if value > expected.get(name, 0) * (1 + TOLERANCE)]


def report(found, expected):
    lines = ["| instructions | now | bench/quick.json | |", "|---|---:|---:|---:|"]
    for name, value in found.items():
        before = expected.get(name)
        change = f"{100 * (value / before - 1):+.1f} %" if before else ""
        lines.append(f"| {name} | {value:,} | {f'{before:,}' if before else 'none'} | {change} |")
    return "\n".join(lines)

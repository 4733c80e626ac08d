"""The local mode: processor time, throughput and latency, memory, the network alone, and searches."""

import json
import subprocess
import tempfile

from .figures import Line, Section, Spread, proved
from .local_server import Local

GOAL_MS, GOAL_PER_SECOND = 40, 45
DEV_SHARE = 1.3
LATENCY_MS = 60
NETWORK_SHARE = 1.2
# The goal for memory is for so many.
FLAT_UPLOADS = 10_000
# Number of pictures: the goal for the 99th percentile of GET /images in milliseconds.
SEARCH_MS = {100_000: 20, 1_000_000: 50}


def section(programs, _, settings):
    release = throughput(programs.release / "sightline", programs, settings)
    lines = [
        Line("processor time a picture, release build", f"{release['processorMs']:.1f} ms", "", f"at most {GOAL_MS} ms", release["processorMs"] <= GOAL_MS),
        Line("pictures a second, eight uploaders, release build", f"{release['perSecond']:.1f}", "", f"at least {GOAL_PER_SECOND}",
             release["perSecond"] >= GOAL_PER_SECOND),
        Line("from asking for an address to the document, release build", release["latency"].show("ms"), "", f"median at most {LATENCY_MS} ms",
             release["latency"].median <= LATENCY_MS),
        Line(f"memory after {release['half']:,} and {2 * release['half']:,} pictures", f"{release['early']:.0f} and {release['late']:.0f} MiB", "",
             f"flat over {FLAT_UPLOADS:,} (at most a tenth more)",
             proved(release["late"] <= 1.1 * release["early"], 2 * release["half"], FLAT_UPLOADS)),
        *dev(programs, settings, release),
        network(programs, settings),
        *searches(programs, settings),
    ]
    text = ("`sightline local` with the embedded model, labels and image properties, the photograph of 66 KiB and 512 x 512 pixels. The clients "
            "run on the same cores. `--uploads 10000` runs what the goal for memory asks for.")
    return Section("Local mode", text, lines)


def dev(programs, settings, release):
    """What `cargo run` builds, if it is built."""
    program = programs.dev / "sightline"
    goal = f"within {DEV_SHARE} times of the release build"
    time, rate = (f"{what}, as `cargo run` builds it" for what in ("processor time a picture", "pictures a second"))
    if not program.exists():
        return [Line(what, "not built (`cargo build -p sightline`)", "", goal) for what in (time, rate)]
    found = throughput(program, programs, settings)
    return [
        Line(time, f"{found['processorMs']:.1f} ms", "", goal, found["processorMs"] <= DEV_SHARE * release["processorMs"]),
        Line(rate, f"{found['perSecond']:.1f}", "", goal, found["perSecond"] * DEV_SHARE >= release["perSecond"]),
    ]


def throughput(program, programs, settings):
    """Latency of single uploads; then, in two halves, processor time and pictures a second of many."""
    half = max(8, round(settings.uploads * settings.scale / 2))
    with tempfile.TemporaryDirectory() as folder, Local(program, folder, programs.release / "sightline-bench") as local:
        local.load("latency", 5)
        latency = Spread.of(local.load("latency", settings.times(60))["ms"])
        before = local.processor_ms()
        first = local.load("throughput", half)
        early = local.memory()
        second = local.load("throughput", half)
        used = (local.processor_ms() - before) / (2 * half)
        return {
            "latency": latency, "processorMs": used, "half": half, "early": early, "late": local.memory(),
            "perSecond": 2 * half / (first["seconds"] + second["seconds"]),
        }


def network(programs, settings):
    """The network alone, on one thread."""
    # onnxruntime takes long to load.
    import inference

    found = inference.compare(str(programs.release / "examples/inference"), inference.MODEL, settings.rounds(5), settings.rounds(5))
    ours, theirs = (Spread.of(found["times"][engine]) for engine in ("rten", "onnxruntime"))
    return Line("the network alone, one thread", ours.show("ms"), f"onnxruntime {theirs.show('ms')}: {ours.median / theirs.median:.2f} times as long",
                f"within {NETWORK_SHARE} times of onnxruntime", ours.median <= NETWORK_SHARE * theirs.median)


def library(programs, images, requests):
    """Searches in an index of so many pictures."""
    done = subprocess.run([programs.release / "sightline-bench", "library", str(images), str(requests), "--json"], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def searches(programs, settings):
    lines = []
    for images, goal in SEARCH_MS.items():
        words = f"`GET /images` at {images:,} pictures, p99 of the slowest of all kinds of search"
        if images not in settings.images:
            lines.append(Line(words, f"not run (`--images {images}`)", "", f"at most {goal} ms"))
            continue
        rows = library(programs, images, settings.times(100))["rows"]
        slowest = max(rows, key=lambda row: row["p99"])
        label = rows[0]
        lines.append(Line(words, f"{slowest['p99']:.1f} ms ({slowest['name']}); {label['name']}: {label['p50']:.1f} ms, p99 {label['p99']:.1f} ms", "",
                          f"at most {goal} ms", slowest["p99"] <= goal))
    return lines

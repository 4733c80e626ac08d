#!/usr/bin/env python3
"""Measures the memory of `sightline local`: at the start, at its peak during uploads, just after them, and idle.

    cargo build
    bench/memory.py --uploads 3000 --idle 60

Reads /proc, so it needs Linux. Needs nothing beside Python. Uploads are the test photographs in turn, eight at a time, each
stored by a URL of the upload API and analysed. `--program` measures another build; environment variables, such as
LD_PRELOAD for another allocator, reach it. `--pictures` takes them from another folder and the folders in it, for example the
awkward files of the tests:

    (cd tests/pictures && ../.venv/bin/python -m awkward FOLDER)
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from comparison.process import memory

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {".avif": "image/avif", ".bmp": "image/bmp", ".gif": "image/gif", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
         ".png": "image/png", ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp"}


def upload(api: str, picture: pathlib.Path) -> None:
    content = picture.read_bytes()
    ask = json.dumps({"contentType": TYPES[picture.suffix], "contentLength": len(content)}).encode()
    with urllib.request.urlopen(f"{api}/uploads", ask, timeout=60) as answer:
        reply = json.load(answer)
    put = urllib.request.Request(reply["uploadUrl"], content, reply["headers"], method="PUT")
    urllib.request.urlopen(put, timeout=60).close()


def analysed(api: str) -> int:
    """How many pictures have been analysed."""
    with urllib.request.urlopen(f"{api}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return sum(int(line.split()[-1]) for line in lines if line.startswith("sightline_images_total{"))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", default=ROOT / "target/debug/sightline")
    arguments.add_argument("--pictures", type=pathlib.Path, default=ROOT / "tests/.pictures", help="their folder")
    arguments.add_argument("--uploads", type=int, default=3000)
    arguments.add_argument("--together", type=int, default=8)
    arguments.add_argument("--idle", type=int, default=60, help="seconds")
    arguments.add_argument("--models", default="embedded")
    options = arguments.parse_args()
    pictures = sorted(path for path in options.pictures.rglob("*") if path.suffix in TYPES)
    with tempfile.TemporaryDirectory() as folder:
        ready = pathlib.Path(folder) / "ready.json"
        process = subprocess.Popen(
            [options.program, "local", "--port", "0", "--aws-port", "0", "--data-dir", f"{folder}/data",
             "--ready-file", ready, "--models", options.models, "--tesseract", "off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not ready.exists():
                assert process.poll() is None, "the program ended"
                time.sleep(0.1)
            api = json.loads(ready.read_text())["api"]
            pid = process.pid
            at_start = memory(pid, "VmRSS")
            began = time.monotonic()
            peak = [0.0]
            done = threading.Event()

            def watch() -> None:
                while not done.wait(0.2):
                    peak[0] = max(peak[0], memory(pid, "VmRSS"))

            watching = threading.Thread(target=watch)
            watching.start()
            with concurrent.futures.ThreadPoolExecutor(options.together) as pool:
                list(pool.map(lambda n: upload(api, pictures[n % len(pictures)]), range(options.uploads)))
            while analysed(api) < options.uploads:
                time.sleep(1)
            took = time.monotonic() - began
            done.set()
            watching.join()
            after = memory(pid, "VmRSS")
            time.sleep(options.idle)
            idle = memory(pid, "VmRSS")
            print(json.dumps({
                "uploads": options.uploads, "seconds": round(took, 1), "idleSeconds": options.idle,
                "mib": {"start": round(at_start), "peak": round(peak[0]), "after": round(after), "idle": round(idle)},
                "threads": len(os.listdir(f"/proc/{pid}/task")),
            }))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


if __name__ == "__main__":
    sys.exit(main())

"""A running `sightline local` with the embedded model, and the Rust client that loads it."""

import json
import signal
import subprocess
import time
from pathlib import Path

from . import process
from .paths import PICTURE


class Local:
    """Its data is in the folder; `command` goes before the program, for example a profiler."""

    def __init__(self, program, folder, client=None, command=()):
        self.client = client or Path(program).with_name("sightline-bench")
        ready = Path(folder, "ready.json")
        options = ["local", "--port", "0", "--aws-port", "0", "--data-dir", Path(folder, "data"), "--ready-file", ready,
                   "--models", "embedded", "--tesseract", "off"]
        self.log = Path(folder, "local.log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*command, program, *options], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        while not ready.exists():
            if self.process.poll() is not None:
                raise SystemExit(f"bench/compare: sightline local did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)
        self.api = json.loads(ready.read_text())["api"]

    def load(self, what, count):
        """`latency` or `throughput` of so many uploads of the photograph."""
        done = subprocess.run([self.client, what, self.api, PICTURE, str(count)], check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def processor_ms(self):
        return process.processor_ms(self.process.pid)

    def memory(self):
        """Resident memory in MiB."""
        return process.memory(self.process.pid, "VmRSS")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

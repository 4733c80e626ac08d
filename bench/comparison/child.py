"""One run of a program: wall time, processor time and peak memory."""

import os
import subprocess
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    wall_ms: float
    processor_ms: float
    peak_mib: float


def run(command, environment=None):
    """Runs a program to its end. Its output is dropped; a failure ends this program."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"bench/compare: {' '.join(map(str, command))} failed")
    return Run(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024)

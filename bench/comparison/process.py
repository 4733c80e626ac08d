"""Processor time and memory of a running process."""

import time
from pathlib import Path


def processor_ms(pid):
    """The processor time of all threads so far, from the clock of the process (clock_getcpuclockid(3))."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e6


def memory(pid, field):
    """A field of the process's status, such as VmRSS or VmHWM, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)

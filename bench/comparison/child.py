"""One run of a program: wall time, processor time and peak memory.

The peak of a process begins with the memory of the process that started it, so this file is also a small program that starts
others: `python -I -S child.py COMMAND...` prints the three figures. It imports only what it needs, to stay small.
"""

import os
import sys
import time


class Run:
    """The figures of one run."""

    def __init__(self, wall_ms, processor_ms, peak_mib):
        self.wall_ms, self.processor_ms, self.peak_mib = wall_ms, processor_ms, peak_mib


def run(command, environment=None):
    """Runs a program to its end. Its output is dropped; a failure ends this program."""
    import subprocess

    arguments = [str(part) for part in command]
    done = subprocess.run([sys.executable, "-I", "-S", __file__, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench/compare: {' '.join(arguments)} failed")
    return Run(*map(float, done.stdout.split()))


def main(command):
    nothing = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, descriptor) for descriptor in (0, 1, 2)]
    began = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - began
    print(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Builds what is measured, and says how long that took."""

import os
import subprocess
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .paths import BENCH, ROOT

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# The folder of what `cargo run` builds.
DEV = TARGET / "debug"
# The programs of bench/programs: they have dependencies of their own, so nothing of the product is compiled anew for them.
PROGRAMS = TARGET / "bench-programs"


@dataclass
class Programs:
    """The folders with the built programs."""

    functions: Path
    release: Path
    standin: Path
    floor: Path
    dev: Path


def cargo(*arguments, cwd=ROOT):
    began = time.monotonic()
    subprocess.run(["cargo", "build", "--locked", *arguments], cwd=cwd, check=True)
    return time.monotonic() - began


def standin():
    """The stand-in for AWS."""
    options = ["--release", "-p", "sightline-bench-standin", "--target-dir", PROGRAMS]
    return cargo(*options, cwd=BENCH / "programs"), PROGRAMS / "release/sightline-bench-standin"


def floor():
    """The empty function, in the profile of the product's functions."""
    options = ["--profile", "lambda", "-p", "sightline-bench-floor", "--target-dir", PROGRAMS, *lambda_profile()]
    return cargo(*options, cwd=BENCH / "programs"), PROGRAMS / "lambda/sightline-bench-floor"


def lambda_profile():
    """The profile in which the functions are deployed, as options for another workspace."""
    profiles = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]
    chosen = {**profiles["release"], **profiles["lambda"]}
    settings = {name: value for name, value in chosen.items() if not isinstance(value, dict)}
    options = []
    for name, value in settings.items():
        written = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else value
        options += ["--config", f"profile.lambda.{name}={written}"]
    return options


def functions():
    """Both functions, as they are deployed but for this machine's processor."""
    took = cargo("--profile", "lambda", "-p", "sightline-processor", "-p", "sightline-upload-api", "--bins")
    return took, TARGET / "lambda"


def release():
    """`sightline`, the client that loads it, and the programs that measure one thing each."""
    packages = ["sightline", "sightline-bench", "sightline-prepare", "sightline-vision"]
    options = [option for package in packages for option in ("-p", package)]
    took = cargo("--release", *options, "--bins", "--example", "prepare", "--example", "inference")
    return took, TARGET / "release"

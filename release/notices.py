"""Prints the licences of everything that is compiled into `sightline` for a target: every crate with its licence and the texts that
it contains, each text once. (cargo-about does the same with more care for missing texts, but takes minutes to build on every machine.)

    notices.py TARGET
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("license", "licence", "copying", "notice", "copyright", "unlicense")


def linked(metadata: dict) -> list[dict]:
    """The crates that `sightline` depends on, without those that only tests and build scripts use."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    [start] = [package["id"] for package in metadata["packages"] if package["name"] == "sightline"]
    found, open_ = set(), [start]
    while open_:
        crate = open_.pop()
        if crate in found:
            continue
        found.add(crate)
        open_ += [dependency["pkg"] for dependency in nodes[crate]["deps"] if any(kind["kind"] is None for kind in dependency["dep_kinds"])]
    outside = [packages[crate] for crate in found if packages[crate]["source"]]
    return sorted(outside, key=lambda package: (package["name"], package["version"]))


def texts(package: dict) -> list[str]:
    folder = Path(package["manifest_path"]).parent
    named = [path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES)]
    named += [folder / package["license_file"]] if package["license_file"] else []
    return [path.read_text(errors="replace").strip() for path in sorted(set(named)) if path.suffix not in (".rs", ".html")]


def main(target: str) -> None:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    crates = linked(json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout))
    print("Sightline contains these crates, and Rust's standard library (Apache-2.0 OR MIT). The texts of their licences follow.\n")
    users = defaultdict(list)
    for crate in crates:
        print(f"{crate['name']} {crate['version']}: {crate['license'] or 'see its text'} {crate['repository'] or ''}".rstrip())
        for text in texts(crate):
            users[text].append(f"{crate['name']} {crate['version']}")
    users[(ROOT / "crates/cli/fonts/LICENSE.txt").read_text().strip()].append("The font that draws labels on pictures")
    for licence in sorted((ROOT / "frontend/js/vendor").glob("*.LICENSE.txt")):
        users[licence.read_text().strip()].append(f"{licence.name.removesuffix('.LICENSE.txt')}, a library of the pages")
    for text, names in sorted(users.items(), key=lambda entry: entry[1]):
        print(f"\n{'=' * 80}\n{', '.join(names)}\n{'-' * 80}\n{text}")


if __name__ == "__main__":
    main(sys.argv[1])

# Read by the other scripts of this folder: names, versions and places of the release files.
# shellcheck shell=bash disable=SC2034

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=$(sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
# Where every script puts what it makes.
out=$root/artefacts/release
# The time of all packed files, so that the same commit gives the same archives.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# The zig, cargo-zigbuild and so on of requirements.txt, on the PATH.
build_tools() {
  local tools=$root/release/.venv
  [ -x "$tools/bin/python" ] || python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check -r "$root/release/requirements.txt"
  PATH=$tools/bin:$PATH
}

# Adds a target to the Rust toolchain, where rustup manages it.
add_target() {
  if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx "$1"; then rustup target add "$1"; fi
}

#!/usr/bin/env bash
# Builds a preset: programs go to build/PRESET/bin, the library to build/PRESET/lib.
# usage: tools/build.sh [PRESET] [TARGET...]      release (default), dev, asan, tsan; see CMakePresets.json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
shift || true
targets=()
[ $# -gt 0 ] && targets=(--target "$@")

bash tools/setup.sh

cache=build/$preset/CMakeCache.txt
if [ -f "$cache" ] && ! grep -q "^CMAKE_HOME_DIRECTORY:INTERNAL=$PWD\$" "$cache"; then
  echo "build: build/$preset was made for another folder, starting afresh"
  rm -rf "build/$preset"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "build: configuring $preset"
cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; echo "build: cmake --preset $preset failed" >&2; exit 1; }
echo "build: compiling into build/$preset"
cmake --build "build/$preset" "${targets[@]}"

#!/usr/bin/env bash
# The guide to data is true: its programs compile against an installation, and print what it says.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$root/tests/integration/data_guide.py" "$root" "$work" program || exit
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(DataGuide LANGUAGES CXX)
find_package(Ember REQUIRED)
add_executable(guide main.cpp)
target_link_libraries(guide PRIVATE Ember::ember)
END
if cmake --install "$root/build/release" --prefix "$work/prefix" >"$work/log" 2>&1 &&
  cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log" 2>&1 &&
  cmake --build "$work/build" >>"$work/log" 2>&1 && (cd "$work" && timeout 60 ./build/guide >printed 2>>log); then
  python3 "$root/tests/integration/data_guide.py" "$root" "$work" compare "$work/printed"
else
  tail -n 30 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

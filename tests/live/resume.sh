#!/usr/bin/env bash
# A run begun in PyTorch goes on in Ember and the reverse, through one file: the curve of losses continues.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! python3 -c 'import torch' 2>/dev/null; then
  echo "PyTorch is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! cmake --install "$root/build/release" --prefix "$work/prefix" >"$work/log" 2>&1 ||
  ! cat >"$work/CMakeLists.txt" <<END || ! cp "$root/tests/live/resume.cpp" "$work" ||
cmake_minimum_required(VERSION 3.25)
project(Resume LANGUAGES CXX)
find_package(Ember REQUIRED)
add_executable(resume resume.cpp)
target_link_libraries(resume PRIVATE Ember::ember)
END
  ! cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log" 2>&1 ||
  ! cmake --build "$work/build" >>"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
python3 "$root/tests/live/resume.py" "$work/build/resume" "$work"

#!/usr/bin/env bash
# States of optimisers go both ways through files: PyTorch continues a run of Ember's, and Ember one of PyTorch's.
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
  ! cat >"$work/CMakeLists.txt" <<END || ! cp "$root/tests/live/optimizer_state.cpp" "$work" ||
cmake_minimum_required(VERSION 3.25)
project(Exchange LANGUAGES CXX)
find_package(Ember REQUIRED)
add_executable(exchange optimizer_state.cpp)
target_link_libraries(exchange PRIVATE Ember::ember)
END
  ! cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log" 2>&1 ||
  ! cmake --build "$work/build" >>"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
python3 "$root/tests/live/optimizer_state.py" "$work/build/exchange" "$work"

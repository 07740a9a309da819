#!/usr/bin/env bash
# Figure 1 of Ioffe & Szegedy in PyTorch and Ember, the same net, rate and seed: loss by loss for 200 steps within 1e-4.
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
  ! cat >"$work/CMakeLists.txt" <<END || ! cp "$root/tests/live/figure_1.cpp" "$work" ||
cmake_minimum_required(VERSION 3.25)
project(Figure1 LANGUAGES CXX)
find_package(Ember REQUIRED)
add_executable(figure_1 figure_1.cpp)
target_link_libraries(figure_1 PRIVATE Ember::ember)
END
  ! cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log" 2>&1 ||
  ! cmake --build "$work/build" >>"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
python3 "$root/tests/live/figure_1.py" "$work/build/figure_1" "${MNIST_DIR:-$root/examples/data/mnist_three_greys}"

#!/usr/bin/env bash
# To be sourced by the scripts of tests/live: build_program SOURCE.cpp builds a program of that folder against the installed Ember as $work/build/NAME. Ends
# the script where there is no PyTorch (skipped) or the program does not build (failed).
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build_program() {
  if ! python3 -c 'import torch' 2>/dev/null; then
    echo "PyTorch is not installed"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  fi
  local name=${1%.cpp}
  cp "$root/tests/live/$1" "$work"
  cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(Beside LANGUAGES CXX)
find_package(Ember REQUIRED)
add_executable($name $1)
target_link_libraries($name PRIVATE Ember::ember)
END
  if ! cmake --install "$root/build/release" --prefix "$work/prefix" >"$work/log" 2>&1 ||
    ! cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log" 2>&1 ||
    ! cmake --build "$work/build" >>"$work/log" 2>&1; then
    tail -n 20 "$work/log"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  fi
}

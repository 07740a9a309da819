#!/usr/bin/env bash
# A training program that is killed at random moments loses nothing. usage: tests/integration/kill.sh [KILLS, 25]
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(Kill LANGUAGES CXX)
find_package(Ember REQUIRED)
add_executable(train $root/tests/integration/kill/train.cpp)
target_link_libraries(train PRIVATE Ember::ember)
END
if ! cmake --install "$root/build/release" --prefix "$work/prefix" >"$work/log" 2>&1 ||
  ! cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >>"$work/log" 2>&1 ||
  ! cmake --build "$work/build" >>"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
python3 "$root/tests/integration/kill/kill.py" "$work/build/train" "$root/build/release/bin/ember" "$work" "${1:-25}"

#!/usr/bin/env bash
# The program in README.md compiles as it stands there, and learns.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^```cpp$/,/^```$/p' "$root/README.md" | sed '/^```/d' >"$work/main.cpp"
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(Readme LANGUAGES CXX)
find_package(Ember REQUIRED)
add_executable(readme main.cpp)
target_link_libraries(readme PRIVATE Ember::ember)
END
if cmake --install "$root/build/release" --prefix "$work/prefix" >"$work/log" 2>&1 &&
  cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >>"$work/log" 2>&1 &&
  cmake --build "$work/build" >>"$work/log" 2>&1 && "$work/build/readme" | tee "$work/out" &&
  [ "$(awk 'NR == 1 { first = $NF } { last = $NF } END { print (last < first / 2) }' "$work/out")" = 1 ]; then
  echo "1 passed, 0 failed, 0 skipped"
else
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

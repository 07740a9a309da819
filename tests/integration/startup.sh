#!/usr/bin/env bash
# A program that is linked with the library starts within 5 ms of processor time: nothing is set up before it is asked for.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=20 limit=5
cat >"$work/main.cpp" <<'END'
#include <ember/ember.h>
int main(int argc, char**) { return ember::ones({argc}).sum().item<int>() == argc ? 0 : 1; }
END
"${CXX:-c++}" -std=c++20 -I"$root/include" "$work/main.cpp" "$root/build/release/lib/libember.a" -lfmt -lz -lpthread -ldl -Wl,--gc-sections -o "$work/main" && "$work/main" ||
  { echo "FAILED  a program of one line"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }

TIMEFORMAT='%3U %3S'
start() { for ((i = 0; i < runs; ++i)); do "$work/main"; done >/dev/null; }
read -r user system < <({ time start; } 2>&1)
took=$(((10#${user/./} + 10#${system/./}) * 10 / runs))  # tenths of a millisecond
echo "a program of one line takes $((took / 10)).$((took % 10)) ms of processor time (limit $limit ms)"
if [ "$took" -le $((limit * 10)) ]; then echo "1 passed, 0 failed, 0 skipped"; else echo "0 passed, 1 failed, 0 skipped"; exit 1; fi

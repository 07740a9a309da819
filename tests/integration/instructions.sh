#!/usr/bin/env bash
# Instructions of one training step, counted by callgrind: a guard against slow creep that does not depend on the machine's load.
# The limits are a tenth above what was measured with GCC 12 on the x86-64-v3 kernels.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! command -v valgrind >/dev/null || [ "$(uname -m)" != x86_64 ]; then
  echo "valgrind is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! cmake --install "$root/build/release" --prefix "$work/prefix" >"$work/log" 2>&1 ||
  ! cmake -S "$root/tests/integration/instructions" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_BUILD_TYPE=Release -DNETS="$root/tools/bench" >>"$work/log" 2>&1 ||
  ! cmake --build "$work/build" >>"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
passed=0 failed=0

instructions() {  # instructions ROW STEPS
  EMBER_ISA=v3 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/build/instructions" "$1" "$2" 2>&1 |
    sed -nE 's/.*Collected : ([0-9]+).*/\1/p'
}
guard() {  # guard ROW LIMIT
  local few many step
  few=$(instructions "$1" 10) many=$(instructions "$1" 30)
  step=$(((${many:-0} - ${few:-0}) / 20))
  if [ "$step" -gt 0 ] && [ "$step" -le "$2" ]; then
    echo "ok      $1: $step instructions a step (limit $2)"
    passed=$((passed + 1))
  else
    echo "FAILED  $1: $step instructions a step (limit $2)"
    failed=$((failed + 1))
  fi
}
guard add 1700
guard W1 36000
guard W2 590000
guard W3 10560000
guard W4/2 2400000
guard W4i/1 407000
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

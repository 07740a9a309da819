#!/usr/bin/env bash
# The unit tests once more with the kernels of every instruction set that this processor runs, with OpenBLAS for every product, and on one thread.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() {  # run WHAT VARIABLE=VALUE [TESTS]
  if env "$2" "$root/build/release/bin/ember_tests" ${3:+"$3"} >"$log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $1: $(grep '^All tests passed' "$log")"
  elif grep -q 'this processor does not run' "$log"; then
    skipped=$((skipped + 1))
    echo "skipped $1: this processor does not run it"
  else
    failed=$((failed + 1))
    tail -n 30 "$log"
    echo "FAILED  $1"
  fi
}

if [ "$(uname -m)" = x86_64 ]; then
  for isa in v2 v3 v4; do run "x86-64-$isa" "EMBER_ISA=$isa"; done
fi
# The order of OpenBLAS's sums depends on where a matrix lies.
run "products by OpenBLAS" EMBER_GEMM=openblas '~a convolution gives the same bits for images in either layout'
run "one thread" EMBER_NUM_THREADS=1
run "five threads" EMBER_NUM_THREADS=5
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

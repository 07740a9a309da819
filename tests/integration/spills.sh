#!/usr/bin/env bash
# The sums of matrix products and convolutions stay in registers: see spills.py.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ "$(uname -m)" != x86_64 ] || ! command -v objdump >/dev/null || ! command -v python3 >/dev/null; then
  echo "skipped: needs x86-64, objdump and python3"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
passed=0 failed=0
check() {  # check ISA FILE...
  local isa=$1 objects=()
  shift
  for file in "$@"; do objects+=("$root/build/release/CMakeFiles/ember_kernels_$isa.dir/src/kernels/$file.isa.cpp.o"); done
  if result=$(python3 "$root/tests/integration/spills.py" "${objects[@]}" 2>&1); then
    passed=$((passed + 1))
    echo "ok      $isa: $result"
  else
    failed=$((failed + 1))
    echo "$result"
    echo "FAILED  $isa"
  fi
}
check v3 gemm/gemm conv/depthwise  # 16 registers are too few for the others' operands beside their sums
check v4 gemm/gemm conv/dots conv/depthwise conv/winograd
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

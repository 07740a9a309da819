#!/usr/bin/env bash
# What the environment asks for and cannot have is said in one line, and the program goes on.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

cat >"$work/main.cpp" <<'PROGRAM'
#include <ember/ember.h>
#include <cstdio>
int main() {
  const ember::Tensor x = ember::ones({300, 300});
  std::printf("%d threads, %.0f\n", ember::get_num_threads(), ember::matmul(x, x).sum().item<double>());
}
PROGRAM
"${CXX:-c++}" -std=c++20 -I"$root/include" "$work/main.cpp" "$root/build/release/lib/libember.a" -lfmt -lz -lpthread -o "$work/main" || exit 1
cores=$(env -u EMBER_NUM_THREADS "$work/main" | cut -d' ' -f1)

try() {  # try VALUE THREADS WARNINGS
  local out warnings
  out=$(EMBER_NUM_THREADS=$1 timeout 60 "$work/main" 2>"$work/log")
  warnings=$(grep -c "^Warning: EMBER_NUM_THREADS: expected a number of threads from 1 to 1024, got '$1'" "$work/log")
  if [ "$out" = "$2 threads, 27000000" ] && [ "$warnings" = "$3" ] && [ "$(wc -l <"$work/log")" = "$3" ]; then
    passed=$((passed + 1)) && echo "ok      EMBER_NUM_THREADS=$1"
  else
    failed=$((failed + 1)) && echo "FAILED  EMBER_NUM_THREADS=$1: $out; $(head -3 "$work/log")"
  fi
}
try 3 3 0
try 1 1 0
try "" "$cores" 0
try abc "$cores" 1
try 100000 "$cores" 1
try 0 "$cores" 1
try -2 "$cores" 1
try 2x "$cores" 1
try 99999999999999999999 "$cores" 1
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

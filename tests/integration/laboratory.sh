#!/usr/bin/env bash
# The batch-norm laboratory: the quick experiments hold their bands for three seeds, write table and figure, and refuse wrong flags in one line.
# (tools/laboratory.sh runs all of them.)
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$root/build/release/bin/batch_norm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
try() {  # try WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    cat "$work/log"
    echo "FAILED  $what"
  fi
}
for name in forgotten_eval depth scale_invariance; do
  for seed in 0 1 2; do try "$name with seed $seed" timeout 100 "$bin/$name" --seed "$seed" --out "$work/out"; done
done
for name in by_hand along_the_gradient small_cnn folding; do try "$name" timeout 100 "$bin/$name" --out "$work/out"; done
try "a figure is well-formed" python3 -c "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])" "$work/out/depth.svg"
try "a table is written" grep -q '^| eval() | 0.9736 |' "$work/out/forgotten_eval.md"
refuses() { ! "$@" && [ "$("$@" 2>&1 | wc -l)" -eq 1 ]; }
try "a folder without MNIST is refused in one line" refuses "$bin/depth" --data "$work"
try "the same bits for one and two threads" bash -c "diff <('$bin/depth' --threads 1 | grep -v ' s)') <('$bin/depth' --threads 2 | grep -v ' s)')"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

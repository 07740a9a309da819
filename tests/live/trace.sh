#!/usr/bin/env bash
# Recorded by the PyTorch that is installed: the digits example does not diverge from Ember's over 20 steps; planted mistakes are named;
# and the recorder itself.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ember="$root/build/release/bin/ember"
if ! python3 -c 'import torch, numpy' 2>/dev/null; then
  echo "PyTorch is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
check() {  # check WHAT STATUS LINE COMMAND...: the exit status, and a line of the output
  local what=$1 wanted=$2 line=$3
  shift 3
  "$@" >out 2>&1
  if [ $? -eq "$wanted" ] && grep -qxF -- "$line" out; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED  $what"
    head -n 20 out
  fi
}

python3 "$root/tests/live/trace_digits.py" 20 digits.npz || failed=$((failed + 1))
EMBER_TRACE=ember.npz "$root/build/release/bin/train_digits" 20 out.pt
check "20 steps of the digits CNN" 0 "no divergence" "$ember" diff ember.npz digits.npz
sed -n '/^layer/,$p' out

mistakes=(momentum eps eval swap relu bias padding seed lr reduction order scale)
python3 "$root/tests/integration/trace/net.py" "$work" right "${mistakes[@]}" || failed=$((failed + 1))
check "the golden trace is what PyTorch records" 0 "no divergence" "$ember" diff "$root/tests/data/trace/golden.npz" right.npz
named() { check "$1" 1 "first divergence: $2" "$ember" diff "$root/tests/data/trace/golden.npz" "$1.npz"; }
named momentum "norm1 (BatchNorm2d), step 0: buffer running_mean"
named eps "norm2 (BatchNorm2d), step 0: output"
named eval "norm1 (BatchNorm2d), step 3: output"
named swap "conv2 (Conv2d), step 0: input"
named relu "norm1 (BatchNorm2d), step 0: input"
named bias "conv2 (Conv2d), step 0: parameter bias"
named padding "conv2 (Conv2d), step 0: output"
named seed "conv1 (Conv2d), step 0: parameter weight"
named lr "conv1 (Conv2d), step 1: update of weight by the optimiser"
named reduction "head.4 (Linear), step 0: gradient of its output"
named order "(root) (Net), step 2: input"
named scale "conv1 (Conv2d), step 0: input"

check "the recorder" 0 "all right" python3 "$root/tests/live/trace_recorder.py" "$work"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

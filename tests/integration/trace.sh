#!/usr/bin/env bash
# Traces: a run that differs by one planted mistake is named at its layer by `ember diff`; sampling and limits; errors; equal runs.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ember="$root/build/release/bin/ember"
golden="$root/tests/data/trace/golden.npz"  # by PyTorch 2.13.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
if ! cmake --install "$root/build/release" --prefix "$work/prefix" >"$work/log" 2>&1 ||
  ! cmake -S "$root/tests/integration/trace" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >>"$work/log" 2>&1 ||
  ! cmake --build "$work/build" >>"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
cd "$work" || exit 1

try() {  # try WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED  $what"
    head -n 12 "$work/out"
  fi
}
train() { build/train "$@"; }
exits() {  # exits STATUS COMMAND...
  local wanted=$1
  shift
  "$@"
  local status=$?
  [ "$status" -eq "$wanted" ] || { echo "exit status $status, expected $wanted" && return 1; }
}
prints() {  # prints TEXT COMMAND...: the output has this text, whatever the status
  local text=$1
  shift
  "$@" >"$work/printed" 2>&1
  grep -qF -- "$text" "$work/printed" || { echo "expected: $text" && cat "$work/printed" && return 1; }
}
named() {  # named MISTAKE HEADLINE: diff exits 1 and names exactly this, against Ember's right run and against PyTorch's
  local right
  EMBER_TRACE="$1.npz" train "$1" >/dev/null || return 1
  for right in right.npz "$golden"; do
    exits 1 "$ember" diff "$right" "$1.npz" >"$work/report" && grep -qxF "first divergence: $2" "$work/report" ||
      { cat "$work/report" && return 1; }
  done
}

EMBER_TRACE=right.npz train >traced
EMBER_TRACE=again.npz train >/dev/null
train >plain
try "a trace changes no number" cmp traced plain
try "equal runs give equal files" cmp right.npz again.npz
try "equal runs do not diverge" exits 0 "$ember" diff right.npz again.npz

try "PyTorch's run does not diverge" exits 0 "$ember" diff right.npz "$golden"

EMBER_TRACE=adam.npz train adam >/dev/null
try "Adam with a bias before a batch norm" exits 0 "$ember" diff adam.npz "${golden%.npz}_adam.npz"
try "... whose drift is named" prints "left out together with what it shifts: conv1 bias" "$ember" diff adam.npz "${golden%.npz}_adam.npz"

try "momentum 0.9" named momentum "norm1 (BatchNorm2d), step 0: buffer running_mean"
try "eps 1e-3" named eps "norm2 (BatchNorm2d), step 0: output"
try "forgotten eval()" named eval "norm1 (BatchNorm2d), step 3: output"
try "... says so" prints "an eval() or a train() is missing" "$ember" diff right.npz eval.npz
try "swapped layers" named swap "conv2 (Conv2d), step 0: input"
try "... says so" prints "right.npz calls it after relu1 (ReLU), swap.npz after norm2 (BatchNorm2d)" "$ember" diff right.npz swap.npz
try "ReLU before the batch norm" named relu "norm1 (BatchNorm2d), step 0: input"
try "missing bias" named bias "conv2 (Conv2d), step 0: parameter bias"
try "wrong padding" named padding "conv2 (Conv2d), step 0: output"
try "different seed" named seed "conv1 (Conv2d), step 0: parameter weight"
try "another learning rate" named lr "conv1 (Conv2d), step 1: update of weight by the optimiser"
try "a sum for a mean" named reduction "head.4 (Linear), step 0: gradient of its output"
try "another order of the data" named order "(root) (Net), step 2: input"
try "other preprocessing" named scale "conv1 (Conv2d), step 0: input"
try "a step after the last layer" named after "(root) (Net), step 0: output"
try "... says so" prints "what its forward does besides them differs" "$ember" diff right.npz after.npz
try "a gradient cut off" named detach "head.1 (Dropout), step 0: gradient of its output"

EMBER_TRACE=sampled.npz EMBER_TRACE_EVERY=2 EMBER_TRACE_ONLY='conv*, head.2' EMBER_TRACE_STEPS=3 train >/dev/null
try "a sample against the whole" exits 0 "$ember" diff right.npz sampled.npz
try "... names what it is" prints "sampled.npz recorded every 2 steps" "$ember" diff right.npz sampled.npz
try "... and of which layers" prints "sampled.npz recorded only conv*, head.2" "$ember" diff right.npz sampled.npz
try "... holds these layers and steps" prints "4 layers, 64 arrays" "$ember" diff right.npz sampled.npz
EMBER_TRACE=short.npz EMBER_TRACE_MAX_BYTES=30000 train >/dev/null 2>warning
try "a limit of size warns" grep -qF "short.npz has reached max_bytes = 30000 in step 0 and is complete" warning
try "... keeps to it" test "$(stat -c %s short.npz)" -le 30000
try "... and what it has is equal" exits 0 "$ember" diff right.npz short.npz
goes_on() {  # goes_on TEXT VARIABLE=VALUE...: one warning, and the run is what it is without
  env "${@:2}" build/train >out.txt 2>warning && cmp out.txt plain && [ "$(wc -l <warning)" -eq 1 ] && grep -qF -- "$1" warning
}
try "no file in a folder that is not there" goes_on "EMBER_TRACE: cannot write none/run.npz: No such file or directory; the run is not recorded" EMBER_TRACE=none/run.npz
try "no number" goes_on "EMBER_TRACE_EVERY: expected a whole number, 1 or more, got x; 1 is used" EMBER_TRACE=x.npz EMBER_TRACE_EVERY=x
try "... nor one out of range" goes_on "EMBER_TRACE_STEPS: expected a whole number, 0 or more, got -3; 0 is used" EMBER_TRACE=x.npz EMBER_TRACE_STEPS=-3
for end in throw exit kill interrupt; do
  # A shell without job control starts what runs behind with SIGINT ignored.
  (EMBER_TRACE=$end.npz env --default-signal=INT build/train $end) >/dev/null 2>&1
  try "what was recorded is there after $end" exits 0 "$ember" diff right.npz $end.npz
  try "... all of it" prints "compared: 2 steps (0 to 1), 14 layers" "$ember" diff right.npz $end.npz
done
EMBER_TRACE=forward.npz train forward >/dev/null 2>warning
try "net.forward(x) is told from net(x)" grep -qF "call the model itself, net(x) and not net.forward(x)" warning
try "... by diff as well" prints "call the model itself, net(x) and not net.forward(x)" "$ember" diff right.npz forward.npz
try "a full disk is reported, and the run goes on" bash -c \
  "trap '' XFSZ; ulimit -f 24; EMBER_TRACE=full.npz build/train >full 2>warning; cmp full plain && grep -qF 'cannot write full.npz: File too large' warning && ! ls ./*full.npz*"

try "a page" exits 1 "$ember" diff right.npz eps.npz --html page.html
try "... that says the same" grep -qF "norm2 (BatchNorm2d), step 0: output" page.html
try "... and needs nothing from outside" bash -c "! grep -qE 'https?://|<script|<link|<img|url\(' page.html"
try "no colours in a pipe" bash -c "! '$ember' diff right.npz eps.npz | grep -q $'\x1b'"
try "... nor with NO_COLOR in a terminal" bash -c "! NO_COLOR=1 script -qec \"'$ember' diff right.npz eps.npz\" /dev/null | grep -q $'\x1b'"
try "the page is there when the table is cut off" bash -c "'$ember' diff right.npz eps.npz --html cut.html 2>&1 | head -n 1 >/dev/null; tail -c 8 cut.html | grep -q '</html>'"
EMBER_TRACE=head.npz EMBER_TRACE_ONLY='head.4' train >/dev/null
EMBER_TRACE=conv.npz EMBER_TRACE_ONLY='conv1' train >/dev/null
try "nothing in common" exits 2 "$ember" diff head.npz conv.npz
try "... says so" prints "nothing was compared: the traces have no array in common" "$ember" diff head.npz conv.npz
try "a name for a module that is not there" prints "--rename: eps.npz has no module stem" "$ember" diff right.npz eps.npz --rename stem=conv1
try "a name for another one" prints "first divergence: conv2 (Conv2d), step 0: parameter weight" "$ember" diff right.npz again.npz --rename conv2=conv3 --rename conv3=conv2
try "a file that is no trace" exits 2 "$ember" diff right.npz "$root/tests/data/io/golden/views.pt"
try "a file that is not there" exits 2 "$ember" diff right.npz nothing.npz
if python3 -c 'import numpy' 2>/dev/null; then
  try "numpy reads it" python3 -c "import numpy; f = numpy.load('right.npz'); assert f['000000/conv1/output'].shape == (5, 3, 6, 6)"
fi

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

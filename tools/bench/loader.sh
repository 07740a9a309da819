#!/usr/bin/env bash
# What the loader costs in a training, and beside copying the bytes and PyTorch's loader. usage: tools/bench/loader.sh MNIST_DIR
# Everything is repeated in turns; the best of each counts. Without PyTorch its line is left out.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mnist=${1:?usage: tools/bench/loader.sh MNIST_DIR}
"$root/tools/build.sh" release loader_cost >&2
bin=$root/build/release/bin/loader_cost
for threads in 1 2; do
  echo "$threads threads for the step, one worker:"
  EMBER_NUM_THREADS=$threads "$bin" "$mnist" cost
done
"$bin" "$mnist" load
python3 -c 'import torch' 2>/dev/null || exit 0
python3 "$root/tools/bench/loader.py" "$bin" "$mnist"

#!/usr/bin/env bash
# The same training in PyTorch and in Ember: equal weights, equal batches, the same losses.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! python3 -c 'import torch' 2>/dev/null; then
  echo "PyTorch is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
exec python3 "$root/tools/parity/train_digits.py"

#!/usr/bin/env bash
# examples/mnist_cnn beside the same script in PyTorch, in turns: accuracy, seconds an epoch, seconds from the shell to the first epoch.
# usage: MNIST_DIR=DIR tests/live/mnist_cnn.sh [EPOCHS]
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! python3 -c 'import torch' 2>/dev/null || [ ! -d "${MNIST_DIR:-}" ]; then
  echo "PyTorch is not installed, or MNIST_DIR names no folder with MNIST (tools/get_data.sh mnist DIR)"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
exec python3 "$root/tests/live/mnist_cnn.py" "$root/build/release/bin/mnist_cnn" "$MNIST_DIR" "${1:-2}"

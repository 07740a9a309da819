#!/usr/bin/env bash
# Loading and saving a large state_dict, beside PyTorch, safetensors and NumPy. usage: tools/bench/files.sh [FOLDER] [MEGABYTES]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! python3 -c 'import torch, safetensors, numpy' 2>/dev/null; then
  echo "PyTorch, safetensors and NumPy are needed to run beside Ember"
  exit 1
fi
"$root/tools/build.sh" release files_peer >&2
exec python3 "$root/tools/bench/files.py" "$root/build/release/bin/files_peer" "$@"

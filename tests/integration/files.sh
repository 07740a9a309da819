#!/usr/bin/env bash
# ember inspect on files made by PyTorch and NumPy: golden ones give the right hashes, hostile ones are refused quickly, in little memory.
# usage: tests/integration/files.sh [EMBER]
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
exec python3 "$root/tests/integration/files.py" "${1:-$root/build/release/bin/ember}" "$root/tests/data/io"

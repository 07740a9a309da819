#!/usr/bin/env bash
# A large suite of comparison cases, made afresh by the PyTorch that is installed; what it knows and Ember leaves out is skipped.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! python3 -c 'import torch' 2>/dev/null; then
  echo "PyTorch is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! python3 "$root/tools/parity/make_cases.py" "$work/suite" --only-supported >"$work/log" 2>&1; then
  tail -n 20 "$work/log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
"$root/build/release/bin/parity_runner" "$work/suite" --strict | grep -E '^FAILED|^unsupported|passed, '
exit "${PIPESTATUS[0]}"

#!/usr/bin/env bash
# Random nested values go from PyTorch through Ember's files and back, bit for bit.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if ! python3 -c 'import torch' 2>/dev/null; then
  echo "PyTorch is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/exchange" <<END
#!/bin/sh
exec "$root/build/release/bin/ember" convert "\$1" "\$2"
END
chmod +x "$work/exchange"
python3 "$root/tests/live/io.py" "$work/exchange" "$work"

#!/usr/bin/env bash
# usage: tools/parity/run.sh DIR [--strict]
# Runs the suite of comparison cases in DIR against Ember (building what changed). Last line: N passed, N failed, N skipped.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,3s/^# //p' "$0"; exit 2; }
if [ -x "$root/tools/build.sh" ]; then
  "$root/tools/build.sh" release >&2
else
  cd "$root" && { [ -f build/release/build.ninja ] || cmake --preset release >&2; } && cmake --build --preset release --target parity_runner >&2 && cd - >/dev/null
fi
exec "$root/build/release/bin/parity_runner" "$@"

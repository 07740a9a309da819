#!/usr/bin/env bash
# usage: tools/parity/run.sh DIR [--strict] [--json FILE]
# Runs the suite of comparison cases in DIR against Ember (building what changed). Last line: N passed, N failed, N skipped.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,3s/^# //p' "$0"; exit 2; }
"$root/tools/build.sh" release parity_runner >&2
exec "$root/build/release/bin/parity_runner" "$@"

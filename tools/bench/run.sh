#!/usr/bin/env bash
# Ember and its peers side by side: tools/bench/run.sh [--json FILE] [--threads N] [--filter REGEX] [--peers LIST]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
"$root/tools/build.sh" release >&2
command -v python3 >/dev/null || { echo "python3 is needed to run the peers side by side"; exit 1; }
exec python3 "$root/tools/bench/run.py" "$@"

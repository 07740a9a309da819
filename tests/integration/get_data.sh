#!/usr/bin/env bash
# tools/get_data.sh with connections that are cut, wrong bytes, missing mirrors and no network.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
command -v curl >/dev/null || { echo "0 passed, 0 failed, 1 skipped"; exit 0; }
python3 "$root/tests/integration/get_data.py" "$root"

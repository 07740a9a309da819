#!/usr/bin/env bash
# Odd tables are read as pandas reads them, or refused with line and column: tests/data/tables, made by make.py there.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python3 "$root/tests/integration/tables.py" "$root/build/release/bin/ember" "$root/tests/data/tables"

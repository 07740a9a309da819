#!/usr/bin/env bash
# The comparison cases that PyTorch 2.13.0 made and that are kept here (tests/parity/golden): each must pass, none be unknown.
# They are made by: tools/parity/make_cases.py tests/parity/golden --limit 2 --max-elements 300 --only-supported
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
"$root/build/release/bin/parity_runner" "$root/tests/parity/golden" --strict | grep -E '^(FAILED|unsupported)|passed, '
exit "${PIPESTATUS[0]}"

#!/usr/bin/env bash
# The comparison cases that PyTorch 2.13.0 made and that are kept here (each folder of tests/parity): each must pass, none be unknown.
# They are made by: tools/parity/make_cases.py tests/parity/golden --limit 2 --max-elements 300 --only-supported
# (limits: with --sources limits alone, what PyTorch just takes and just refuses),
# and those about one part of the names, so that a part can be made again by itself, with --only as well (tests/parity/PART/only.txt).
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
passed=0 failed=0 skipped=0
for suite in "$root"/tests/parity/*/; do
  lines=$("$root/build/release/bin/parity_runner" "$suite" --strict | grep -E '^(FAILED|unsupported)|passed, ')
  read -r p f s < <(tail -n 1 <<<"$lines" | sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p')
  [ -n "${p:-}" ] || { echo "$suite: the runner ended without a count"; p=0 f=1 s=0; }
  head -n -1 <<<"$lines"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$skipped" -eq 0 ]

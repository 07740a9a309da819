#!/usr/bin/env bash
# A run begun in PyTorch goes on in Ember and the reverse, through one file: the curve of losses continues.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/tests/support/program.sh"
build_program resume.cpp
python3 "$root/tests/live/resume.py" "$work/build/resume" "$work"

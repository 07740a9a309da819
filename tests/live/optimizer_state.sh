#!/usr/bin/env bash
# States of optimisers go both ways through files: PyTorch continues a run of Ember's, and Ember one of PyTorch's.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/tests/support/program.sh"
build_program optimizer_state.cpp
python3 "$root/tests/live/optimizer_state.py" "$work/build/optimizer_state" "$work"

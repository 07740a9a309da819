#!/usr/bin/env bash
# Figure 1 of Ioffe & Szegedy in PyTorch and Ember, the same net, rate and seed: loss by loss for 200 steps within 1e-4.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/tests/support/program.sh"
build_program figure_1.cpp
python3 "$root/tests/live/figure_1.py" "$work/build/figure_1" "${MNIST_DIR:-$root/examples/data/mnist_three_greys}"

#!/usr/bin/env bash
# The main job from a bare machine: installs what is missing, builds, trains a small convolutional network with batch norm on
# hand-written digits, and evaluates it with eval(). The last line is `test accuracy: 0.98..`.
# usage: tools/demo.sh [ARGUMENTS OF examples/digits_cnn]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/tools/build.sh" release digits_cnn
exec "$root/build/release/bin/digits_cnn" "$@"

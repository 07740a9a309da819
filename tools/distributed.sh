#!/usr/bin/env bash
# Trains the distributed example on N ranks of this machine. The last line is `test accuracy: 0.98xx`.
# usage: tools/distributed.sh N [ARGUMENT...]      arguments of build/release/bin/distributed: --data FOLDER, --sync, --epochs, ...
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ranks=${1:-2}
[[ $ranks =~ ^[1-9][0-9]*$ ]] || { echo "distributed: expected a number of ranks, got \"$ranks\"" >&2; exit 2; }
shift || true
where=$PWD
cd "$root"
bash tools/setup.sh mpi
tools/build.sh release distributed
cd "$where"
source "$root/tools/mpi.sh"
run_ranks "$ranks" "$root/build/release/bin/distributed" "$@"

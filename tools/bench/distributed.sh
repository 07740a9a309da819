#!/usr/bin/env bash
# Training on two ranks beside two threads and beside PyTorch's DistributedDataParallel, and what follows for more ranks: tools/bench/distributed.sh
# [--seconds S] [--repetitions N] [--json FILE]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bash "$root/tools/setup.sh" mpi
"$root/tools/build.sh" release distributed_peer >&2
exec python3 "$root/tools/bench/distributed.py" "$root/build/release/bin/distributed_peer" "$@"

#!/usr/bin/env bash
# DistributedDataParallel on 2 and 3 ranks beside PyTorch's on gloo.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${BUILD:-$root/build/release}/bin/distributed_beside_pytorch
if ! python3 -c 'import torch.distributed as d, sys; sys.exit(not d.is_gloo_available())' 2>/dev/null || [ ! -x "$program" ]; then
  echo "skipped: PyTorch with gloo, or an MPI, is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
passed=0 failed=0
WORK=$(mktemp -d)
export WORK
trap 'rm -rf "$WORK"' EXIT
launcher=("${EMBER_MPIRUN:-mpirun}")
if "${launcher[0]}" --version 2>/dev/null | grep -q 'Open MPI'; then
  launcher+=(--oversubscribe)
  [ "$(id -u)" -eq 0 ] && launcher+=(--allow-run-as-root)
fi
for ranks in 2 3; do
  if timeout 300 python3 "$root/tests/live/distributed.py" "$ranks" "${launcher[@]}" -n "$ranks" "$program"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED  $ranks ranks"
  fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

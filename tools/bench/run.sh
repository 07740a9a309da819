#!/usr/bin/env bash
# Ember and its peers side by side: tools/bench/run.sh [--json FILE] [--threads N] [--filter REGEX] [--peers LIST] [--isa v3] [--survey SEED COUNT]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
command -v python3 >/dev/null || { echo "python3 is needed to run the peers side by side"; exit 1; }
"$root/tools/build.sh" release ember_peer $([[ " $* " == *" --isa v3 "* ]] && echo bench_probe_v3 || echo bench_probe) >&2

# libtorch lies inside an installed PyTorch; the peer is built once, and left out where that fails.
build=$root/build/libtorch
peer=$root/build/release/bin/libtorch_peer
source=$root/tools/bench/libtorch/libtorch_peer.cpp
if [[ " $* " != *" --survey "* ]] && [[ " $* " != *" --peers "* || "$*" == *libtorch* ]] && { [ ! "$peer" -nt "$source" ] || [ ! "$peer" -nt "$root/tools/bench/clock.h" ]; }; then
  torch=$(python3 -c 'import torch; print(torch.__path__[0])' 2>/dev/null || true)
  if [ -n "$torch" ]; then
    echo "bench: building the libtorch peer" >&2
    mkdir -p "$build"
    cmake -S "$root/tools/bench/libtorch" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTORCH="$torch" \
      -DOUTPUT="$root/build/release/bin" >"$build/log" 2>&1 && cmake --build "$build" >>"$build/log" 2>&1 ||
      echo "bench: the libtorch peer did not build, see $build/log" >&2
  fi
fi
exec python3 "$root/tools/bench/run.py" "$@"

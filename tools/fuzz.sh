#!/usr/bin/env bash
# Fuzzes every reader under the address and undefined-behaviour sanitizers. Exit 0 when nothing was found.
# usage: tools/fuzz.sh [SECONDS per target, 60] [TARGET...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
shift || true
if ! command -v clang++ >/dev/null; then
  echo "fuzz: clang++ is missing (apt-get install clang)"
  exit 1
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(pt safetensors npy npz)

echo "fuzz: building"
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++ -DEMBER_FUZZ=ON -DEMBER_TESTS=OFF \
  -DEMBER_EXAMPLES=OFF -DEMBER_TOOLS=OFF -DEMBER_SYSTEM_ALLOCATOR=ON -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g" \
  -DCMAKE_CXX_FLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" >/dev/null
cmake --build build/fuzz --target "${targets[@]/#/fuzz_}" | tail -n 1

found=0
for target in "${targets[@]}"; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  case $target in
    npy | npz | safetensors) seeds=(tests/data/io/{golden,hostile}/*."$target") ;;
    pt) seeds=(tests/data/io/{golden,hostile}/*) ;;
  esac
  for seed in "${seeds[@]}"; do
    [ "$(stat -c %s "$seed")" -gt 65536 ] || cp "$seed" "$corpus/$(basename "$(dirname "$seed")")_$(basename "$seed")"
  done
  echo "fuzz: $target for $seconds s"
  build/fuzz/bin/fuzz_"$target" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -timeout=10 -verbosity=1 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/"$target"_ "$corpus" >build/fuzz/"$target".log 2>&1 || found=1
  grep -E "^SUMMARY|ERROR|average_exec_per_sec|number_of_executed" build/fuzz/"$target".log || true
  grep -oE "cov: [0-9]+ ft: [0-9]+" build/fuzz/"$target".log | tail -n 1
done
[ $found -eq 0 ] && echo "fuzz: nothing was found" || echo "fuzz: something was found, see build/fuzz/*.log"
exit $found

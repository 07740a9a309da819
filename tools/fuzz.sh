#!/usr/bin/env bash
# Fuzzes every reader under the address and undefined-behaviour sanitizers. Exit 0 when nothing was found.
# usage: tools/fuzz.sh [SECONDS per target, 60] [TARGET...]      pt, safetensors, npy, npz
#
# The readers (src/io) and the allocator are compiled by clang with its checks; the rest of the library is the release build. Seeds are
# the golden and hostile files of tests/data/io; what was found once lies there, too. build/fuzz keeps the corpus and the logs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:-60}
shift || true
if ! command -v clang++ >/dev/null; then
  echo "fuzz: clang++ is missing (apt-get install clang libclang-rt-14-dev)"
  exit 1
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(pt safetensors npy npz)

tools/build.sh release ember
echo "fuzz: compiling the readers with checks"
objects=build/fuzz/objects
mkdir -p "$objects"
flags="-std=c++20 -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
  -DEMBER_ZLIB -DEMBER_SYSTEM_ALLOCATOR -Iinclude -Isrc -Itests"
for source in src/io/*.cpp src/runtime/allocator.cpp; do
  echo "$source $objects/$(basename "$source" .cpp).o"
done | xargs -P "$(nproc)" -L 1 sh -c 'clang++ $0 -c "$1" -o "$2"' "$flags"
for target in "${targets[@]}"; do
  # shellcheck disable=SC2086
  clang++ $flags -fsanitize=fuzzer tests/fuzz/"$target".cpp "$objects"/*.o build/release/lib/libember.a -lfmt -lz -o build/fuzz/fuzz_"$target"
done
echo "fuzz: the ember command with checks, on the files of tests/data/io"
# shellcheck disable=SC2086
clang++ $flags tools/ember/*.cpp "$objects"/*.o build/release/lib/libember.a -lfmt -lz -o build/fuzz/ember
tests/integration/files.sh build/fuzz/ember

found=0
for target in "${targets[@]}"; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus"
  case $target in
    npy | npz | safetensors) seeds=(tests/data/io/{golden,hostile,world}/*."$target") ;;
    pt) seeds=(tests/data/io/{golden,hostile,world}/*.pt) ;;
  esac
  for seed in "${seeds[@]}"; do
    [ "$(stat -c %s "$seed")" -gt 65536 ] || cp "$seed" "$corpus/$(basename "$(dirname "$seed")")_$(basename "$seed")"
  done
  echo "fuzz: $target for $seconds s"
  build/fuzz/fuzz_"$target" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=1024 -timeout=60 -verbosity=1 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/"$target"_ "$corpus" >build/fuzz/"$target".log 2>&1 || found=1
  grep -E "^SUMMARY|ERROR|average_exec_per_sec|number_of_executed" build/fuzz/"$target".log || true
  grep -oE "cov: [0-9]+ ft: [0-9]+" build/fuzz/"$target".log | tail -n 1
done
[ $found -eq 0 ] && echo "fuzz: nothing was found" || echo "fuzz: something was found, see build/fuzz/*.log"
exit $found

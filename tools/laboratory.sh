#!/usr/bin/env bash
# Runs every experiment of the batch-norm laboratory and makes laboratory.md with its figures. With MNIST from --data or EMBER_DATA, or with
# the images that come with the source (all of MNIST, in three greys). Last line: N of N experiments within their bands, T s.
# usage: tools/laboratory.sh [--out DIR] [--data DIR] [--seed N] [NAME...]      DIR is docs unless given; NAME: only these experiments
set -euo pipefail
called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD out=docs data=() seed=0 names=()
from_caller() { (cd "$called_from" && realpath -m "$1"); }
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$(from_caller "$2"); shift ;;
    --data) data=(--data "$(from_caller "$2")"); shift ;;
    --seed) seed=$2; shift ;;
    -*) echo "laboratory: unknown option $1; see the head of tools/laboratory.sh" >&2; exit 2 ;;
    *) names+=("$1") ;;
  esac
  shift
done

# The ten of the lesson, in its order, then what belongs to them.
all=(figure_1 which_rates forgotten_eval batch_size momentum depth other_light distribution along_the_gradient zero_gamma
  by_hand bad_weights scale_invariance small_cnn ghost folding)
[ ${#names[@]} -eq 0 ] && names=("${all[@]}")
bin=$root/build/release/bin/batch_norm
tools/build.sh release "${all[@]/#/batch_norm_}"

pictures=$out/laboratory
mkdir -p "$pictures"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
started=$(date +%s%N)

# One thread each, as many at a time as there are cores: nets this small gain little from sharing one.
experiment() {
  local name=$1 status=0
  "$bin/$name" --threads 1 --seed "$seed" --out "$work" "${data[@]}" >"$work/$name.log" 2>&1 || status=$?
  echo "$status" >"$work/$name.status"
  if [ "$status" -eq 0 ]; then
    echo "laboratory: $name $(tail -n 1 "$work/$name.log")"
  else
    echo "laboratory: $name: OUTSIDE ITS BAND, or failed (status $status)"
    sed 's/^/    /' "$work/$name.log"
  fi
}
cores=$(nproc)
for name in "${names[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$cores" ]; do wait -n; done
  experiment "$name" &
done
wait

{
  echo "# The laboratory"
  echo
  echo "Every claim about batch norm of [the lesson](../lessons/batch_norm.md) as an experiment that runs in seconds: its figures beside those that PyTorch 2.13"
  echo "gave for the same recipe (seed 0, on the original images), the band that a test asks for, a figure, and what to conclude. \`tools/laboratory.sh\`"
  echo "makes this document; the programs are in [examples/batch_norm](../examples/batch_norm)."
  for name in "${names[@]}"; do
    echo
    cat "$work/$name.md" 2>/dev/null || echo "## $name: failed"
  done
} >"$work/laboratory.md"
cp "$work"/*.svg "$pictures/" 2>/dev/null || true
cp "$work/laboratory.md" "$out/laboratory.md"

good=$(cat "$work"/*.status | grep -cx 0 || true)
awk -v good="$good" -v all="${#names[@]}" -v took=$((($(date +%s%N) - started) / 1000000)) \
  'BEGIN { printf "%d of %d experiments within their bands, %.1f s\n", good, all, took / 1000 }'
[ "$good" -eq "${#names[@]}" ]

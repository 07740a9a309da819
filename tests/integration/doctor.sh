#!/usr/bin/env bash
# EMBER_DOCTOR=1 on programs without a change to them: healthy ones get no word, those with a planted fault the right one.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$root/build/release/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
cd "$work" || exit 1

# hears PROGRAM FINDING...: exactly these, in any order
hears() {
  local program=$1 heard wanted
  shift
  heard=$(EMBER_DOCTOR=1 timeout 250 "$bin/$program" 2>&1 | sed -nE 's/^Warning: doctor: .*, ([a-z_0-9]+)\]$/\1/p' | sort -u | xargs)
  wanted=$(printf '%s\n' "$@" | sort -u | xargs)
  if [ "$heard" = "$wanted" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED  $program: heard \"$heard\", expected \"$wanted\""
  fi
}
for healthy in digits_mlp spiral dcgan batch_norm/distribution batch_norm/along_the_gradient batch_norm/scale_invariance batch_norm/depth; do hears "$healthy"; done
hears digits_cnn evaluation_in_training_mode statistics_moved_by_evaluation  # its last lines show the pitfall
hears batch_norm/forgotten_eval evaluation_in_training_mode statistics_moved_by_evaluation
hears batch_norm/small_cnn evaluation_in_training_mode one_sample_without_eval statistics_moved_by_evaluation
EMBER_DOCTOR=$work timeout 100 "$bin/batch_norm/forgotten_eval" >/dev/null 2>&1
if [ "$(grep -c '"kind":"fault"' "$work/doctor.jsonl")" -ge 2 ]; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED  doctor.jsonl"; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Networks exported to ONNX: checked by onnx.checker, run by onnxruntime on another batch, compared with Ember; what cannot be exported is refused by name.
# usage: tests/integration/onnx.sh [--all]      --all: the large networks, too, and the table of docs/onnx.md (1.5 GB of files)
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export_program=$root/build/release/bin/onnx_export
skip() {
  echo "skipped ONNX: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}
[ -x "$export_program" ] || skip "this build has no protobuf or no ONNX (tools/setup.sh onnx installs them)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
refused=0 bad=0
"$export_program" "$work" | tee "$work/log" || bad=1
if [ "${1:-}" = --all ]; then
  for name in resnet32 resnet56 resnet34 resnet50 vgg11_bn vgg16_bn; do "$export_program" "$work" "$name" | tee -a "$work/log" || bad=$((bad + 1)); done
fi
refused=$(grep -c '^ok ' "$work/log")
bad=$((bad + $(grep -c '^FAILED' "$work/log")))
if "$root/build/release/bin/ember" export lenet - "$work/by_command.onnx" >"$work/log" 2>&1 && [ -s "$work/by_command.onnx" ]; then
  refused=$((refused + 1))
  rm "$work/by_command.onnx"
else
  bad=$((bad + 1))
  cat "$work/log"
  echo "FAILED  ember export"
fi
if ! python3 -c 'import onnx, onnxruntime' 2>/dev/null; then
  echo "skipped the files: onnx and onnxruntime are not installed (pip install onnx onnxruntime)"
  echo "$refused passed, $bad failed, 1 skipped"
  [ "$bad" -eq 0 ]
  exit
fi
options=()
[ "${1:-}" = --all ] && options=(--table)
result=$(cd "$work" && python3 "$root/tests/integration/onnx_files.py" "$work" "${options[@]}")
echo "$result" | sed '$d'
passed=$(echo "$result" | tail -n 1 | sed -E 's/^([0-9]+) passed.*/\1/')
failed=$(echo "$result" | tail -n 1 | sed -E 's/.* ([0-9]+) failed.*/\1/')
echo "$((passed + refused)) passed, $((failed + bad)) failed, 0 skipped"
[ $((failed + bad)) -eq 0 ]

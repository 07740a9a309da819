#!/usr/bin/env bash
# The scripts themselves: they parse, they run from any folder, and a second set-up changes nothing.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
passed=0 failed=0
try() {
  local what=$1
  shift
  if "$@" >/dev/null 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED  $what"; fi
}
while IFS= read -r script; do
  try "$script parses" bash -n "$script"
  try "$script may be executed" test -x "$script"
done < <(find "$root/tools" "$root/tests" "$root/.ci" -name '*.sh' -o -path '*/.ci/run')
try "set-up is silent when everything is there" bash -c "cd / && [ -z \"\$('$root/tools/setup.sh' 2>&1)\" ]"
try "the demo's accuracy is a number in 0..1" bash -c \
  "[ ! -e '$root/build/release/bin/digits_cnn' ] || (cd / && '$root/tools/demo.sh' | tail -n 1 | grep -qE '^test accuracy: (0\.[0-9]+|1\.0+)$')"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

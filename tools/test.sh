#!/usr/bin/env bash
# All tests that need no sanitizer. The last line is `N passed, N failed, N skipped`; exit 0 only when none failed.
# usage: tools/test.sh [PRESET]      another preset runs its Catch2 tests only; tsan those of tests/threads
# TEST_SECONDS=N in the environment: no suite of tests/live begins after N seconds; those left out count as skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

# Counts a suite by the closing line of its output, which is in $log; a suite without one has failed as a whole.
count_suite() {  # count_suite NAME STATUS
  local line
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
  if [ -z "$line" ]; then
    echo "test: $1 ended with status $2 and no count"
    failed=$((failed + 1))
    return
  fi
  local p f s
  read -r p _ f _ s _ <<<"$line"
  [ "$2" -ne 0 ] && [ "$f" -eq 0 ] && f=1
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# Catch2 closes with "All tests passed (5 assertions in 2 test cases)" or "test cases: 3 | 2 passed | 1 failed".
count_catch() {  # count_catch STATUS
  local all summary
  all=$(sed -nE 's/^All tests passed \(.* in ([0-9]+) test cases?\)$/\1/p' "$log" | tail -n 1)
  summary=$(grep -E '^test cases: ' "$log" | tail -n 1)
  number() { sed -nE "s/.*[^0-9]([0-9]+) $1.*/\1/p" <<<"$summary"; }
  if [ -n "$all" ]; then
    passed=$((passed + all))
  elif [ -n "$summary" ]; then
    local p f s
    p=$(number passed) f=$(number failed) s=$(number skipped)
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
  else
    echo "test: the tests ended with status $1 before its end"
    failed=$((failed + 1))
    return
  fi
  [ "$1" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
}

tools/setup.sh tests || { failed=1; finish; }
tests=ember_tests targets=()
[ "$preset" = tsan ] && tests=thread_tests
[ "$preset" = release ] || targets=("$tests")
if ! tools/build.sh "$preset" "${targets[@]}"; then
  echo "test: the build failed"
  failed=1
  finish
fi

echo "test: unit tests"
"build/$preset/bin/$tests" 2>&1 | tee "$log"
count_catch "${PIPESTATUS[0]}"
if [ "$preset" = release ]; then
  for suite in tests/house/*.sh tests/integration/*.sh tests/live/*.sh; do
    [ -x "$suite" ] || continue
    if [[ $suite == tests/live/* && $SECONDS -ge ${TEST_SECONDS:-86400} ]]; then
      echo "test: no time left for $suite after $SECONDS s"
      skipped=$((skipped + 1))
      continue
    fi
    echo "test: $suite"
    "$suite" 2>&1 | tee "$log"
    count_suite "$suite" "${PIPESTATUS[0]}"
  done
fi
finish

#!/usr/bin/env bash
# Ember is installed into a folder of its own and used from there by a project that knows only find_package(Ember). The same
# project configures with FetchContent on the source folder.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

try() {  # try WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $what"
  else
    failed=$((failed + 1))
    tail -n 20 "$work/log"
    echo "FAILED  $what"
  fi
}

try "installs" cmake --install "$root/build/release" --prefix "$work/prefix"
# The installed tree has to work wherever it stands.
mv "$work/prefix" "$work/moved" 2>/dev/null
try "find_package(Ember) configures" cmake -S "$root/tests/integration/consume" -B "$work/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_BUILD_TYPE=Release
try "a program builds against it" cmake --build "$work/build"
try "and trains a line" "$work/build/consume"
try "nothing installed names the source folder" bash -c "! grep -rl --include=*.cmake --include=*.h '$root' '$work/moved'"
try "FetchContent on the source folder configures" cmake -S "$root/tests/integration/consume" -B "$work/fetch" -G Ninja \
  -DEMBER_SOURCE="$root" -DCMAKE_BUILD_TYPE=Release
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

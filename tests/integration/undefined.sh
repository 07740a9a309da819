#!/usr/bin/env bash
# Every public function and method, as the headers declare them, refuses an undefined tensor by its name.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if python3 "$here/undefined.py" "$root/include" >"$work/calls.cpp" &&
  "${CXX:-c++}" -std=c++20 -w -fmax-errors=5 -I"$root/include" "$work/calls.cpp" "$root/build/release/lib/libember.a" -lfmt -lz -lpthread -o "$work/calls"; then
  timeout 60 "$work/calls" || { status=$?; [ "$status" -eq 1 ] || { echo "FAILED  the calls ended with status $status"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }; exit 1; }
else
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi

#!/usr/bin/env bash
# The guides are true: the programs of docs/cookbook.md and docs/seeing.md compile and print what stands behind them.
# usage: guides.sh [--write]      --write: puts what they print into the guides
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
# What programs that use the library are linked with, as the build says.
link=$(grep -o 'LINK_LIBRARIES = .*' "$root/build/release/build.ninja" | grep -m 1 'lib/libember.a' |
  sed "s#LINK_LIBRARIES = ##; s#lib/libember.a#$root/build/release/lib/libember.a#")
for guide in cookbook seeing; do
  [ -e "$root/docs/$guide.md" ] || continue
  mkdir -p "$work/$guide"
  if python3 "$root/tests/integration/guides.py" program "$root/docs/$guide.md" "$work/$guide.cpp" &&
    "${CXX:-c++}" -std=c++20 -O1 -I"$root/include" "$work/$guide.cpp" $link -lpthread -o "$work/$guide/program" 2>"$work/log" &&
    (cd "$work/$guide" && timeout 120 ./program >"$work/printed" 2>"$work/log"); then
    [ "${1:-}" = --write ] && python3 "$root/tests/integration/guides.py" write "$root/docs/$guide.md" "$work/printed"
    python3 "$root/tests/integration/guides.py" compare "$root/docs/$guide.md" "$work/printed" >"$work/report"
    grep -v ' passed, ' "$work/report"
    counts=$(tail -n 1 "$work/report")
    passed=$((passed + ${counts%% *}))
    counts=${counts#*, }
    failed=$((failed + ${counts%% *}))
  else
    tail -n 30 "$work/log"
    echo "FAILED  docs/$guide.md"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

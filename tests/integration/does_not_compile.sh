#!/usr/bin/env bash
# Programs that shall not compile, and what the compiler's first line of error says instead: each `#if PROGRAM == N  // says: TEXT` of
# tests/misuse/does_not_compile/*.cpp. Without PROGRAM the rest of the file compiles.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=${CXX:-c++}

# The headers are read once. A compiler that knows no .gch takes them from include/.
mkdir -p "$work/ember"
"$compiler" -std=c++20 -w -I"$root/include" -x c++-header "$root/include/ember/ember.h" -o "$work/ember/ember.h.gch" || exit 1

compile() { "$compiler" -std=c++20 -fsyntax-only -fmax-errors=1 -I"$work" -I"$root/include" "$@" 2>&1; }

try() {  # try FILE [PROGRAM TEXT]: prints one line, "ok ..." or "FAILED ..."
  local file=$1 name=${1##*/} message
  if [ $# -eq 1 ]; then
    if message=$(compile "$file"); then echo "ok      $name without its programs"; else echo "FAILED  $name does not compile: $message"; fi
    return
  fi
  if message=$(compile -DPROGRAM="$2" "$file"); then
    echo "FAILED  $name, program $2 compiles"
  elif message=$(grep -m1 'error:' <<<"$message") && [[ $message == *"$3"* ]]; then
    echo "ok      $name, program $2: $3"
  else
    echo "FAILED  $name, program $2: expected '$3', got: $message"
  fi
}
export -f try compile
export compiler root work

for file in "$root"/tests/misuse/does_not_compile/*.cpp; do
  printf '%s\0' "$file" >>"$work/list"
  sed -nE 's/^#(el)?if PROGRAM == ([0-9]+)  \/\/ says: (.*)$/\2 \3/p' "$file" | while read -r number text; do
    printf '%s\t%s\t%s\0' "$file" "$number" "$text" >>"$work/list"
  done
done
one() { IFS=$'\t' read -r -a parts <<<"$1"; try "${parts[@]}"; }
export -f one
xargs -0 -P 2 -I{} bash -c 'one "$1"' _ {} <"$work/list" | sort -V >"$work/log"
cat "$work/log"
passed=$(grep -c '^ok' "$work/log") failed=$(grep -vc '^ok' "$work/log")
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

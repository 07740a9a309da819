#!/usr/bin/env bash
# The house rules: one-way includes, no weak symbols in kernel objects, short files, light and self-contained public headers, documents
# that are kept.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
passed=0 failed=0 skipped=0

try() {  # try WHAT COMMAND...: the command prints what is wrong
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok      $what"
  else
    failed=$((failed + 1))
    echo "FAILED  $what"
  fi
}

# Inline code shared between instruction sets would let the linker put AVX-512 instructions where an old machine runs them.
no_weak_symbols() {
  local bad=0 object symbols
  while IFS= read -r object; do
    symbols=$(nm -C "$object" | grep -E '^[0-9a-f]* [VWu] ')
    [ -n "$symbols" ] && echo "$object: $symbols" && bad=1
  done < <(find "$root/build/release/CMakeFiles" -path '*ember_kernels_*' -name '*.o')
  return $bad
}

short_files() {
  local bad=0 file lines
  while IFS= read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -gt 400 ] && echo "$file has $lines lines: two things live in it" && bad=1
  done < <(find "$root/include" "$root/src" "$root/tests" "$root/examples" "$root/tools" -name '*.cpp' -o -name '*.h' -o -name '*.py' \
    -o -name '*.sh')
  return $bad
}

self_contained_headers() {
  local bad=0 header
  while IFS= read -r header; do
    echo "#include <$header>" | "${CXX:-c++}" -std=c++20 -fsyntax-only -Wall -I"$root/include" -x c++ - || bad=1
  done < <(cd "$root/include" && find ember -name '*.h' | sort)
  return $bad
}

# Rooms that not every script needs have lists of their own: ember/train.h lists ember/train/*.h.
complete_list() {
  local bad=0 header room lists
  while IFS= read -r header; do
    room=include/${header%/*}.h
    lists=("$root/include/ember/ember.h")
    [ -e "$root/$room" ] && lists+=("$root/$room")
    [ -e "$root/include/${header%.h}" ] && continue  # a list itself
    grep -qF "#include <$header>" "${lists[@]}" || { echo "${lists[*]#"$root"/include/} lacks $header" && bad=1; }
  done < <(cd "$root/include" && find ember -name '*.h' ! -name ember.h ! -name tensor_impl.h ! -path '*/io/contents.h')
  return $bad
}

# The processor's time, so that other work on the machine does not count; the minimum of three.
compile_time() {
  local best=999999 took TIMEFORMAT='%U %S'
  for _ in 1 2 3; do
    took=$({ time "${CXX:-c++}" -std=c++20 -O2 -I"$root/include" -c "$here/thirty_lines.cpp" -o /dev/null 2>&3; } 3>&2 2>&1 |
      awk '{ printf "%d", ($1 + $2) * 1000 }')
    [ -n "$took" ] && [ "$took" -gt 0 ] || return 1
    [ "$took" -lt "$best" ] && best=$took
  done
  echo "a training script of thirty lines compiles in $best ms of processor time"
  [ "$best" -le "${EMBER_COMPILE_MS:-1500}" ]
}

try "includes go one way" python3 "$here/includes.py" "$root"
try "kernel objects emit no weak symbols" no_weak_symbols
try "no file is longer than 400 lines" short_files
try "public headers stand alone" self_contained_headers
try "ember.h, or the list of its room, lists every header" complete_list
try "a training script compiles quickly" compile_time
try "every statement about batch norm has a test" python3 "$here/statements.py" "$root"
try "every differentiable function is in the gradcheck table" python3 "$here/gradcheck_rows.py" "$root"
try "every public function has a docstring" python3 "$here/docstrings.py" "$root"
try "no two headers share a name or nearly so" python3 "$here/headers.py" "$root"
try "every file opens with a sentence" python3 "$here/openings.py" "$root"
try "what is owned has an owner" python3 "$here/ownership.py" "$root"
try "the walk fits an afternoon" python3 "$here/walk.py" "$root"
try "the sources are formatted" "$root/tools/format.sh" --check
try "links of the documents lead to files" python3 "$here/links.py" "$root"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

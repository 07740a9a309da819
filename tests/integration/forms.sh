#!/usr/bin/env bash
# Lines as people who come from PyTorch or libtorch type them. tests/integration/forms/*.txt has one a line, in one of two forms:
#   LINE  =>  EXPRESSION  =>  VALUE     compiles; after it the expression prints as this
#   LINE  =>  says  =>  TEXT            does not compile, and the compiler's first line of error has this text
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=${CXX:-c++}
libraries=("$root/build/release/lib/libember.a" -lfmt -lz -lpthread)
passed=0 failed=0
ok() { passed=$((passed + 1)) && echo "ok      $1"; }
bad() { failed=$((failed + 1)) && echo "FAILED  $1"; }

# What every line finds: a user's program in the middle of its work.
printf '#include <ember/ember.h>\n#include <iostream>\nusing namespace ember;\n' >"$work/prologue.h"
"$compiler" -std=c++20 -w -I"$root/include" -x c++-header "$work/prologue.h" -o "$work/prologue.h.gch" || exit 1
before='Tensor x = arange(96.f).reshape({2, 3, 4, 4}), y = tensor({0, 1}); nn::Linear lin(4, 2); nn::BatchNorm2d bn(3);'
before+=' nn::Sequential net{nn::Linear(4, 2)}; optim::SGD opt(net.parameters(), {.lr = 0.1});'

# A function for each line that compiles; what it prints stands between marks.
for file in "$root"/tests/integration/forms/*.txt; do
  name=$(basename "$file" .txt)
  awk -F '  =>  ' -v before="$before" '
    BEGIN { print "#include \"prologue.h\"" }
    NF == 3 && $2 != "says" { printf "static void form_%d() { %s %s std::cout << (%s); }\n", ++n, before, $1, $2 }
    END {
      print "int main() {"
      for (i = 1; i <= n; ++i) printf "  try { form_%d(); } catch (const std::exception& e) { std::cout << e.what(); } std::cout << \"\\n<>\\n\";\n", i
      print "}"
    }' "$file" >"$work/$name.cpp"
  : >"$work/$name.out"
  if "$compiler" -std=c++20 -I"$work" -I"$root/include" "$work/$name.cpp" "${libraries[@]}" -o "$work/$name" 2>"$work/log"; then
    (cd "$work" && timeout 60 "./$name" >"$name.out")
  else
    bad "$name: $(grep -m1 'error:' "$work/log")"
    sed -n 1,12p "$work/log"
  fi
  at=0
  while IFS= read -r text; do
    [[ $text == *'  =>  '* ]] || continue
    line=${text%%'  =>  '*} rest=${text#*'  =>  '}
    how=${rest%%'  =>  '*} want=${rest#*'  =>  '}
    if [ "$how" = says ]; then
      printf '#include "prologue.h"\nint main() { %s %s }\n' "$before" "$line" >"$work/one.cpp"
      if message=$("$compiler" -std=c++20 -fsyntax-only -fmax-errors=1 -I"$work" -I"$root/include" "$work/one.cpp" 2>&1); then
        bad "$line: compiles"
      elif message=$(grep -m1 'error:' <<<"$message") && [[ $message == *"$want"* ]]; then
        ok "$line"
      else
        bad "$line: expected '$want', got: $message"
      fi
      continue
    fi
    at=$((at + 1))
    got=$(awk -v at="$at" 'BEGIN { n = 1 } /^<>$/ { ++n; next } n == at' "$work/$name.out" | tr '\n' ' ' | sed 's/ *$//; s/  */ /g')
    if [ "$got" = "$want" ]; then ok "$line"; else bad "$line: expected '$want', got '$got'"; fi
  done <"$file"
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]

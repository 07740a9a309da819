#!/usr/bin/env bash
# Formats the C++ sources with clang-format 20 (`pip install clang-format==20.1.8`), or, with --check, says which are not formatted.
# usage: tools/format.sh [--check] [FOLDER...]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rooms=(include src tests examples tools)
check=0
[ "${1:-}" = --check ] && check=1 && shift
[ $# -gt 0 ] && rooms=("$@")
tool=$(command -v clang-format-20 || command -v clang-format)
if [ -z "$tool" ] || ! "$tool" --version | grep -q 'version 20\.'; then  # other versions break lines elsewhere
  echo "format: clang-format 20 is not installed: pip install clang-format==20.1.8"
  exit 0
fi
mapfile -t files < <(git ls-files -co --exclude-standard "${rooms[@]}" | grep -E '\.(h|cpp)$')
if [ "$check" -eq 0 ]; then
  "$tool" -i "${files[@]}"
  exit
fi
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 40 "$tool" --dry-run --Werror --ferror-limit=1 2>&1 | sed -n 's/^\([^:]*\):.*clang-format-violations.*/\1 is not formatted: tools\/format.sh \1/p' | sort -u | tee /dev/stderr | wc -l | grep -qx 0

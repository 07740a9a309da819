#!/usr/bin/env bash
# Formats the sources with clang-format 14, or, with --check, says which files of the rooms below are not formatted.
# usage: tools/format.sh [--check] [FOLDER...]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rooms=(src/runtime)  # formatted as a whole; a room that has been joins them here
check=0
[ "${1:-}" = --check ] && check=1 && shift
[ $# -gt 0 ] && rooms=("$@")
tool=$(command -v clang-format-14 || command -v clang-format)
if [ -z "$tool" ] || ! "$tool" --version | grep -q 'version 14'; then  # other versions break lines elsewhere
  echo "format: clang-format 14 is not installed"
  exit 0
fi
mapfile -t files < <(git ls-files -co --exclude-standard "${rooms[@]}" | grep -E '\.(h|cpp)$')
if [ "$check" -eq 0 ]; then
  "$tool" -i "${files[@]}"
  exit
fi
bad=0
for file in "${files[@]}"; do
  "$tool" "$file" | cmp -s - "$file" || { echo "$file is not formatted: tools/format.sh $file" && bad=1; }
done
exit $bad

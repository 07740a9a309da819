#!/usr/bin/env bash
# Ember is installed into a folder of its own and used from there: by find_package(Ember), by pkg-config, by its examples. It is built as a
# shared library, and with FetchContent inside a project that gives no build type. The trial builds have one instruction set.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
consume=$root/tests/integration/consume
isa=v2
grep -q avx2 /proc/cpuinfo && isa=v3
launcher=()
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
unset CMAKE_BUILD_TYPE

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
has() { [ -e "$1" ] || { echo "no $1"; return 1; }; }
below() { [ "$(stat -c %s "$1")" -lt "$2" ] || { echo "$1 has $(stat -c %s "$1") bytes"; return 1; }; }

# --- static, installed
try "installs" cmake --install "$root/build/release" --prefix "$work/prefix"
# The installed tree has to work wherever it stands.
mv "$work/prefix" "$work/moved" 2>/dev/null
installed=$work/moved
for file in bin/ember share/doc/Ember/LICENSE share/doc/Ember/docs/files.md share/doc/Ember/examples/digits_cnn.cpp include/ember/version.h; do
  try "it has $file" has "$installed/$file"
done
try "the installed command runs" "$installed/bin/ember" info
try "find_package(Ember) configures" cmake -S "$consume" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$installed" -DCMAKE_BUILD_TYPE=Release
try "a program builds against it" cmake --build "$work/build"
try "and trains a line" "$work/build/consume"
try "nothing installed names the source folder" bash -c "! grep -rlI '$root' '$installed'"
try "an example builds outside the tree" bash -c "cmake -S '$installed/share/doc/Ember/examples' -B '$work/examples' -G Ninja -DCMAKE_PREFIX_PATH='$installed' && cmake --build '$work/examples' --target spiral"

# --- pkg-config
pc() { PKG_CONFIG_PATH=$(dirname "$(find "$1" -name ember.pc)") pkg-config --cflags --libs ember; }
if command -v pkg-config >/dev/null; then
  try "g++ main.cpp \$(pkg-config --cflags --libs ember) links" bash -c "${CXX:-c++} '$consume/main.cpp' $(pc "$installed") -o '$work/by_pc' && '$work/by_pc'"
  try "a program of thirty lines links" bash -c "${CXX:-c++} -O2 '$root/tests/house/thirty_lines.cpp' $(pc "$installed") -o '$work/thirty' && strip '$work/thirty'"
  echo "        it has $(stat -c %s "$work/thirty") bytes"
  try "and has less than 3.6 MB" below "$work/thirty" 3600000
else
  skipped=$((skipped + 2))
  echo "skipped pkg-config is not installed"
fi

# --- shared
try "a shared library configures" cmake -S "$root" -B "$work/shared" -G Ninja -DBUILD_SHARED_LIBS=ON -DEMBER_ISAS=$isa -DEMBER_TESTS=OFF -DEMBER_EXAMPLES=OFF \
  -DEMBER_MPI=OFF -DEMBER_ONNX=OFF -DEMBER_TOOLS=OFF -DCMAKE_CXX_FLAGS_RELEASE=-O2 -DCMAKE_INSTALL_PREFIX="$work/so" "${launcher[@]}"
try "without a build type it is optimised" grep -q '^CMAKE_BUILD_TYPE:STRING=Release' "$work/shared/CMakeCache.txt"
try "it builds and installs" cmake --build "$work/shared" --target install
so=$(find "$work/so" -name 'libember.so.*.*.*')
try "its name carries the version" bash -c "readelf -d '$so' | grep -q 'SONAME.*libember.so.0.1'"
try "it shows nothing but namespace ember" bash -c "! nm -DC --defined-only '$so' | grep -vE ' ember::|ember.*(typeinfo|vtable)|(typeinfo|vtable|thunk|guard|VTT|TLS).* ember::' | grep -v ' A '"
try "the kernels stay inside" bash -c "! nm -DC --defined-only '$so' | grep -q 'kernels::v[234]::'"
try "a program links to it by pkg-config, with hidden symbols of its own" bash -c "${CXX:-c++} -fvisibility=hidden '$consume/main.cpp' $(pc "$work/so") -Wl,-rpath,'$(dirname "$so")' -o '$work/by_so' && '$work/by_so'"
try "and catches its errors" bash -c "${CXX:-c++} -fvisibility=hidden '$consume/catch.cpp' $(pc "$work/so") -Wl,-rpath,'$(dirname "$so")' -o '$work/catches' && '$work/catches'"

# --- FetchContent, without a build type
try "FetchContent on the source folder configures" cmake -S "$consume" -B "$work/fetch" -G Ninja -DEMBER_SOURCE="$root" -DEMBER_ISAS=$isa -DCMAKE_EXPORT_COMPILE_COMMANDS=ON
try "Ember is optimised there" bash -c "grep '\"command\"' '$work/fetch/compile_commands.json' | grep '/src/nn/linear.cpp' | grep -q -- ' -O[23]'"
try "the project's own sources are built as it says" bash -c "! grep '\"command\"' '$work/fetch/compile_commands.json' | grep 'consume/main.cpp' | grep -q -- ' -O[23]'"
try "and see Ember's headers as those of a system" bash -c "grep '\"command\"' '$work/fetch/compile_commands.json' | grep 'consume/main.cpp' | grep -q -- '-isystem [^ ]*/include'"
try "Ember is not installed with it" bash -c "cmake --install '$work/fetch' --prefix '$work/nothing'; ! find '$work/nothing' -name '*ember*' 2>/dev/null | grep -q ."
try "a wrong EMBER_ISAS is refused" bash -c "cmake -S '$root' -B '$work/wrong' -DEMBER_ISAS=v9 2>&1 | grep -q 'expected some of'"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

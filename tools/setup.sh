#!/usr/bin/env bash
# Checks for what Ember is built with and installs what is missing through apt. Quiet and offline when everything is there.
# usage: tools/setup.sh [tests|mpi|onnx]      tests: also what only tests/house needs; mpi: also Open MPI, unless another MPI is there; onnx: also protobuf and ONNX
set -euo pipefail

what=${1:-}
missing=()
need() {  # need PACKAGE COMMAND...: the package is wanted unless the command succeeds
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
has_header() {
  local compiler=${CXX:-c++} header
  for header in "$@"; do
    echo "#include <$header>" | "$compiler" -std=c++20 -E -x c++ - && return 0
  done
  return 1
}
has_file() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]; }
has_library() {
  echo "int main() {}" | "${CXX:-c++}" -x c++ - -o /dev/null "-l$1"
}
look_around() {
  missing=()
  [ "$what" = tests ] && need python3 command -v python3
  [ "$what" = tests ] && need pkg-config command -v pkg-config
  [ "$what" = mpi ] && need libopenmpi-dev command -v mpicxx
  [ "$what" = mpi ] && need openmpi-bin command -v mpirun
  [ "$what" = onnx ] && need libprotobuf-dev has_header google/protobuf/message.h
  [ "$what" = onnx ] && need protobuf-compiler command -v protoc
  [ "$what" = onnx ] && need libonnx-dev has_file onnx/onnx_pb.h
  need g++ command -v "${CXX:-c++}"
  need cmake command -v cmake
  need ninja-build command -v ninja
  need libfmt-dev has_header fmt/format.h
  need zlib1g-dev has_header zlib.h
  need libpng-dev has_header png.h
  need libjpeg-dev has_header jpeglib.h
  need libopenblas-dev has_library openblas
  need libcli11-dev has_header CLI/CLI.hpp
  need nlohmann-json3-dev has_header nlohmann/json.hpp
  need catch2 has_header catch2/catch_all.hpp catch2/catch.hpp
}

# The formatter breaks lines as its version does: this one, from PyPI, where there is a pip. Without it one house rule is skipped.
if [ "$what" = tests ] && ! clang-format --version 2>/dev/null | grep -q 'version 20\.'; then
  python3 -m pip install --quiet clang-format==20.1.8 >/dev/null 2>&1 || echo "setup: without clang-format 20 (pip install clang-format==20.1.8)"
fi

look_around
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "setup: missing: ${missing[*]} (Debian names; README.md has those of Fedora and Arch). Install them and run this again." >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    echo "setup: missing: ${missing[*]}. Not root and no sudo: ask for  apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1
}
install || { "${as_root[@]}" apt-get update >"$log" 2>&1 && install; } || {
  tail -n 5 "$log" >&2
  echo "setup: apt could not install ${missing[*]} (no network?)" >&2
  exit 1
}
look_around
if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: still not found after installing: ${missing[*]}" >&2
  exit 1
fi

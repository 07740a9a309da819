#!/usr/bin/env bash
# Every example runs to its end, those that take long for one epoch. The mnist ones read the folder that MNIST_DIR names, or a small made-up
# set in MNIST's own format.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$root/build/release/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# make_idx NAME COUNT: COUNT pictures of 28x28, each of one grey that its label decides.
make_idx() {
  local hex i
  hex=$(printf '%08x' "$2" | sed 's/../\\x&/g')
  printf "\\x00\\x00\\x08\\x03${hex}\\x00\\x00\\x00\\x1c\\x00\\x00\\x00\\x1c" >"$work/mnist/$1-images-idx3-ubyte"
  printf "\\x00\\x00\\x08\\x01${hex}" >"$work/mnist/$1-labels-idx1-ubyte"
  for ((i = 0; i < $2; ++i)); do
    head -c 784 /dev/zero | tr '\0' "\\$(printf '%03o' $((i % 10 * 25)))" >>"$work/mnist/$1-images-idx3-ubyte"
    printf "\\x0$((i % 10))" >>"$work/mnist/$1-labels-idx1-ubyte"
  done
}

# make_cifar NAME COUNT: COUNT colour pictures of 32x32, each of one shade that its label decides.
make_cifar() {
  local i
  for ((i = 0; i < $2; ++i)); do
    printf "\\x0$((i % 10))" >>"$work/cifar/$1"
    head -c 3072 /dev/zero | tr '\0' "\\$(printf '%03o' $((i % 10 * 25)))" >>"$work/cifar/$1"
  done
}

cd "$work" || exit 1
mnist=${MNIST_DIR:-}
if [ -z "$mnist" ]; then
  mnist=$work/mnist
  mkdir -p "$mnist"
  make_idx train 256
  make_idx t10k 64
fi
mkdir -p "$work/cifar"
for batch in data_batch_{1..5}; do make_cifar "$batch.bin" 20; done
make_cifar test_batch.bin 20
for source in "$root"/examples/*.cpp; do
  [ -e "$source" ] || continue
  name=$(basename "$source" .cpp)
  arguments=()
  case $name in
    mnist_* | fashion_mnist) arguments+=(--data "$mnist" --epochs 1) ;;
    char_model) arguments+=(--epochs 1) ;;
    cifar_resnet) arguments+=(--data "$work/cifar" --epochs 1) ;;
  esac
  start=$SECONDS
  if timeout 300 "$bin/$name" "${arguments[@]}" >"$work/log" 2>&1; then
    passed=$((passed + 1))
    echo "ok      $name ${arguments[*]} ($((SECONDS - start)) s): $(tail -n 1 "$work/log")"
  else
    failed=$((failed + 1))
    tail -n 20 "$work/log"
    echo "FAILED  $name ${arguments[*]}"
  fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Training on several ranks: the tests of tests/distributed on 1 to 4 ranks, how a job ends when a rank fails, and that a killed run goes on.
# usage: tests/integration/distributed.sh [KILLS]      KILLS: how often a rank is killed at a random moment (3)
# EMBER_MPIRUN names another launcher, BUILD another build folder: for a second MPI.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BUILD:-$root/build/release}/bin
kills=${1:-3}
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}
if [ ! -x "$bin/distributed_tests" ] || ! command -v "${EMBER_MPIRUN:-mpirun}" >/dev/null; then
  echo "skipped training on several ranks: there is no MPI (tools/setup.sh mpi installs one)"
  skipped=1
  finish
fi
. "$root/tools/mpi.sh"
ok() { passed=$((passed + 1)) && echo "ok      $*"; }
bad() { failed=$((failed + 1)) && echo "FAILED  $*" && tail -n 40 "$work/log"; }

for ranks in 1 2 3 4; do
  run_ranks "$ranks" timeout 120 "$bin/distributed_tests" --use-colour no >"$work/log" 2>&1
  status=$?
  cases=$(sed -nE 's/^All tests passed \(.* in ([0-9]+) test cases?\)\r?$/\1/p' "$work/log" | head -n 1)
  if [ "$status" -eq 0 ] && [ -n "$cases" ]; then
    passed=$((passed + cases)) && echo "ok      $cases tests on $ranks ranks"
  else
    bad "tests on $ranks ranks (status $status)"
  fi
done
"$bin/distributed_tests" >"$work/log" 2>&1 && ok "the tests in a world of one, without a launcher" || bad "the tests without a launcher"

# The program of docs/distributed.md, against an installed Ember.
sed -n '/^```cpp$/,/^```$/p' "$root/docs/distributed.md" | sed '/^```/d' >"$work/main.cpp"
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(Several LANGUAGES CXX)
find_package(Ember REQUIRED COMPONENTS distributed)
add_executable(several main.cpp)
target_link_libraries(several PRIVATE Ember::distributed)
END
if cmake --install "${BUILD:-$root/build/release}" --prefix "$work/prefix" >"$work/log" 2>&1 &&
  cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >>"$work/log" 2>&1 &&
  cmake --build "$work/build" >>"$work/log" 2>&1 && (cd "$work" && run_ranks 2 build/several) >>"$work/log" 2>&1 && [ -s "$work/net.pt" ]; then
  ok "the program of docs/distributed.md, by find_package and on 2 ranks"
else
  bad "the program of docs/distributed.md"
fi

# how WAY PATTERN: a job with a rank that fails in this way ends within ten seconds (and the start of the job) and says so
how() {
  local start=$SECONDS
  run_ranks 3 timeout 60 "$bin/distributed_failures" "$1" >"$work/log" 2>&1
  local status=$? took=$((SECONDS - start))
  if [ "$status" -ne 0 ] && [ "$took" -le 13 ] && grep -qE "$2" "$work/log"; then
    ok "a rank that does '$1' ends the job after $took s: $(grep -m1 -E "$2" "$work/log" | tr -d '\r')"
  else
    bad "a rank that does '$1': status $status after $took s, expected \"$2\""
  fi
}
how throw '^\[rank 1 of 3\] the data ran out of ink'
how exit '^\[rank 1 of 3\] left with exit status 3'
how kill 'signal 9|KILLED BY SIGNAL|EXIT CODE: 9'
how leave 'rank 1 has come to the end of its program after [0-9]+ collectives'
how stop 'rank 1 has not answered for'
how sleep 'rank 1 hangs: it does not come, and has neither computed nor read or written'
EMBER_DISTRIBUTED_TIMEOUT=4 how spin 'rank 1 did not come in time'
run_ranks 3 "$bin/distributed_failures" none >"$work/log" 2>&1 && grep -q finished "$work/log" && ok "a healthy job ends with 0" || bad "a healthy job"

# A rank is killed at a random moment: the job ends, and the last checkpoint goes on, on another number of ranks.
RANDOM=7
for ((i = 1; i <= kills; ++i)); do
  run="$work/run$i"
  mkdir -p "$run"
  run_ranks 2 "$bin/distributed" --epochs 400 --out "$run" --threads 1 >"$work/log" 2>&1 &
  job=$!
  for _ in $(seq 100); do [ -e "$run/distributed.pt" ] && break; sleep 0.1; done
  sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
  victim=$(pgrep -f "$bin/distributed --epochs 400 --out $run" | grep -v "^$job$" | tail -n 1)
  kill -9 "$victim"
  start=$SECONDS
  wait "$job"
  status=$?
  took=$((SECONDS - start))
  run_ranks 3 "$bin/distributed" --epochs 1 --out "$run" --threads 1 >"$work/resumed" 2>&1
  if [ "$status" -ne 0 ] && [ "$took" -le 10 ] && grep -q '^resumed in epoch' "$work/resumed"; then
    ok "rank killed: the job ended after $took s; $(grep -m1 '^resumed' "$work/resumed" | tr -d '\r') on 3 ranks"
  else
    cat "$work/resumed" >>"$work/log"
    bad "rank killed: status $status after $took s"
  fi
done
finish

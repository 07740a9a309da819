#!/usr/bin/env bash
# What a run writes is read by others: event files by TensorBoard, the report's page by a browser; and a run that Ctrl-C stops goes on.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$root/build/release/bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

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
skip() {
  skipped=$((skipped + 1))
  echo "skipped $1"
}

make_run() {
  local link
  link=$(grep -o 'LINK_LIBRARIES = .*' "$root/build/release/build.ninja" | grep -m 1 'lib/libember.a' |
    sed "s#LINK_LIBRARIES = ##; s#lib/libember.a#$root/build/release/lib/libember.a#")
  "${CXX:-c++}" -std=c++20 -O1 -I"$root/include" "$here/seeing/main.cpp" $link -lpthread -o "$work/seeing" && "$work/seeing" "$work/run"
}
refused() {  # refused WORDS COMMAND...: exit status 2, one line with these words
  local words=$1 status
  shift
  "$@" 2>"$work/err" >/dev/null
  status=$?
  [ "$status" -eq 2 ] && [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qF -- "$words" "$work/err" || { cat "$work/err" && false; }
}
goes_on() {
  "$bin/resume" --epochs 6 --out "$work/whole" >"$work/whole.txt" &&
    { "$bin/resume" --epochs 6 --stop-after 50 --out "$work/cut" >"$work/cut.txt"; [ $? -eq 130 ]; } &&
    "$bin/resume" --epochs 6 --resume --out "$work/cut" >"$work/rest.txt" && diff <(tail -n 4 "$work/whole.txt") <(tail -n 4 "$work/rest.txt")
}
control_c() {  # after the signal the step ends, the state is written, and one line says how to go on
  local child status
  "$bin/resume" --epochs 100000 --out "$work/long" >/dev/null 2>"$work/said" &
  child=$!
  sleep 1.5
  kill -INT "$child"
  wait "$child"
  status=$?
  [ "$status" -eq 130 ] && grep -q 'To go on: resume --resume' "$work/said" && [ -s "$work/long/last.pt" ] || { echo "status $status" && cat "$work/said" && false; }
}
in_browser() {
  timeout 120 "$browser" --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/profile" --dump-dom "file://$work/report.html" >"$work/dom.html" 2>/dev/null &&
    python3 "$here/seeing.py" page "$work/report.html" "$work/dom.html"
}

try "a run writes everything that a run can write" make_run
try "ember report makes one page of it" "$bin/ember" report "$work/run" --out "$work/report.html"
try "the page is whole, and loads nothing from outside" python3 "$here/seeing.py" page "$work/report.html"
mkdir "$work/empty" "$work/broken"
try "a folder without a run is refused" refused "holds nothing to report" "$bin/ember" report "$work/empty"
try "a folder that is not there is refused" refused "is no folder of a run" "$bin/ember" report "$work/none"
printf 'epoch,loss\n1,2\n2,x\n' >"$work/broken/history.csv"
try "a broken history is refused with its line" refused "history.csv, line 3" "$bin/ember" report "$work/broken"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -n "$browser" ]; then try "a browser shows the page" in_browser; else skip "a browser shows the page: there is no Chromium"; fi
if python3 -c 'import tensorboard' 2>/dev/null; then
  try "TensorBoard reads every value back" python3 "$here/seeing.py" tensorboard "$work/run"
else
  skip "TensorBoard reads every value back: python3 cannot import tensorboard"
fi
try "a run that was stopped in the middle of an epoch ends with the same bits" goes_on
set -m
try "Ctrl-C ends a run between two steps" control_c
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# A full disk, a limit on the size of files, a read-only disk and a read-only folder: the old file stays whole, one line says why, nothing is left behind.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ember=$root/build/release/bin/ember
work=$(mktemp -d)
mounted=
cleanup() {
  [ -z "$mounted" ] || umount "$work/tiny"
  rm -rf "$work"
}
trap cleanup EXIT
passed=0 failed=0 skipped=0

# A file of 4 MB, and a small one for the target.
python3 - "$work/large.npy" "$work/small.npy" <<'END'
import sys
for path, n in ((sys.argv[1], 1 << 20), (sys.argv[2], 4)):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % n
    header += b" " * (117 - len(header)) + b"\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\x00\x00\x80\x3f" * n)
END

check() {  # check WHAT EXPECTED-WORDS FOLDER COMMAND...: the command must fail with these words and leave FOLDER as it is
  local what=$1 words=$2 folder=$3 before status message
  shift 3
  before=$(cd "$folder" && sha256sum -- * .[!.]* 2>/dev/null)
  message=$("$@" 2>&1)
  status=$?
  if [ $status -eq 2 ] && [ "$(wc -l <<<"$message")" -eq 1 ] && grep -q "$words" <<<"$message" && [ "$before" = "$(cd "$folder" && sha256sum -- * .[!.]* 2>/dev/null)" ]; then
    passed=$((passed + 1))
    echo "ok      $what: $message"
  else
    failed=$((failed + 1))
    echo "FAILED  $what: status $status, $message"
    ls -la "$folder"
  fi
}

mkdir "$work/tiny" "$work/limited" "$work/locked"
for ending in pt safetensors npz npy; do
  "$ember" convert "$work/small.npy" "$work/limited/x.$ending" || failed=$((failed + 1))
  check "a limit of 1 MB, .$ending" "File too large; what was there before is unchanged" "$work/limited" \
    bash -c 'trap "" XFSZ; ulimit -f 1024; exec "$@"' _ "$ember" convert "$work/large.npy" "$work/limited/x.$ending"
done
if mount -t tmpfs -o size=1m ember_test "$work/tiny" 2>/dev/null; then
  mounted=yes
  for ending in pt safetensors npz npy; do
    "$ember" convert "$work/small.npy" "$work/tiny/x.$ending" || failed=$((failed + 1))
    check "a full disk, .$ending" "No space left on device; what was there before is unchanged" "$work/tiny" "$ember" convert "$work/large.npy" "$work/tiny/x.$ending"
  done
  mount -o remount,ro "$work/tiny"
  check "a read-only disk" "Read-only file system" "$work/tiny" "$ember" convert "$work/small.npy" "$work/tiny/x.pt"
else
  echo "skipped: mounting is not allowed here"
  skipped=$((skipped + 2))
fi

"$ember" convert "$work/small.npy" "$work/locked/x.pt"
chmod 755 "$work"
chmod 555 "$work/locked"
as_other=()
if [ "$(id -u)" -eq 0 ]; then as_other=(setpriv --reuid 65534 --regid 65534 --clear-groups); fi
if [ "$(id -u)" -ne 0 ] || "${as_other[@]}" test -x "$ember" 2>/dev/null; then
  check "a read-only folder" "Permission denied" "$work/locked" "${as_other[@]}" "$ember" convert "$work/small.npy" "$work/locked/y.pt"
  chmod 444 "$work/locked/x.pt"
  check "a read-only file" "Permission denied; what was there before is unchanged" "$work/locked" "${as_other[@]}" "$ember" convert "$work/small.npy" "$work/locked/x.pt"
else
  echo "skipped: another user cannot run $ember"
  skipped=$((skipped + 2))
fi
chmod 755 "$work/locked"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

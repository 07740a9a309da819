#!/usr/bin/env bash
# ember lesson: piped, in a terminal (a wrong answer, a run, a resize, a resume), as a page in a headless browser, and files that are refused.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
exec python3 "$root/tests/integration/lesson.py" "$root"

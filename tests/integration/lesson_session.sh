#!/usr/bin/env bash
# A recorded session of ember lesson (docs/lesson_session.txt) is what tmux shows. usage: lesson_session.sh [--write]
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
exec python3 "$root/tests/integration/lesson_session.py" "$root" "$@"

#!/usr/bin/env bash
# The comparison cases that PyTorch 2.13.0 made and that are kept here (tests/parity/golden*): each must pass, none be unknown.
# Those of golden are made by: tools/parity/make_cases.py tests/parity/golden --limit 2 --max-elements 300 --only-supported
# Those of golden_sequences are the smallest of each kind of: tools/parity/make_cases.py FOLDER --sources op_db,fuzz,modules --limit 6 --only
# 'RNN|LSTM|GRU|Attention|Transformer|EmbeddingBag|CTC|attention|embedding_bag|ctc_loss|utils\.rnn', with whole runs (train) and the masks of inner dropout (random).
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for folder in "$root"/tests/parity/golden*; do
  "$root/build/release/bin/parity_runner" "$folder" --strict | grep -E '^(FAILED|unsupported)|passed, '
done | awk '/ passed, / { passed += $1; failed += $3; skipped += $5; next } { print } END { print passed + 0 " passed, " failed + 0 " failed, " skipped + 0 " skipped"; exit failed + skipped > 0 || passed == 0 }'

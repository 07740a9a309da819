"""docs/walk.md fits an afternoon: at most 25 files and 5,000 lines, and what it points at is there. usage: walk.py ROOT."""
import os
import re
import sys

root = sys.argv[1]
MOST_FILES, MOST_LINES = 25, 5000
walk = open(root + "/docs/walk.md").read().split("## Engine rooms")[0]
wrong, lines = [], {}
for row in walk.split("\n"):
    for name, target in re.findall(r"\[([\w/.]+)\]\(\.\./([\w/.]+)\)", row):
        path = os.path.join(root, target)
        if name != target or not os.path.isfile(path):
            wrong.append(f"docs/walk.md: no file {target}")
            continue
        text = open(path).read()
        lines[target] = text.count("\n")
        cells = row.split(" | ")
        pointed = cells[2] if row.startswith("|") and len(cells) > 3 else row
        for word in re.findall(r"`([\w:]+)(?:\(\))?`", pointed):
            if word.split("::")[-1] not in text:
                wrong.append(f"docs/walk.md: {target} has no {word}")
if len(lines) > MOST_FILES or sum(lines.values()) > MOST_LINES:
    wrong.append(f"docs/walk.md: {len(lines)} files of {sum(lines.values())} lines, at most {MOST_FILES} of {MOST_LINES}")
if len(lines) < 10:
    wrong.append(f"docs/walk.md names {len(lines)} files: is the pattern right?")
print("\n".join(wrong) if wrong else f"the walk: {len(lines)} files, {sum(lines.values())} lines")
sys.exit(1 if wrong else 0)

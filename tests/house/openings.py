"""Every source file opens with a sentence or two about itself. usage: openings.py ROOT. Prints those that do not, exit status 1 when there is one.

A source whose first line includes the header of its own name may leave that to the header.
"""
import os
import re
import subprocess
import sys

root = sys.argv[1]
folders = ["include", "src", "tools", "tests", "examples"]
listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", *folders], capture_output=True, text=True).stdout.split()
silent, seen = [], 0
for path in listed:
    if not path.endswith((".cpp", ".h", ".py", ".sh")) or not os.path.exists(os.path.join(root, path)):
        continue
    seen += 1
    lines = (open(os.path.join(root, path)).read() + "\n\n").split("\n")
    first = lines[1] if lines[0].startswith("#!") else lines[0]
    own = os.path.splitext(os.path.basename(path))[0] + ".h"
    if not re.match(r'// \S|# \S|[rf]*"""\S', first) and not re.match(rf'#include [<"].*\b{re.escape(own)}[>"]$', first):
        silent.append(f"{path}: opens with {first[:60]!r}, not with a sentence")
if seen < 500:
    silent.append(f"only {seen} files found")
print("\n".join(silent))
sys.exit(1 if silent else 0)

"""Relative links of the Markdown files lead to files that exist. usage: links.py ROOT. Prints those that do not, exit status 1."""
import os
import re
import subprocess
import sys

root = sys.argv[1]
listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True).stdout.split()
broken = []
for path in listed or ["README.md"]:
    text = re.sub(r"```.*?```", "", open(os.path.join(root, path)).read(), flags=re.S)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and not os.path.exists(os.path.join(root, os.path.dirname(path), target)):
            broken.append(f"{path}: no file {target}")
print("\n".join(broken))
sys.exit(1 if broken else 0)

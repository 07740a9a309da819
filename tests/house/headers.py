"""No two headers can be taken for one another. usage: headers.py ROOT. Prints those that can, exit status 1 when there are some.

Neither the same path below include/ember and src, nor, within a folder, names that differ in one letter.
"""
import os
import subprocess
import sys

root = sys.argv[1]
listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "include", "src"], capture_output=True, text=True).stdout.split()
paths = {}
wrong = []
for path in listed:
    if path.endswith(".h") and os.path.exists(os.path.join(root, path)):
        short = path[len("include/ember/"):] if path.startswith("include/ember/") else path[len("src/"):]
        if short in paths:
            wrong.append(f"{path} has the name of {paths[short]}")
        paths[short] = path


def differ_in_one_letter(a, b):
    if abs(len(a) - len(b)) > 1:
        return False
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b)) == 1
    short, long = sorted((a, b), key=len)
    return any(long[:i] + long[i + 1:] == short for i in range(len(long)))


names = sorted(paths)
for i, a in enumerate(names):
    for b in names[i + 1:]:
        if os.path.dirname(a) == os.path.dirname(b) and differ_in_one_letter(os.path.basename(a)[:-2], os.path.basename(b)[:-2]):
            wrong.append(f"{paths[a]} and {paths[b]} differ in one letter")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)

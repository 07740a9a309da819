"""Every numbered statement of docs/batch_norm.md has a test of that number, and no test has a number without a statement.

usage: statements.py ROOT. Prints what is missing, exit status 1 when something is.
"""
import glob
import re
import sys

root = sys.argv[1]
document = open(root + "/docs/batch_norm.md").read()
stated = set(re.findall(r"^\* \*\*(\d+\.\d+)\*\*", document, re.M))
tested = set()
for path in glob.glob(root + "/tests/nn/batch_norm_*_test.cpp"):
    for name in re.findall(r'TEST_CASE\(\s*"batch norm ([^:]*):', open(path).read()):
        tested.update(re.findall(r"\d+\.\d+", name))

by_number = lambda text: [int(n) for n in text.split(".")]
missing = [f"docs/batch_norm.md: statement {n} has no test" for n in sorted(stated - tested, key=by_number)]
missing += [f"tests/nn: 'batch norm {n}' is not a statement of docs/batch_norm.md" for n in sorted(tested - stated, key=by_number)]
if not stated:
    missing.append("docs/batch_norm.md has no numbered statements")
print("\n".join(missing))
sys.exit(1 if missing else 0)

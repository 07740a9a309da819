"""Every differentiable function of include/ember/ops is called in the gradcheck table. usage: gradcheck_rows.py ROOT.

A function counts as called when a file of tests that runs gradchecks calls it. What has no gradient is named here, with the reason; another name
of a function, in one line that calls it, has that one's.
"""
import glob
import re
import sys

WITHOUT_GRADIENT = {
    "whole numbers": "bitwise_not bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm",
    "comparisons and tests": "eq ne lt le gt ge logical_and logical_or logical_xor logical_not isnan isinf isfinite isclose allclose equal signbit heaviside isin",
    "positions and counts": "argmax argmin argsort nonzero argwhere all any count_nonzero bincount one_hot unique histc histogram unique_consecutive searchsorted bucketize",
    "new tensors": "new_full new_zeros new_ones new_empty",
}

root = sys.argv[1]
declared = {}
for path in sorted(glob.glob(root + "/include/ember/ops/*.h")):
    text = re.sub(r"//[^\n]*", "", open(path).read())
    for name in re.findall(r"^(?:inline )?(?:std::vector<Tensor>|Tensor|[A-Z]\w+) (\w+)\((?:const |IntArray)(?!.*\{ return \w+\(.*\}$)", text, re.M):
        declared.setdefault(name, path[len(root) + 1:])
called = set()
for path in glob.glob(root + "/tests/ops/*_test.cpp"):
    text = open(path).read()
    if "run_gradcheck" in text:
        called.update(re.findall(r"(?<![\w.])(?:linalg::)?(\w+)\(", text))
        called.update(re.findall(r'row\("\w+", (\w+)\b', text))
constant = set(" ".join(WITHOUT_GRADIENT.values()).split())
missing = [f"{path}: {name} has no row in tests/ops/gradcheck*_test.cpp" for name, path in declared.items() if name not in called | constant]
if len(declared) < 150:
    missing.append(f"only {len(declared)} functions found in include/ember/ops: is the pattern right?")
print("\n".join(missing))
sys.exit(1 if missing else 0)

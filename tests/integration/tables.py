"""Compares what `ember table FILE --json` prints with tests/data/tables/expected.json. usage: tables.py EMBER FOLDER"""
import json
import os
import subprocess
import sys

ember, folder = sys.argv[1:]
passed = failed = 0


def differences(got, want, path=""):
    if isinstance(want, dict):
        return [d for key in want for d in differences(got.get(key), want[key], f"{path}.{key}")]
    if isinstance(want, list) and isinstance(got, list) and len(got) == len(want):
        return [d for i, w in enumerate(want) for d in differences(got[i], w, f"{path}[{i}]")]
    if isinstance(want, float) and isinstance(got, (int, float)):
        return [] if abs(got - want) <= 1e-12 * max(abs(got), abs(want)) else [f"{path}: {got} instead of {want}"]
    return [] if got == want else [f"{path}: {got!r} instead of {want!r}"]


for case in json.load(open(os.path.join(folder, "expected.json"))):
    path = os.path.join(folder, case["file"])
    run = subprocess.run([ember, "table", path, "--json", *case["flags"]], capture_output=True, text=True, timeout=60)
    if "refused" in case:
        wrong = [] if run.returncode == 2 and run.stderr.count("\n") == 1 and path in run.stderr else [f"status {run.returncode}: {run.stderr}"]
        wrong += [f"no {text!r} in {run.stderr!r}" for text in case["refused"] if text not in run.stderr]
    elif run.returncode != 0:
        wrong = [run.stderr]
    else:
        wrong = differences(json.loads(run.stdout), case["table"])
    passed, failed = passed + (not wrong), failed + bool(wrong)
    if wrong:
        print("FAILED ", case["file"], *case["flags"], *wrong, sep="\n    ")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)

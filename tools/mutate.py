#!/usr/bin/env python3
"""How many one-operator changes of the sources do the tests notice? Draws a seeded sample, rebuilds with each change, runs the unit tests and
the committed comparison cases, and lists what survived.

usage: tools/mutate.py [--seed N] [--count N] [--areas kernels,ops,autograd,nn,optim,data] [--only FILE:LINE] [--report FILE]

Works in a copy of the tree (build/mutate/tree, one instruction set, so that a kernel is compiled once) and never touches the sources here.
A change that does not compile is drawn again, and one that leaves the compiler's output as it was is counted apart: no test can see it.
"""
import argparse
import filecmp
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = os.path.join(ROOT, "build", "mutate")
TREE = os.path.join(HOME, "tree")
BUILD = os.path.join(TREE, "build", "release")  # as deep as in the checkout, so that a compiler cache knows the files
AREAS = "kernels,ops,autograd,nn,optim,data"
# The sources are formatted: binary operators stand between blanks, template brackets, pointers and signs do not.
SWAPS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="], "+": ["-"], "-": ["+"], "*": ["/"],
    "/": ["*"], "%": ["*"], "&&": ["||"], "||": ["&&"], "+=": ["-="], "-=": ["+="], "*=": ["/="], "&": ["|"], "|": ["&"],
}
OPERATOR = re.compile(r"(?<= )(" + "|".join(re.escape(op) for op in sorted(SWAPS, key=len, reverse=True)) + r")(?= )")
WORD = re.compile(r"\b(true|false)\b|(?<=[ (\[])([01])(?=[,;)\]])")
FLIP = {"true": "false", "false": "true", "0": "1", "1": "0"}


def code_only(line):
    """The line with comments and strings blanked, so that columns stay."""
    line = re.sub(r'"(?:[^"\\]|\\.)*"', lambda m: '"' + "_" * (len(m.group()) - 2) + '"', line)
    return re.sub(r"//.*", lambda m: "_" * len(m.group()), line)


def places(areas):
    """(file, line number, column, old, new) of every change there is, in a fixed order."""
    found = []
    for area in areas:
        for folder, folders, files in os.walk(os.path.join(ROOT, "src", area)):
            folders.sort()
            for name in sorted(files):
                if not name.endswith((".cpp", ".h")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                for number, line in enumerate(open(os.path.join(ROOT, path)), 1):
                    text = code_only(line.rstrip("\n"))
                    if text.lstrip().startswith(("#", "template", "using", "static_assert")):
                        continue
                    for m in OPERATOR.finditer(text):
                        found += [(path, number, m.start(), m.group(), new) for new in SWAPS[m.group()]]
                    for m in WORD.finditer(text):
                        found.append((path, number, m.start(), m.group(), FLIP[m.group()]))
    return found


def run(command, limit, **options):
    """Exit status, or None after `limit` seconds."""
    try:
        return subprocess.run(command, timeout=limit, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options).returncode
    except subprocess.TimeoutExpired:
        return None


def build():
    return run(["cmake", "--build", BUILD, "--target", "ember_tests", "parity_runner"], 3600)


def library():
    """What the compiler made of the sources: a change without a trace in it cannot be seen by any test."""
    return hashlib.sha256(open(os.path.join(BUILD, "lib", "libember.a"), "rb").read()).hexdigest()


def tests(limit):
    """The first suite that notices something, or None."""
    binaries = os.path.join(BUILD, "bin")
    suites = [("unit tests", [binaries + "/ember_tests", "-a"]),
              ("cases", [binaries + "/parity_runner", os.path.join(TREE, "tests/parity/golden"), "--strict"])]
    for name, command in suites:
        status = run(command, limit, cwd=HOME)
        if status != 0:
            return name + (" (no end)" if status is None else "")
    return None


def prepare():
    os.makedirs(TREE, exist_ok=True)
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True).stdout
    names = [name for name in listed.decode().split("\0") if name and os.path.exists(os.path.join(ROOT, name))]
    for folder, folders, files in os.walk(TREE):
        folders[:] = [name for name in folders if os.path.join(folder, name) != os.path.join(TREE, "build")]
        for name in files:
            if os.path.relpath(os.path.join(folder, name), TREE) not in names:
                os.remove(os.path.join(folder, name))
    for name in names:  # what is the same keeps its time, so that it is not compiled again
        source, target = os.path.join(ROOT, name), os.path.join(TREE, name)
        if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)
    subprocess.run(["cmake", "--preset", "release", "-DEMBER_EXAMPLES=OFF", "-DEMBER_ISAS=v3"], cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    if build() != 0:
        sys.exit("mutate: the sources do not build as they are")
    began = time.time()
    noticed = tests(3600)
    if noticed:
        sys.exit(f"mutate: {noticed} fail without any change")
    return 60 + 10 * (time.time() - began)


def attempt(place, limit, plain):
    """'same', 'broken', 'survived', or what noticed the change."""
    path, number, column, old, new = place
    target = os.path.join(TREE, path)
    original = open(target).read()
    lines = original.split("\n")
    line = lines[number - 1]
    lines[number - 1] = line[:column] + new + line[column + len(old):]
    try:
        open(target, "w").write("\n".join(lines))
        if build() != 0:
            return "broken"
        if library() == plain:
            return "same"
        return tests(limit) or "survived"
    finally:
        open(target, "w").write(original)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=100)
    arguments.add_argument("--areas", default=AREAS)
    arguments.add_argument("--only", metavar="FILE:LINE", help="all changes of one line")
    arguments.add_argument("--report", metavar="FILE", help="one line for each change, as it is tried")
    options = arguments.parse_args()

    sample = places(options.areas.split(","))
    if options.only:
        path, number = options.only.rsplit(":", 1)
        sample = [p for p in sample if p[0] == path and p[1] == int(number)]
    else:
        random.Random(options.seed).shuffle(sample)
    limit = prepare()
    plain = library()
    report = open(options.report, "w") if options.report else sys.stdout
    counts = {"noticed": 0, "survived": 0, "same": 0}
    for place in sample:
        if counts["noticed"] + counts["survived"] >= options.count:
            break
        outcome = attempt(place, limit, plain)
        if outcome == "broken":
            continue
        counts[outcome if outcome in counts else "noticed"] += 1
        path, number, column, old, new = place
        print(f"{outcome:12} {path}:{number}:{column + 1}  {old} -> {new}", file=report, flush=True)
    build()
    seen = counts["noticed"] + counts["survived"]
    print(f"{counts['noticed']} of {seen} changes noticed, {counts['survived']} survived; {counts['same']} more change no instruction",
          file=report, flush=True)


main()

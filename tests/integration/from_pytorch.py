"""Runs the pairs of docs/from_pytorch.md: each C++ snippet, and its PyTorch twin where PyTorch is installed, must print the same.

usage: from_pytorch.py ROOT WORK program       writes WORK/main.cpp with all C++ snippets
       from_pytorch.py ROOT WORK compare FILE  FILE: what the program printed

Where PyTorch is missing, FILE is compared with tests/data/from_pytorch.txt, which PyTorch printed; --write writes that file.
"""
import contextlib
import io
import os
import re
import sys

MARK = "=== "


def snippets(root):
    """(heading, Python, C++) of each pair, and the two preambles."""
    text = open(os.path.join(root, "docs/from_pytorch.md")).read()
    heading, pairs, python, preambles = "", [], None, {}
    for match in re.finditer(r"^#+ ([^\n]*)$|^```(\w+)( preamble)?\n(.*?)^```$", text, re.M | re.S):
        title, language, preamble, code = match.groups()
        if title:
            heading = title
        elif preamble:
            preambles[language] = code
        elif language == "python":
            python = code
        elif language == "cpp":
            pairs.append((heading, python, code))
    return pairs, preambles


def program(root, work):
    pairs, preambles = snippets(root)
    parts = [preambles["cpp"], "\n#include <string>\n"]
    for i, (heading, _, code) in enumerate(pairs):
        parts.append(f"\nstatic void snippet{i}() {{  // {heading}\n{code}}}\n")
    calls = "".join(f'  std::puts("{MARK}{heading}");\n  snippet{i}();\n' for i, (heading, _, _) in enumerate(pairs))
    with open(os.path.join(work, "main.cpp"), "w") as file:
        file.write("".join(parts) + "\nint main() {\n" + calls + "}\n")


def by_heading(text):
    sections = re.split(f"^{MARK}(.*)\n", text, flags=re.M)
    return dict(zip(sections[1::2], sections[2::2]))


def run_python(root):
    pairs, preambles = snippets(root)
    out = io.StringIO()
    for heading, code, _ in pairs:
        names = {}
        print(f"{MARK}{heading}", file=out)
        with contextlib.redirect_stdout(out):
            exec(preambles["python"], names)
            exec(code, names)
    return out.getvalue()


def compare(root, printed):
    stored = os.path.join(root, "tests/data/from_pytorch.txt")
    try:
        want = run_python(root)
        if "--write" in sys.argv:
            with open(stored, "w") as file:
                file.write(want)
    except ImportError:
        print("PyTorch is not installed: compared with what it printed before")
        want = open(stored).read()
    if want != open(stored).read():
        print("tests/data/from_pytorch.txt is older than docs/from_pytorch.md: from_pytorch.py ... --write")
        return 0, 1
    want, got = by_heading(want), by_heading(printed)
    passed = failed = 0
    for heading, text in want.items():
        if got.get(heading) == text:
            passed += 1
            continue
        failed += 1
        print(f"FAILED  {heading}\n--- PyTorch\n{text}--- Ember\n{got.get(heading)}")
    return passed, failed


root, work, what = sys.argv[1:4]
if what == "program":
    program(root, work)
else:
    os.chdir(work)
    passed, failed = compare(os.path.abspath(root), open(sys.argv[4]).read())
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)

"""Runs docs/data.md: its C++ blocks compile and print what the text block behind each says.

A C++ block with a file's name behind ```cpp is that file.

usage: data_guide.py ROOT WORK program       writes WORK/main.cpp and the files that the guide shows
       data_guide.py ROOT WORK compare FILE  FILE: what the program printed
"""
import os
import re
import sys

root, work, command = sys.argv[1:4]
guide = os.path.join(root, "docs/data.md")
MARK = "=== block {}"
blocks = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", open(guide).read(), re.M | re.S)
programs = [(code, blocks[i + 1][2] if i + 1 < len(blocks) and blocks[i + 1][0] == "text" else "") for i, (kind, name, code) in enumerate(blocks) if kind == "cpp" and not name]
quoted = [(name, code) for kind, name, code in blocks if kind == "cpp" and name]

if command == "program":
    for kind, name, text in blocks:
        if kind == "csv":
            open(os.path.join(work, name), "w").write(text)
    with open(os.path.join(work, "main.cpp"), "w") as file:
        file.write("#include <ember/ember.h>\n\n#include <algorithm>\n#include <iostream>\n\nusing namespace ember;\n")
        for i, (code, _) in enumerate(programs):
            file.write(f"\nstatic void block{i}() {{\n{code}}}\n")
        file.write("\nint main() {\n" + "".join(f'  std::cout << "{MARK.format(i)}\\n";\n  block{i}();\n' for i in range(len(programs))) + "}\n")
else:
    printed = re.split(r"^=== block \d+\n", open(sys.argv[4]).read(), flags=re.M)[1:]
    failed = 0
    for i, (code, want) in enumerate(programs):
        got = printed[i] if i < len(printed) else "nothing"
        if got != want:
            failed += 1
            print(f"FAILED  block {i}:\n{code}--- printed\n{got}--- instead of\n{want}")
    for name, code in quoted:
        if open(os.path.join(root, name)).read() != code:
            failed += 1
            print(f"FAILED  {name} is not what the guide shows")
    print(f"{len(programs) + len(quoted) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)

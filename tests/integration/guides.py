"""The programs of a guide: every ```cpp block compiles, and prints the ```text block behind it.

usage: guides.py program GUIDE.md OUT.cpp      writes one program with a function for each block
       guides.py compare GUIDE.md PRINTED      PRINTED: what the program printed
       guides.py write GUIDE.md PRINTED        puts what was printed behind each block instead

The block marked ```cpp preamble stands before all others. A line of the text that ends in "..." stands for any line with that beginning.
"""
import re
import sys

MARK = "=== "
BLOCK = re.compile(r"^```cpp\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.M | re.S)


def blocks(text):
    """(heading, code, output or None) of each block that is run."""
    result = []
    for match in BLOCK.finditer(text):
        headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text[: match.start()], flags=re.M | re.S), re.M)
        result.append((headings[-1] if headings else "", match.group(1), match.group(2)))
    return result


def printed_by_block(path):
    parts = re.split(f"^{MARK}(\\d+)\n", open(path).read(), flags=re.M)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2])}


def agrees(want, got):
    want, got = want.splitlines(), got.splitlines()
    return len(want) == len(got) and all(w == g or (w.endswith("...") and g.startswith(w[:-3])) for w, g in zip(want, got))


what, guide, other = sys.argv[1:4]
text = open(guide).read()
if what == "program":
    preamble = re.search(r"^```cpp preamble\n(.*?)^```$", text, re.M | re.S).group(1)
    with open(other, "w") as file:
        file.write(preamble + "#include <cstdio>\n")
        for i, (heading, code, _) in enumerate(blocks(text)):
            file.write(f"\nstatic void block{i}() {{  // {heading}\n{code}}}\n")
        calls = "".join(f'  std::puts("{MARK}{i}");\n  std::fflush(stdout);\n  block{i}();\n' for i in range(len(blocks(text))))
        file.write("\nint main() {\n" + calls + "}\n")
elif what == "write":
    printed, count = printed_by_block(other), iter(range(10**6))
    def with_output(match):
        out = printed[next(count)]
        if match.group(2) and agrees(match.group(2), out):
            return match.group(0)
        return f"```cpp\n{match.group(1)}```\n" + (f"```text\n{out}```\n" if out else "")

    text = BLOCK.sub(with_output, text)
    open(guide, "w").write(text)
else:
    printed, failed = printed_by_block(other), 0
    for i, (heading, _, want) in enumerate(blocks(text)):
        if not agrees(want or "", printed.get(i, "(nothing: the program ended before)\n")):
            failed += 1
            print(f"FAILED  {guide}: {heading}\n  the guide says:\n{want}\n  printed:\n{printed.get(i)}")
    print(f"{len(blocks(text)) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)

"""Every public function says what it does. usage: docstrings.py ROOT. Prints those without a word, exit status 1 when there is one.

A function of include/ember counts as documented by a comment behind it (`///<`), by a `///` block above it, or by the block above a group of
declarations without an empty line between them. A definition of one line shows what it does; what lies in a namespace `detail` is not public.
"""
import glob
import re
import sys

root = sys.argv[1]
FUNCTION = re.compile(r"^(?:inline |constexpr |template <[^>]*> |const )*[\w:<>,&* ]+[&* ](\w+|operator\S+)\((?!\))[^;{]*\)? ?(?:const)?[^;]*[;{]|"
                      r"^(?:inline )?[\w:<>,&* ]+[&* ](\w+)\(\)(?: const)?;")
silent, total = [], 0
for path in sorted(glob.glob(root + "/include/ember/**/*.h", recursive=True)):
    documented = internal = False
    declared = set()
    lines = open(path).read().split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith(("namespace detail {", "}  // namespace detail")):
            internal = line.startswith("namespace")
        if not line.strip() or line.startswith("}"):
            documented = False
        elif line.startswith("///"):
            documented = True
        elif line.startswith("//"):
            documented = False
        match = FUNCTION.match(line)
        if not match and re.match(r"^[\w:<>,&* ]+ \w+\($|^[\w:<>,&*]+[\w:<>,&* ]* \w+\([^;]*,$", line):  # goes on in the next line
            match = re.match(r".*?(\w+)\(", line)
        if not match or internal or re.search(r"\}(?: *//.*)?$", line) or line.startswith((" ", "#", "using", "return", "struct", "class", "enum", "namespace", "static_assert", "typedef", "}")):
            continue
        total += 1
        declaration = line
        follow = number
        while ";" not in declaration and "{" not in declaration and follow < len(lines):
            declaration += lines[follow]
            follow += 1
        name = next(group for group in match.groups() if group)
        if documented or "///<" in declaration:
            declared.add(name)
        elif not (name in declared and line.endswith("{")):  # a definition behind its declaration
            silent.append(f"{path[len(root) + 1:]}:{number}: {name} has no docstring")
print("\n".join(silent))
if total < 300:
    print(f"only {total} functions found in include/ember: is the pattern right?")
    silent.append("")
sys.exit(1 if silent else 0)

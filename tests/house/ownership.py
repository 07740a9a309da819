"""Who owns something holds a std::unique_ptr or shares a std::shared_ptr; in headers that ember.h reaches an Owned or a Shared (owned.h).
usage: ownership.py ROOT. Prints each `new` and `delete` elsewhere.

`::new (place) T` owns nothing: it builds an object where there is memory, as tensors and nodes in blocks of the allocator.
"""
import glob
import re
import sys

root = sys.argv[1]
MAY = {
    "include/ember/owned.h": "the owners",
    "src/runtime/allocator.cpp": "the allocator, and its lists, which are never destroyed",
    "src/autograd/node.cpp": "nodes and what hangs on them",
    "src/data/loader.cpp": "the operator delete of a loader, which outlives its deletion for a moment",
    "include/ember/data/loader.h": "its declaration",
}
STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*')
wrong = []
for folder in ("include", "src", "tools", "examples"):
    for path in sorted(glob.glob(f"{root}/{folder}/**/*.h", recursive=True) + glob.glob(f"{root}/{folder}/**/*.cpp", recursive=True)):
        short = path[len(root) + 1:]
        if short in MAY:
            continue
        for number, line in enumerate(STRING_OR_COMMENT.sub("", open(path).read().replace('R"(', '"')).split("\n"), 1):
            if re.search(r"(?<!::)\bnew\b(?!>)|(?<!= )\bdelete\b", line) and not line.lstrip().startswith("#include"):
                wrong.append(f"{short}:{number}: {line.strip()}")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)

"""Includes go one way: usage includes.py ROOT. Prints each include that goes against the layers, exit status 1 when there is one.

The layers are those of docs/architecture.md. Public headers must be light as well: every training script pays for them.
"""
import os
import re
import sys

# folder or file below include/ember or src -> its layer; the longest matching name counts
LAYERS = {
    "error": 0, "error_format": 0, "dtype": 0, "shape": 0, "scalar": 0, "python_repr": 0, "with_type": 0, "sizes": 0,
    "runtime": 0.5, "kernels": 1, "callback": 1, "owned": 1, "tensor": 1, "tensor_impl": 1, "tensor_methods": 1, "factories": 1, "accessor": 1, "arguments": 1, "operand": 1, "version": 2,
    "autograd": 2, "function": 2, "functional": 2,
    "gradcheck": 2, "ops": 3, "random": 3,
    "nn": 4,
    "optim": 5, "data": 5, "io": 6, "train": 6, "models": 6, "distributed": 7, "onnx": 7, "ember": 9,
}
MAY_NOT = {  # besides higher layers
    "kernels": ["tensor", "tensor_impl", "random", "autograd", "ops"],  # pointers and sizes only
    "ops": ["runtime/parallel.h"],  # an operation checks, computes, records; loops over threads are kernels
    "nn": ["kernels"],
    "optim": ["nn"],
    "data": ["nn", "optim", "kernels"],
    "io": ["kernels"],
    "train": ["kernels"],
    "distributed": ["kernels"],
    "models": ["kernels", "optim", "data", "io", "train"],
}
HEAVY = ["functional", "map", "unordered_map", "set", "unordered_set", "iostream", "sstream", "ostream", "fstream", "atomic",
         "algorithm", "chrono", "random", "regex", "mutex", "thread", "filesystem", "variant", "any", "ranges", "format", "span",
         "string_view", "iomanip", "numeric", "deque", "list", "queue"]


def layer_name(path):
    """tensor/impl.h -> tensor; ops/conv.h -> ops; tensor.h -> tensor."""
    return re.sub(r"\.(h|cpp)$", "", path.split("/")[0])


def complaints(root):
    for base in ("include/ember", "src"):
        for folder, _, files in os.walk(os.path.join(root, base)):
            for file in sorted(files):
                if not file.endswith((".h", ".cpp")):
                    continue
                path = os.path.join(folder, file)
                mine = layer_name(os.path.relpath(path, os.path.join(root, base)))
                shown = os.path.relpath(path, root)
                if mine not in LAYERS:
                    yield f"{shown}: give '{mine}' a layer in tests/house/includes.py"
                    continue
                for number, line in enumerate(open(path), 1):
                    include = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
                    if not include:
                        continue
                    name = include.group(1)
                    where = f"{shown}:{number}"
                    if base == "include/ember" and (name in HEAVY or name.startswith("fmt/")):
                        yield f"{where}: <{name}> is too heavy for a public header"
                    other = layer_name(name[len("ember/"):] if name.startswith("ember/") else name)
                    ours = name.startswith("ember/") or os.path.isfile(os.path.join(root, "src", name))
                    if not ours or other not in LAYERS or other == mine:
                        continue
                    if LAYERS[other] > LAYERS[mine] or other in MAY_NOT.get(mine, []) or name in MAY_NOT.get(mine, []):
                        yield f"{where}: {mine} may not include {name}"


bad = list(complaints(sys.argv[1]))
print("\n".join(bad))
sys.exit(1 if bad else 0)

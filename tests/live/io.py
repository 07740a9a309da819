"""Random nested values through files, both ways between PyTorch and Ember. usage: io.py EXCHANGE WORK

EXCHANGE FROM TO loads a file with Ember and saves it again.
"""
import collections, os, random, struct, subprocess, sys

import numpy as np
import torch

exchange, work = sys.argv[1:]
DTYPES = [torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool]


def random_tensor(r):
    shape = [r.choice([0, 1, 1, 2, 3, 5]) for _ in range(r.randint(0, 4))]
    dtype = r.choice(DTYPES)
    raw = torch.from_numpy(np.frombuffer(r.randbytes(8 * int(np.prod(shape))), dtype=np.int64).copy()).reshape(shape)
    t = raw % 2 == 0 if dtype == torch.bool else raw.view(torch.float64) if dtype == torch.float64 else raw.to(dtype)
    kind = r.randint(0, 4)
    if kind == 0 and t.dim() >= 2:
        t = t.transpose(0, -1)
    if kind == 1 and t.dim() >= 1 and t.shape[0] >= 2:
        t = t[1::2]
    if kind == 2 and t.dim() == 4:
        t = t.to(memory_format=torch.channels_last)
    return t


def random_value(r, depth, tensors):
    kind = r.randint(0, 10 if depth < 4 else 6)
    if kind <= 1:
        tensors.append(random_tensor(r))
        return tensors[-1]
    if kind == 2 and tensors:
        return r.choice(tensors)  # shared
    if kind == 3:
        return r.choice([0, 1, 255, 256, 65535, 65536, -1, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63), r.getrandbits(62)])
    if kind == 4:
        return struct.unpack("<d", r.randbytes(8))[0]
    if kind == 5:
        return r.choice(["", "ascii", "é漢字🙂", "a\nb\0c", "x" * 300])
    if kind == 6:
        return r.choice([None, True, False])
    items = [random_value(r, depth + 1, tensors) for _ in range(r.randint(0, 6))]
    if kind == 7:
        return items
    if kind == 8:
        return tuple(items)
    keys = r.sample(["a", "b", "weight", "0", 0, 7, -3, "é"], len(items))
    return (dict if kind == 9 else collections.OrderedDict)(zip(keys, items))


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return (a.dtype == b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad and
                a.detach().contiguous().numpy().tobytes() == b.detach().contiguous().numpy().tobytes())
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return struct.pack("<d", a) == struct.pack("<d", b)
    return a == b


def storages(value):
    """The storage of each tensor, as numbers in order of appearance."""
    seen, out = {}, []

    def walk(v):
        if isinstance(v, torch.Tensor) and v.numel():
            storage = v.untyped_storage() if hasattr(v, "untyped_storage") else v.storage()
            out.append((seen.setdefault(storage.data_ptr(), len(seen)), v.storage_offset(), v.stride()))
        for item in v.values() if isinstance(v, dict) else v if isinstance(v, (list, tuple)) else ():
            walk(item)
    walk(value)
    return out


def has_float(value):
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return isinstance(value, float) or any(map(has_float, items))


passed = failed = 0
for seed in range(100):
    r = random.Random(seed)
    value = [random_value(r, 0, tensors := []) for _ in range(6)]
    source, back, again = (os.path.join(work, name) for name in ("from.pt", "back.pt", "again/back.pt"))
    os.makedirs(os.path.dirname(again), exist_ok=True)
    torch.save(value, source, _use_new_zipfile_serialization=seed % 3 != 0)
    problem = None
    for a, b in ((source, back), (back, again)):
        run = subprocess.run([exchange, a, b], capture_output=True, text=True)
        problem = problem or (run.returncode and run.stdout + run.stderr)
    if not problem:
        # The restricted unpickler of 1.13 knows no opcode for floats, not even in PyTorch's own files.
        loaded = torch.load(back, weights_only=not (torch.__version__ < "2" and has_float(value)))
        if not same(value, loaded):
            problem = f"{value!r} became {loaded!r}"
        elif storages(value) != storages(loaded):
            problem = "storages are shared differently"
        elif open(back, "rb").read() != open(again, "rb").read():
            problem = "equal values gave different bytes"
    passed, failed = passed + (not problem), failed + bool(problem)
    if problem:
        print(f"FAILED seed {seed}: {problem[:2000]}")

def other_formats(tensors):
    """Ember's files of the other formats, read by NumPy and the safetensors library; with the library, the same bytes as its own."""
    source = os.path.join(work, "from.pt")
    torch.save(tensors, source)
    paths = {ending: os.path.join(work, "back." + ending) for ending in ("npz", "safetensors")}
    for path in paths.values():
        subprocess.run([exchange, source, path], check=True)
    with np.load(paths["npz"]) as file:
        if not same(tensors, {k: torch.from_numpy(file[k]) for k in file}):
            return "NumPy reads other values"
    if safetensors is None:
        return None
    own = os.path.join(work, "own.safetensors")
    safetensors.save_file({k: v.contiguous() for k, v in tensors.items()}, own, metadata={"format": "pt"})
    return None if open(own, "rb").read() == open(paths["safetensors"], "rb").read() else "safetensors writes other bytes"


try:
    import safetensors.torch
    safetensors = safetensors.torch
except ImportError:
    safetensors = None
    print("safetensors is not installed: its library is left out")
for seed in range(20):
    r = random.Random(1000 + seed)
    tensors = {r.choice(["a", "layer.", "é"]) + str(i): random_tensor(r).contiguous().clone() for i in range(r.randint(1, 8))}
    problem = other_formats(tensors)
    passed, failed = passed + (not problem), failed + bool(problem)
    if problem:
        print(f"FAILED other formats, seed {seed}: {problem}")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)

"""Writes suites of comparison cases: runs PyTorch, keeps what went in and what came out (cases.jsonl, tensors.safetensors)."""

import json
import math
import os
import re
import struct

import torch

CODES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64", torch.uint8: "U8", torch.bool: "BOOL"}
DTYPES = {torch.float32: "float32", torch.float64: "float64", torch.int64: "int64", torch.uint8: "uint8", torch.bool: "bool"}
MAX_ELEMENTS = 20000


class CannotExpress(Exception):
    """The case holds something that the format or Ember leaves out (complex numbers, int32, functions, ...)."""


def raw_bytes(t):
    return t.detach().contiguous().numpy(force=True).tobytes()


def copy_tensor(t):
    """A fresh leaf with the same values, strides and offset, in a buffer of its own."""
    if t.dtype not in CODES:
        raise CannotExpress(str(t.dtype))
    if t.numel() == 0 or (t.is_contiguous() and t.storage_offset() == 0):
        fresh = t.detach().clone(memory_format=torch.contiguous_format)
    else:
        buffer = torch.zeros(buffer_size(t), dtype=t.dtype)
        fresh = buffer.as_strided(t.shape, t.stride(), t.storage_offset())
        (fresh if 0 not in t.stride() else buffer.as_strided(*dense_part(t))).copy_(
            t.detach() if 0 not in t.stride() else t.detach().as_strided(*dense_part(t)))
        fresh = fresh.detach()
    return fresh.requires_grad_(t.requires_grad)


def dense_part(t):
    """Sizes, strides and offset of t without its expanded dimensions."""
    sizes = [1 if stride == 0 else size for size, stride in zip(t.shape, t.stride())]
    return sizes, t.stride(), t.storage_offset()


def buffer_size(t):
    return t.storage_offset() + sum((size - 1) * stride for size, stride in zip(t.shape, t.stride())) + 1


def map_tensors(value, function):
    if isinstance(value, torch.Tensor):
        return function(value)
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        items = [map_tensors(v, function) for v in value]
        return type(value)(items) if type(value) in (list, tuple) else tuple(items)
    if isinstance(value, dict):
        return {k: map_tensors(v, function) for k, v in value.items()}
    return value


def flatten(value):
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flatten(item)]
    return [value]


def tensors_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    return [t for t in flatten(value) if isinstance(t, torch.Tensor)]


def to_float64(t):
    t = t.detach().double().requires_grad_(t.requires_grad) if t.dtype == torch.float32 else t
    return t


class Suite:
    def __init__(self, folder, generator_seed=7):
        self.folder, self.cases, self.blobs, self.ids = folder, [], [], {}
        self.offset, self.first_key = 0, 0
        self.header = {"__metadata__": {"made_by": f"PyTorch {torch.__version__}"}}
        self.random = torch.Generator().manual_seed(generator_seed)

    @classmethod
    def load(cls, folder):
        """A suite on disk, to add to it."""
        suite = cls(folder)
        with open(os.path.join(folder, "cases.jsonl")) as file:
            suite.cases = [json.loads(line) for line in file]
        with open(os.path.join(folder, "tensors.safetensors"), "rb") as file:
            size = struct.unpack("<Q", file.read(8))[0]
            suite.header = json.loads(file.read(size))
            suite.blobs = [file.read()]
        suite.offset = len(suite.blobs[0])
        suite.first_key = 1 + max((int(name[1:name.index(".")]) for name in suite.header if re.match(r"c\d+\.", name)), default=-1)
        for case in suite.cases:
            prefix, number = case["id"].rsplit("/", 1)
            suite.ids[prefix] = max(suite.ids.get(prefix, -1), int(number))
        return suite

    # --- writing
    def store(self, name, t):
        if t.dtype not in CODES:
            raise CannotExpress(str(t.dtype))
        if t.numel() > MAX_ELEMENTS:
            raise CannotExpress("large")
        data = raw_bytes(t)
        self.header[name] = {"dtype": CODES[t.dtype], "shape": list(t.shape), "data_offsets": [self.offset, self.offset + len(data)]}
        self.blobs.append(data)
        self.offset += len(data)
        return {"tensor": name}

    def save(self):
        os.makedirs(self.folder, exist_ok=True)
        header = json.dumps(self.header, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        with open(os.path.join(self.folder, "tensors.safetensors"), "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header + b"".join(self.blobs))
        with open(os.path.join(self.folder, "cases.jsonl"), "w") as file:
            for case in self.cases:
                file.write(json.dumps(case, separators=(",", ":"), allow_nan=False) + "\n")

    def keep(self, wanted):
        """Drops the cases that are not wanted, and the tensors that only they name."""
        self.cases = [case for case in self.cases if wanted(case)]
        used = set(re.findall(r'"tensor": "((?:[^"\\\\]|\\\\.)*)"', json.dumps(self.cases)))
        used |= {name for case in self.cases if "train" in case for name in (case["train"]["input"], case["train"]["target"])}
        used |= {name for case in self.cases for name in case.get("layout", {})}
        everything = b"".join(self.blobs)
        header, blobs, offset = {"__metadata__": self.header.pop("__metadata__")}, [], 0
        for name, entry in self.header.items():
            if name in used:
                data = everything[slice(*entry["data_offsets"])]
                header[name] = {**entry, "data_offsets": [offset, offset + len(data)]}
                blobs.append(data)
                offset += len(data)
        self.header, self.blobs, self.offset = header, blobs, offset

    def new_id(self, prefix):
        self.ids[prefix] = self.ids.get(prefix, -1) + 1
        return f"{prefix}/{self.ids[prefix]}"

    def append(self, case):
        json.dumps(case, allow_nan=False)
        self.cases.append(case)

    # --- values
    def encode(self, value, key, names=None, layouts=None):
        """The JSON form; tensors are stored as `key`.0, `key`.1, ... and remembered in `names` (id of the tensor -> name)."""
        if isinstance(value, torch.Tensor):
            if names is not None and id(value) in names:
                return {"tensor": names[id(value)]}
            name = f"{key}.{len(names) if names is not None else 0}"
            if names is not None:
                names[id(value)] = name
            if layouts is not None and value.numel() and not (value.is_contiguous() and value.storage_offset() == 0):
                layouts[name] = {"strides": list(value.stride()), "offset": value.storage_offset(), "numel": buffer_size(value)}
            return self.store(name, value)
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            if math.isfinite(value):
                return value
            return {"float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
        if isinstance(value, torch.dtype):
            if value not in DTYPES:
                raise CannotExpress(str(value))
            return {"dtype": DTYPES[value]}
        if isinstance(value, slice):
            parts = [value.start, value.stop, value.step]
            if any(p is not None and not isinstance(p, int) for p in parts):
                raise CannotExpress("slice")
            return {"slice": parts}
        if value is Ellipsis:
            return {"ellipsis": True}
        if isinstance(value, (list, tuple)):
            return [self.encode(v, key, names, layouts) for v in value]
        raise CannotExpress(type(value).__name__)

    def encode_outputs(self, outputs, key):
        encoded = []
        for i, output in enumerate(flatten(outputs)):
            encoded.append(self.store(f"{key}.o{i}", output) if isinstance(output, torch.Tensor) else self.encode(output, key))
        return encoded

    def cotangent(self, output):
        values = torch.randn(output.shape, generator=self.random, dtype=torch.float64).to(output.dtype)
        return values

    def rollback_point(self):
        return self.offset, len(self.blobs), set(self.header)

    def roll_back(self, point):
        self.offset = point[0]
        del self.blobs[point[1]:]
        for name in set(self.header) - point[2]:
            del self.header[name]

    # --- cases
    def add_call(self, name, function, args=(), kwargs=None, prefix=None, grads=True, raises=None, tolerance=None, seed=None):
        """Runs function(*args, **kwargs) and appends the case. Returns False when it cannot be expressed."""
        key, point = f"c{self.first_key}", self.rollback_point()
        try:
            case = self.make_call(key, name, function, list(args), dict(kwargs or {}), grads, raises, tolerance)
        except CannotExpress:
            self.roll_back(point)
            return False
        self.first_key += 1
        dtype = next((DTYPES[t.dtype] for t in tensors_in([args, list((kwargs or {}).values())]) if t.dtype in DTYPES), "none")
        self.append({"id": self.new_id(prefix or f"{name}/{dtype}"), **case})
        return True

    def make_call(self, key, name, function, args, kwargs, grads, raises, tolerance):
        shared = {}

        def fresh(t):
            if id(t) not in shared:
                shared[id(t)] = copy_tensor(t)
            return shared[id(t)]

        before = map_tensors([args, kwargs], fresh)
        shared = {}
        live_args, live_kwargs = map_tensors([args, kwargs], fresh)
        if not grads:
            for t in tensors_in([live_args, list(live_kwargs.values())]):
                t.requires_grad_(False)
        names, layouts = {}, {}
        case = {"call": name, "args": [self.encode(a, key, names, layouts) for a in before[0]]}
        if kwargs:
            case["kwargs"] = {k: self.encode(v, key, names, layouts) for k, v in before[1].items()}
        if layouts:
            case["layout"] = layouts
        if raises is not None:
            case["raises"] = raises
            try:
                function(*live_args, **live_kwargs)
            except Exception as error:
                if isinstance(raises, str) and raises not in str(error):
                    raise AssertionError(f"{name}: PyTorch says {error!r}, not {raises!r}") from error
                return case
            raise CannotExpress("PyTorch raises nothing")
        outputs = function(*live_args, **live_kwargs)
        flat = flatten(outputs)
        case["outputs"] = self.encode_outputs(outputs, key)
        pairs = list(zip(tensors_in([before[0], list(before[1].values())]), tensors_in([live_args, list(live_kwargs.values())])))
        changed = {names[id(b)]: self.store(names[id(b)] + ".after", a) for b, a in pairs
                   if raw_bytes(a) != raw_bytes(b) and not a.requires_grad}
        if changed:
            case["args_after"] = changed
        grad_leaves = [(names[id(b)], a) for b, a in pairs if a.requires_grad and a.is_leaf]
        cotangents = []
        if grads and any(isinstance(o, torch.Tensor) and o.requires_grad for o in flat) and grad_leaves:
            cotangents = [self.cotangent(o) if isinstance(o, torch.Tensor) and o.requires_grad else None for o in flat]
            used = [(o, c) for o, c in zip(flat, cotangents) if c is not None]
            torch.autograd.backward([o for o, _ in used], [c for _, c in used])
            case["cotangents"] = [None if c is None else self.store(f"{key}.g{i}", c) for i, c in enumerate(cotangents)]
            case["grads"] = {leaf: self.store(leaf + ".d", t.grad) for leaf, t in grad_leaves if t.grad is not None}
        if tolerance is None:
            tolerance = self.own_error(function, args, kwargs, flat, cotangents, grad_leaves)
        if tolerance:
            case["rtol"], case["atol"] = tolerance
        return case

    def own_error(self, function, args, kwargs, outputs, cotangents, leaves):
        """Where PyTorch's own float32 result is farther from the float64 one than a quarter of the tolerance, a wider tolerance."""
        if not any(isinstance(o, torch.Tensor) and o.dtype == torch.float32 for o in outputs):
            return None
        try:
            shared = {}

            def fresh(t):
                if id(t) not in shared:
                    shared[id(t)] = to_float64(copy_tensor(t))
                return shared[id(t)]

            wide_args, wide_kwargs = map_tensors([args, kwargs], fresh)
            wide = flatten(function(*wide_args, **wide_kwargs))
            pairs = [(a, b) for a, b in zip(outputs, wide) if isinstance(a, torch.Tensor) and a.dtype == torch.float32]
            if cotangents:
                used = [(o, c.double()) for o, c in zip(wide, cotangents) if c is not None]
                torch.autograd.backward([o for o, _ in used], [c for _, c in used])
                wide_leaves = [t for t in shared.values() if t.requires_grad]
                pairs += [(a.grad, b.grad) for (_, a), b in zip(leaves, wide_leaves) if a.grad is not None and b.grad is not None]
            return self.tolerance_of([a for a, _ in pairs], [b for _, b in pairs])
        except CannotExpress:
            raise
        except Exception:
            return None

    @staticmethod
    def tolerance_of(narrow, wide):
        """PyTorch's float32 results beside the float64 ones: four times their distance where the usual tolerance is not enough."""
        worst = 0.0
        for a, b in zip(narrow, wide):
            if not isinstance(a, torch.Tensor) or a.dtype != torch.float32 or a.shape != b.shape or not a.numel():
                continue
            units = ((a.double() - b).abs() / (1e-5 + 1.3e-6 * b.abs())).detach()
            units = units[torch.isfinite(units)]
            worst = max(worst, float(units.max()) if units.numel() else 0)
        if worst > 1e4:
            raise CannotExpress("ill-conditioned")
        return (1.3e-6 * 4 * worst, 1e-5 * 4 * worst) if worst > 0.25 else None

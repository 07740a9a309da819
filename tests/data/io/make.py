"""Makes the golden and the hostile files beside this script, with PyTorch, safetensors and NumPy.

golden/*         files that must load; golden/expected*.json hold the tensors of each (name, dtype, shape, SHA-256), with the types of the file
hostile/*        files that must be refused (hostile.py)
SHA256SUMS       of all of them
usage: python3 tests/data/io/make.py [PREFIX]     with a prefix: only the .pt files, by the PyTorch at hand (1.13: torch1.13_)
"""
import collections, hashlib, json, os, sys, zipfile
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
golden = os.path.join(here, "golden")
prefix = sys.argv[1] if len(sys.argv) > 1 else ""
expected = {}


def described(name, t):
    t = t.detach().contiguous()
    return {"name": name, "dtype": str(t.dtype)[6:], "shape": list(t.shape), "sha256": hashlib.sha256(t.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()}


def walk(value, path=""):
    join = lambda k: f"{path}.{k}" if path else str(k)
    if isinstance(value, torch.Tensor):
        yield described(path, value)
    elif isinstance(value, dict):
        for k, v in value.items():
            yield from walk(v, join(k))
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            yield from walk(v, join(i))


def good(name, value):
    expected[name] = list(walk(value))


def in_golden(name):
    return os.path.join(golden, name)


def torch_values():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(16, 3))
    optimizer = torch.optim.Adam(net.parameters())
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 80])
    net(torch.randn(8, 1, 4, 4)).sum().backward()
    optimizer.step()
    base = torch.arange(24.0)
    return {
        "state_dict": net.state_dict(),
        "checkpoint": {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "best": 0.98, "name": "nachtlauf é", "none": None,
                       "flags": [True, False], "pair": (1, -2.5), "big": 2**40, "negative": -(2**62), "seed": 2**64 - 1, "bytes": b"\x00\xff"},
        "scheduler": {"state": {k: v for k, v in scheduler.state_dict().items() if k != "_anneal_func"}, "t": torch.ones(1)},  # holds a Counter
        "views": {"whole": base, "row": base[6:12], "matrix": base.view(4, 6).t(), "strided": base[::5], "expanded": torch.ones(1).expand(3, 2),
                  "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)},
        "shapes": {"zero_dim": torch.tensor(3.5), "empty": torch.empty(0), "empty2": torch.empty(2, 0, 3), "bytes": torch.arange(5, dtype=torch.uint8),
                   "bools": torch.tensor([True, False, True]), "longs": torch.tensor([[1, -(2**60)]]), "doubles": torch.tensor([1 / 3, float("nan"), float("inf")], dtype=torch.float64)},
        "small_types": {"half": torch.tensor([1.5, -2.0, 6e-8, 65504.0, float("inf"), float("nan")]).half(), "bfloat16": torch.randn(7).bfloat16(),
                        "int32": torch.tensor([-5, 2**31 - 1], dtype=torch.int32), "int16": torch.tensor([-300], dtype=torch.int16), "int8": torch.tensor([-128, 127], dtype=torch.int8)},
        "parameter": torch.nn.Parameter(torch.randn(2, 3)),
        "one_tensor": torch.randn(3),
        "list": [torch.ones(2), {"a": torch.zeros(1)}, (torch.eye(2),), torch.Size([2, 3]), torch.float16],
        "tied": (lambda w: {"a": w, "b": w, "c": w.view(6)})(torch.randn(2, 3)),
        "many": {f"k{i}": i for i in range(1500)} | {"t": torch.arange(3.0)},
    }


def make_torch():
    for name, value in torch_values().items():
        for ending, new in ((".pt", True), ("_legacy.pt", False)):
            torch.save(value, in_golden(prefix + name + ending), _use_new_zipfile_serialization=new)
            good(prefix + name + ending, value)


def make_rare_torch():
    """What only a newer PyTorch writes, or only other programs."""
    every = torch.arange(256, dtype=torch.uint8)
    rare = {"uint16": torch.tensor([0, 65535], dtype=torch.uint16), "uint32": torch.tensor([7, 2**32 - 1], dtype=torch.uint32),
            "e5m2": every[:124].clone().view(torch.float8_e5m2), "e4m3": every[:127].clone().view(torch.float8_e4m3fn)}  # without NaN, whose bits conversions choose
    torch.save(rare, in_golden("rare_types.pt"))
    good("rare_types.pt", rare)
    # as Python's zipfile repacks it: deflated, no padding; and with every number that may stand in a zip64 field there
    net = torch_values()["state_dict"]
    with zipfile.ZipFile(in_golden("state_dict.pt")) as source, zipfile.ZipFile(in_golden("deflated.pt"), "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in source.infolist():
            packed.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), zipfile.ZIP_DEFLATED)
    good("deflated.pt", net)
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, -1
    with zipfile.ZipFile(in_golden("state_dict.pt")) as source, zipfile.ZipFile(in_golden("zip64.pt"), "w") as packed:
        for entry in source.infolist():
            packed.writestr(zipfile.ZipInfo(entry.filename), source.read(entry))
    zipfile.ZIP64_LIMIT = limit
    good("zip64.pt", net)
    number = {"x": np.float64(1.0), "weight": torch.ones(2)}
    torch.save(number, in_golden("numpy_scalar.pt"))
    good("numpy_scalar.pt", number)


def make_numpy():
    arrays = {"f4": np.arange(6, dtype="<f4").reshape(2, 3), "f8": np.array(2.5), "i8": np.array([], dtype="<i8"), "u1": np.arange(4, dtype="u1"), "b1": np.array([[True], [False]])}
    rare = {"big": np.arange(5, dtype=">f4"), "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "f2": np.array([1.5, -0.1], "<f2"), "i4": np.array([-7], "<i4"), "big_i2": np.array([258, -1], ">i2"),
            "u2": np.array([65535], "<u2"), "big_u4": np.array([2**32 - 1], ">u4"), "fortran3": np.asfortranarray(np.arange(24, dtype=">i4").reshape(2, 3, 4))}
    tensors = lambda pairs: {k: torch.from_numpy(np.ascontiguousarray(a.astype(a.dtype.newbyteorder("="))).reshape(a.shape)) for k, a in pairs.items()}
    for name, array in {**arrays, **rare}.items():
        np.save(in_golden(name + ".npy"), array)
        good(name + ".npy", tensors({name: array})[name])
    for version in (2, 3):
        with open(in_golden(f"version{version}.npy"), "wb") as out:
            np.lib.format.write_array(out, arrays["f4"], version=(version, 0))
        good(f"version{version}.npy", tensors(arrays)["f4"])
    for name, write in (("stored.npz", np.savez), ("deflated.npz", np.savez_compressed)):
        write(in_golden(name), **arrays, **{"deep/name": rare["fortran"]})
        good(name, {**tensors(arrays), "deep/name": tensors(rare)["fortran"]})


def make_safetensors():
    import safetensors.torch
    order = ["int64", "float64", "float32", "uint32", "int32", "bfloat16", "float16", "uint16", "int16", "int8", "uint8", "bool"]  # of the library's data
    every = {f"{name}.{i}": (torch.arange(4 + i) % 5).to(getattr(torch, name)) for name in order for i in range(2)}
    every["float32.2"] = torch.tensor(1.5)
    every["float32.3"] = torch.empty(0, 4)
    every["float32.4 é\n\"\\"] = torch.randn(2, 2)
    ours = {k: v for k, v in every.items() if v.dtype in (torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool)}
    for name, value in (("every", every), ("ours", ours), ("none", {})):
        safetensors.torch.save_file(value, in_golden(name + ".safetensors"), metadata={"format": "pt"})
        rank = lambda item: (order.index(str(item[1].dtype)[6:]), item[0])
        good(name + ".safetensors", dict(sorted(value.items(), key=rank)))


def main():
    os.makedirs(golden, exist_ok=True)
    if prefix:
        make_torch()
    else:
        for name in os.listdir(golden):
            if not name.startswith("torch1.") and not name.startswith("expected_"):
                os.remove(in_golden(name))
        make_torch(), make_rare_torch(), make_numpy(), make_safetensors()
        import hostile
        hostile.make(os.path.join(here, "hostile"))
    with open(in_golden(f"expected_{prefix.rstrip('_') or 'torch'}.json"), "w") as out:
        json.dump({"made by": f"PyTorch {torch.__version__}, NumPy {np.__version__}", "files": expected}, out, indent=0, sort_keys=True)
    with open(os.path.join(here, "SHA256SUMS"), "w") as out:
        for folder in ("golden", "hostile"):
            for name in sorted(os.listdir(os.path.join(here, folder))):
                with open(os.path.join(here, folder, name), "rb") as file:
                    out.write(f"{hashlib.sha256(file.read()).hexdigest()}  {folder}/{name}\n")


main()

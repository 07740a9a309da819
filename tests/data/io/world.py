"""Makes world/: files as people have them, with PyTorch, NumPy and (libtorch.cpp) libtorch. tests/io/world_test.cpp says what is in them.

usage: python3 tests/data/io/world.py
"""
import argparse, collections, datetime, io, os, pathlib, pickle, sys, tarfile, types, zipfile
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))


def at(name):
    return os.path.join(here, "world", name)


def write(name, content):
    with open(at(name), "wb") as out:
        out.write(content)


plain = {
    "options": argparse.Namespace(lr=0.1, name="cnn", layers=[1, 2]), "simple": types.SimpleNamespace(a=1), "path": pathlib.PosixPath("/data/mnist"),
    "default": collections.defaultdict(list, {"a": [1]}), "recent": collections.deque([1, 2], maxlen=2), "set": {7}, "frozen": frozenset([8]), "empty_set": set(),
    "bytes": b"\x00\xff\x80a", "array": bytearray(b"\x01\xfe"), "no_bytes": b"", "version": torch.torch_version.TorchVersion("2.13.0"), "device": torch.device("cpu"),
    "dtype": torch.float16, "size": torch.Size([2, 3]), "counter": collections.Counter("aab"), "type": np.dtype("float32"), "weight": torch.arange(3.0),
    "parameter": torch.nn.Parameter(torch.ones(2)),
}
plain["parameter"].note = "with an attribute"
numpy = {
    "float64": np.float64(0.9), "float32": np.float32(0.5), "float16": np.float16(1.5), "int64": np.int64(-7), "int32": np.int32(5), "uint8": np.uint8(255), "bool": np.bool_(True),
    "str": np.str_("Größe"), "bytes": np.bytes_(b"ab"), "array": np.arange(6, dtype=np.float64).reshape(2, 3), "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big": np.arange(3, dtype=">i8"), "scalar_array": np.array(2.5), "mask": np.array([True, False]), "weight": torch.ones(2),
}


class Custom:
    """As of somebody's project."""

    def __init__(self):
        self.secret = torch.ones(1)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
        self.bn = torch.nn.BatchNorm1d(2)
        self.blocks = torch.nn.ModuleList([torch.nn.Linear(2, 2)])
        self.scale = torch.nn.Parameter(torch.full((2,), 3.0))

    def forward(self, x):
        return self.bn(self.fc(x)) * self.scale


for kind in (Custom, Net):
    kind.__module__ = "project"
sys.modules["project"] = types.ModuleType("project")
sys.modules["project"].Custom, sys.modules["project"].Net = Custom, Net


def main():
    os.makedirs(at(""), exist_ok=True)
    torch.manual_seed(0)
    net = Net().eval()
    for protocol in (2, 3, 4, 5):
        for name, value in (("plain", plain), ("numpy", numpy)):
            torch.save(value, at(f"{name}{protocol}.pt"), pickle_protocol=protocol)
    torch.save(plain, at("plain4_legacy.pt"), pickle_protocol=4, _use_new_zipfile_serialization=False)
    torch.save({"state_dict": net.state_dict(), "best_acc": np.float64(0.9), "epoch": 3}, at("best.pt"))
    torch.save({"module." + k: v for k, v in net.state_dict().items()}, at("parallel.pt"))
    foreign = {"epoch": 3, "when": datetime.datetime(2026, 1, 2), "weight": torch.arange(4.0), "custom": Custom(), "list": [1, Custom(), 2], "complex": torch.ones(2, dtype=torch.complex64),
               "sparse": torch.eye(2).to_sparse(), "nested": {"inner": Custom(), "kept": 1.5}, "dates": np.array(["2026-01-01"], "M8[D]")}
    torch.save(foreign, at("foreign.pt"))
    torch.save(foreign, at("foreign_legacy.pt"), _use_new_zipfile_serialization=False)
    torch.save(net, at("whole.pt"))
    torch.save(net, at("whole_legacy.pt"), _use_new_zipfile_serialization=False)
    torch.save(Custom(), at("custom.pt"))
    torch.save({"h": torch.tensor([1.0, -2.5, float("inf")]).half(), "b": torch.tensor([3.0, 1e30]).bfloat16(), "i": torch.tensor([-5, 2**31 - 1], dtype=torch.int32), "f": torch.ones(2)}, at("half.pt"))
    torch.jit.save(torch.jit.script(net), at("script.pt"))
    torch.jit.save(torch.jit.trace(net, torch.ones(1, 3)), at("traced.pt"))
    write("lfs.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n")
    write("page.pt", b"<!DOCTYPE html>\n<html><body>404</body></html>\n")
    write("index.json", b'{"metadata": {"total_size": 8}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}')
    write("packed.pt", b"\x1f\x8b\x08\x00" + bytes(20))
    write("nothing.pt", b"")
    write("sklearn.pt", pickle.dumps({"a": [1, 2]}, protocol=4))
    with tarfile.open(at("tar.pt"), "w") as tar:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"\x80\x02}."))
    with zipfile.ZipFile(at("empty.zip"), "w"):
        pass
    with zipfile.ZipFile(at("photos.zip"), "w") as z:
        z.writestr("a.png", b"\x89PNG")
    np.savez(at("labels.npz"), weight=np.ones((2, 2), "f4"), names=np.array(["cat", "dog"]), objects=np.array([{"a": 1}], dtype=object), record=np.zeros(2, [("x", "f4"), ("y", "i4")]),
             when=np.array(["2026-01-01"], "M8[D]"), wave=np.ones(2, "c8"), after=np.arange(3))
    import safetensors.torch
    safetensors.torch.save_file({"h": torch.tensor([1.0, 0.5]).half(), "f": torch.ones(2)}, at("half.safetensors"), metadata={"format": "pt", "author": "müller", "step": "3"})


main()

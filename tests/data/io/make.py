"""Makes the golden and the hostile files beside this script, with PyTorch 2.13, safetensors' layout and NumPy.

golden/*         files that must load; golden/expected.json holds the tensors of each (name, dtype, shape, SHA-256), after conversion
hostile/*        files that must be refused
SHA256SUMS       of all of them
usage: python3 tests/data/io/make.py
"""
import collections, hashlib, io, json, os, pickle, struct, zipfile
import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
golden, hostile = os.path.join(here, "golden"), os.path.join(here, "hostile")
expected = {}


def described(name, t):
    t = t.detach()
    if t.dtype == torch.float16:  # NumPy keeps the bits of a NaN, PyTorch does not
        t = torch.from_numpy(t.numpy().astype(np.float32))
    if t.dtype == torch.bfloat16:
        t = t.float()
    if t.dtype in (torch.int8, torch.int16, torch.int32):
        t = t.long()
    a = t.contiguous().numpy()
    return {"name": name, "dtype": str(a.dtype), "shape": list(a.shape), "sha256": hashlib.sha256(a.tobytes()).hexdigest()}


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


def make_golden():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(16, 3))
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.randn(8, 1, 4, 4)).sum().backward()
    optimizer.step()
    base = torch.arange(24.0)
    values = {
        "state_dict": net.state_dict(),
        "checkpoint": {"model": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "best": 0.98, "name": "nachtlauf é", "none": None,
                       "flags": [True, False], "pair": (1, -2.5), "big": 2**40, "negative": -(2**62)},
        "views": {"whole": base, "row": base[6:12], "matrix": base.view(4, 6).t(), "strided": base[::5], "expanded": torch.ones(1).expand(3, 2),
                  "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)},
        "shapes": {"zero_dim": torch.tensor(3.5), "empty": torch.empty(0), "empty2": torch.empty(2, 0, 3), "bytes": torch.arange(5, dtype=torch.uint8),
                   "bools": torch.tensor([True, False, True]), "longs": torch.tensor([[1, -(2**60)]]), "doubles": torch.tensor([1 / 3, float("nan"), float("inf")], dtype=torch.float64)},
        "small_types": {"half": torch.tensor([1.5, -2.0, 6e-8, 65504.0, float("inf"), float("nan")]).half(), "bfloat16": torch.randn(7).bfloat16(),
                        "int32": torch.tensor([-5, 2**31 - 1], dtype=torch.int32), "int16": torch.tensor([-300], dtype=torch.int16), "int8": torch.tensor([-128, 127], dtype=torch.int8)},
        "parameter": torch.nn.Parameter(torch.randn(2, 3)),
        "one_tensor": torch.randn(3),
        "list": [torch.ones(2), {"a": torch.zeros(1)}, (torch.eye(2),)],
        "tied": (lambda w: {"a": w, "b": w, "c": w.view(6)})(torch.randn(2, 3)),
        "many": {f"k{i}": i for i in range(1500)} | {"t": torch.arange(3.0)},
    }
    for name, value in values.items():
        for ending, new in ((".pt", True), ("_legacy.pt", False)):
            torch.save(value, in_golden(name + ending), _use_new_zipfile_serialization=new)
            good(name + ending, value)
    # as Python's zipfile repacks it: deflated, no padding
    with zipfile.ZipFile(in_golden("state_dict.pt")) as source, zipfile.ZipFile(in_golden("deflated.pt"), "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in source.infolist():
            packed.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), zipfile.ZIP_DEFLATED)
    good("deflated.pt", net.state_dict())

    arrays = {"f4": np.arange(6, dtype="<f4").reshape(2, 3), "f8": np.array(2.5), "i8": np.array([], dtype="<i8"), "u1": np.arange(4, dtype="u1"), "b1": np.array([[True], [False]])}
    rare = {"big": np.arange(5, dtype=">f4"), "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "f2": np.array([1.5, -0.1], "<f2"), "i4": np.array([-7], "<i4"), "big_i2": np.array([258, -1], ">i2")}
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

    write_safetensors("plain.safetensors", [("b", torch.arange(3)), ("a", torch.randn(2, 2)), ("scalar", torch.tensor(1.0)), ("none", torch.empty(0, 4)), ("ok", torch.tensor([True, False]))])
    write_safetensors("half.safetensors", [("bf", torch.randn(4).bfloat16()), ("h", torch.randn(3).half()), ("i", torch.tensor([-1], dtype=torch.int32))])


CODES = {torch.int64: "I64", torch.float32: "F32", torch.bool: "BOOL", torch.bfloat16: "BF16", torch.float16: "F16", torch.int32: "I32"}


def write_safetensors(name, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key, t in tensors:
        raw = t.contiguous().view(torch.uint8).numpy().tobytes() if t.numel() and t.dim() else (t.numpy().tobytes() if t.numel() else b"")
        header[key] = {"dtype": CODES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(in_golden(name), "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)
    good(name, dict(tensors))


# --- hostile files

def bad(name, content):
    with open(os.path.join(hostile, name), "wb") as out:
        out.write(content)


def pt_of(pickled, records=(("data/0", bytes(16)),), method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, content in (("data.pkl", pickled),) + tuple(records) + (("version", b"3\n"),):
            z.writestr(zipfile.ZipInfo("a/" + name), content, method)
    return out.getvalue()


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def integer(v):
    raw = v.to_bytes((v.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def tensor(key="0", numel=4, offset=0, size=(4,), stride=(1,), kind="FloatStorage"):
    seq = lambda values: b"(" + b"".join(integer(v) for v in values) + b"t"
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu") + integer(numel) + b"tQ" +
            integer(offset) + seq(size) + seq(stride) + b"\x89ccollections\nOrderedDict\n)RtR")


def make_hostile():
    class Evil:
        def __reduce__(self):
            return os.system, ("touch /tmp/ember-was-here",)
    plain = lambda body: pt_of(b"\x80\x02" + body + b".")
    bad("system.pt", pt_of(pickle.dumps(Evil(), 2)))
    bad("system4.pt", pt_of(pickle.dumps(Evil(), 4)))
    bad("eval.pt", plain(b"c__builtin__\neval\n" + text("1") + b"\x85R"))
    out = io.BytesIO()
    torch.save(torch.nn.Linear(2, 1), out)
    bad("module.pt", out.getvalue())
    out = io.BytesIO()
    torch.save({"x": np.float64(1.0)}, out)
    bad("numpy_scalar.pt", out.getvalue())
    bad("beyond.pt", plain(tensor(size=(5,))))
    bad("offset.pt", plain(tensor(offset=1)))
    bad("negative_offset.pt", plain(tensor(offset=-1)))
    bad("negative_size.pt", plain(tensor(size=(-4,))))
    bad("negative_stride.pt", plain(tensor(offset=3, stride=(-1,))))
    bad("overflow.pt", plain(tensor(size=(2**62, 2**62), stride=(2**62, 1))))
    bad("expanded.pt", plain(tensor(size=(2**40,), stride=(0,))))
    bad("numel.pt", plain(tensor(numel=2**61)))
    bad("no_storage.pt", plain(tensor(key="7")))
    bad("climbing.pt", plain(tensor(key="../data.pkl")))
    bad("two_types.pt", plain(b"(" + tensor() + tensor(kind="LongStorage", numel=2, size=(2,)) + b"t"))
    bad("dims.pt", plain(tensor(size=(1,) * 300, stride=(1,) * 300)))
    bad("itself.pt", plain(b"]q\0h\0a"))
    bad("deep.pt", plain(b"]" * 50000 + b"a" * 49999))
    bad("laughs.pt", plain(b"]q\0" + b"(" + b"N" * 30 + b"e" + b"".join(b"0](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 20 + b"eq" + bytes([i + 1]) for i in range(9))))
    # one long list, copied again and again by what takes a sequence
    copies = b"](" + b"K\1" * 60000 + b"eq\0" + b"0("
    bad("sizes.pt", plain(copies + b"ctorch\nSize\nq\1h\0\x85R" + b"h\1h\0\x85R" * 20000 + b"t"))
    bad("dicts.pt", plain(b"](" + b"K\1K\2\x86" * 30000 + b"eq\0" + b"0(" + b"ccollections\nOrderedDict\nq\1h\0\x85R" + b"h\1h\0\x85R" * 15000 + b"t"))
    # version tables that refer to one another
    info = b"}(" + (text("version") + b"K\2") * 20000 + b"uq\0"
    table = b"ccollections\nOrderedDict\n)R(" + text("a") + info + (text("b") + b"h\0") * 20000 + b"u"
    bad("versions.pt", plain(b"ccollections\nOrderedDict\n)R}" + text("_metadata") + table + b"sb"))
    shared = b"}" + text("_metadata") + b"}(" + (text("p") + b"h\5") * 30000 + b"us"
    bad("shared_versions.pt", plain(b"}" + text("version") + b"K\2sq\x050ccollections\nOrderedDict\n)R" + shared + b"bq\6" + b"0](" + b"h\6" * 60000 + b"e"))
    bad("echo.pt", plain(text("e" * 100000) + b"q\0" + b"0](" + b"h\0" * 100000 + b"e"))
    bad("aliases.pt", plain(tensor() + b"q\0" + b"0](" + b"h\0" * 190000 + b"e"))
    bad("memo.pt", plain(b"Nr\xff\xff\xff\x7f"))
    bad("long_string.pt", plain(b"X\xff\xff\xff\xffabc"))
    bad("underflow.pt", plain(b"0t"))
    bad("no_stop.pt", pt_of(b"\x80\x02N"))
    good_pt = pt_of(b"\x80\x02" + tensor() + b".")
    bad("short_record.pt", pt_of(b"\x80\x02" + tensor() + b".", (("data/0", bytes(12)),)))
    for i, cut in enumerate((3, 40, len(good_pt) // 2, len(good_pt) - 1)):
        bad(f"cut{i}.pt", good_pt[:cut])
    bad("empty.pt", b"")
    legacy = io.BytesIO()
    torch.save({"w": torch.randn(4)}, legacy, _use_new_zipfile_serialization=False)
    raw = legacy.getvalue()
    bad("legacy_cut.pt", raw[:-5])
    bad("legacy_numel.pt", raw[:-24] + struct.pack("<q", 2**60) + raw[-16:])
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("a.npy"), bytes(200 << 20), zipfile.ZIP_DEFLATED)
    bad("bomb.npz", bomb.getvalue())
    twice = io.BytesIO()
    array = io.BytesIO()
    np.save(array, np.arange(3.0))
    import warnings
    with warnings.catch_warnings(), zipfile.ZipFile(twice, "w") as z:
        warnings.simplefilter("ignore")
        z.writestr(zipfile.ZipInfo("a.npy"), array.getvalue())
        z.writestr(zipfile.ZipInfo("a.npy"), array.getvalue())
    bad("twice.npz", twice.getvalue())
    npy = lambda header: b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header
    head = lambda descr="'<f4'", shape="(2,)": f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    bad("object.npy", npy(head("'|O'")) + pickle.dumps(Evil(), 2))
    bad("record.npy", npy(head("[('a', '<f4')]")) + bytes(8))
    bad("huge.npy", npy(head(shape="(4611686018427387904, 4)")) + bytes(8))
    bad("cut.npy", npy(head()) + bytes(7))
    bad("minus.npy", npy(head(shape="(-2,)")) + bytes(8))
    bad("unclosed.npy", npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2") + bytes(8))
    bad("header.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff{}")
    safe = lambda header, data=b"", n=None: struct.pack("<Q", len(header) if n is None else n) + header + data
    entry = lambda shape="[2]", offsets="[0,8]", kind="F32": f'{{"dtype":"{kind}","shape":{shape},"data_offsets":{offsets}}}'
    one = lambda body: ('{"a":' + body + "}").encode()
    for name, content in {
        "huge": safe(one(entry("[4611686018427387904,4]")), bytes(8)), "beyond": safe(one(entry(offsets="[0,16]", shape="[4]")), bytes(8)), "trailing": safe(one(entry()), bytes(9)),
        "hole": safe(one(entry(offsets="[1,9]")), bytes(9)), "back": safe(one(entry(offsets="[8,0]")), bytes(8)), "negative": safe(one(entry(shape="[-2]")), bytes(8)),
        "overlap": safe(('{"a":' + entry() + ',"b":' + entry("[1]", "[4,8]") + "}").encode(), bytes(8)), "twice": safe(('{"a":' + entry() + ',"a":' + entry(offsets="[8,16]") + "}").encode(), bytes(16)),
        "length": safe(b"{}", n=2**63), "no_json": safe(b"{abc}"), "unknown": safe(one(entry(kind="F3")), bytes(8)), "nested": safe(b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"),
        "missing": safe(b'{"a":{"dtype":"F32","shape":[2]}}', bytes(8)), "no_text": safe(b'{"\xff\xfe":' + entry().encode() + b"}", bytes(8)),
        "fraction": safe(one(entry(shape="[2.0]")), bytes(8)), "metadata": safe(b'{"__metadata__":{"a":1}}'),
    }.items():
        bad(name + ".safetensors", content)


def main():
    for folder in (golden, hostile):
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))
    make_golden()
    make_hostile()
    with open(in_golden("expected.json"), "w") as out:
        json.dump({"made by": f"PyTorch {torch.__version__}, NumPy {np.__version__}", "files": expected}, out, indent=0, sort_keys=True)
    with open(os.path.join(here, "SHA256SUMS"), "w") as out:
        for folder in ("golden", "hostile"):
            for name in sorted(os.listdir(os.path.join(here, folder))):
                with open(os.path.join(here, folder, name), "rb") as file:
                    out.write(f"{hashlib.sha256(file.read()).hexdigest()}  {folder}/{name}\n")


main()

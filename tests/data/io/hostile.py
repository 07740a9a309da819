"""Files that must be refused, each for one reason: make(FOLDER)."""
import io, os, pickle, struct, warnings, zipfile
import numpy as np
import torch

folder = ""


def bad(name, content):
    with open(os.path.join(folder, name), "wb") as out:
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


def numpy_array(size=(2,), kind="f8", content=bytes(16)):
    return (b"cnumpy._core.numeric\n_frombuffer\n(C" + bytes([len(content)]) + content + b"cnumpy\ndtype\n(" + text(kind) + b"tR(" + b"".join(integer(v) for v in size) + b"t" +
            text("C") + b"tR")


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/ember-was-here",)


def make_pt():
    plain = lambda body: pt_of(b"\x80\x02" + body + b".")
    bad("system.pt", pt_of(pickle.dumps(Evil(), 2)))
    bad("system4.pt", pt_of(pickle.dumps(Evil(), 4)))
    bad("eval.pt", plain(b"c__builtin__\neval\n" + text("1") + b"\x85R"))
    out = io.BytesIO()
    torch.save(torch.nn.Linear(2, 1), out)
    bad("module.pt", out.getvalue())
    bad("empty_zip.pt", b"PK\5\6" + bytes(18))
    bad("no_utf8.pt", plain(b"}X\3\0\0\0a\xffb" + tensor() + b"s"))
    bad("array_size.pt", plain(numpy_array(size=(5,))))
    bad("array_overflow.pt", plain(numpy_array(size=(2**62, 2**62))))
    bad("array_negative.pt", plain(numpy_array(size=(-1,))))
    bad("array_objects.pt", plain(numpy_array(kind="O8")))
    bad("scalar_short.pt", plain(b"cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\n(" + text("f8") + b"tRC\4abcdtR"))
    bad("many_types.pt", plain(b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nNNtR"))
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
    # numbers, texts and keys
    bad("long4.pt", plain(b"\x8b\xff\xff\xff\x7f\1"))
    bad("long1.pt", pt_of(b"\x80\x02\x8a\xff\1."))
    bad("twice_key.pt", plain(b"}(" + text("a") + tensor() + text("a") + tensor() + b"u"))
    bad("twice_number.pt", plain(b"}(K\1NM\1\0Nu"))
    bad("key_list.pt", plain(b"}(]Nu"))
    # memory by the byte: places, marks, memo, tuples in tuples
    bad("nothings.pt", pt_of(b"\x80\x02(" + b"N" * 3000000 + b"l.", method=zipfile.ZIP_DEFLATED))
    bad("marks.pt", pt_of(b"\x80\x02" + b"(" * 3000000 + b".", method=zipfile.ZIP_DEFLATED))
    bad("sparse_memo.pt", pt_of(b"\x80\x02N" + b"".join(b"r" + struct.pack("<I", i * 90000) for i in range(200)) + b"."))
    bad("tuples.pt", plain(b")" + b"\x85" * 100000))
    bad("doubling.pt", plain(b"N" + b"q\0h\0\x86" * 60))
    bad("dup.pt", pt_of(b"\x80\x02N(" + b"2" * 3000000 + b"t.", method=zipfile.ZIP_DEFLATED))
    bad("untyped.pt", plain(tensor(kind="UntypedStorage").replace(b"ctorch\nUntyped", b"ctorch.storage\nUntyped")))
    bad("no_float.pt", plain(tensor(kind="ComplexFloatStorage", numel=2, size=(2,))))
    bad("stack_global.pt", plain(b"\x8c\2os\x8c\6system\x93" + text("true") + b"\x85R"))
    bad("newobj.pt", plain(b"ccollections\nOrderedDict\n)\x81"))
    bad("inst.pt", plain(b"(" + text("true") + b"ios\nsystem\n"))
    bad("reduce_size.pt", plain(b"ctorch\nSize\nNR"))
    bad("build_tensor.pt", plain(tensor() + b"}b"))
    bad("set_list.pt", plain(b"]NNs"))


def make_zip():
    good = pt_of(b"\x80\x02" + tensor() + b".")
    directory = good.index(b"PK\1\2")
    end = good.index(b"PK\5\6")

    def patched(at, content):
        return good[:at] + content + good[at + len(content):]
    first_size, second = directory + 24, good.index(b"PK\1\2", directory + 1)
    bad("zip_size.pt", patched(first_size, b"\xff\xff\xff\x7f"))
    bad("zip_packed.pt", patched(directory + 20, b"\xff\xff\xff\x7f"))
    bad("zip_offset.pt", patched(second + 42, b"\xff\xff\xff\x7f"))
    bad("zip_overlap.pt", patched(second + 42, good[directory + 42:directory + 46]))
    bad("zip_flags.pt", patched(directory + 8, b"\1\0"))
    bad("zip_method.pt", patched(directory + 10, b"\x0c\0"))
    bad("zip_crc.pt", patched(directory + 16, b"\0\0\0\0"))
    bad("zip_count.pt", patched(end + 10, b"\xff\xff"))
    bad("zip_directory.pt", patched(end + 16, b"\xff\xff\xff\x7f"))
    bad("zip_into_directory.pt", patched(good.index(b"PK\1\2", second + 1) + 20, b"\x40\0\0\0\x40\0\0\0"))
    bad("zip_no_root.pt", good.replace(b"a/data.pkl", b"aadata.pkl"))
    bad("zip64_end.pt", good[:end] + b"PK\6\7" + struct.pack("<IQI", 0, 2**63, 1) + good[end:])
    bad("zip64_wrap.pt", good[:end] + b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 2**60, 2**60, 2**63, 2**63) + b"PK\6\7" + struct.pack("<IQI", 0, end, 1) + good[end:])
    bad("byteorder.pt", pt_of(b"\x80\x02" + tensor() + b".", (("byteorder", b"big"), ("data/0", bytes(16)))))
    bad("pickle_bomb.pt", pt_of(b"\x80\x02" + b"N0" * (64 << 20) + b"N.", method=zipfile.ZIP_DEFLATED))
    bad("storage_bomb.pt", pt_of(b"\x80\x02" + tensor(numel=64 << 20, size=(64 << 20,)) + b".", (("data/0", bytes(256 << 20)),), zipfile.ZIP_DEFLATED))


def make_npz():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("a.npy"), bytes(200 << 20), zipfile.ZIP_DEFLATED)
    bad("bomb.npz", bomb.getvalue())
    twice = io.BytesIO()
    array = io.BytesIO()
    np.save(array, np.arange(3.0))
    with warnings.catch_warnings(), zipfile.ZipFile(twice, "w") as z:
        warnings.simplefilter("ignore")
        z.writestr(zipfile.ZipInfo("a.npy"), array.getvalue())
        z.writestr(zipfile.ZipInfo("a.npy"), array.getvalue())
    bad("twice.npz", twice.getvalue())
    array = array.getvalue()

    def npz(content, name="a.npy", method=zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            z.writestr(zipfile.ZipInfo(name), content, method)
        return out.getvalue()
    bad("no_array.npz", npz(b"hello"))
    bad("other_name.npz", npz(array, "a.txt"))
    bad("short.npz", npz(array[:-1]))
    bad("long.npz", npz(array + b"!"))
    damaged = bytearray(npz(array, method=zipfile.ZIP_STORED))
    damaged[damaged.index(array) + len(array) - 3] ^= 1
    bad("damaged.npz", bytes(damaged))
    packed = npz(array)
    bad("not_deflated.npz", packed.replace(packed[35:60], bytes(25)))
    bad("cut.npz", packed[:-30])


def make_npy():
    npy = lambda header: b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header
    head = lambda descr="'<f4'", shape="(2,)": f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    bad("object.npy", npy(head("'|O'")) + pickle.dumps(Evil(), 2))
    bad("record.npy", npy(head("[('a', '<f4')]")) + bytes(8))
    bad("huge.npy", npy(head(shape="(4611686018427387904, 4)")) + bytes(8))
    bad("cut.npy", npy(head()) + bytes(7))
    bad("minus.npy", npy(head(shape="(-2,)")) + bytes(8))
    bad("unclosed.npy", npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2") + bytes(8))
    bad("header.npy", b"\x93NUMPY\x02\0\xff\xff\xff\xff{}")
    bad("version.npy", b"\x93NUMPY\x09\0" + npy(head())[8:] + bytes(8))
    for name, header in {
        "one.npy": head(shape="(2)"), "comma.npy": head(shape="(2,,)"), "letters.npy": head(shape="(x,)"), "call.npy": head(shape="(open('/etc/passwd'),)"), "digits.npy": head(shape="(" + "9" * 40 + ",)"),
        "dims.npy": head(shape="(" + "1, " * 300 + ")"), "zero.npy": head(shape="(0, 9223372036854775807, 9223372036854775807)"), "order.npy": head().replace(b"False", b"Maybe"), "native.npy": head("'f4'"),
        "missing.npy": b"{'descr': '<f4', 'shape': (2,)}\n", "twice.npy": b"{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}\n", "extra.npy": head().replace(b"}", b"'x': 1}"),
        "behind.npy": head().strip() + b" junk\n", "complex.npy": head("'<c8'"), "quote.npy": head("'<f4"), "no_text.npy": b"\xff\xfe\x00",
    }.items():
        bad(name, npy(header) + bytes(8))


def make_safetensors():
    safe = lambda header, data=b"", n=None: struct.pack("<Q", len(header) if n is None else n) + header + data
    entry = lambda shape="[2]", offsets="[0,8]", kind="F32": f'{{"dtype":"{kind}","shape":{shape},"data_offsets":{offsets}}}'
    one = lambda body: ('{"a":' + body + "}").encode()
    for name, content in {
        "huge": safe(one(entry("[4611686018427387904,4]")), bytes(8)), "beyond": safe(one(entry(offsets="[0,16]", shape="[4]")), bytes(8)), "trailing": safe(one(entry()), bytes(9)),
        "hole": safe(one(entry(offsets="[1,9]")), bytes(9)), "back": safe(one(entry(offsets="[8,0]")), bytes(8)), "negative": safe(one(entry(shape="[-2]")), bytes(8)),
        "overlap": safe(('{"a":' + entry() + ',"b":' + entry("[1]", "[4,8]") + "}").encode(), bytes(8)), "twice": safe(('{"a":' + entry() + ',"a":' + entry(offsets="[8,16]") + "}").encode(), bytes(16)),
        "length": safe(b"{}", n=2**63), "no_json": safe(b"{abc}"), "unknown": safe(one(entry(kind="F3")), bytes(8)), "nested": safe(b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"),
        "missing": safe(b'{"a":{"dtype":"F32","shape":[2]}}', bytes(8)), "no_text": safe(b'{"\xff\xfe":' + entry().encode() + b"}", bytes(8)),
        "dims": safe(one(entry("[" + ",".join("1" * 300) + "]", "[0,4]")), bytes(4)), "exponent": safe(one(entry(offsets="[0,8e0]")), bytes(8)), "large": safe(one(entry(offsets="[0,18446744073709551624]")), bytes(8)),
        "third": safe(one(entry(offsets="[0,8,8]")), bytes(8)), "field": safe(one('{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}'), bytes(8)), "twice_field": safe(one('{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}'), bytes(8)),
        "behind": safe(one(entry()) + b"x", bytes(8)), "array": safe(b"[1]"), "blank_first": safe(b" " + one(entry()), bytes(8)), "zero": safe(b"", n=0), "wrap": safe(one(entry("[9223372036854775807,2]", "[0,0]"))), "complex": safe(one(entry("[1]", "[0,8]", "C64")), bytes(8)),
        "metadata_twice": safe(b'{"__metadata__":{},"__metadata__":{}}'), "metadata_list": safe(b'{"__metadata__":[]}'), "surrogate": safe('{"\\ud800":'.encode() + entry().encode() + b"}", bytes(8)),
        "many": safe(b"{" + b",".join(b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % i for i in range(4000)) + b',"3999":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "fraction": safe(one(entry(shape="[2.0]")), bytes(8)), "metadata": safe(b'{"__metadata__":{"a":1}}'),
    }.items():
        bad(name + ".safetensors", content)


def make(where):
    global folder
    folder = where
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))
    make_pt(), make_zip(), make_npz(), make_npy(), make_safetensors()

"""Layers that people train, drawn from a seed, as rows that ember_peer and torch_peer.py know by name:
`conv2d n=8 in=64 out=128 size=16 kernel=3 stride=1 padding=1 dilation=1 groups=1`, with ` +backward` behind it for forward and backward.
"""
import random
import re

FIELDS = ("n", "in", "out", "size", "kernel", "stride", "padding", "dilation", "groups")
CHANNELS = [8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]


def parse(row):
    """Kind and numbers of a row's name."""
    kind, *words = row.removesuffix(" +backward").split()
    return kind, {key: int(value) for key, value in (word.split("=") for word in words)}


def is_layer(row):
    return re.match(r"(linear|conv[12]d|conv_transpose2d) n=", row) is not None


def multiply_adds(kind, v):
    """Of the forward; None for a shape that does not exist."""
    reach = v["dilation"] * (v["kernel"] - 1) + 1
    if kind == "linear":
        return v["n"] * v["in"] * v["out"]
    dims = 1 if kind == "conv1d" else 2
    if kind == "conv_transpose2d":
        places = v["size"] if (v["size"] - 1) * v["stride"] - 2 * v["padding"] + reach >= 1 else 0
    else:
        places = (v["size"] + 2 * v["padding"] - reach) // v["stride"] + 1
    if places < 1 or v["in"] % v["groups"] or v["out"] % v["groups"]:
        return None
    return v["n"] * places**dims * v["in"] * v["out"] // v["groups"] * v["kernel"]**dims


def draw(seed, count):
    """Names of `count` layers between 0.3 million and 1.2 billion multiply-adds."""
    r, rows = random.Random(seed), []
    while len(rows) < count:
        kind = r.choice(["conv2d"] * 6 + ["conv_transpose2d"] * 2 + ["conv1d"] * 2 + ["linear"] * 2)
        v = {"n": r.choice([1, 2, 8, 16, 32, 64, 128]), "in": r.choice([1, 3] + CHANNELS), "out": r.choice([1, 8, 10] + CHANNELS[1:]),
             "size": r.choice([1, 2, 4, 7, 8, 12, 14, 16, 24, 28, 32, 56, 64]), "kernel": r.choice([1, 1, 2, 3, 3, 3, 4, 5, 7]),
             "stride": r.choice([1, 1, 1, 2, 2, 3]), "dilation": r.choice([1] * 8 + [2]), "groups": r.choice([1] * 8 + [2, 4, 8])}
        v["padding"] = r.choice([0, v["kernel"] // 2, v["kernel"] // 2])
        if kind == "linear":
            v.update({"size": 1, "kernel": 1, "stride": 1, "padding": 0, "dilation": 1, "groups": 1})
            v["in"] = r.choice([10, 32, 100, 256, 512, 784, 1024, 2048])
            v["out"] = r.choice([1, 10, 32, 64, 128, 256, 512, 1000, 2048])
        if kind == "conv1d":
            v["size"] = r.choice([16, 50, 100, 250, 500, 1000])
        if kind == "conv_transpose2d" and v["size"] > 32:
            continue
        work = multiply_adds(kind, v)
        if work and 3e5 < work < 1.2e9:
            rows.append(f"{kind} " + " ".join(f"{key}={v[key]}" for key in FIELDS))
    return rows

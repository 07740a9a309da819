"""Random arguments for the constructor of every module, and inputs that suit it: (name, args, kwargs, inputs)."""

import torch

from draw import BOOL, F64, I64
from draw.sequences import modules as sequences


def images(n, channels, low=4, high=8):
    """Inputs of n spatial dimensions, now and then without a batch."""
    def make(d, dtype):
        batch = [] if d.chance(0.1) else [0 if d.chance(0.02) else d.int(1, 3)]
        return [d.tensor([*batch, channels + (1 if d.chance(0.03) else 0), *[d.int(low, high) for _ in range(n)]], dtype, grad=True)]
    return make


def any_shape(d, dtype):
    return [d.tensor(d.sizes(), dtype, grad=True)]


def keywords(d, **optional):
    return d.subset(**optional)


def convolutions(d):
    for n in (1, 2, 3):
        per_dim = lambda low, high, n=n: d.int(low, high) if d.chance() else [d.int(low, high) for _ in range(n)]  # noqa: E731
        groups = d.one(1, 1, 2)
        into, out = 2 * groups, groups * d.int(1, 3)
        if d.chance(0.03):
            into += 1
        kwargs = keywords(d, stride=lambda: per_dim(1, 2), padding=lambda: per_dim(0, 2), dilation=lambda: per_dim(1, 2), bias=lambda: d.chance())
        if groups > 1:
            kwargs["groups"] = groups
        mode = d.one("zeros", "zeros", "reflect", "replicate", "circular")
        if mode != "zeros":
            kwargs["padding_mode"] = mode
        if d.chance(0.1) and "stride" not in kwargs:
            kwargs["padding"] = d.one("same", "valid")
        yield f"nn.Conv{n}d", [into, out, per_dim(1, 3)], kwargs, images(n, into, high=8 if n < 3 else 5)
        kwargs = keywords(d, stride=lambda: per_dim(1, 2), padding=lambda: per_dim(0, 1), dilation=lambda: per_dim(1, 2), bias=lambda: d.chance())
        if groups > 1:
            kwargs["groups"] = groups
        if kwargs.get("stride") == 2 and d.chance():
            kwargs["output_padding"] = 1
        yield f"nn.ConvTranspose{n}d", [into, out, per_dim(1, 3)], kwargs, images(n, into, high=8 if n < 3 else 5)


def norms(d):
    c = d.one(1, 2, 3, 4, 6)
    common = lambda: keywords(d, eps=lambda: d.one(1e-3, 1e-5), momentum=lambda: d.one(0.3, None, 0.0, 1.0), affine=lambda: d.chance(),  # noqa: E731
                              track_running_stats=lambda: d.chance())
    for n in (1, 2, 3):
        def inputs(d, dtype, n=n):
            spatial = [d.int(1, 4) for _ in range(n)] if n > 1 else [] if d.chance() else [d.int(1, 4)]
            return [d.tensor([d.int(1, 4) if d.chance(0.97) else 0, c, *spatial], dtype, grad=True, layout="plain" if 1 in spatial else None)]
        yield f"nn.BatchNorm{n}d", [c], {**common(), **keywords(d, bias=lambda: d.chance(0.7))}, inputs
        yield f"nn.InstanceNorm{n}d", [c], common(), images(n, c, 1, 5 if n < 3 else 3)
    yield "nn.LocalResponseNorm", [d.int(1, 4)], keywords(d, alpha=lambda: 0.1, beta=lambda: 0.5, k=lambda: 2.0), images(d.int(1, 3), 3, 2, 4)
    shape = d.one([4], 4, [2, 3], [1])
    sizes = [shape] if isinstance(shape, int) else shape
    rest = lambda d, dtype: [d.tensor([*d.sizes(0, 3), *sizes], dtype, grad=True)]  # noqa: E731
    yield "nn.LayerNorm", [shape], keywords(d, eps=lambda: 1e-3, elementwise_affine=lambda: d.chance(), bias=lambda: d.chance()), rest
    yield "nn.RMSNorm", [shape], keywords(d, eps=lambda: 1e-3, elementwise_affine=lambda: d.chance()), rest
    yield "nn.GroupNorm", [d.one(*[g for g in range(1, c + 1) if c % g == 0 or d.chance(0.05)]), c], keywords(d, eps=lambda: 1e-3, affine=lambda: d.chance()), lambda d, dtype: [
        d.tensor([d.int(1, 3), c, *[d.int(1, 4) for _ in range(d.int(0, 2))]], dtype, grad=True)]


def pools(d):
    for n in (1, 2, 3):
        kernel = d.int(1, 4)
        stride = lambda: d.one(None, 1, 2, [2] * n)  # noqa: E731, B023
        padding = lambda: d.int(0, kernel // 2 + (1 if d.chance(0.03) else 0))  # noqa: E731, B023
        yield f"nn.MaxPool{n}d", [kernel], keywords(d, stride=stride, padding=padding, dilation=lambda: d.int(1, 2), ceil_mode=lambda: d.chance(), return_indices=lambda: d.chance()), images(n, 2, high=8 if n < 3 else 5)
        yield f"nn.AvgPool{n}d", [kernel], keywords(d, stride=stride, padding=padding, ceil_mode=lambda: d.chance(), count_include_pad=lambda: d.chance(), **({"divisor_override": lambda: 3} if n > 1 else {})), images(n, 2, high=8 if n < 3 else 5)
        yield f"nn.AdaptiveAvgPool{n}d", [d.int(1, 5)], {}, images(n, 2, high=8 if n < 3 else 5)
        yield f"nn.AdaptiveMaxPool{n}d", [d.int(1, 5)], keywords(d, return_indices=lambda: d.chance()), images(n, 2, high=8 if n < 3 else 5)
        yield f"nn.LPPool{n}d", [d.one(2, 1.0), kernel], keywords(d, stride=stride, ceil_mode=lambda: d.chance()), lambda d, dtype, n=n: [d.tensor([2, 2, *[d.int(4, 5) for _ in range(n)]], dtype, "positive", grad=True)]
    yield "nn.AdaptiveAvgPool2d", [[d.one(None, 3), d.int(1, 5)]], {}, images(2, 2)
    yield "nn.AdaptiveMaxPool2d", [d.one(3, [2, None], [1, 4])], keywords(d, return_indices=lambda: d.chance()), images(2, 2)

    for n in (1, 2, 3):
        def unpool(d, dtype, n=n):
            x = d.tensor([2, 2, *[6 if n < 3 else 4] * n], dtype)
            pooled, indices = getattr(torch.nn.functional, f"max_pool{n}d")(x, 2, return_indices=True)
            return [pooled.detach(), indices]
        yield f"nn.MaxUnpool{n}d", [2], keywords(d, stride=lambda: 2), unpool


def shapes(d):
    yield "nn.Flatten", [], keywords(d, start_dim=lambda: d.one(0, 1, 2), end_dim=lambda: d.one(-1, 2)), images(2, 3)
    yield "nn.Unflatten", [1, d.one([2, 3], [3, -1], [4, 2])], {}, lambda d, dtype: [d.tensor([d.int(1, 3), 6], dtype, grad=True)]
    for n in (1, 2, 3):
        each = [1, 0, 2, 1, 0, 1][:2 * n]
        for name in ("Zero", "Reflection", "Replication", "Circular"):
            yield f"nn.{name}Pad{n}d", [d.one(1, 2, each)], {}, images(n, 2, high=8 if n < 3 else 4)
        yield f"nn.ConstantPad{n}d", [d.one(1, [1, -1, 2, 0, 1, 0][:2 * n]), d.one(2.5, 0)], {}, images(n, 2, high=8 if n < 3 else 4)
    yield "nn.PixelUnshuffle", [2], {}, lambda d, dtype: [d.tensor([d.int(1, 2), 2, 4, 2], dtype, grad=True)]
    yield "nn.ChannelShuffle", [d.one(1, 2, 3)], {}, images(2, 6, 2, 4)
    yield d.one("nn.UpsamplingNearest2d", "nn.UpsamplingBilinear2d"), [], d.one({"scale_factor": 2}, {"size": [5, 7]}), images(2, 2)
    yield "nn.Bilinear", [2, 3, d.int(1, 3)], keywords(d, bias=lambda: d.chance()), lambda d, dtype: [d.tensor([4, 2], dtype, grad=True), d.tensor([4, 3], dtype, grad=True)]
    yield "nn.PixelShuffle", [d.int(1, 2)], {}, lambda d, dtype: [d.tensor([d.int(1, 2), 4, 3, 2], dtype, grad=True)]
    mode = d.one("nearest", "bilinear")
    scale = d.one({"scale_factor": 2}, {"size": [5, 7]}, {"size": 6}, {"scale_factor": 1.5}, {"scale_factor": (2.0, 0.5)})
    yield "nn.Upsample", [], {**scale, "mode": mode, **({"align_corners": d.chance()} if mode != "nearest" else {})}, images(2, 2)
    yield "nn.Unfold", [2], keywords(d, dilation=lambda: 2, padding=lambda: 1, stride=lambda: 2), images(2, 2)
    yield "nn.Fold", [[4, 5], 2], {}, lambda d, dtype: [d.tensor([d.int(1, 2), 8, 12], dtype, grad=True)]
    yield "nn.Identity", [], {}, any_shape
    yield "nn.Linear", [4, d.int(1, 5)], keywords(d, bias=lambda: d.chance()), lambda d, dtype: [d.tensor([*d.sizes(0, 3), 4 if d.chance(0.95) else 5], dtype, grad=True)]
    yield "nn.Embedding", [5, 3], keywords(d, padding_idx=lambda: d.one(0, -1, 4, 7), scale_grad_by_freq=lambda: d.chance()), lambda d, dtype: [d.indices(d.sizes(0, 3), 5)]
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
        yield "nn." + name, [d.one(0.0, 0.3, 1.0, 1.1)], {}, images(2, 2)
    pair = lambda d, dtype: [d.tensor([3, 4], dtype, grad=True) for _ in range(2)]  # noqa: E731
    yield "nn.PairwiseDistance", [], keywords(d, p=lambda: d.one(1.0, 3.0), eps=lambda: 1e-3, keepdim=lambda: d.chance()), pair
    yield "nn.CosineSimilarity", [], keywords(d, dim=lambda: d.one(0, 1, -1), eps=lambda: 1e-3), pair


def activations(d):
    for name in "ReLU ReLU6 SELU SiLU Mish Hardswish Hardsigmoid".split():
        yield "nn." + name, [], keywords(d, inplace=lambda: d.chance(0.3)), any_shape
    for name in "Sigmoid Tanh Softsign Tanhshrink LogSigmoid".split():
        yield "nn." + name, [], {}, any_shape
    yield "nn.LeakyReLU", [], keywords(d, negative_slope=lambda: 0.2), any_shape
    yield "nn.ELU", [], keywords(d, alpha=lambda: 0.7), any_shape
    yield "nn.CELU", [], keywords(d, alpha=lambda: 0.7), any_shape
    yield "nn.Hardtanh", [], d.one({}, {"min_val": -0.5, "max_val": 0.7}), any_shape
    yield "nn.Threshold", [0.1, d.one(20, 0.5)], {}, any_shape
    yield "nn.Softplus", [], keywords(d, beta=lambda: 2.0, threshold=lambda: 1.0), any_shape
    yield "nn.Softshrink", [], keywords(d, lambd=lambda: 0.2), any_shape
    yield "nn.Hardshrink", [], keywords(d, lambd=lambda: 0.2), any_shape
    yield "nn.GELU", [], keywords(d, approximate=lambda: d.one("tanh", "none")), any_shape
    yield "nn.GLU", [], keywords(d, dim=lambda: d.one(0, 1)), lambda d, dtype: [d.tensor([4, 2], dtype, grad=True)]
    yield "nn.PReLU", [], d.one({}, {"num_parameters": 3, "init": 0.1}), images(2, 3)
    yield "nn.Softmax2d", [], {}, images(2, 3)
    for name in ("Softmax", "Softmin", "LogSoftmax"):
        yield "nn." + name, [], keywords(d, dim=lambda: d.one(0, -1)), images(1, 3)


def losses(d):
    reduction = lambda: {} if d.chance(0.3) else {"reduction": d.one("mean", "sum", "none")}  # noqa: E731
    sizes = d.sizes(0, 3)
    pair = lambda kind="normal", other="normal": lambda d, dtype: [d.tensor(sizes, dtype, kind, grad=True), d.tensor(sizes, dtype, other, grad=False)]  # noqa: E731
    signs = lambda d, dtype: d.values(sizes, BOOL).to(dtype) * 2 - 1  # noqa: E731
    yield "nn.MSELoss", [], reduction(), pair()
    yield "nn.L1Loss", [], reduction(), pair()
    yield "nn.SmoothL1Loss", [], {**reduction(), **keywords(d, beta=lambda: d.one(0.5, 0.0))}, pair()
    yield "nn.HuberLoss", [], {**reduction(), **keywords(d, delta=lambda: 0.5)}, pair()
    yield "nn.BCELoss", [], reduction(), pair("unit", "unit")
    yield "nn.BCEWithLogitsLoss", [], reduction(), pair("normal", "unit")
    yield "nn.KLDivLoss", [], {**d.one({"reduction": "batchmean"}, reduction()), **keywords(d, log_target=lambda: d.chance())}, pair("normal", "unit")
    yield "nn.PoissonNLLLoss", [], {**reduction(), **keywords(d, log_input=lambda: d.chance(), full=lambda: d.chance(), eps=lambda: 1e-3)}, pair("unit", "positive")
    yield "nn.GaussianNLLLoss", [], {**reduction(), **keywords(d, full=lambda: d.chance(), eps=lambda: 0.1)}, lambda d, dtype: [*pair()(d, dtype), d.tensor(sizes, dtype, "positive", grad=True)]
    yield "nn.HingeEmbeddingLoss", [], {**reduction(), **keywords(d, margin=lambda: 0.4)}, lambda d, dtype: [d.tensor(sizes, dtype, grad=True), signs(d, dtype)]
    yield "nn.SoftMarginLoss", [], reduction(), lambda d, dtype: [d.tensor(sizes, dtype, grad=True), signs(d, dtype)]
    yield "nn.MarginRankingLoss", [], {**reduction(), **keywords(d, margin=lambda: 0.4)}, lambda d, dtype: [*pair()(d, dtype), signs(d, dtype)]
    n = d.int(1, 4)
    rows = lambda count: lambda d, dtype: [d.tensor([n, 3], dtype, grad=True) for _ in range(count)]  # noqa: E731
    yield "nn.CosineEmbeddingLoss", [], {**reduction(), **keywords(d, margin=lambda: 0.4)}, lambda d, dtype: [*rows(2)(d, dtype), d.values([n], BOOL).to(dtype) * 2 - 1]
    yield "nn.TripletMarginLoss", [], {**reduction(), **keywords(d, margin=lambda: 0.4, p=lambda: d.one(1.0, 3.0), swap=lambda: d.chance())}, rows(3)
    yield "nn.TripletMarginWithDistanceLoss", [], {**reduction(), **keywords(d, margin=lambda: 0.4, swap=lambda: d.chance())}, rows(3)
    yield "nn.MultiMarginLoss", [], {**reduction(), **keywords(d, p=lambda: 2, margin=lambda: 0.4)}, lambda d, dtype: [d.tensor([n, 4], dtype, grad=True), d.indices([n], 4)]
    yield "nn.MultiLabelMarginLoss", [], reduction(), lambda d, dtype: [d.tensor([n, 4], dtype, grad=True), d.values([n, 4], F64).argsort(1) - 1]
    yield "nn.MultiLabelSoftMarginLoss", [], reduction(), lambda d, dtype: [d.tensor([n, 4], dtype, grad=True), d.values([n, 4], BOOL).to(dtype)]
    classes = lambda d, dtype: [d.tensor([n, 4], dtype, grad=True), d.indices([n], 4)]  # noqa: E731
    yield "nn.NLLLoss", [], {**reduction(), **keywords(d, ignore_index=lambda: d.one(0, 2))}, classes
    yield "nn.CrossEntropyLoss", [], {**reduction(), **keywords(d, ignore_index=lambda: d.one(0, 2), label_smoothing=lambda: 0.2)}, classes


def arguments(d):
    for part in (convolutions, norms, pools, shapes, activations, losses, sequences):
        yield from part(d)

"""Arguments for the functions of torch.nn.functional. Each function yields (name, args, kwargs)."""

import re

from cases.coverage import signatures
from draw import ALL, BOOL, F32, F64, FLOATS, I64, INTS, U8
from draw.elementwise import form

F = "nn.functional."


def of_elements():
    """{name: ({parameter: default}, whether it has inplace)} of the functions whose signature is a tensor and numbers."""
    found = {}
    for name, signature in signatures():
        match = re.fullmatch(r"input((?: \w+=-?\d+\.\d+)*)( inplace=False)?", signature)
        if match and name.startswith(F) and not name.endswith("_"):
            found[name.removeprefix(F)] = {p: float(v) for p, v in (one.split("=") for one in match[1].split())}, bool(match[2])
    return found


def activations(d):
    """Without NaN and infinities: there PyTorch's vector loops and the loops for their remainders differ from each other."""
    bound = of_elements()
    for name, (numbers, has_inplace) in bound.items():
        if numbers:
            continue
        x = d.tensor(d.sizes(), d.dtype(FLOATS), d.one("normal", "normal", "small"))
        yield F + name, [x], {"inplace": False} if has_inplace and d.chance(0.2) else {}
    with_arguments = {
        "leaky_relu": dict(negative_slope=lambda: d.one(0.2, 0.0, 1)), "elu": dict(alpha=lambda: d.one(0.5, 2)), "celu": dict(alpha=lambda: d.one(0.5, 2.0)),
        "gelu": dict(approximate=lambda: d.one("tanh", "none")), "softplus": dict(beta=lambda: d.one(2, 0.5), threshold=lambda: d.one(1, 3.5)),
        "hardtanh": dict(min_val=lambda: d.one(-0.5, -2), max_val=lambda: d.one(0.5, 2)), "softshrink": dict(lambd=lambda: d.one(0.1, 1)),
        "hardshrink": dict(lambd=lambda: d.one(0.1, 1))}
    for name, (numbers, _) in bound.items():
        if numbers and name not in with_arguments:
            with_arguments[name] = {parameter: lambda v=default: d.one(v / 2, 2 * v) for parameter, default in numbers.items()}
    for name, optional in with_arguments.items():
        x = d.tensor(d.sizes(), d.dtype(FLOATS), d.one("normal", "normal", "small"))
        given = d.subset(**optional)
        if d.chance(0.3) and name != "gelu" and len(given) == len(optional):
            yield F + name, [x, *given.values()], {}
        else:
            yield F + name, [x], given
    x = d.tensor(d.sizes(), d.dtype(FLOATS + INTS))
    yield F + "threshold", [x, d.one(0.1, 0, 1), d.one(0.5, 20)], {}
    x = d.tensor(d.sizes(), d.dtype(FLOATS))
    channels = x.shape[1] if x.dim() > 1 else 1
    yield F + "prelu", [x, d.tensor([d.one(1, channels) if d.chance(0.95) else channels + 1], x.dtype)], {}
    x = d.tensor([2 * s if i < 2 else s for i, s in enumerate(d.sizes(1, 4))], d.dtype(FLOATS))
    yield F + "glu", [x], {} if d.chance(0.3) else {"dim": d.dim(x.dim())}
    for name in ("softmax", "softmin", "log_softmax"):
        x = d.tensor(d.sizes(), d.dtype(FLOATS), d.one("normal", "normal", "special"))
        yield F + name, [x, d.dim(x.dim())], {"dtype": F64} if d.chance(0.1) else {}
        if name != "softmin":
            yield d.one(name, "Tensor." + name), [x], {"dim": d.dim(x.dim())}
    x = d.tensor(d.sizes(), d.dtype(ALL))
    yield F + "relu", [x.detach()], {"inplace": True} if d.chance() else {}


def conv(d, n, transposed):
    groups = d.one(1, 1, 1, 2, 3)
    into, out = groups * d.int(1, 3), groups * d.int(1, 3)
    kernel = [d.int(1, 4) for _ in range(n)]
    sizes = [d.int(1 if d.chance(0.1) else 3, 9 if n < 3 else 5) for _ in range(n)]
    dtype = d.dtype(FLOATS)
    batch = [] if d.chance(0.15) else [0 if d.chance(0.04) else d.int(1, 3)]
    x = d.tensor([*batch, into + (1 if d.chance(0.03) else 0), *sizes], dtype)
    weight = d.tensor([into, out // groups, *kernel] if transposed else [out, into // groups, *kernel], dtype)
    per_dim = lambda low, high: d.int(low, high) if d.chance() else [d.int(low, high) for _ in range(n)]  # noqa: E731
    stride = per_dim(1, 3)
    kwargs = {"stride": stride} if d.chance(0.6) else {}
    if d.chance(0.5):
        kwargs["padding"] = per_dim(0, 2)
    if d.chance(0.3):
        kwargs["dilation"] = per_dim(1, 2)
    if groups > 1:
        kwargs["groups"] = groups
    if transposed and d.chance(0.3) and stride != 1:
        kwargs["output_padding"] = d.one(1, 0)
    if not transposed and d.chance(0.15):
        kwargs["padding"] = d.one("same", "valid")
        if kwargs["padding"] == "same" and d.chance(0.9):
            kwargs.pop("stride", None)
    bias = [] if d.chance(0.3) else [d.one(None, d.tensor([out], dtype))]
    return [x, weight, *bias], kwargs


def layers(d):
    for n in (1, 2, 3):
        yield F + f"conv{n}d", *conv(d, n, False)
        yield F + f"conv_transpose{n}d", *conv(d, n, True)
        per_dim = lambda low, high: d.int(low, high) if d.chance() else [d.int(low, high) for _ in range(n)]  # noqa: E731
        batch = [] if d.chance(0.15) else [0 if d.chance(0.04) else d.int(1, 3)]
        x = d.tensor([*batch, d.int(1, 4), *[d.int(1 if d.chance(0.1) else 4, 9 if n < 3 else 5) for _ in range(n)]], d.dtype(FLOATS), d.one("normal", "small", "special"))
        kernel = d.int(1, 4) if d.chance() else [d.int(1, 3) for _ in range(n)]
        smallest = kernel if isinstance(kernel, int) else min(kernel)
        optional = d.subset(stride=lambda: per_dim(1, 3), padding=lambda: d.int(0, smallest // 2), ceil_mode=lambda: d.chance())
        largest = d.subset(dilation=lambda: d.int(1, 2), return_indices=lambda: d.chance())
        yield F + f"max_pool{n}d", [x, kernel], {**optional, **largest}
        average = d.subset(count_include_pad=lambda: d.chance(), **({"divisor_override": lambda: d.one(1, 3, -2)} if n > 1 else {}))
        if d.chance(0.2) and optional:
            yield F + f"avg_pool{n}d", [x, kernel, optional.get("stride", []) or kernel], {}
        yield F + f"avg_pool{n}d", [x, kernel], {**optional, **average}
        size = d.int(1, 6) if d.chance() else [d.one(None, d.int(1, 6)) if n > 1 else d.int(1, 6) for _ in range(n)]
        yield F + f"adaptive_avg_pool{n}d", [x, size], {}
        yield F + f"adaptive_max_pool{n}d", [x, size], d.subset(return_indices=lambda: True)
        positive = d.tensor(list(x.shape), x.dtype, "positive")
        yield F + f"lp_pool{n}d", [positive, d.one(2, 3, 1, float("inf")), kernel], d.subset(stride=lambda: per_dim(1, 2), ceil_mode=lambda: d.chance())
    yield from rearranged(d)


def rearranged(d):
    dtype = d.dtype(FLOATS)
    n, c, h, w = d.int(1, 2), d.int(1, 3), d.int(2, 7), d.int(2, 7)
    image = d.tensor([n, c, h, w], dtype)
    yield F + "unfold", [image if d.chance(0.8) else d.tensor([c, h, w], dtype), d.one(1, 2, [2, 1])], d.subset(dilation=lambda: d.one(1, 2), padding=lambda: d.one(1, [0, 1]), stride=lambda: d.one(2, [1, 2]))
    kh, kw = d.int(1, 2), d.int(1, 2)
    blocks = (h - kh + 1) * (w - kw + 1)
    yield F + "fold", [d.tensor([n, c * kh * kw, blocks + (1 if d.chance(0.05) else 0)], dtype), [h, w], [kh, kw]], {}
    r = d.int(1, 3)
    any_dtype = d.dtype(ALL)
    yield F + "pixel_shuffle", [d.tensor([*([n] if d.chance(0.8) else []), c * r * r + (1 if d.chance(0.05) else 0), h, w], any_dtype), r], {}
    yield F + "pixel_unshuffle", [d.tensor([*([n] if d.chance(0.8) else []), c, h * r, w * r + (1 if d.chance(0.05) else 0)], any_dtype), r], {}
    spatial = d.one(2, 2, 3)
    sampled = d.tensor([n, c, h, w, 3][: spatial + 2], dtype)
    grid = d.tensor([n, *[d.int(1, 3) for _ in range(spatial)], spatial], dtype)
    yield F + "grid_sample", [sampled, grid], {"align_corners": d.chance(), **d.subset(mode=lambda: d.one("nearest", "bilinear", "bicubic" if spatial == 2 else "bilinear"),
                                               padding_mode=lambda: d.one("zeros", "border", "reflection"))}
    yield F + "affine_grid", [d.tensor([n, spatial, spatial + 1], dtype), [n, c, *[d.int(1, 4) for _ in range(spatial)]]], {"align_corners": d.chance()}
    yield F + "channel_shuffle", [d.tensor([n, 6, h], dtype), d.one(1, 2, 3, 4 if d.chance(0.1) else 2)], {}
    mode = d.one("constant", "reflect", "replicate", "circular")
    dims = d.int(2, 4) if mode != "constant" else d.int(1, 4)
    x = d.tensor([d.int(2, 5) for _ in range(dims)], d.dtype(ALL if mode == "constant" else FLOATS))
    count = 2 * (d.int(1, dims) if mode == "constant" else dims - 2 if dims == 4 else 1 if dims == 2 else d.one(1, 1))
    pad = [d.int(-1 if mode == "constant" else 0, 2) for _ in range(2 * max(1, count // 2))]
    yield F + "pad", [x, pad], {"mode": mode, **({"value": d.one(2.5, 0, 1)} if mode == "constant" and d.chance() else {})}
    kind = d.one("nearest", "bilinear", "linear", "trilinear", "bicubic", "area", "nearest-exact")
    spatial = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(kind) or d.int(1, 3)
    y = d.tensor([n, c, *([d.int(1, 6), h, w][:spatial] if spatial != 2 else [h, w])], dtype)
    scale = {"scale_factor": d.one(2, 0.5, 1.7, [1.5, 0.7, 2.3][:spatial])} if d.chance() else {"size": d.one(5, [3, 8, 4][:spatial])}
    yield F + "interpolate", [y], {**scale, "mode": kind, **({"align_corners": d.chance()} if "linear" in kind or kind == "bicubic" else {}), **({"recompute_scale_factor": d.chance()} if "scale_factor" in scale and d.chance(0.3) else {})}


def norms(d):
    sizes = [d.int(1 if d.chance(0.05) else 2, 4), d.one(1, 2, 3, 4, 6), *[d.int(1, 5) for _ in range(d.int(0, 3))]]
    dtype = d.dtype(FLOATS)
    c = sizes[1]
    x = d.tensor(sizes, dtype)
    vector = lambda kind="normal": d.tensor([c], dtype, kind, layout="plain")  # noqa: E731 (PyTorch misreads strided weights)
    constant = lambda kind="normal": d.tensor([c], dtype, kind, grad=False, layout="plain")  # noqa: E731
    affine = d.one({}, {"weight": vector(), "bias": vector()}, {"weight": vector()}, {"bias": vector()})
    eps = d.subset(eps=lambda: d.one(1e-3, 1e-5))
    stats = [constant(), constant("positive")] if d.chance(0.7) else [None, None]
    yield F + "batch_norm", [x, *stats], {**affine, **eps, "training": stats[0] is None or d.chance(), **d.subset(momentum=lambda: d.one(0.3, 0.0, 1.0))}
    yield F + "instance_norm", [x], {**({"running_mean": stats[0], "running_var": stats[1]} if d.chance(0.3) else {}), **affine, **eps}
    groups = d.one(*[g for g in range(1, c + 1) if c % g == 0 or d.chance(0.03)])
    yield F + "group_norm", [x, groups], {**affine, **eps}
    tail = d.int(1, len(sizes))
    shape = sizes[-tail:] if d.chance(0.96) else [s + 1 for s in sizes[-tail:]]
    own = lambda: d.tensor(shape, dtype)  # noqa: E731
    yield F + "layer_norm", [x, shape], {**d.subset(weight=own, bias=own), **eps}
    yield F + "rms_norm", [x, shape], {**d.subset(weight=own), **eps}
    yield F + "normalize", [x], d.subset(p=lambda: d.one(1, 2.0, 3, float("inf")), dim=lambda: d.dim(len(sizes)), eps=lambda: 1e-3)
    if len(sizes) > 2:
        # contiguous: PyTorch views volumes, and refuses strides that forbid it
        yield F + "local_response_norm", [x.contiguous(), d.int(1, 4)], d.subset(alpha=lambda: 0.1, beta=lambda: 0.5, k=lambda: 2.0)
    table = d.tensor([d.int(2, 7), d.int(1, 4)], dtype)
    yield F + "embedding", [d.indices(d.sizes(0, 3), table.shape[0]), table], d.subset(padding_idx=lambda: d.one(0, -1), scale_grad_by_freq=lambda: d.chance())
    yield F + "one_hot", [d.indices(d.sizes(0, 3), 5, beyond=0), *d.one([], [6], [-1], [2])], {}
    for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"):
        y = d.tensor([2, 3, 4] if name == "dropout1d" else [2, 3, 2, 2] if name == "dropout2d" else [2, 3, 2, 2, 1] if name == "dropout3d" else sizes, dtype)
        yield F + name, [y], {"p": d.one(0.5, 0.0, 0.3, 1.5 if d.chance(0.2) else 0.2), "training": False}
        yield F + name, [y, d.one(0.0, 1.0), True], {}


def reduction(d):
    return {} if d.chance(0.3) else {"reduction": d.one("mean", "sum", "none")}


def losses(d):
    sizes, dtype = d.sizes(), d.dtype(FLOATS)
    x = d.tensor(sizes, dtype, d.one("normal", "special", "small"))
    y = d.tensor(sizes if d.chance(0.9) else d.broadcastable(sizes), dtype if d.chance(0.9) else d.dtype(FLOATS), "normal")
    for name in ("mse_loss", "l1_loss"):
        yield F + name, [x, y], reduction(d)
    yield F + "smooth_l1_loss", [x, y], {**reduction(d), **d.subset(beta=lambda: d.one(0.5, 2.0, 0.0))}
    yield F + "huber_loss", [x, y], {**reduction(d), **d.subset(delta=lambda: d.one(0.5, 2.0))}
    unit, target = d.tensor(sizes, dtype, "unit"), d.tensor(sizes, dtype, "unit")
    weight = lambda: d.tensor(d.broadcastable(sizes), dtype, "positive", grad=False)  # noqa: E731
    yield F + "binary_cross_entropy", [unit, target], {**reduction(d), **d.subset(weight=weight)}
    yield F + "binary_cross_entropy_with_logits", [y if y.shape == target.shape and y.dtype == dtype else x, target.detach()], {**reduction(d), **d.subset(weight=weight, pos_weight=weight)}
    yield F + "kl_div", [x, target], {**d.one({}, {"reduction": "batchmean"}, reduction(d)), **d.subset(log_target=lambda: d.chance())}
    yield F + "poisson_nll_loss", [unit if d.chance() else x, d.tensor(sizes, dtype, "positive")], {**reduction(d), **d.subset(log_input=lambda: d.chance(), full=lambda: d.chance(), eps=lambda: 1e-3)}
    spread = d.one(sizes, [*sizes[:-1], 1]) if sizes else sizes
    yield F + "gaussian_nll_loss", [x, y, d.tensor(spread, dtype, "positive")], {**reduction(d), **d.subset(full=lambda: d.chance(), eps=lambda: 0.5)}
    sign = d.laid_out(d.values(sizes, BOOL).to(dtype) * 2 - 1)
    yield F + "hinge_embedding_loss", [x, sign], {**reduction(d), **d.subset(margin=lambda: d.one(0.3, 2))}
    yield F + "margin_ranking_loss", [x, y, sign], {**reduction(d), **d.subset(margin=lambda: d.one(0.3, 2))}
    yield F + "soft_margin_loss", [x, sign], reduction(d)
    n, k = d.int(1, 4), d.int(1, 5)
    a, b, c = (d.tensor([n, k], dtype) for _ in range(3))
    yield F + "cosine_embedding_loss", [a, b, d.values([n], BOOL).to(dtype) * 2 - 1], {**reduction(d), **d.subset(margin=lambda: 0.3)}
    yield F + "triplet_margin_loss", [a, b, c], {**reduction(d), **d.subset(margin=lambda: 0.5, p=lambda: d.one(1, 2.0, 3), eps=lambda: 1e-3, swap=lambda: d.chance())}
    yield F + "triplet_margin_with_distance_loss", [a, b, c], {**reduction(d), **d.subset(margin=lambda: 0.5, swap=lambda: d.chance())}
    margins = d.subset(p=lambda: d.one(1, 2), margin=lambda: 0.4, weight=lambda: d.tensor([k], dtype, "positive", grad=False))
    yield F + "multi_margin_loss", [a, d.indices([n], k)], {**reduction(d), **margins}
    yield F + "multilabel_margin_loss", [a, d.values([n, k], F64).argsort(1) - 1], reduction(d)
    yield F + "multilabel_soft_margin_loss", [a, d.values([n, k], BOOL).to(dtype)], {**reduction(d), **d.subset(weight=lambda: d.tensor([k], dtype, "positive", grad=False))}
    u, v = d.tensor(sizes, dtype), d.tensor(d.broadcastable(sizes), dtype)
    yield F + "cosine_similarity", [u, v], d.subset(dim=lambda: d.dim(len(sizes)), eps=lambda: 1e-3)
    yield F + "pairwise_distance", [u, v], d.subset(p=lambda: d.one(1, 2.0, 3, float("inf")), eps=lambda: 1e-3, keepdim=lambda: d.chance())
    yield from classifications(d, dtype)


def classifications(d, dtype):
    classes, n = d.int(1, 5), d.int(0 if d.chance(0.1) else 1, 4)
    extra = [d.int(1, 3) for _ in range(d.one(0, 0, 1, 2))]
    unbatched = not extra and d.chance(0.15)
    x = d.tensor([classes] if unbatched else [n, classes, *extra], dtype)
    target = d.indices([] if unbatched else [n, *extra], classes)
    ignore = {"ignore_index": d.one(0, -100, 1, -1)} if d.chance(0.4) else {}
    weight = {"weight": d.tensor([classes + (1 if d.chance(0.03) else 0)], dtype, "positive", grad=False)} if d.chance(0.4) else {}
    yield F + "nll_loss", [x, target], {**ignore, **weight, **reduction(d)}
    smoothing = {"label_smoothing": d.one(0.1, 0.5, 0.0, 1.0)} if d.chance(0.4) else {}
    yield F + "cross_entropy", [x, target], {**ignore, **weight, **smoothing, **reduction(d)}
    chances = d.tensor(list(x.shape), dtype, "unit")
    yield F + "cross_entropy", [x, chances], {**weight, **smoothing, **reduction(d)}


def arguments(d):
    for part in (activations, layers, norms, losses):
        yield from part(d)

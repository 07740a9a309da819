"""Arguments for reductions, running sums, sorting and products. Each function yields (name, args, kwargs)."""

from draw import ALL, BOOL, F32, F64, FLOATS, I64, INTS, U8
from draw.elementwise import form


def method(d, name):
    return form(d, name, inplace=False)


def dim_arguments(d, x, several=True, none=True):
    """How a reduction may be told its dimensions: by position or by name, one or several, with keepdim."""
    if none and d.chance(0.2):
        return [], {}
    dims = (d.some_dims(x.dim()) or [0] * (x.dim() > 0)) if several and d.chance(0.5) else d.dim(x.dim())
    if none and d.chance(0.1):
        dims = None
    keepdim = d.chance()
    if d.chance(0.3):
        return [dims, keepdim], {}
    if d.chance(0.3):
        return [dims], {"keepdim": keepdim}
    return [], {"dim": dims, **({"keepdim": keepdim} if d.chance(0.7) else {})}


def sums(d):
    for name in ("sum", "mean", "amax", "amin", "all", "any", "var", "std", "var_mean", "std_mean"):
        float_only = name in ("mean", "var", "std", "var_mean", "std_mean")
        x = d.tensor(d.sizes(), d.dtype(FLOATS if float_only and d.chance(0.95) else ALL), d.one("normal", "small", "special" if name in ("sum", "mean", "all", "any") else "normal"))
        args, kwargs = dim_arguments(d, x)
        if name in ("var", "std", "var_mean", "std_mean"):
            if len(args) == 2:
                args, kwargs = [], {"dim": args[0], "keepdim": args[1]}
            if d.chance(0.5):
                kwargs["correction"] = d.one(0, 1, 2, 0.5, 10)
            elif d.chance(0.4) and "dim" in kwargs and kwargs["dim"] is not None:
                kwargs["unbiased"] = d.chance()
        if name in ("sum", "mean") and d.chance(0.3):
            kwargs["dtype"] = d.dtype(ALL if name == "sum" else FLOATS)
        if name.endswith("_mean"):
            yield name, [x, *args], kwargs
        else:
            yield method(d, name), [x, *args], kwargs
        if name in ("var", "std") and d.chance(0.2):
            yield name, [x, d.chance()], {}
    x = d.tensor(d.sizes(), d.dtype(), d.one("small", "normal", "special"))
    args, kwargs = dim_arguments(d, x, several=False)
    if (args and args[0] is None) or kwargs.get("dim", 0) is None:
        args, kwargs = [], {}
    if d.chance(0.3):
        kwargs["dtype"] = d.dtype()
    yield method(d, "prod"), [x, *args], kwargs
    x = d.tensor(d.sizes(), d.dtype(FLOATS), d.one("normal", "special"))
    args, kwargs = dim_arguments(d, x, none=False)
    yield method(d, "logsumexp"), [x, *args], kwargs
    x = d.tensor(d.sizes(), d.dtype(), "small")
    yield method(d, "count_nonzero"), [x], d.subset(dim=lambda: d.one(d.dim(x.dim()), d.some_dims(x.dim())))
    x = d.tensor(d.sizes(), d.dtype())
    yield form(d, d.one("cumsum", "cumprod")), [x, d.dim(x.dim())], {"dtype": d.dtype()} if d.chance(0.2) else {}
    x = d.tensor(d.sizes(), d.dtype(FLOATS), d.one("normal", "small"))
    p = d.one(2, 1, 0, 3, float("inf"), float("-inf"), 0.5, 2.0, 1.0, -1)
    args, kwargs = dim_arguments(d, x)
    yield "linalg.vector_norm", [x], {"ord": p, **dict(zip(("dim", "keepdim"), args)), **kwargs}
    yield method(d, "norm"), [x], {"p": p, **dict(zip(("dim", "keepdim"), args)), **kwargs}
    yield method(d, "norm"), [x], {}


def extremes(d):
    for name in ("max", "min", "argmax", "argmin", "median"):
        x = d.tensor(d.sizes(), d.dtype(ALL if name != "median" else FLOATS + INTS), d.one("small", "normal", "special"))
        if name == "median":  # PyTorch sorts an expanded tensor's shared memory row after row
            x = x.detach().contiguous().requires_grad_(x.requires_grad)
        args, kwargs = dim_arguments(d, x, several=False)
        if name != "argmax" and name != "argmin" and ((args and args[0] is None) or kwargs.get("dim", 0) is None):
            args, kwargs = [], {}
        yield method(d, name), [x, *args], kwargs
    for name in ("max", "min"):
        x = d.tensor(d.sizes(), d.dtype(), d.one("small", "special"))
        yield method(d, name), [x, d.tensor(d.broadcastable(list(x.shape)), d.dtype(), "small")], {}
    x = d.tensor(d.sizes(), d.dtype(), d.one("small", "normal"))
    yield method(d, "aminmax"), [x], d.subset(dim=lambda: d.dim(x.dim()), keepdim=lambda: d.chance())
    for name in ("sort", "argsort"):
        x = d.tensor(d.sizes(most=20), d.dtype(), d.one("normal", "special", "small"))
        yield method(d, name), [x], {**d.subset(dim=lambda: d.dim(x.dim()), descending=lambda: d.chance()), "stable": True}
        x = d.tensor(d.sizes(), F64, "normal", layout="plain")
        yield method(d, name), [x, *([d.dim(x.dim()), d.chance()] if d.chance() else [])], {}
    x = d.tensor(d.sizes(1, 3), d.dtype(FLOATS), "normal", layout=d.one("plain", "permuted"))
    dim = d.dim(x.dim())
    k = d.int(0, max(1, x.shape[dim] if -x.dim() <= dim < x.dim() else 1))
    yield method(d, "topk"), [x, k], {"dim": dim, **d.subset(largest=lambda: d.chance())}
    x = d.tensor(d.sizes(0, 3), d.dtype(), "small")
    yield method(d, "unique"), [x], {**d.subset(return_inverse=lambda: d.chance(), return_counts=lambda: d.chance()),
                                     **({"dim": d.dim(x.dim())} if d.chance(0.4) else {}), **({"sorted": True} if d.chance(0.2) else {})}
    n = d.int(0, 9)
    x = d.indices([n], 6, beyond=0)
    yield method(d, "bincount"), [x], d.subset(weights=lambda: d.tensor([n], d.dtype(), grad=False), minlength=lambda: d.int(0, 9))
    yield from statistics(d)


def statistics(d):
    for name in ("nansum", "nanmean"):
        x = d.tensor(d.sizes(), d.dtype(FLOATS), d.one("normal", "special"))
        args, kwargs = dim_arguments(d, x)
        yield method(d, name), [x, *args], kwargs
    x = d.tensor(d.sizes(1, 3), d.dtype(FLOATS), d.one("normal", "special"), layout="plain")
    yield method(d, "nanmedian"), [x], {} if d.chance() else {"dim": d.dim(x.dim()), "keepdim": d.chance()}
    q = d.one(0.3, 0.0, 1.0, d.tensor([2], x.dtype, "unit", grad=False))
    interpolation = d.subset(interpolation=lambda: d.one("linear", "lower", "higher", "midpoint", "nearest"))
    yield method(d, "nanquantile"), [x, q], {**interpolation, **({"dim": d.dim(x.dim()), "keepdim": d.chance()} if d.chance() else {})}
    for name in ("cummax", "cummin", "logcumsumexp"):
        x = d.tensor(d.sizes(), d.dtype(FLOATS if name == "logcumsumexp" else ALL), d.one("normal", "small", "special") if name != "logcumsumexp" else "normal")
        yield method(d, name), [x, d.dim(x.dim())], {}
    x = d.tensor(d.sizes(1, 3), F64, "normal", layout="plain")
    dim = d.dim(x.dim())
    size = x.shape[dim] if -x.dim() <= dim < x.dim() else 1
    yield method(d, "kthvalue"), [x, d.int(1, size + (1 if d.chance(0.1) else 0))], {"dim": dim, "keepdim": d.chance()}
    yield method(d, "mode"), [d.tensor(list(x.shape), d.dtype(), "small", layout="plain"), dim, d.chance()], {}
    x = d.tensor(d.sizes(), d.dtype(FLOATS))
    yield method(d, "dist"), [x, d.tensor(d.broadcastable(list(x.shape)), x.dtype)], d.subset(p=lambda: d.one(1, 3, 0, float("inf")))
    x = d.tensor(d.sizes(1, 3), d.dtype())
    yield method(d, "diff"), [x], d.subset(n=lambda: d.int(0, 3), dim=lambda: d.dim(x.dim()))
    x = d.tensor([d.int(1, 4), d.int(2, 5)], d.dtype(FLOATS))
    yield method(d, "cov"), [x], d.subset(correction=lambda: d.one(0, 1, 2), fweights=lambda: d.indices([x.shape[1]], 4, beyond=0) + 1,
                                          aweights=lambda: d.tensor([x.shape[1]], x.dtype, "positive", grad=False))
    yield method(d, "corrcoef"), [x], {}
    yield "trapezoid", [x], d.subset(dx=lambda: d.one(0.5, 2), dim=lambda: d.one(0, 1, -1))
    yield "trapezoid", [x, d.tensor([x.shape[1]], x.dtype)], {}
    x = d.tensor([d.int(0, 12)], d.dtype(), "small")
    yield method(d, "unique_consecutive"), [x], d.subset(return_inverse=lambda: d.chance(), return_counts=lambda: d.chance(), dim=lambda: 0)
    edges = d.tensor([d.int(1, 6)], d.dtype(FLOATS + INTS), "small", grad=False).sort().values
    values = d.tensor(d.sizes(), d.dtype(FLOATS + INTS), d.one("normal", "small"), grad=False)
    yield "searchsorted", [edges, values], d.subset(right=lambda: d.chance())
    yield "searchsorted", [edges, d.one(1.5, 2, -1)], {}
    yield "bucketize", [values, edges], d.subset(right=lambda: d.chance())
    yield "isin", [values, edges], d.subset(invert=lambda: d.chance())


def products(d):
    n, k, m, b = (d.int(0 if d.chance(0.1) else 1, 6) for _ in range(4))
    if d.chance(0.05):
        k, n = d.int(20, 60), d.int(17, 40)
    wrong = 1 if d.chance(0.05) else 0
    dtype = d.dtype(FLOATS if d.chance(0.85) else ALL)
    t = lambda *sizes: d.tensor(sizes, dtype)  # noqa: E731
    yield method(d, "mm"), [t(n, k), t(k + wrong, m)], {}
    yield method(d, "mv"), [t(n, k), t(k + wrong)], {}
    yield method(d, "dot"), [t(k), t(k + wrong)], {}
    yield method(d, "bmm"), [t(b, n, k), t(b, k + wrong, m)], {}
    yield method(d, "outer"), [t(n), t(m)], {}
    scale = lambda: d.one(2, 0.5, 0, -1)  # noqa: E731
    yield form(d, "addmm"), [t(n, m) if d.chance(0.7) else t(*d.broadcastable([n, m])), t(n, k), t(k + wrong, m)], d.subset(beta=scale, alpha=scale)
    yield form(d, "addmv"), [t(n) if d.chance(0.7) or k == 0 else t(), t(n, k), t(k + wrong)], d.subset(beta=scale, alpha=scale)
    yield form(d, "baddbmm"), [t(b, n, m) if d.chance(0.7) else t(*d.broadcastable([b, n, m])), t(b, n, k), t(b, k + wrong, m)], d.subset(beta=scale, alpha=scale)
    left, right = d.sizes(1, 4), d.sizes(0, 2)
    shapes = d.one(([k], [k]), ([n, k], [k]), ([k], [k, m]), ([*left, n, k], [k, m]), ([b, n, k], [b, k, m]), ([b, n, k], [1, k, m]), ([b, 1, n, k], [d.int(1, 3), k, m]),
                   ([k], [b, k, m]), ([b, n, k], [k]), (left, right))
    yield d.one("matmul", "Tensor.matmul", "Tensor.__matmul__"), [t(*shapes[0]), t(*shapes[1])], {}
    yield form(d, "addbmm"), [t(n, m), t(b, n, k), t(b, k + wrong, m)], d.subset(beta=scale, alpha=scale)
    yield form(d, "addr"), [t(n, m), t(n), t(m)], d.subset(beta=scale, alpha=scale)
    yield method(d, "inner"), [t(n, k), t(k + wrong)], {}
    yield method(d, "kron"), [d.tensor(d.sizes(0, 2, 3), dtype), d.tensor(d.sizes(0, 2, 3), dtype)], {}
    yield method(d, "cross"), [t(n, 3), t(n, 3)], {"dim": d.one(1, -1, 0)}
    real = dtype if dtype in FLOATS else F64
    far = d.one(2.0, 2.0, 1.0, 3.0, 0.0, float("inf"))
    yield "cdist", [d.tensor([d.one(n, 30), k], real), d.tensor([m, k], real), far], {}
    yield "nn.functional.pdist", [d.tensor([n, k], real), far], {}
    yield "nn.functional.bilinear", [d.tensor([b, n], real), d.tensor([b, k], real), d.tensor([m, n, k + wrong], real)], d.subset(bias=lambda: d.tensor([m], real))
    x = d.tensor([n, m], d.dtype())
    yield method(d, "trace"), [x], {}
    equation, sizes = d.one(("ij,jk->ik", [(n, k), (k, m)]), ("bij,bjk->bik", [(b, n, k), (b, k, m)]), ("ij->ji", [(n, k)]), ("ii", [(n, n)]), ("ii->i", [(n, n)]),
                            ("i,j->ij", [(n,), (m,)]), ("ij,ij->", [(n, k), (n, k)]), ("...ij,...jk->...ik", [(b, 2, n, k), (2, k, m)]), ("bn,anm,bm->ba", [(b, n), (k, n, m), (b, m)]),
                            ("ij,kl", [(n, k), (m, b)]), ("b...->...", [(b, n, k)]), ("ijk,ilj->ikl", [(b, n, k), (b, m, n)]), ("i,i,i", [(k,), (k,), (k,)]), ("ij,j", [(n, k), (k + wrong,)]))
    yield "einsum", [equation, *[d.tensor(s, dtype if dtype in FLOATS else F64) for s in sizes]], {}
    yield "tensordot", [t(b, n, k), t(n, k, m)], {"dims": d.one(2, [[1, 2], [0, 1]], [[-1], [1]])}
    yield "tensordot", [t(b, k), t(k, m)], {"dims": 1}
    x = d.tensor(d.one([k], [n, k], [b, n, k], [b, 2, n, k]), dtype if dtype in FLOATS else F32)
    yield "nn.functional.linear", [x, d.tensor([m, k + wrong], x.dtype), *([d.one(None, d.tensor([m], x.dtype))] if d.chance(0.8) else [])], {}


def arguments(d):
    for part in (sums, extremes, products):
        yield from part(d)

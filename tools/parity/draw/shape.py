"""Arguments for creation, views, copies and indexing. Each function yields (name, args, kwargs)."""

from draw import ALL, BOOL, F32, F64, FLOATS, I64, INTS, U8
from draw.elementwise import form
from draw.reduce import method


def spread(d, values):
    """Sizes one by one or as one list."""
    return list(values) if d.chance(0.5) and values else [list(values)]


def creation(d):
    sizes = d.sizes()
    dtype = lambda: d.dtype()  # noqa: E731
    yield "zeros", spread(d, sizes), d.subset(dtype=dtype)
    yield "ones", spread(d, sizes), d.subset(dtype=dtype)
    yield "full", [sizes, d.scalar()], d.subset(dtype=dtype)
    yield "eye", [d.int(0, 4)] + ([d.int(0, 4)] if d.chance() else []), d.subset(dtype=dtype)
    start, end, step = d.one(0, 1, -2.5, 3), d.one(5, 7.5, -3, 0), d.one(1, 0.5, -1, 2, 0)
    yield "arange", d.one([d.one(5, 3.2, 0)], [start, end], [start, end, step]), d.subset(dtype=dtype)
    yield "linspace", [start, end, d.int(0, 7)], d.subset(dtype=dtype)
    x = d.tensor(sizes, d.dtype(), grad=False)
    yield "zeros_like", [x], d.subset(dtype=dtype)
    yield "ones_like", [x], d.subset(dtype=dtype)
    yield "full_like", [x, d.scalar()], d.subset(dtype=dtype)
    yield "tensor", [d.one([[1, 2], [3, 4]], [1.5, 2], [True, False], 3, 2.5, [], [[]], [[1], [2.5]], [[1, 2], [3]], [True, 2])], d.subset(dtype=dtype)
    vectors = [d.tensor([d.int(0, 4)] if d.chance(0.9) else [], F32) for _ in range(d.int(1, 3))]
    yield "meshgrid", vectors if d.chance() else [vectors], d.subset(indexing=lambda: d.one("ij", "xy"))


def factors(d, n):
    """A shape with n elements; a size may be left to be found."""
    sizes = []
    while n > 1 and d.chance(0.7):
        divisor = d.one(*[k for k in range(1, n + 1) if n % k == 0])
        sizes.append(divisor)
        n //= divisor
    sizes.append(n)
    d.random.shuffle(sizes)
    if d.chance(0.4):
        sizes[d.int(0, len(sizes) - 1)] = -1
    if d.chance(0.04):
        sizes[0] += 3
    return sizes


def views(d):
    x = d.tensor(d.sizes(), d.dtype())
    n = x.dim()
    yield method(d, "reshape"), [x, factors(d, x.numel())], {}
    yield "Tensor.view", [x, *spread(d, factors(d, x.numel()))], {}
    yield "Tensor.view_as", [x, d.tensor(x.shape, F32, grad=False)], {}
    a, b = d.dim(n), d.dim(n)
    yield method(d, "flatten"), [x, *d.one([], [a], [a, b])], {}
    order = d.random.sample(range(n), n)
    order = [o - n if d.chance(0.3) else o for o in order]
    if order and d.chance(0.05):
        order[0] = order[-1]
    yield "Tensor.permute", [x, *spread(d, order)], {}
    yield "permute", [x, order], {}
    yield form(d, "transpose"), [x, a, b], {}
    yield form(d, "t"), [d.tensor(d.sizes(0, 2) if d.chance(0.95) else [2, 2, 2], d.dtype())], {}
    y = d.tensor([d.one(1, 1, 2, 3) for _ in range(d.int(0, 4))], d.dtype())
    yield form(d, "squeeze"), [y, *d.one([], [d.dim(y.dim())], [d.some_dims(y.dim())])], {}
    yield form(d, "unsqueeze"), [x, d.int(-n - 1, n)], {}
    if n:
        whole = x.shape[0]
        yield method(d, "unflatten"), [x, 0, d.one([1, whole], [-1, 1], [whole, -1, 1], [whole + 1])], {}
    target = [d.int(1, 3) for _ in range(d.int(0, 2))] + [d.int(1, 4) if size == 1 else d.one(size, -1) for size in x.shape]
    yield "Tensor.expand", [x, *spread(d, target)], {}
    yield method(d, "broadcast_to"), [x, [abs(t) if t != -1 else x.shape[i - len(target)] for i, t in enumerate(target)]], {}
    shapes = [d.broadcastable([2, 3, 1]) for _ in range(d.int(1, 3))]
    yield "broadcast_tensors", [d.tensor(s, d.dtype()) for s in shapes], {}
    yield "Tensor.expand_as", [d.tensor(d.broadcastable([2, 3, 2]), d.dtype()), d.tensor([2, 3, 2], F32, grad=False)], {}
    yield method(d, "movedim"), [x, *d.one([a, b], [d.some_dims(n)] * 2, [order[:1], order[-1:]])], {}
    x = d.tensor(d.sizes(1, 4), d.dtype())
    dim = d.dim(x.dim())
    size = x.shape[dim] if -x.dim() <= dim < x.dim() else 2
    cut = d.int(0, size)
    yield method(d, "split"), [x, d.one(d.int(1, 4), [cut, size - cut], [cut, size - cut + (1 if d.chance(0.1) else 0)]), dim], {}
    yield method(d, "chunk"), [x, d.int(1, 4) if d.chance(0.97) else 0], {"dim": dim}
    start = d.int(-size, size)
    yield method(d, "narrow"), [x, dim, start, d.int(0, size)], {}
    yield method(d, "select"), [x, dim, d.int(-size - (1 if d.chance(0.1) else 0), max(0, size - 1))], {}
    yield method(d, "unbind"), [x, *([dim] if d.chance(0.8) else [])], {}
    yield "Tensor.unfold", [x, dim, d.int(1, max(1, size)), d.int(1, 3)], {}
    y = d.tensor(d.sizes(2, 4), d.dtype())
    yield method(d, "diagonal"), [y], d.subset(offset=lambda: d.int(-2, 2), dim1=lambda: d.one(0, -2), dim2=lambda: d.one(1, -1))
    flat = d.tensor([12], d.dtype(), layout="plain")
    yield "Tensor.as_strided", [flat, *d.one([[2, 3], [3, 1]], [[3, 2], [1, 3], 2], [[4], [2], 1], [[2, 2], [1, 1]], [[3], [0]])], {}
    yield "Tensor.T", [d.tensor(d.sizes(0, 2), d.dtype())], {}
    yield from rearranged(d)


def rearranged(d):
    x = d.tensor(d.sizes(1, 4), d.dtype())
    yield method(d, "tensor_split"), [x, d.one(2, 3, [1, 2], [1, -1, 9])], {"dim": d.dim(x.dim())}
    m = d.tensor([2 * d.int(1, 2), 2 * d.int(1, 2), 2], d.dtype())
    yield method(d, d.one("hsplit", "vsplit", "dsplit")), [m, d.one(2, [1], 3 if d.chance(0.1) else 1)], {}
    y = d.tensor(d.sizes(2, 3), d.dtype())
    yield method(d, d.one("fliplr", "flipud")), [y], {}
    yield method(d, "rot90"), [y, d.int(-2, 5), d.one([0, 1], [1, 0], [-1, 0], [0, 0] if d.chance(0.1) else [0, 1])], {}
    yield method(d, "diag_embed"), [x], d.subset(offset=lambda: d.int(-2, 2), dim1=lambda: d.one(0, -2), dim2=lambda: d.one(1, -1))
    yield method(d, "diagflat"), [x], d.subset(offset=lambda: d.int(-2, 2))
    dtype = d.dtype()
    yield "block_diag", [d.tensor([d.int(1, 3) for _ in range(d.int(0, 2))], dtype) for _ in range(d.int(1, 3))], {}
    yield "cartesian_prod", [d.tensor([d.int(1, 3)], dtype) for _ in range(d.int(1, 3))], {}
    yield "combinations", [d.tensor([d.int(1, 4)], d.dtype())], d.subset(r=lambda: d.int(0, 4), with_replacement=lambda: d.chance())
    yield "vander", [d.tensor([d.int(1, 4)], d.dtype(FLOATS + INTS), "small", grad=False)], d.subset(N=lambda: d.int(0, 4), increasing=lambda: d.chance())
    y = d.tensor([3, 4], d.dtype(FLOATS))
    yield method(d, "select_scatter"), [y, d.tensor([4], y.dtype), 0, d.int(-3, 2)], {}
    yield method(d, "slice_scatter"), [y, d.tensor([3, 2], y.dtype), 1, 0, 4, 2], {}
    yield method(d, "diagonal_scatter"), [y, d.tensor([3], y.dtype)], d.subset(offset=lambda: d.one(0, 1))
    yield d.one("tril_indices", "triu_indices"), [d.int(0, 4), d.int(0, 4)], d.subset(offset=lambda: d.int(-2, 2))
    yield "logspace", [d.real(), d.real(), d.int(0, 5)], d.subset(base=lambda: d.one(2.0, 0.5), dtype=lambda: F64)


def copies(d):
    x = d.tensor(d.sizes(0, 3), d.dtype())
    n = x.dim()
    yield "Tensor.repeat", [x, *spread(d, [d.int(0 if d.chance(0.1) else 1, 3) for _ in range(n + d.int(0, 1))])], {}
    yield method(d, "tile"), [x, [d.int(1, 3) for _ in range(d.int(0, n + 1))]], {}
    y = d.tensor(d.sizes(1, 3), d.dtype())
    dim = d.int(-y.dim(), y.dim() - 1)
    repeats = d.one(d.int(0, 3), d.indices([y.shape[dim]], 4, beyond=0), d.indices([1], 4, beyond=0))
    yield method(d, "repeat_interleave"), [y, repeats], {"dim": dim}
    yield method(d, "repeat_interleave"), [y, d.int(0, 3)], {}
    parts, sizes = d.int(1, 3), list(y.shape)
    tensors = []
    for _ in range(parts):
        own = list(sizes)
        own[dim] = d.int(0 if d.chance(0.2) else 1, 4)
        if d.chance(0.03):
            own[0] += 1
        tensors.append(d.tensor(own, y.dtype if d.chance(0.8) else d.dtype()))
    if d.chance(0.1):
        tensors.append(d.tensor([0], y.dtype))
    yield "cat", [tensors, *([dim] if d.chance(0.8) else [])], {}
    same = [d.tensor(sizes, y.dtype if d.chance(0.9) else d.dtype()) for _ in range(parts)]
    yield "stack", [same], {"dim": d.int(-y.dim() - 1, y.dim())}
    yield d.one("hstack", "vstack"), [same], {}
    yield method(d, "flip"), [x, d.some_dims(n)], {}
    yield method(d, "roll"), [y, d.int(-4, 4), *([dim] if d.chance(0.7) else [])], {}
    yield method(d, "roll"), [y, [1, -2], [dim, dim]], {}
    m = d.tensor(d.sizes(2, 4), d.dtype())
    yield form(d, d.one("tril", "triu")), [m, *([d.int(-3, 3)] if d.chance(0.7) else [])], {}
    yield method(d, "diag"), [d.tensor(d.sizes(1, 2), d.dtype()), *([d.int(-2, 2)] if d.chance(0.7) else [])], {}
    yield "Tensor.clone", [x], {}
    yield "Tensor.contiguous", [x], {}
    yield "Tensor.to", [x, d.dtype()], {}
    yield "Tensor.fill_", [x, d.one(d.scalar(), d.tensor([], d.dtype(), grad=False))], {}
    yield "Tensor.zero_", [x], {}
    yield "Tensor.copy_", [x, d.tensor(d.broadcastable(list(x.shape)), d.dtype())], {}
    yield "Tensor.item", [d.tensor(d.one([], [1], [1, 1], [2]), d.dtype())], {}


def index_part(d, size):
    kind = d.int(0, 9)
    if kind <= 2:
        bounds = [d.one(None, d.int(-size - 1, size + 1)) for _ in range(2)]
        return slice(bounds[0], bounds[1], d.one(None, None, 1, 2, 3))
    if kind == 3:
        return d.int(-size, size - 1) if size else slice(None)
    if kind == 4:
        return slice(None)
    if kind == 5:
        return d.indices([d.int(0, 4)], size, negative=True)
    if kind == 6:
        return d.indices([2, 1], size, negative=True) if size else slice(None)
    if kind == 7:
        return d.values([size], BOOL)
    if kind == 8:
        return [d.int(-size, size - 1) for _ in range(d.int(1, 3))] if size else slice(None)
    return d.indices([], size, negative=True) if size else slice(None)


def index_of(d, x):
    """What may stand between the brackets behind x."""
    if d.chance(0.06):
        return [d.values(list(x.shape), BOOL)]
    parts, used = [], 0
    count = d.int(0, x.dim())
    ellipsis_at = d.int(0, count) if d.chance(0.3) else -1
    for i in range(count):
        if i == ellipsis_at:
            parts.append(Ellipsis)
            used = x.dim() - (count - i)
        if d.chance(0.12):
            parts.append(None)
        if d.chance(0.03):
            parts.append(d.one(True, False))
        parts.append(index_part(d, x.shape[used]))
        used += 1
    if d.chance(0.03):
        parts += [0] * (x.dim() + 1)
    return parts


def indexing(d):
    for _ in range(3):
        x = d.tensor(d.sizes(0, 4), d.dtype())
        yield "Tensor.__getitem__", [x, index_of(d, x)], {}
        index = index_of(d, x)
        try:
            shape = list(x[tuple(index)].shape)
        except Exception:
            shape = []
        value = d.one(d.scalar(), d.tensor([], x.dtype, grad=False), d.tensor(d.broadcastable(shape), x.dtype, grad=False))
        yield "Tensor.__setitem__", [x.detach(), index, value], {}
    x = d.tensor(d.sizes(1, 3), d.dtype())
    dim = d.int(-x.dim(), x.dim() - 1)
    size = x.shape[dim]
    yield method(d, "index_select"), [x, dim, d.indices([d.int(0, 4)], size)], {}
    index_sizes = [d.int(0 if d.chance(0.1) else min(1, s), s) for s in x.shape]
    index_sizes[dim] = d.int(0, 5)
    index = d.indices(index_sizes, size)
    yield method(d, "gather"), [x, dim, index], {}
    source = d.tensor([s + d.int(0, 1) for s in index_sizes], x.dtype)
    once = index.clone()
    if size and index.numel():  # without duplicates, so that the order does not matter
        width = min(index_sizes[dim], size)
        once = d.values(index_sizes, F64).argsort(dim).narrow(dim, 0, width)
    yield form(d, "scatter"), [x, dim, once, source], {}
    yield form(d, "scatter"), [x, dim, index, d.scalar() if x.dtype in FLOATS else d.int(1, 5)], d.subset(reduce=lambda: d.one("add", "multiply"))
    yield form(d, "scatter_add"), [x, dim, index, source], {}
    k = d.int(0, 4)
    add_sizes = list(x.shape)
    add_sizes[dim] = k
    yield form(d, "index_add"), [x, dim, d.indices([k], size, beyond=0), d.tensor(add_sizes, x.dtype)], d.subset(alpha=lambda: d.one(2, -1, 0.5))
    unique = d.values([size], F64).argsort()[: d.int(0, size)]
    put = [d.tensor([len(unique), *x.shape[1:]], x.dtype)]
    if x.shape[0] == size:
        yield form(d, "index_put"), [x, [unique], *put], d.subset(accumulate=lambda: d.chance())
    mask = d.tensor(d.broadcastable(list(x.shape)), BOOL)
    yield method(d, "masked_select"), [x, mask], {}
    yield method(d, "take_along_dim"), [x, d.indices(index_sizes, size, beyond=0), dim], {}
    dense = d.tensor(list(x.shape), x.dtype, layout="plain")
    yield method(d, "take_along_dim"), [dense, d.indices([3], max(x.numel(), 1), beyond=0)], {}
    places = d.indices([k], size, beyond=0).unique()
    copied = list(x.shape)
    copied[dim] = len(places)
    yield form(d, "index_copy"), [x, dim, places, d.tensor(copied, x.dtype)], {}
    yield form(d, "index_fill"), [x, dim, d.indices([k], size, negative=True, beyond=0), d.one(1, 0) if x.dtype not in FLOATS else d.real()], {}
    yield form(d, "masked_scatter"), [x, mask, d.tensor([max(x.numel(), 1)], x.dtype)], {}
    yield method(d, "take"), [x, d.indices(d.sizes(0, 2), max(x.numel(), 1), negative=True, beyond=0)], {}
    real = x if x.dtype in FLOATS else d.tensor(list(x.shape), F64)
    reduce = d.one("sum", "prod", "mean", "amax", "amin")
    yield form(d, "scatter_reduce"), [real, dim, d.indices(index_sizes, size, beyond=0), d.tensor(index_sizes, real.dtype), reduce], d.subset(include_self=lambda: d.chance())
    yield form(d, "index_reduce"), [real, dim, d.indices([k], size, beyond=0), d.tensor(add_sizes, real.dtype), reduce if reduce != "sum" else "mean"], d.subset(include_self=lambda: d.chance())
    yield method(d, "nonzero"), [d.tensor(d.sizes(), d.dtype(), "small")], d.subset(as_tuple=lambda: d.chance())


def arguments(d):
    for part in (creation, views, copies, indexing):
        yield from part(d)

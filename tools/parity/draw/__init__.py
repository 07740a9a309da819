"""Random tensors, shapes and arguments for the makers of comparison cases: all layouts, sizes 0 and 1, ties, NaN and infinities."""

import random

import torch

F32, F64, I64, U8, BOOL = torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool
FLOATS, INTS, ALL = [F32, F64], [I64, U8], [F32, F64, I64, U8, BOOL]


class Draw:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)

    # --- plain choices
    def chance(self, p=0.5):
        return self.random.random() < p

    def one(self, *choices):
        return self.random.choice(choices)

    def int(self, low, high):
        return self.random.randint(low, high)

    def real(self, low=-2.0, high=2.0):
        return round(self.random.uniform(low, high), 3)

    def dtype(self, among=ALL):
        """Mostly float32."""
        return F32 if F32 in among and self.chance(0.4) else self.random.choice(among)

    def sizes(self, low=0, high=4, most=5):
        """A shape of `low` to `high` dimensions; now and then a size is 0 or 1."""
        special = self.random.random()
        sizes = [self.int(1, most) for _ in range(self.int(low, high))]
        if sizes and special < 0.08:
            sizes[self.int(0, len(sizes) - 1)] = 0
        elif sizes and special < 0.2:
            sizes[self.int(0, len(sizes) - 1)] = 1
        return sizes

    def broadcastable(self, sizes):
        """A shape that broadcasts against `sizes`."""
        other = list(sizes[self.int(0, len(sizes)):] if self.chance(0.3) else sizes)
        return [1 if self.chance(0.25) else size for size in other]

    def dim(self, dims, beyond=0.03):
        """A dimension of a tensor of so many dimensions, negative as often; now and then one that does not exist."""
        if self.chance(beyond):
            return self.one(dims, -dims - 1, dims + 2)
        return self.int(-dims, dims - 1) if dims else self.one(0, -1)

    def some_dims(self, dims):
        chosen = self.random.sample(range(dims), self.int(0 if self.chance(0.1) else min(1, dims), dims))
        return [d - dims if self.chance(0.3) else d for d in chosen]

    def subset(self, **optional):
        """Some of the optional arguments; callables are drawn when chosen."""
        return {k: v() if callable(v) else v for k, v in optional.items() if self.chance(0.45)}

    # --- tensors
    def values(self, sizes, dtype, kind="normal"):
        """normal; positive; unit (0..1); small (integers, many ties); special (with NaN and infinities); open (-1..1)."""
        g = self.generator
        if dtype == BOOL:
            return torch.randint(0, 2, sizes, generator=g, dtype=BOOL)
        if dtype == U8:
            return torch.randint(0, 5 if kind == "small" else 256 if self.chance(0.3) else 12, sizes, generator=g).to(U8)
        if dtype == I64:
            low = 0 if kind in ("positive", "unit") else -5
            return torch.randint(low, 6, sizes, generator=g)
        x = torch.randn(sizes, generator=g, dtype=F64)
        if kind == "positive":
            x = x.abs() + 0.1
        elif kind == "unit":
            x = torch.rand(sizes, generator=g, dtype=F64) * 0.98 + 0.01
        elif kind == "open":
            x = torch.rand(sizes, generator=g, dtype=F64) * 1.96 - 0.98
        elif kind == "small":
            x = torch.randint(-2, 3, sizes, generator=g).double()
        elif kind == "special" and x.numel():
            flat = x.view(-1)
            for value in (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e30, -1e-30):
                if self.chance(0.5):
                    flat[self.int(0, x.numel() - 1)] = value
        else:
            x = x * self.one(1.0, 1.0, 1.0, 3.0, 0.1)
        return x.to(dtype)

    def tensor(self, sizes, dtype=F32, kind="normal", grad=None, layout=None):
        x = self.laid_out(self.values(list(sizes), dtype, kind), layout)
        if dtype in FLOATS and (self.chance(0.6) if grad is None else grad):
            x.requires_grad_()
        return x

    def laid_out(self, x, layout=None):
        """The same values behind other strides."""
        layout = layout or self.one("plain", "plain", "plain", "permuted", "sliced", "offset", "expanded", "channels_last")
        if x.dim() == 0 or x.numel() == 0 or layout == "plain":
            return x
        if layout == "channels_last":
            return x.to(memory_format=torch.channels_last) if x.dim() == 4 else x
        if layout == "permuted":
            order = list(range(x.dim()))
            self.random.shuffle(order)
            return x.permute(order).contiguous().permute([order.index(d) for d in range(x.dim())])
        if layout == "expanded":
            d = self.int(0, x.dim() - 1)
            return x.narrow(d, 0, 1).clone().expand(x.shape)
        if layout == "offset":
            buffer = torch.zeros(x.numel() + 3, dtype=x.dtype)
            buffer[3:] = x.reshape(-1)
            return buffer[3:].view(x.shape)
        wide = torch.zeros([2 * size for size in x.shape], dtype=x.dtype)
        every_second = tuple(slice(1, None, 2) for _ in x.shape)
        wide[every_second] = x
        return wide[every_second]

    def indices(self, sizes, limit, negative=False, beyond=0.02):
        if limit <= 0:
            return torch.zeros(sizes, dtype=I64)
        index = torch.randint(-limit if negative else 0, limit, sizes, generator=self.generator)
        if index.numel() and self.chance(beyond):
            index.view(-1)[0] = limit
        return index

    def scalar(self, kind="any"):
        if kind == "float":
            return self.real()
        return self.one(self.real(), self.int(-3, 4), self.one(True, False)) if self.chance(0.9) else self.one(
            float("nan"), float("inf"), float("-inf"), 0, 0.0, 2 ** 40, 300)

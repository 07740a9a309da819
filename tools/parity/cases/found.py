"""Cases about mistakes that were once found in Ember: each stays here."""

import torch

from cases.modules import add_case
from cases.op_db import callable_of
from cases.random import call_entry
from draw import BOOL, F32, F64, I64, U8

INF, NAN = float("inf"), float("nan")


def expanded(rows, columns):
    return torch.arange(1.0, columns + 1, dtype=F64).expand(rows, columns).requires_grad_()


def t(*values, dtype=F64, grad=False):
    return torch.tensor(values, dtype=dtype).requires_grad_(grad)


def wave(*sizes, shift=0.0, grad=True):
    return torch.sin(torch.arange(float(torch.Size(sizes).numel())) * 0.7 + shift).reshape(sizes).requires_grad_(grad)


F = "nn.functional."
CALLS = [
    # 255 has the bits of -1
    *((name, [t(2, 255, 7, dtype=U8), t(255, 255, 255, dtype=U8)], {}) for name in ("remainder", "fmod", "floor_divide")),
    ("div", [t(2, 255, 254, dtype=U8), t(255, 255, 255, dtype=U8)], {"rounding_mode": "trunc"}),
    # an index without dimensions is a number
    ("Tensor.__getitem__", [torch.arange(24.0).view(2, 3, 4), [torch.tensor(-1), Ellipsis, torch.tensor([[1], [0]])]], {}),
    ("Tensor.__getitem__", [torch.arange(6.0).view(2, 3), [slice(None), torch.tensor(1)]], {}),
    ("linspace", [-2.5, 5, 0], {"dtype": U8}), ("linalg.vector_norm", [torch.zeros(0, 3)], {"ord": -1, "dim": [1]}),
    (F + "conv_transpose2d", [torch.zeros(0, 1, 6, 6), torch.zeros(1, 1, 2, 3)], {"padding": 1, "output_padding": 1}),
    # channels long enough to be normalised one by one
    (F + "group_norm", [wave(3, 6, 5, 7), 3, wave(6, shift=1.0), wave(6, shift=2.0)], {}), (F + "group_norm", [wave(2, 4, 33), 1], {"eps": 1e-3}),
    (F + "instance_norm", [wave(2, 3, 9, 4)], {"weight": wave(3, shift=1.0), "bias": wave(3, shift=2.0)}),
    # of empty rows any will do
    ("Tensor.__getitem__", [torch.zeros(2, 0, 3), [torch.tensor([5, -9])]], {}),
    ("Tensor.__setitem__", [torch.zeros(2, 3, 0), [torch.tensor([2, -2]), slice(None)], torch.zeros(2, 3, 0)], {}),
    ("masked_fill", [t(True, False, dtype=BOOL), t(True, True, dtype=BOOL), torch.tensor(1.5)], {}),
    ("movedim", [torch.tensor(3.0), 0, -1], {}),
    ("where", [torch.tensor(True)], {}),
    # infinite distances, infinite inputs of bounded activations
    (F + "smooth_l1_loss", [t(INF, -INF, 0.2, 3, grad=True), t(0.0, 1, 0, 0, grad=True)], {"reduction": "none"}),
    (F + "huber_loss", [t(INF, -INF, 0.2, 3, grad=True), t(0.0, 1, 0, 0, grad=True)], {"reduction": "none", "delta": 0.5}),
    (F + "relu6", [t(INF, -INF, 7, 3, grad=True)], {}), (F + "hardtanh", [t(INF, -INF, 7, 0.3, grad=True)], {}),
    # what is left out still has a gradient
    ("addmm", [t(NAN, 1, grad=True), torch.ones(2, 3, dtype=F64, requires_grad=True), torch.ones(3, 2, dtype=F64)], {"beta": 0}),
    (F + "interpolate", [torch.arange(12.0).view(1, 1, 4, 3)], {"scale_factor": (1.1, 2.3), "mode": "nearest"}),
    ("median", [torch.zeros(0, dtype=U8)], {}), ("median", [torch.zeros(0, 3, requires_grad=True)], {}),
    # no degree of freedom
    ("var", [t(1, 2, 4, grad=True)], {"correction": 5}), ("var", [t(1, 2, 4, grad=True)], {"dim": 0, "correction": 5}), ("std", [t(1, 2, 4, grad=True)], {"dim": 0, "correction": 3}),
    ("index_add", [t(True, False, dtype=BOOL), 0, torch.tensor([1]), t(True, dtype=BOOL)], {"alpha": 2}),
    ("index_add", [t(5, 6, dtype=U8), 0, torch.tensor([1]), t(3, dtype=U8)], {"alpha": 0.5}),
    ("index_add", [t(True, False, dtype=BOOL), 0, torch.tensor([1]), t(True, dtype=BOOL)], {"alpha": 0.5}),
    # a gradient for each element, though the input repeats them in memory; and what an input shares is divided
    ("Tensor.unfold", [expanded(2, 4), 0, 2, 2], {}), ("as_strided", [expanded(2, 4), [2, 2], [1, 2]], {}),
    ("Tensor.__floordiv__", [t(dtype=BOOL), 0], {}), ("bincount", [t(dtype=I64), t()], {}), ("bincount", [t(dtype=I64), t(dtype=F32)], {"minlength": 3}),
    ("where", [t(True, False, dtype=BOOL), t(1, 2, dtype=U8), -200], {}),
    ("pow", [t(1e30, 1e-30, 3, dtype=F32, grad=True), 0.567], {}),
    (F + "linear", [torch.zeros(2, 3, 2, 0, requires_grad=True), torch.zeros(1, 0, requires_grad=True), t(0.5, dtype=F32, grad=True)], {}),
    ("true_divide", [t(1, 2, -4, 8), t(-1e-30, dtype=F32, grad=True)], {}),
    # a NaN among the values: max gives it the gradient, amax has nothing to divide by
    *((name, [t(1, NAN, 2, NAN, grad=True)], {}) for name in ("amax", "amin", "max", "min")),
    ("Tensor.clamp_min_", [t(1, 2, 3), t(2, 2, 2, grad=True)], {}), ("Tensor.div_", [t(1, 2, 3), t(2, 4, 2, grad=True)], {}),
]
ERRORS = [
    ("add", [t(1, dtype=I64), 2], {"alpha": True}), ("argmax", [t(True, dtype=BOOL)], {}), ("unique", [torch.tensor(1)], {"dim": 0}), ("linspace", [-2.5, 5, 6], {"dtype": U8}),
    ("full", [[2], 300], {"dtype": U8}), ("Tensor.fill_", [t(1, dtype=I64), INF], {}), ("Tensor.cumsum_", [t(1.0, 2), 0], {"dtype": F32}),
    (F + "cross_entropy", [torch.zeros(2, 3), torch.ones(2, 3) / 3], {"ignore_index": 1}),
    ("where", [t(True, dtype=BOOL), t(1, dtype=U8), 256], {}), ("where", [t(True, dtype=BOOL), t(1.0, dtype=F32), 1e300], {}), ("clamp", [t(1, dtype=U8)], {"min": 2 ** 40}),
    (F + "conv_transpose1d", [torch.zeros(3, 3, 3), torch.zeros(3, 1, 1)], {"padding": 2, "groups": 3}),
    (F + "conv_transpose2d", [torch.zeros(1, 1, 3, 7), torch.zeros(1, 1, 1, 3)], {"padding": 2}),
    ("index_add", [torch.zeros(0), 0, torch.tensor([0]), torch.zeros(1)], {}),
    ("Tensor.__getitem__", [torch.zeros(0, 2), [torch.tensor([5])]], {}), ("Tensor.__getitem__", [torch.zeros(0, 0), [torch.tensor([5])]], {}),
    ("linalg.vector_norm", [torch.zeros(2, 0)], {"ord": -1, "dim": [1]}), ("Tensor.norm", [torch.zeros(0, 0)], {"p": INF, "dim": 0}),
    # a divisor that is 0 once it has the dtype of the result
    *((name, [t(1, 2, dtype=U8), divisor], {}) for name in ("floor_divide", "remainder", "fmod") for divisor in (256, torch.tensor(256))),
]
GAINS = [("nn.init.calculate_gain", [of], {}) for of in ("conv2d", "linear", "sigmoid", "tanh", "relu")]
# Bounds that float32 does not hold move before the range decides between one word and two.
DRAWS = [("randint", [-2, 2 ** 28, [5]], {"dtype": F32}), ("randint", [-8, 2 ** 40, [5]], {"dtype": F32}), ("randint", [0, 2 ** 28, [3]], {"dtype": F32}), ("randint", [-2 ** 30 - 3, 2 ** 30 + 7, [4]], {"dtype": F32}),
         ("randint", [0, 2 ** 54 + 3, [3]], {"dtype": F64}),
         # in the order of the memory that is filled
         ("Tensor.bernoulli_", [torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last), torch.full((3, 1, 1), 0.5)], {})]


def add_cases(suite, known, limit=24, only=None, seed=0):
    for name, args, kwargs in CALLS:
        suite.add_call(name, callable_of(name), args, kwargs, prefix=f"found/{name}")
    for name, args, kwargs in ERRORS:
        suite.add_call(name, callable_of(name), args, kwargs, prefix=f"found/{name}/error", raises=True)
    key = suite.new_id("found/rng")
    torch.manual_seed(8)
    entries = [call_entry(suite, f"{key}.{i}", *call)[0] for i, call in enumerate([*DRAWS, *GAINS, ("rand", [[2]], {})])]
    suite.append({"id": key, "seed": 8, "rng": entries})
    add_case(suite, "nn.InstanceNorm1d", [3], {"affine": True, "bias": False}, F32, [("train", [torch.randn(2, 3, 4)], {})], "found/nn.InstanceNorm1d")

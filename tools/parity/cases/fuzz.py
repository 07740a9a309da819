"""Cases with random arguments for every function: shapes, layouts, dtypes, ties, infinities, and what PyTorch refuses."""

import torch

from draw import elementwise as draw_elementwise
from draw import nn as draw_nn
from draw import reduce as draw_reduce
from draw import sequences as draw_sequences
from draw import shape as draw_shape
from cases.op_db import callable_of
from draw import Draw
from cases.suite_writer import CannotExpress

FAMILIES = [draw_elementwise, draw_reduce, draw_shape, draw_nn, draw_sequences]
# Python's own refusal of arguments, and kernels that PyTorch does not have: Ember may take more.
NOT_AN_ERROR = ("not implemented for", "received an invalid combination of arguments", "must be Tensor, not", "got an unexpected keyword",
                "missing 1 required", "must be bool, not", "must be tuple of", "must be int, not", "not supported on CPU")


def add_one(suite, name, args, kwargs):
    function = callable_of(name)
    if function is None:
        raise KeyError(name)
    prefix = f"fuzz/{name}"
    in_place = name == "Tensor.__setitem__" or (name.endswith("_") and not name.endswith("__"))
    if in_place and isinstance(args[0], torch.Tensor):
        args[0] = args[0].detach()  # a leaf must not change in place
        if 0 in args[0].stride():
            args[0] = args[0].clone(memory_format=torch.contiguous_format)  # PyTorch does not always notice
        if name.split(".")[-1] in ("eq_", "ne_", "lt_", "le_", "gt_", "ge_") and isinstance(args[1], torch.Tensor):
            args[1] = args[1].detach()  # a comparison has no gradient
    try:
        suite.add_call(name, function, args, kwargs, prefix=prefix)
    except CannotExpress:
        pass
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
        if any(words in str(error) for words in NOT_AN_ERROR):
            return
        try:  # perhaps only the gradient is refused
            suite.add_call(name, function, args, kwargs, prefix=prefix, grads=False)
        except Exception:
            suite.add_call(name, function, args, kwargs, prefix=prefix + "/error", raises=True)


def add_cases(suite, known, limit=24, only=None, seed=0):
    """`limit` rounds over every family."""
    for round_ in range(limit):
        for family in FAMILIES:
            d = Draw(seed * 100003 + round_)
            for name, args, kwargs in family.arguments(d):
                if only and not only(name):
                    continue
                try:
                    add_one(suite, name, args, kwargs)
                except Exception as error:
                    print(f"skipped {name}: {type(error).__name__} {str(error)[:100]}")

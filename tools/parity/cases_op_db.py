"""Cases from PyTorch's own database of operators: its sample inputs and its error inputs, for the names that Ember has."""

import torch
from torch.testing._internal.common_methods_invocations import op_db

from coverage import function_of

# What draws random numbers is compared in "rng" cases; what empty() holds is nobody's business.
RANDOM = {"normal", "bernoulli", "multinomial", "randn", "rand", "randint", "randperm", "rand_like", "randn_like", "randint_like",
          "uniform_", "normal_", "bernoulli_", "random_", "exponential_", "empty", "empty_like", "dropout", "dropout1d", "dropout2d",
          "alpha_dropout"}
DTYPES = [torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool]


def names_of(op):
    """The PyTorch names under which this entry can be called, with the functions."""
    names = [op.name]
    if op.name == "__getitem__" or op.name.startswith("__"):
        names = ["Tensor." + op.name]
    elif op.method_variant is not None:
        names.append("Tensor." + op.name)
    if op.inplace_variant is not None and not op.name.startswith("_"):
        names.append("Tensor." + op.name.split(".")[-1] + "_")
    return names


def take(samples, limit):
    """The first samples, those of every kind: a spread of at most `limit`."""
    samples = list(samples)
    step = max(1, len(samples) / limit)
    return [samples[int(i * step)] for i in range(min(limit, len(samples)))]


def add_cases(suite, known, limit=24, only=None):
    for op in op_db:
        for name in names_of(op):
            function = function_of(name)
            if name.split(".")[-1] in RANDOM or function is None or name not in known or (only and not only(name)):
                continue
            in_place = name.endswith("_") and not name.endswith("__")
            for dtype in DTYPES:
                if not op.supports_dtype(dtype, "cpu"):
                    continue
                grads = dtype.is_floating_point and op.supports_autograd and not in_place
                torch.manual_seed(1)
                try:
                    samples = take(op.sample_inputs("cpu", dtype, requires_grad=grads), limit if name == op.name else limit // 3)
                except Exception as error:
                    print(f"no samples of {name} for {dtype}: {error}")
                    continue
                for sample in samples:
                    args, kwargs = [sample.input, *sample.args], dict(sample.kwargs)
                    if name == "Tensor.__getitem__" and not isinstance(args[1], (list, tuple)):
                        args[1] = [args[1]]
                    call = function
                    if name in ("Tensor.__getitem__", "Tensor.__setitem__"):
                        call = lambda x, index, *rest: function(x, tuple(index), *rest)
                    if name.split(".")[-1] == "as_strided" and (
                            args[0].untyped_storage().nbytes() != args[0].numel() * args[0].element_size()):
                        continue  # it would see what lies between the elements
                    if in_place and sample.broadcasts_input:
                        continue
                    try:
                        suite.add_call(name, call, args, kwargs, prefix=f"opdb/{name}/{str(dtype)[6:]}", grads=grads)
                    except Exception as error:
                        print(f"skipped a sample of {name}: {type(error).__name__} {str(error)[:80]}")
            if op.error_inputs_func is None or name != op.name:
                continue
            try:
                errors = list(op.error_inputs("cpu"))
            except Exception:
                continue
            for error in errors[:limit]:
                sample = error.sample_input
                try:
                    suite.add_call(name, function, [sample.input, *sample.args], sample.kwargs, prefix=f"opdb/{name}/error",
                                   raises=True)
                except Exception as failure:
                    print(f"skipped an error of {name}: {failure}")

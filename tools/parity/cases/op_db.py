"""Cases from PyTorch's own database of operators: its sample inputs and its error inputs, for the names that Ember has."""

import numpy
import torch

from cases.coverage import function_of
from cases.test_databases import op_db

# What draws random numbers is compared in "rng" cases; what empty() holds is nobody's business.
RANDOM = {"normal", "bernoulli", "multinomial", "randn", "rand", "randint", "randperm", "rand_like", "randn_like", "randint_like",
          "uniform_", "normal_", "bernoulli_", "random_", "exponential_", "empty", "empty_like", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout", "gumbel_softmax", "rrelu",
          "alpha_dropout", "uniform", "exponential"}
DTYPES = [torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool]


def names_of(op):
    """The PyTorch names under which this entry can be called: function, method, in-place forms, aliases."""
    base = op.name.split(".")[-1]
    names = ["Tensor." + op.name] if op.name.startswith("__") else [op.name, *(alias.name for alias in op.aliases)]
    if op.method_variant is not None:
        names += ["Tensor." + base, *("Tensor." + alias.name for alias in op.aliases)]
    if op.inplace_variant is not None and not base.startswith("_"):
        names += ["Tensor." + base + "_", base + "_"]
    if op.name.startswith("nn.functional."):
        names.append(op.name + "_")
    return names


def take(samples, limit):
    """The first samples, those of every kind: a spread of at most `limit`."""
    samples = list(samples)
    step = max(1, len(samples) / limit)
    return [samples[int(i * step)] for i in range(min(limit, len(samples)))]


def arguments_of(name, sample):
    args, kwargs = [sample.input, *sample.args], dict(sample.kwargs)
    if name in ("Tensor.__getitem__", "Tensor.__setitem__") and not isinstance(args[1], (list, tuple)):
        args[1] = [args[1]]
    return args, kwargs


def callable_of(name):
    function = function_of(name)
    if name == "Tensor.__getitem__":
        return lambda x, index: x[tuple(index)]
    if name == "Tensor.__setitem__":
        return set_item
    return function


def set_item(x, index, value):
    x[tuple(index)] = value
    return x


def has_free_sign(name, args, kwargs):
    """Eigenvectors and singular vectors have a free sign: a sample says something where two LAPACKs, PyTorch's and numpy's, agree on it."""
    name = {"svd": "linalg.svd", "Tensor.svd": "linalg.svd"}.get(name, name)
    if name not in ("linalg.eigh", "linalg.svd") or args[0].numel() == 0:
        return False
    matrix, options = args[0].detach(), dict(zip(["UPLO" if name == "linalg.eigh" else "full_matrices"], args[1:])) | kwargs
    if "some" in options or "compute_uv" in options:
        options = {"full_matrices": not options.get("some", True)}
    options.pop("driver", None)
    mine, other = function_of(name)(matrix, **options), getattr(numpy.linalg, name[7:])(matrix.numpy(), **options)
    return any((a - torch.from_numpy(b)).abs().max() > 0.1 for a, b in zip(mine, other) if a.numel())


def draws(name, args, kwargs):
    """Would this call drop out?"""
    return name.endswith("multi_head_attention_forward") and args[10] > 0 and kwargs.get("training", True) or kwargs.get("dropout_p", 0) > 0


def add_samples(suite, op, name, function, dtype, limit):
    in_place = name.endswith("_") and not name.endswith("__")
    grads = dtype.is_floating_point and op.supports_autograd and not in_place
    torch.manual_seed(1)
    try:
        samples = take(op.sample_inputs("cpu", dtype, requires_grad=grads), limit if name == op.name else max(4, limit // 3))
    except Exception as error:
        print(f"no samples of {name} for {dtype}: {error}")
        return
    for sample in samples:
        args, kwargs = arguments_of(name, sample)
        if "as_strided" in name and args[0].untyped_storage().nbytes() != args[0].numel() * args[0].element_size():
            continue  # it would see what lies between the elements
        if (in_place and sample.broadcasts_input) or has_free_sign(name, args, kwargs) or draws(name, args, kwargs):
            continue
        try:
            suite.add_call(name, function, args, kwargs, prefix=f"opdb/{name}/{str(dtype)[6:]}", grads=grads)
        except Exception as error:
            print(f"skipped a sample of {name}: {type(error).__name__} {str(error)[:80]}")


def add_errors(suite, op, name, function, limit):
    try:
        errors = list(op.error_inputs("cpu"))
    except Exception as error:
        print(f"no errors of {name}: {error}")
        return
    for error in errors[:limit]:
        args, kwargs = arguments_of(name, error.sample_input)
        try:
            suite.add_call(name, function, args, kwargs, prefix=f"opdb/{name}/error", raises=True)
        except Exception as failure:
            print(f"skipped an error of {name}: {failure}")


def add_cases(suite, known, limit=24, only=None, seed=0):
    for op in op_db:
        for name in dict.fromkeys(names_of(op)):
            function = callable_of(name)
            if name.split(".")[-1] in RANDOM or function is None or name not in known or (only and not only(name)):
                continue
            for dtype in DTYPES:
                if op.supports_dtype(dtype, "cpu"):
                    add_samples(suite, op, name, function, dtype, limit)
            if op.error_inputs_func is not None:
                add_errors(suite, op, name, function, limit)

"""Cases about optimisers: PyTorch's own database with its error inputs, then random settings: groups, missing gradients, dtypes."""

import inspect

import torch

from draw import Draw
from cases.suite_writer import CannotExpress
from cases.test_databases import optim_db

# Every optimiser of PyTorch but SparseAdam, which takes sparse gradients; what its constructor takes says what is drawn for it.
TAKES = {info.optim_cls.__name__: inspect.signature(info.optim_cls).parameters for info in optim_db if info.optim_cls is not torch.optim.SparseAdam}
NUMBERS = {"weight_decay": (0.0, 0.1, 0.01), "lr": (0.1, 0.01, 0.5, 0.0), "eps": (1e-8, 1e-4), "momentum": (0.9, 0.5, 0.0), "dampening": (0.0, 0.3), "alpha": (0.9, 0.5),
           "momentum_decay": (4e-3, 0.1), "lr_decay": (0.1, 0.01), "initial_accumulator_value": (0.1, 0.5), "rho": (0.5, 0.95), "lambd": (1e-4, 0.1), "t0": (1e6, 2.0), "beta2_decay": (-0.8, -0.5), "d": (1.0, 1.5), "ns_steps": (5, 2)}
FLAGS = ("nesterov", "amsgrad", "centered", "decoupled_weight_decay", "maximize")


def dtypes_of(name):
    """L-BFGS divides by small differences of gradients: rounding errors of float32 grow there beyond any tolerance."""
    return (torch.float64,) if name == "LBFGS" else (torch.float32, torch.float64)


def numbers_of(name):
    return [key for key, given in TAKES[name].items() if key in NUMBERS and isinstance(given.default, (int, float))]


def settings(d, name):
    """Random keyword arguments of the optimiser."""
    kwargs = {}
    for key in numbers_of(name):
        if d.chance(0.4):
            kwargs[key] = d.one(*NUMBERS[key])
    if name == "Rprop" and d.chance():
        kwargs["etas"], kwargs["step_sizes"] = d.one([0.5, 1.2], [0.3, 2.0]), d.one([1e-6, 50.0], [1e-3, 0.1])
    if name == "Adafactor" and d.chance():
        kwargs["eps"] = d.one([None, 1e-3], [1e-6, 0.1])
    if name == "Muon":
        kwargs.update(d.subset(nesterov=lambda: d.chance(), adjust_lr_fn=lambda: d.one("original", "match_rms_adamw"), ns_coefficients=lambda: [3.0, -3.2, 1.2]))
    if "betas" in TAKES[name] and d.chance(0.4):
        kwargs["betas"] = [d.one(0.9, 0.5, 0.0), d.one(0.999, 0.8)]
    for flag in FLAGS:
        if flag in TAKES[name] and d.chance(0.3):
            kwargs[flag] = True
    if name == "SGD" and kwargs.get("nesterov") and d.chance(0.9):
        kwargs["momentum"], kwargs["dampening"] = 0.9, 0
    if "foreach" in TAKES[name] and d.chance(0.1):
        kwargs["foreach"] = d.one(True, False)
    elif "fused" in TAKES[name] and d.chance(0.1):
        kwargs["fused"] = True
    if d.chance(0.05):
        key, value = d.one(("lr", -0.1), ("eps", -1.0), ("weight_decay", -0.5), ("betas", [1.0, 0.9]), ("betas", [0.5, -0.1]))
        if key in ("betas", *numbers_of(name)) and key in TAKES[name]:
            kwargs[key] = value
    return kwargs


def split(d, name, params):
    """Two groups with settings of their own, or None."""
    if name == "LBFGS" or d.chance(0.5):
        return None
    first = [0, 2] if d.chance() else [1]
    rest = [i for i in range(len(params)) if i not in first]
    own = lambda: {k: d.one(*NUMBERS[k]) for k in numbers_of(name) if d.chance(0.4) and k != "initial_accumulator_value"}  # noqa: E731
    return [{"params": first, **own()}, {"params": rest, **own()}]


def objective(params, targets):
    """What a closure computes: a bowl about the targets, not of degree two, that couples all parameters."""
    off = [p - t for p, t in zip(params, targets)]
    return sum((d ** 2).sum() + 0.25 * (d ** 4).sum() for d in off) + sum(p.sum() for p in params) ** 2


def add_closure_run(suite, prefix, kwargs, dtype, steps=4, sizes=((3, 4), (5,), ())):
    """L-BFGS to the end, or nearly, with a closure that computes gradients; only where a last bit does not change the way."""
    point = suite.rollback_point()
    key, g = suite.new_id(prefix), suite.random
    start, targets = ([torch.randn(s, generator=g).to(dtype) for s in sizes] for _ in range(2))
    try:
        case = {"id": key, "optimizer": "LBFGS", "kwargs": {k: suite.encode(v, f"{key}.{k}", {}) for k, v in kwargs.items()},
                "params": [suite.store(f"{key}.p{i}", p) for i, p in enumerate(start)],
                "objective": [suite.store(f"{key}.t{i}", t) for i, t in enumerate(targets)], "steps": []}
    except CannotExpress:
        return suite.roll_back(point)

    def run(begin):
        params = [p.clone().requires_grad_() for p in begin]
        optimizer, way = torch.optim.LBFGS(params, **kwargs), []

        def closure():
            optimizer.zero_grad()
            loss = objective(params, targets)
            loss.backward()
            return loss

        for _ in range(steps):
            optimizer.step(closure)
            way.append([p.detach().clone() for p in params])
        return way

    way, beside = run(start), run([p * (1 + 1e-13) for p in start])
    if not all(torch.allclose(a, b, rtol=1e-9, atol=1e-9) for one, other in zip(way, beside) for a, b in zip(one, other)):
        return suite.roll_back(point)
    case["steps"] = [{"grads": [], "params_after": [suite.store(f"{key}.{n}.a{i}", p) for i, p in enumerate(after)]} for n, after in enumerate(way)]
    suite.append(case)
    return None


def members_of(given):
    """The parameters of an error input, and the groups that name them by number; None where a case has no words for it (names, complex numbers)."""
    entries = [] if not isinstance(given, list) else given if isinstance(given[0], dict) else [{"params": given}]
    params, groups = [], []
    for entry in entries:
        members = entry["params"] if isinstance(entry["params"], list) else [entry["params"]]
        if "param_names" in entry or not all(isinstance(p, torch.Tensor) and p.is_floating_point() for p in members):
            return None
        for p in members:
            if not any(p is other for other in params):
                params.append(p)
        groups.append({**entry, "params": [[p is other for other in params].index(True) for p in members]})
    return (params, groups) if entries else None


def add_run(suite, prefix, name, kwargs, dtype, groups=None, steps=6, missing=0.1, sizes=((3, 4), (5,), ()), params=None):
    point = suite.rollback_point()
    key, g = suite.new_id(prefix), suite.random
    d = Draw(len(suite.cases))
    sizes = ((3, 4), (5, 2), (4, 4)) if name == "Muon" else sizes
    params = params or [torch.randn(s, generator=g).to(dtype).requires_grad_() for s in sizes]
    try:
        case = {"id": key, "optimizer": name, "kwargs": {k: suite.encode(v, f"{key}.{k}", {}) for k, v in kwargs.items()},
                "params": [suite.store(f"{key}.p{i}", p) for i, p in enumerate(params)], "steps": []}
    except CannotExpress:
        return suite.roll_back(point)
    given = params
    if groups is not None:
        case["groups"] = groups
        given = [{**group, "params": [params[i] for i in group["params"]]} for group in groups]
    try:
        optimizer = getattr(torch.optim, name)(given, **kwargs)
    except Exception as error:
        suite.append({**case, "raises": str(error).split("\n")[0]})
        return None
    for step in range(steps):
        for p in params:
            p.grad = None if d.chance(missing) else torch.randn(p.shape, generator=g).to(dtype)
        entry = {"grads": [None if p.grad is None else suite.store(f"{key}.{step}.g{i}", p.grad) for i, p in enumerate(params)]}
        try:
            optimizer.step(*[lambda: torch.ones(())] if name == "LBFGS" else [])
        except Exception:
            case["steps"].append(entry)
            suite.append({**case, "raises": True})
            return None
        entry["params_after"] = [suite.store(f"{key}.{step}.a{i}", p) for i, p in enumerate(params)]
        case["steps"].append(entry)
    suite.append(case)
    return None


def add_database(suite, info, name):
    lists = lambda kwargs: {k: list(v) if isinstance(v, tuple) else v for k, v in kwargs.items()}  # noqa: E731
    for dtype in dtypes_of(name):
        for sample in info.optim_inputs_func(device="cpu", dtype=dtype):
            for way in ({}, *({key: True} for key in ("foreach", "fused") if key in info.supported_impls)):
                missing = 0 if "fused" in way else 0.1  # PyTorch's fused SGD refuses a gradient that is first there in a later step
                add_run(suite, f"optimdb/{name}/{str(dtype)[6:]}", name, lists(sample.kwargs) | way, dtype, missing=missing)
            if name == "LBFGS":
                add_closure_run(suite, "optimdb/LBFGS/closure", lists(sample.kwargs), dtype)
    for error in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
        if error.error_type is UserWarning:
            continue  # of a parameter that a group has twice
        sample = error.optimizer_error_input
        params, groups = (None, None) if sample.params is None else members_of(sample.params) or ([], None)
        if params != []:
            add_run(suite, f"optimdb/{name}/error", name, lists(sample.kwargs), torch.float32, groups, params=params)


def closure_settings(d):
    return d.subset(lr=lambda: d.one(0.1, 0.02, 0.5), max_iter=lambda: d.int(1, 25), max_eval=lambda: d.int(1, 30), history_size=lambda: d.one(1, 2, 5),
                    line_search_fn=lambda: "strong_wolfe", tolerance_grad=lambda: d.one(1e-4, 1e-10), tolerance_change=lambda: d.one(1e-5, 1e-12))


def add_cases(suite, known, limit=24, only=None, seed=0):
    for info in optim_db:
        if info.optim_cls.__name__ in TAKES:
            add_database(suite, info, info.optim_cls.__name__)
    for round_ in range(limit):
        d = Draw(seed * 6007 + round_)
        for name in TAKES:
            groups = split(d, name, range(3))
            add_run(suite, f"optim/{name}", name, settings(d, name), d.one(*dtypes_of(name)), groups, steps=d.int(1, 12))
        add_closure_run(suite, "optim/LBFGS/closure", closure_settings(d), torch.float64)

"""Cases about modules: PyTorch's own module database, in training and in evaluation, with states before and after."""

import copy

import torch
from torch.testing._internal.common_modules import module_db

from suite_writer import CannotExpress, flatten

DROPOUTS = ("Dropout",)


def add_module_case(suite, name, args, kwargs, dtype, inputs, modes=("train", "eval"), prefix=None):
    key = suite.new_id(prefix or f"modules/{name}/{str(dtype)[6:]}")
    cls = getattr(torch.nn, name[3:])
    torch.manual_seed(0)
    module = cls(*args, **kwargs).to(dtype)
    names, layouts = {}, {}
    case = {"id": key, "module": name, "args": [suite.encode(a, key + ".c", {}) for a in args],
            "kwargs": {k: suite.encode(v, key + ".k." + k, {}) for k, v in kwargs.items()}, "dtype": str(dtype)[6:],
            "state": {n: suite.store(f"{key}.s.{n}", t) for n, t in module.state_dict().items()}, "steps": []}
    for mode in modes:
        if mode == "train" and any(word in name for word in DROPOUTS):
            continue
        module.train(mode == "train")
        module.zero_grad()
        call_args = [a.detach().clone().requires_grad_(a.is_floating_point()) if isinstance(a, torch.Tensor) else a for a in inputs]
        step_key = f"{key}.{mode}"
        names = {}
        step = {"mode": mode, "args": [suite.encode(a, step_key, names, layouts) for a in call_args]}
        outputs = flatten(module(*[a.clone() if isinstance(a, torch.Tensor) and a.requires_grad else a for a in call_args]))
        step["outputs"] = [suite.store(f"{step_key}.o{i}", o) if isinstance(o, torch.Tensor) else o for i, o in enumerate(outputs)]
        roots = [(o, torch.randn(o.shape, dtype=o.dtype, generator=suite.random)) if isinstance(o, torch.Tensor) and o.requires_grad else None for o in outputs]
        if any(roots):
            torch.autograd.backward([r[0] for r in roots if r], [r[1] for r in roots if r])
            step["cotangents"] = [suite.store(f"{step_key}.g{i}", r[1]) if r else None for i, r in enumerate(roots)]
            grads = {}
            for a in call_args:
                if isinstance(a, torch.Tensor) and a.grad is not None:
                    grads[names[id(a)]] = suite.store(f"{step_key}.d.{names[id(a)]}", a.grad)
            for n, p in module.named_parameters():
                if p.grad is not None:
                    grads[n] = suite.store(f"{step_key}.dp.{n}", p.grad)
            step["grads"] = grads
        step["state_after"] = {n: suite.store(f"{step_key}.a.{n}", t) for n, t in module.state_dict().items()}
        case["steps"].append(step)
    if dtype == torch.float32:
        case["rtol"], case["atol"] = 1e-5, 2e-5
    suite.append(case)


def add_cases(suite, known, limit=24, only=None):
    for info in module_db:
        name = "nn." + info.name.replace("nn.", "")
        if not hasattr(torch.nn, name[3:]) or (only and not only(name)):
            continue
        for dtype in (torch.float32, torch.float64):
            if dtype not in info.dtypes:
                continue
            try:
                torch.manual_seed(1)
                samples = info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=False, training=True)
            except Exception as error:
                print(f"no samples of {name}: {error}")
                continue
            for sample in samples[:limit]:
                c, f = sample.constructor_input, sample.forward_input
                if f is None or f.kwargs:
                    continue
                kwargs = {k: v for k, v in c.kwargs.items() if k not in ("device", "dtype")}
                try:
                    add_module_case(suite, name, list(c.args), kwargs, dtype, list(f.args))
                except Exception as error:
                    print(f"skipped a sample of {name}: {type(error).__name__} {str(error)[:80]}")

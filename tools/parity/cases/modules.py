"""Cases about modules: PyTorch's own module database with its error inputs, then every module with random arguments of its
constructor, in training and in evaluation, with states before and after."""

import copy

import torch

from draw import Draw
from draw.modules import arguments
from cases.suite_writer import CannotExpress, flatten, map_tensors, tensors_in, to_float64
from cases.test_databases import module_db

# What they drop is compared in "rng" cases.
DROPOUTS = ("Dropout",)


def plain(kwargs):
    return {k: v for k, v in kwargs.items() if k not in ("device", "dtype")}


def fresh_input(a):
    """New tensors of the same values and layouts, also in a list: (h_0, c_0)."""
    return map_tensors(a, fresh_tensor)


def fresh_tensor(a):
    copy = torch.empty_strided(a.shape, a.stride(), dtype=a.dtype).copy_(a.detach()) if 0 not in a.stride() else a.detach().clone()
    return copy.requires_grad_(a.is_floating_point())


def name_has_no_target_gradient(name):
    return name == "nn.SoftMarginLoss"


class ModuleCase:
    """One case while it is made: construction, the state that is loaded, then steps."""

    def __init__(self, suite, name, args, kwargs, dtype, prefix=None, jitter=False):
        self.suite, self.name, self.layouts = suite, name, {}
        self.key = suite.new_id(prefix or f"modules/{name}/{str(dtype)[6:]}")
        self.case = {"id": self.key, "module": name, "args": [suite.encode(a, f"{self.key}.c{i}", {}) for i, a in enumerate(args)],
                     "kwargs": {k: suite.encode(v, f"{self.key}.k.{k}", {}) for k, v in kwargs.items()}, "dtype": str(dtype)[6:], "steps": []}
        torch.manual_seed(0)
        self.module = getattr(torch.nn, name[3:])(*args, **kwargs).to(dtype)
        if jitter:  # weights of 1 and biases of 0 hide mistakes
            with torch.no_grad():
                for p in self.module.parameters():
                    p.add_(0.3 * torch.randn(p.shape, generator=suite.random).to(dtype))
        self.unequal = set()
        self.case["state"] = self.state("s")
        self.dtype, self.narrow, self.wide = dtype, [], []  # results, and the same in float64
        self.exact = copy.deepcopy(self.module).double() if dtype == torch.float32 else None

    def state(self, key):
        return {n: self.suite.store(f"{self.key}.{key}.{n}", t) for n, t in self.module.state_dict().items() if n not in self.unequal}

    def step(self, mode, inputs, kwargs):
        suite, module, layouts = self.suite, self.module, self.layouts
        number = len(self.case["steps"])
        key = f"{self.key}.{number}"
        module.train(mode == "train")
        module.zero_grad()
        live = [fresh_input(a) for a in inputs]
        live_kwargs = {k: fresh_input(v) for k, v in kwargs.items()}
        names = {}
        step = {"mode": mode, "args": [suite.encode(a, key, names, layouts) for a in live]}
        if kwargs:
            step["kwargs"] = {k: suite.encode(v, key, names, layouts) for k, v in live_kwargs.items()}
        in_place = getattr(module, "inplace", False)
        given = [a.clone() if in_place and isinstance(a, torch.Tensor) else a for a in live]
        self.case["steps"].append(step)
        try:
            if name_has_no_target_gradient(self.name):
                given = live = [live[0], *(a.detach() for a in live[1:])]
                step["args"] = [suite.encode(a, key + ".t", names, layouts) for a in live]
            outputs = flatten(module(*given, **live_kwargs))
        except Exception:
            step["raises"] = True
            self.unequal.add("num_batches_tracked")  # PyTorch has counted before it refused
            step["state_after"] = self.state(f"{number}.a")
            return
        step["outputs"] = suite.encode_outputs(outputs, key)
        self.narrow += outputs
        roots = [(o, suite.cotangent(o)) if isinstance(o, torch.Tensor) and o.requires_grad else None for o in outputs]
        if any(roots) and not in_place:
            torch.autograd.backward([r[0] for r in roots if r], [r[1] for r in roots if r])
            step["cotangents"] = [suite.store(f"{key}.g{i}", r[1]) if r else None for i, r in enumerate(roots)]
            tensors = [a for a in tensors_in([*live, *live_kwargs.values()]) if a.grad is not None]
            step["grads"] = {names[id(a)]: suite.store(f"{key}.d.{names[id(a)]}", a.grad) for a in tensors}
            step["grads"].update({n: suite.store(f"{key}.dp.{n}", p.grad) for n, p in module.named_parameters() if p.grad is not None})
            self.narrow += [a.grad for a in tensors] + [p.grad for p in module.parameters() if p.grad is not None]
        step["state_after"] = self.state(f"{number}.a")
        self.narrow += [t.clone() for t in module.state_dict().values()]
        if self.exact is not None:
            self.wide += self.exact_results(mode, live, live_kwargs, roots if any(roots) and not in_place else [])

    def exact_results(self, mode, inputs, kwargs, roots):
        """What the same step gives in float64."""
        module = self.exact.train(mode == "train")
        module.zero_grad()
        double = lambda a: map_tensors(a, to_float64)  # noqa: E731
        live, live_kwargs = [double(a) for a in inputs], {k: double(v) for k, v in kwargs.items()}
        in_place = getattr(module, "inplace", False)
        outputs = flatten(module(*[a.clone() if in_place and isinstance(a, torch.Tensor) else a for a in live], **live_kwargs))
        results = list(outputs)
        if roots:
            torch.autograd.backward([o for o, r in zip(outputs, roots) if r], [r[1].double() for r in roots if r])
            tensors = [a for a in tensors_in([*live, *live_kwargs.values()]) if a.grad is not None]
            results += [a.grad for a in tensors] + [p.grad for p in module.parameters() if p.grad is not None]
        return results + [t.clone() for t in module.state_dict().values()]

    def finish(self):
        if self.layouts:
            self.case["layout"] = self.layouts
        tolerance = self.suite.tolerance_of(self.narrow, self.wide)
        if tolerance:
            self.case["rtol"], self.case["atol"] = tolerance
        self.suite.append(self.case)


def add_case(suite, name, args, kwargs, dtype, steps, prefix=None, jitter=False):
    """`steps`: (mode, inputs, keyword arguments)."""
    point = suite.rollback_point()
    try:
        made = ModuleCase(suite, name, args, kwargs, dtype, prefix, jitter)
        for mode, inputs, step_kwargs in steps:
            if not (mode == "train" and any(word in name for word in DROPOUTS)):
                made.step(mode, inputs, step_kwargs)
        made.finish()
    except CannotExpress:
        suite.roll_back(point)


def add_error(suite, name, args, kwargs, inputs, prefix):
    """A construction that PyTorch refuses, or a call right after it."""
    point = suite.rollback_point()
    try:
        key = suite.new_id(prefix)
        case = {"id": key, "module": name, "args": [suite.encode(a, f"{key}.c{i}", {}) for i, a in enumerate(args)],
                "kwargs": {k: suite.encode(v, f"{key}.k.{k}", {}) for k, v in kwargs.items()}, "raises": True}
        if inputs is not None:
            case["steps"] = [{"mode": "train", "args": [suite.encode(a, f"{key}.{i}", {}) for i, a in enumerate(inputs)]}]
        suite.append(case)
    except CannotExpress:
        suite.roll_back(point)


def add_database(suite, known, limit, only):
    for info in module_db:
        name = info.name if info.name.startswith("nn.") else "nn." + info.name
        if not hasattr(torch.nn, name[3:]) or name not in known or (only and not only(name)):
            continue
        for dtype in (torch.float32, torch.float64):
            if dtype not in info.dtypes:
                continue
            torch.manual_seed(1)
            by_mode = {mode: info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=False, training=mode == "train") for mode in ("train", "eval")}
            for sample, other in list(zip(by_mode["train"], by_mode["eval"]))[:limit]:
                if sample.forward_input is None:
                    continue
                f, g = sample.forward_input, other.forward_input or sample.forward_input
                try:
                    add_case(suite, name, list(sample.constructor_input.args), plain(sample.constructor_input.kwargs), dtype,
                             [("train", list(f.args), f.kwargs), ("eval", list(g.args), g.kwargs)])
                except Exception as error:
                    print(f"skipped a sample of {name}: {type(error).__name__} {str(error)[:80]}")
        if info.module_error_inputs_func is None:
            continue
        for error in info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=True):
            c, f = error.module_error_input.constructor_input, error.module_error_input.forward_input
            on_construction = "CONSTRUCTION" in str(error.error_on)
            add_error(suite, name, list(c.args), plain(c.kwargs), None if on_construction else list(f.args), f"modules/{name}/error")


def add_random(suite, limit, only, seed=0):
    for round_ in range(limit):
        d = Draw(seed * 7919 + round_)
        for name, args, kwargs, make_inputs in arguments(d):
            if only and not only(name):
                continue
            dtype = d.one(torch.float32, torch.float64)
            prefix = f"layers/{name}"
            try:
                getattr(torch.nn, name[3:])(*args, **kwargs)
            except Exception:
                add_error(suite, name, args, kwargs, None, prefix + "/error")
                continue
            try:
                modes = ["train", "eval"] if d.chance(0.7) else [d.one("train", "eval") for _ in range(3)]
                made = [make_inputs(d, dtype) for _ in modes]
                steps = [(mode, *(inputs if isinstance(inputs, tuple) else (inputs, {}))) for mode, inputs in zip(modes, made)]
                add_case(suite, name, args, kwargs, dtype, steps, prefix, jitter=True)
            except Exception as error:
                print(f"skipped {name}: {type(error).__name__} {str(error)[:80]}")


def add_cases(suite, known, limit=24, only=None, seed=0):
    add_database(suite, known, limit, only)
    add_random(suite, limit, only, seed)
    add_states(suite)


def add_states(suite):
    """States that do not fit: missing and unexpected names, other shapes; the module stays as it was."""
    net, key = torch.nn.Linear(3, 2), "modules/load_state"
    good = {n: t.detach() for n, t in net.state_dict().items()}
    norm = torch.nn.BatchNorm1d(2).state_dict()
    for name, args, state, text in (
            ("nn.Linear", [3, 2], {"weight": good["weight"]}, 'Missing key(s) in state_dict: "bias". '),
            ("nn.Linear", [3, 2], {**good, "extra": good["bias"]}, 'Unexpected key(s) in state_dict: "extra". '),
            ("nn.Linear", [4, 2], good, "size mismatch for weight: copying a param with shape torch.Size([2, 3]) from checkpoint, the shape in current model is torch.Size([2, 4])."),
            ("nn.Linear", [3, 2], {}, 'Missing key(s) in state_dict: "weight", "bias". '),
            ("nn.BatchNorm1d", [2], {k: v for k, v in norm.items() if "var" not in k}, 'Missing key(s) in state_dict: "running_var". '),
            ("nn.Linear", [3, 2], {"other": good["bias"]}, "Error(s) in loading state_dict for Linear:")):
        id_ = suite.new_id(key)
        suite.append({"id": id_, "module": name, "args": args, "state": {n: suite.store(f"{id_}.{n}", t) for n, t in state.items()}, "steps": [], "raises": text})

"""Cases about random numbers: mixed sequences of every call that draws, construction of every module, masks of dropout, loaders
with every option and sampler. Whatever draws one word too many shifts all that follows."""

import torch

from draw import modules as draw_modules
from draw import sequences as draw_sequences
from cases.op_db import callable_of
from draw import F32, F64, I64, ALL, Draw
from cases.suite_writer import CannotExpress, flatten, map_tensors


def size(d, most=40):
    """Around 16, where normal_ changes its way, as often as not."""
    return d.one([d.int(0, 5)], [d.int(14, 18)], [d.int(2, 5), d.int(1, most // 4)], [d.int(1, 3), d.int(1, 3), d.int(1, 4)], [d.int(30, most)], [])


def blank(d, dtype=F32, layout=None):
    sizes = d.one([d.int(1, 6)], [16], [17], [3, 4], [5, 7], [2, 3, 4, 5], [33])
    return d.laid_out(torch.zeros(sizes, dtype=dtype), layout or d.one("plain", "plain", "permuted", "sliced", "offset", "channels_last"))


def factories(d):
    dtype = lambda: d.one(F32, F64)  # noqa: E731
    return d.one(("rand", [size(d)], d.subset(dtype=dtype)), ("randn", [size(d)], d.subset(dtype=dtype)), ("rand", size(d) or [2], {}), ("randn", size(d) or [2], {}),
                 ("randint", [d.int(1, 9), size(d)], d.subset(dtype=lambda: d.one(*ALL[:4]))),
                 ("randint", [d.int(-9, 0), d.one(5, 2 ** 28 - 10, 2 ** 28, 2 ** 31, 2 ** 40), size(d)], d.subset(dtype=lambda: d.one(I64, F32, F64))),
                 ("randperm", [d.int(0, 40)], d.subset(dtype=lambda: d.one(*ALL[:4]))), ("rand_like", [blank(d, d.one(F32, F64))], d.subset(dtype=dtype)),
                 ("randn_like", [blank(d, d.one(F32, F64))], d.subset(dtype=dtype)), ("randint_like", [blank(d, d.one(F32, I64)), d.int(-4, 1), d.int(2, 90)], {}), ("randint_like", [blank(d, I64), d.int(1, 9)], {}))


def distributions(d):
    p = d.tensor([d.int(1, 9)], d.one(F32, F64), "unit", grad=False)
    weights = d.tensor(d.one([d.int(3, 7)], [2, 5]), d.one(F32, F64), "positive", grad=False, layout="plain")
    replacement = d.chance()
    mean, std = d.tensor([d.int(1, 20)], d.one(F32, F64), grad=False), d.real(0, 2)
    return d.one(("bernoulli", [p], {}), ("bernoulli", [p, d.real(0, 1)], {}), ("multinomial", [weights, d.int(1, 9 if replacement else 3), replacement], {}), ("normal", [mean, std], {}),
                 ("normal", [d.real(), mean.abs()], {}), ("normal", [mean, mean.abs() + 0.5], {}), ("normal", [d.real(), std, size(d)], {}), ("Tensor.multinomial", [weights], {"num_samples": d.int(1, 3)}))


def fills(d):
    real, number = blank(d, d.one(F32, F64)), blank(d, d.one(*ALL))
    low = d.int(-50, 50)
    p = torch.rand(real.shape, generator=d.generator, dtype=d.one(F32, F64))
    return d.one(("Tensor.uniform_", [real, *d.one([], [-2.0, 3.0], [d.real(-3, 0), d.real(0, 3)])], {}), ("Tensor.normal_", [real, *d.one([], [d.real(), d.real(0, 3)])], {}),
                 ("Tensor.exponential_", [real, *d.one([], [d.real(0.1, 3)])], {}), ("Tensor.bernoulli_", [number, *d.one([], [d.real(0, 1)], [0], [1])], {}), ("Tensor.bernoulli_", [real, p], {}),
                 ("Tensor.random_", [blank(d, d.one(*ALL))], {}), ("Tensor.random_", [blank(d, d.one(*ALL[:3])), low, low + d.int(1, 90)], {}), ("Tensor.random_", [blank(d, d.one(*ALL[:4])), d.int(1, 90)], {}),
                 ("Tensor.random_", [blank(d, d.one(I64, F64)), -2 ** 40, 2 ** 40], {}))


def initialisers(d):
    sizes = d.one([5, 6], [4, 3, 2], [6, 2, 3, 3], [3, 4])
    t = torch.zeros(sizes, dtype=d.one(F32, F32, F64))
    kaiming = d.subset(a=lambda: d.one(0.5, 1), mode=lambda: d.one("fan_in", "fan_out"), nonlinearity=lambda: d.one("relu", "leaky_relu", "tanh", "linear"))
    return d.one(("nn.init.uniform_", [t, *d.one([], [-0.5, 2.0])], {}), ("nn.init.normal_", [t], d.subset(mean=lambda: 0.5, std=lambda: 2.0)),
                 ("nn.init.trunc_normal_", [t], d.subset(mean=lambda: 0.5, std=lambda: 0.7, a=lambda: -1.0, b=lambda: 1.5)), ("nn.init.xavier_uniform_", [t], d.subset(gain=lambda: 1.4)),
                 ("nn.init.xavier_normal_", [t], d.subset(gain=lambda: 1.4)), ("nn.init.kaiming_uniform_", [t], kaiming), ("nn.init.kaiming_normal_", [t], kaiming), ("nn.init.constant_", [t, 0.3], {}),
                 ("nn.init.ones_", [t], {}), ("nn.init.zeros_", [t], {}), ("nn.init.eye_", [torch.zeros(3, 4)], {}), ("nn.init.dirac_", [torch.zeros(4, 2, 3)], d.subset(groups=lambda: 2)),
                 ("nn.init.calculate_gain", [d.one("relu", "tanh", "linear", "sigmoid", "selu", "conv2d")], {}), ("nn.init.calculate_gain", ["leaky_relu", d.one(0.2, 1)], {}))


def dropouts(d):
    image = d.tensor([2, 3, 2, 4], d.one(F32, F64), grad=False)
    row = d.tensor(d.one([7], [4, 5], [2, 3, 4]), d.one(F32, F64), grad=False)
    p = d.one(0.5, 0.3, 0.0, 1.0)
    return d.one(("nn.functional.dropout", [d.one(image, row), p], {}), ("nn.functional.dropout", [row], {"p": p, "training": d.chance(0.8)}), ("nn.functional.dropout2d", [image, p], {}),
                 ("nn.functional.dropout1d", [d.tensor([2, 3, 4], F32, grad=False), p], {}), ("nn.functional.alpha_dropout", [row], {"p": d.one(0.1, 0.5), "training": True}),
                 ("nn.functional.dropout3d", [d.tensor([2, 3, 2, 1, 2], d.one(F32, F64), grad=False), p], {}), ("nn.functional.feature_alpha_dropout", [image], {"p": d.one(0.1, 0.5), "training": True}),
                 ("nn.functional.rrelu", [row], {"training": True, **d.subset(lower=lambda: 0.2, upper=lambda: 0.5)}))


def splits(d):
    n = d.int(1, 20)
    first = d.int(0, n)
    return ("utils.data.random_split", [n, d.one([first, n - first], [0.3, 0.3, 0.4], [0.5, 0.5])], {})


def state(d):
    return d.one(("manual_seed", [d.one(0, 5, -1, 2 ** 32 + 5, 2 ** 40)], {}), ("initial_seed", [], {}), ("get_rng_state", [], {}))


def set_state(d):
    generator = torch.Generator().manual_seed(d.int(0, 9))
    torch.randn(d.int(1, 5), generator=generator)
    return ("set_rng_state", [generator.get_state()], {})


FAMILIES = [factories, factories, distributions, fills, fills, initialisers, dropouts, splits, state, set_state]


def run_split(n, lengths):
    return [torch.tensor(part.indices, dtype=I64) for part in torch.utils.data.random_split(range(n), lengths)]


def call_entry(suite, key, name, args=(), kwargs=None):
    """Runs the call on the default generator; the entry, and what came out."""
    kwargs, layouts, names = kwargs or {}, {}, {}
    entry = {"call": name, "args": [suite.encode(a, key, names, layouts) for a in args], "kwargs": {k: suite.encode(v, key, names, layouts) for k, v in kwargs.items()}}
    if layouts:
        entry["layout"] = layouts
    function = {"utils.data.random_split": run_split, "nn.init.calculate_gain": torch.nn.init.calculate_gain}.get(name) or callable_of(name)
    result = function(*args, **kwargs)
    if name not in ("manual_seed", "set_rng_state"):
        entry["outputs"] = [suite.store(f"{key}.o{i}", o) if isinstance(o, torch.Tensor) else suite.encode(o, key) for i, o in enumerate(flatten([result]))]
    return entry, result


def add_calls(suite, d):
    seed = d.one(0, 1, d.int(0, 10 ** 6))
    key = suite.new_id("rng/calls")
    torch.manual_seed(seed)
    entries = []
    for i in range(d.int(2, 9)):
        name, args, kwargs = d.one(*FAMILIES)(d)
        before, kept = torch.get_rng_state(), suite.rollback_point()
        try:
            entries.append(call_entry(suite, f"{key}.{i}", name, args, kwargs)[0])
        except (RuntimeError, ValueError, CannotExpress, TypeError, OverflowError):
            torch.set_rng_state(before)
            suite.roll_back(kept)
    entries.append(call_entry(suite, f"{key}.last", "rand", [[2]])[0])
    suite.append({"id": key, "seed": seed, "rng": entries})


def add_construction(suite, d):
    for name, args, kwargs, make_inputs in draw_modules.arguments(d):
        key = suite.new_id("rng/" + name)
        torch.manual_seed(3)
        try:
            module = getattr(torch.nn, name[3:])(*args, **kwargs)
        except Exception:
            continue
        entry = {"module": name, "args": [suite.encode(a, key, {}) for a in args], "kwargs": {k: suite.encode(v, key, {}) for k, v in kwargs.items()},
                 "state_after": {n: suite.store(f"{key}.{n}", t) for n, t in module.state_dict().items()}}
        if "Dropout" in name and not kwargs.get("inplace"):
            layouts, entry["steps"] = {}, []
            for step, mode in enumerate(("train", "train", "eval")):
                module.train(mode == "train")
                x = make_inputs(d, F32)[0].detach()
                try:
                    y = module(x)
                except Exception:
                    continue
                entry["steps"].append({"mode": mode, "args": [suite.encode(x, f"{key}.{step}", {}, layouts)], "outputs": [suite.store(f"{key}.{step}.o", y)]})
            if layouts:
                entry["layout"] = layouts
        if module.state_dict() or "Dropout" in name:
            after, _ = call_entry(suite, key + ".then", "rand", [[3]])
            suite.append({"id": key, "seed": 3, "rng": [entry, after]})


DROPS_INSIDE = ("nn.RNN", "nn.LSTM", "nn.GRU", "nn.MultiheadAttention", "nn.TransformerEncoderLayer", "nn.TransformerDecoderLayer", "nn.Transformer")


def add_inner_dropout(suite, d):
    """Modules that drop out between their own layers: the masks, and the numbers that are drawn after them."""
    for name, args, kwargs, make_inputs in draw_sequences.modules(d):
        if name not in DROPS_INSIDE:
            continue
        kwargs = {**kwargs, "dropout": 0.4, **({"num_layers": 2} if name in DROPS_INSIDE[:3] else {})}
        key = suite.new_id("rng/dropout/" + name)
        torch.manual_seed(4)
        module = getattr(torch.nn, name[3:])(*args, **kwargs)
        made = make_inputs(d, F32)
        inputs, more = made if isinstance(made, tuple) else (made, {})
        inputs, names, layouts = map_tensors(inputs, lambda t: t.detach()), {}, {}
        try:
            outputs = flatten(module(*inputs, **more))
        except Exception:
            continue
        entry = {"module": name, "args": [suite.encode(a, key, {}) for a in args], "kwargs": {k: suite.encode(v, key, {}) for k, v in kwargs.items()},
                 "steps": [{"mode": "train", "args": [suite.encode(x, key, names, layouts) for x in inputs],
                            "kwargs": {k: suite.encode(v, key, names, layouts) for k, v in more.items()}, "outputs": suite.encode_outputs(outputs, key)}]}
        if layouts:
            entry["layout"] = layouts
        after, _ = call_entry(suite, key + ".then", "rand", [[3]])
        suite.append({"id": key, "seed": 4, "rng": [entry, after], "rtol": 1e-4, "atol": 1e-5})


def loader_options(d, n):
    options = d.subset(batch_size=lambda: d.int(1, 6), drop_last=lambda: d.chance(), epochs=lambda: d.int(1, 3))
    if d.chance(0.3):
        options["generator"] = d.int(0, 99)
    kind = d.int(0, 6)
    if kind <= 2:
        options["shuffle"] = kind > 0
    elif kind == 3:
        replacement = d.chance()
        options["sampler"] = {"name": "RandomSampler", **({"replacement": True} if replacement else {}), **d.subset(num_samples=lambda: d.int(1, 3 * n))}
    elif kind == 4:
        options["sampler"] = {"name": "SubsetRandomSampler", "indices": d.random.sample(range(n), d.int(1, n))}
    elif kind == 5:
        options["sampler"] = {"name": "WeightedRandomSampler", "weights": [round(d.real(0.1, 2), 2) for _ in range(n)], "num_samples": d.int(1, n), **d.subset(replacement=lambda: d.chance())}
    else:
        options["sampler"] = {"name": "SequentialSampler"}
    return options


def add_loader(suite, d):
    n, seed = d.int(1, 40), d.int(0, 99)
    options = loader_options(d, n)
    key = suite.new_id("rng/loader")
    torch.manual_seed(seed)
    given = {k: v for k, v in options.items() if k != "epochs"}
    if "generator" in options:
        given["generator"] = torch.Generator().manual_seed(options["generator"])
    if "sampler" in options:
        own = dict(options["sampler"])
        cls = getattr(torch.utils.data, own.pop("name"))
        given["sampler"] = cls(range(n), **own) if cls in (torch.utils.data.RandomSampler, torch.utils.data.SequentialSampler) else cls(**own)
    loader = torch.utils.data.DataLoader(torch.arange(n), **given)
    batches = []
    for _ in range(options.get("epochs", 1)):
        batches += list(loader)
    entry = {"loader": {"n": n, **options}, "outputs": [suite.store(f"{key}.{i}", b) for i, b in enumerate(batches)]}
    after, _ = call_entry(suite, key + ".then", "rand", [[3]])
    suite.append({"id": key, "seed": seed, "rng": [entry, after]})


def add_cases(suite, known, limit=24, only=None, seed=0):
    for round_ in range(limit):
        d = Draw(seed * 4001 + round_)
        for _ in range(6):
            add_calls(suite, d)
            add_loader(suite, d)
        add_construction(suite, d)
        add_inner_dropout(suite, d)

"""Cases about optimisers, schedulers, random numbers and whole training runs."""

import torch
from torch import nn

from suite_writer import flatten

OPTIMIZERS = {
    "SGD": [{}, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}, {"lr": 0.1, "momentum": 0.9, "nesterov": True},
            {"lr": 0.1, "maximize": True, "weight_decay": 0.1}],
    "Adam": [{}, {"lr": 0.01, "betas": [0.8, 0.99], "eps": 1e-6}, {"weight_decay": 0.1}, {"amsgrad": True}, {"maximize": True}],
    "AdamW": [{}, {"weight_decay": 0.1, "lr": 0.01}, {"amsgrad": True}],
    "Adamax": [{}, {"weight_decay": 0.1, "lr": 0.01}, {"maximize": True}],
    "NAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}, {"momentum_decay": 0.01}],
    "RAdam": [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RMSprop": [{}, {"momentum": 0.9}, {"centered": True}, {"centered": True, "momentum": 0.5, "weight_decay": 0.1}, {"maximize": True}],
    "Adagrad": [{}, {"lr_decay": 0.1}, {"initial_accumulator_value": 0.1, "weight_decay": 0.1}],
    "Adadelta": [{}, {"rho": 0.8, "weight_decay": 0.1}, {"maximize": True}],
}


def add_optimizers(suite):
    for name, settings in OPTIMIZERS.items():
        for kwargs in settings:
            for dtype in (torch.float32, torch.float64):
                for grouped in (False, True):
                    key = suite.new_id(f"optim/{name}/{str(dtype)[6:]}")
                    g = suite.random
                    params = [torch.randn(s, generator=g).to(dtype).requires_grad_() for s in ((3, 4), (5,), ())]
                    case = {"id": key, "optimizer": name, "kwargs": kwargs, "params": [suite.store(f"{key}.p{i}", p) for i, p in enumerate(params)], "steps": []}
                    groups = params
                    if grouped:
                        case["groups"] = [{"params": [0, 2], "lr": 0.05}, {"params": [1], "weight_decay": 0.2}]
                        groups = [{"params": [params[0], params[2]], "lr": 0.05}, {"params": [params[1]], "weight_decay": 0.2}]
                    optimizer = getattr(torch.optim, name)(groups, **kwargs)
                    for step in range(6):
                        for i, p in enumerate(params):
                            p.grad = None if (step, i) in ((1, 1), (0, 2)) else torch.randn(p.shape, generator=g).to(dtype)
                        entry = {"grads": [None if p.grad is None else suite.store(f"{key}.{step}.g{i}", p.grad) for i, p in enumerate(params)]}
                        optimizer.step()
                        entry["params_after"] = [suite.store(f"{key}.{step}.a{i}", p) for i, p in enumerate(params)]
                        case["steps"].append(entry)
                    suite.append(case)


SCHEDULERS = [
    ("StepLR", {"step_size": 3}), ("StepLR", {"step_size": 2, "gamma": 0.5}), ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.3}),
    ("ConstantLR", {}), ("ConstantLR", {"factor": 0.5, "total_iters": 3}), ("LinearLR", {}), ("LinearLR", {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 8}),
    ("ExponentialLR", {"gamma": 0.9}), ("PolynomialLR", {}), ("PolynomialLR", {"total_iters": 9, "power": 2.0}), ("CosineAnnealingLR", {"T_max": 6}),
    ("CosineAnnealingLR", {"T_max": 20, "eta_min": 0.01}), ("CosineAnnealingWarmRestarts", {"T_0": 4}), ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.001}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4}), ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "step_size_down": 5, "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "mode": "exp_range", "gamma": 0.9}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 21}), ("OneCycleLR", {"max_lr": 0.5, "epochs": 7, "steps_per_epoch": 3, "anneal_strategy": "linear", "three_phase": True}),
]


def add_schedulers(suite):
    for name, kwargs in SCHEDULERS:
        for with_name, with_kwargs in (("SGD", {"momentum": 0.9}), ("Adam", {})):
            parameter = nn.Parameter(torch.ones(1))
            optimizer = getattr(torch.optim, with_name)([parameter], lr=0.1, **with_kwargs)
            scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **kwargs)
            case = {"id": suite.new_id(f"scheduler/{name}"), "scheduler": name, "kwargs": kwargs, "base_lr": 0.1,
                    "with": {"optimizer": with_name, "kwargs": with_kwargs}, "lrs": [], "momentums": []}
            for step in range(21):
                group = optimizer.param_groups[0]
                case["lrs"].append(float(group["lr"]))
                case["momentums"].append(group["betas"][0] if "betas" in group else group["momentum"])
                parameter.grad = torch.ones(1)
                optimizer.step()
                if step < 20:
                    scheduler.step()
            suite.append(case)
    for kwargs in ({}, {"mode": "max", "factor": 0.5, "patience": 1, "threshold_mode": "abs", "cooldown": 1}, {"patience": 0, "min_lr": 0.02}):
        parameter = nn.Parameter(torch.ones(1))
        optimizer = torch.optim.SGD([parameter], lr=0.1)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **kwargs)
        metrics = [1.0, 0.9, 0.9, 0.95, 0.9, 0.91, 0.92, 0.5, 0.5, 0.5, 0.6, 0.7, 0.4, 0.4, 0.4]
        lrs = [0.1]
        for m in metrics:
            optimizer.step()
            scheduler.step(m)
            lrs.append(optimizer.param_groups[0]["lr"])
        suite.append({"id": suite.new_id("scheduler/ReduceLROnPlateau"), "scheduler": "ReduceLROnPlateau", "kwargs": kwargs, "base_lr": 0.1, "lrs": lrs, "metrics": metrics})
    parts = [("LinearLR", {"start_factor": 0.1, "total_iters": 4}), ("CosineAnnealingLR", {"T_max": 8}), ("ExponentialLR", {"gamma": 0.8})]
    parameter = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    made = [getattr(torch.optim.lr_scheduler, n)(optimizer, **k) for n, k in parts]
    scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, made, milestones=[4, 10])
    lrs = [optimizer.param_groups[0]["lr"]]
    for _ in range(16):
        optimizer.step()
        scheduler.step()
        lrs.append(optimizer.param_groups[0]["lr"])
    suite.append({"id": suite.new_id("scheduler/SequentialLR"), "scheduler": "SequentialLR", "kwargs": {"milestones": [4, 10]}, "base_lr": 0.1,
                  "schedulers": [{"scheduler": n, "kwargs": k} for n, k in parts], "lrs": lrs})


def call_entry(suite, key, name, args=(), kwargs=None):
    kwargs = kwargs or {}
    encoded = [suite.encode(a, f"{key}.{name}", {}) for a in args]
    encoded_kwargs = {k: suite.encode(v, f"{key}.{name}.{k}", {}) for k, v in kwargs.items()}
    if name == "utils.data.random_split":
        n, lengths = args
        result = [torch.tensor(part.indices) for part in torch.utils.data.random_split(range(n), lengths)]
    else:
        function = torch
        for part in name.split("."):
            function = getattr(function, part)
        result = function(*args, **kwargs)
    outputs = [suite.store(f"{key}.o{i}", t) for i, t in enumerate(flatten([result])) if isinstance(t, torch.Tensor)]
    return {"call": name, "args": encoded, "kwargs": encoded_kwargs, "outputs": outputs}, result


CALLS = [("rand", [[3, 5]]), ("randn", [[3]]), ("randn", [[5, 7]]), ("randn", [[16]]), ("randint", [0, 10, [7]]), ("randint", [0, 2 ** 40, [3]]), ("randperm", [11]),
         ("nn.functional.dropout", [torch.ones(4, 5), 0.3]),
         ("nn.functional.dropout2d", [torch.ones(2, 3, 2, 2), 0.5]), ("nn.functional.alpha_dropout", [torch.ones(4, 5), 0.3, True]), ("bernoulli", [torch.full((9,), 0.3)]),
         ("multinomial", [torch.tensor([1.0, 2, 3, 4]), 3]), ("multinomial", [torch.tensor([1.0, 2, 3, 4]), 6, True]), ("Tensor.uniform_", [torch.empty(5), -2.0, 3.0]),
         ("Tensor.normal_", [torch.empty(20), 1.0, 0.5]), ("Tensor.exponential_", [torch.empty(6), 2.0]), ("Tensor.random_", [torch.empty(5, dtype=torch.int64), 3, 90]),
         ("nn.init.trunc_normal_", [torch.empty(5, 6)]), ("nn.init.kaiming_normal_", [torch.empty(5, 6, 3)]), ("nn.init.xavier_uniform_", [torch.empty(5, 6)]),
         ("utils.data.random_split", [11, [4, 7]]), ("utils.data.random_split", [11, [0.3, 0.3, 0.4]]), ("normal", [torch.arange(5.0), 0.5])]


def add_random(suite):
    import random
    shuffled = random.Random(0)
    for seed in range(24):
        key = suite.new_id("rng")
        torch.manual_seed(seed)
        entries = [call_entry(suite, f"{key}.{i}", *c)[0] for i, c in enumerate(shuffled.sample(CALLS, 6))]
        suite.append({"id": key, "seed": seed, "rng": entries})
    modules = [("nn.Linear", [5, 4], {}), ("nn.Conv2d", [2, 4, 3], {"groups": 2}), ("nn.ConvTranspose1d", [2, 3, 4], {}), ("nn.Embedding", [6, 3], {"padding_idx": 1}), ("nn.Linear", [3, 2], {"bias": False}),
               ("nn.BatchNorm1d", [4], {}), ("nn.Conv1d", [3, 2, 5], {"bias": False})]
    for name, args, kwargs in modules:
        key = suite.new_id("rng/" + name)
        torch.manual_seed(3)
        module = getattr(torch.nn, name[3:])(*args, **kwargs)
        entry = {"module": name, "args": args, "kwargs": kwargs, "state_after": {n: suite.store(f"{key}.{n}", t) for n, t in module.state_dict().items()}}
        after, _ = call_entry(suite, key + ".then", "rand", [[3]])
        suite.append({"id": key, "seed": 3, "rng": [entry, after]})
    for options in ({"batch_size": 4, "shuffle": True}, {"batch_size": 3, "shuffle": True, "drop_last": True}, {"batch_size": 4}, {"batch_size": 4, "shuffle": True, "generator": 7},
                    {"batch_size": 3, "sampler": {"name": "RandomSampler", "replacement": True, "num_samples": 40}}, {"batch_size": 3, "sampler": {"name": "RandomSampler", "num_samples": 25}},
                    {"batch_size": 2, "sampler": {"name": "SubsetRandomSampler", "indices": [1, 4, 9, 2]}},
                    {"batch_size": 2, "sampler": {"name": "WeightedRandomSampler", "weights": [0.1, 0.2, 3.0, 1.0, 0.5], "num_samples": 7}}):
        key = suite.new_id("rng/loader")
        torch.manual_seed(5)
        torch_options = dict(options)
        if "generator" in options:
            torch_options["generator"] = torch.Generator().manual_seed(options["generator"])
        if "sampler" in options:
            given = dict(options["sampler"])
            cls = getattr(torch.utils.data, given.pop("name"))
            torch_options["sampler"] = cls(range(10), **given) if cls is torch.utils.data.RandomSampler else cls(**given)
        loader = torch.utils.data.DataLoader(torch.arange(10), **torch_options)
        batches = [batch for _ in range(3) for batch in loader]
        entry = {"loader": {"n": 10, "epochs": 3, **options}, "outputs": [suite.store(f"{key}.{i}", b) for i, b in enumerate(batches)]}
        after, _ = call_entry(suite, key + ".then", "rand", [[3]])
        suite.append({"id": key, "seed": 5, "rng": [entry, after]})


# No bias in front of a batch norm: its gradient is rounding noise, which Adam would make as large as any other.
NETS = {
    "mlp": ([{"name": "fc1", "module": "nn.Linear", "args": [20, 32], "kwargs": {"bias": False}}, {"name": "bn", "module": "nn.BatchNorm1d", "args": [32]}, {"name": "act", "module": "nn.ReLU", "args": []},
             {"name": "fc2", "module": "nn.Linear", "args": [32, 4]}], [64, 20]),
    "cnn": ([{"name": "conv", "module": "nn.Conv2d", "args": [1, 6, 3], "kwargs": {"padding": 1, "bias": False}}, {"name": "bn", "module": "nn.BatchNorm2d", "args": [6]}, {"name": "act", "module": "nn.ReLU", "args": []},
             {"name": "pool", "module": "nn.MaxPool2d", "args": [2]}, {"name": "flat", "module": "nn.Flatten", "args": []}, {"name": "fc", "module": "nn.Linear", "args": [96, 4]}], [48, 1, 8, 8]),
    "dropout": ([{"name": "conv", "module": "nn.Conv2d", "args": [1, 6, 3]}, {"name": "act", "module": "nn.Tanh", "args": []}, {"name": "drop2", "module": "nn.Dropout2d", "args": [0.2]},
                 {"name": "flat", "module": "nn.Flatten", "args": []}, {"name": "drop", "module": "nn.Dropout", "args": [0.4]}, {"name": "fc", "module": "nn.Linear", "args": [216, 4]}], [48, 1, 8, 8]),
    "residual": ([{"name": "fc1", "module": "nn.Linear", "args": [20, 16]}, {"name": "block", "residual": [{"name": "fc", "module": "nn.Linear", "args": [16, 16]}, {"name": "act", "module": "nn.GELU", "args": []}]},
                  {"name": "norm", "module": "nn.LayerNorm", "args": [16]}, {"name": "fc2", "module": "nn.Linear", "args": [16, 4]}], [64, 20]),
}


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def build(entries, cls=nn.Sequential):
    net = cls()
    for e in entries:
        net.add_module(e["name"], build(e["residual"], Residual) if "residual" in e else getattr(nn, e["module"][3:])(*e.get("args", []), **e.get("kwargs", {})))
    return net


def add_training(suite):
    for net_name, (entries, size) in NETS.items():
        for optimizer_name, optimizer_kwargs, scheduler, clip in (("SGD", {"lr": 0.05, "momentum": 0.9}, None, None), ("Adam", {"lr": 0.005}, {"scheduler": "StepLR", "kwargs": {"step_size": 2}}, 1.0)):
            key = suite.new_id("train/" + net_name)
            torch.manual_seed(4)
            x_entry, x = call_entry(suite, key + ".x", "randn", [size])
            y_entry, y = call_entry(suite, key + ".y", "randint", [0, 4, [size[0]]])
            net = build(entries)
            case = {"id": key, "train": {"seed": 4, "data": [x_entry, y_entry], "net": entries, "input": x_entry["outputs"][0]["tensor"], "target": y_entry["outputs"][0]["tensor"],
                                         "loss": {"module": "nn.CrossEntropyLoss", "kwargs": {}}, "optimizer": {"optimizer": optimizer_name, "kwargs": optimizer_kwargs},
                                         "loader": {"batch_size": 16, "shuffle": True}, "steps": 50}, "rtol": 1e-4, "atol": 1e-5}
            case["state_init"] = {n: suite.store(f"{key}.i.{n}", t) for n, t in net.state_dict().items()}
            optimizer = getattr(torch.optim, optimizer_name)(net.parameters(), **optimizer_kwargs)
            schedule = None
            if scheduler:
                case["train"]["scheduler"] = scheduler
                schedule = getattr(torch.optim.lr_scheduler, scheduler["scheduler"])(optimizer, **scheduler["kwargs"])
            if clip:
                case["train"]["clip_grad_norm"] = clip
            loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=16, shuffle=True)
            losses = []
            while len(losses) < 50:
                for a, b in loader:
                    if len(losses) == 50:
                        break
                    optimizer.zero_grad()
                    loss = nn.functional.cross_entropy(net(a), b)
                    loss.backward()
                    if clip:
                        nn.utils.clip_grad_norm_(net.parameters(), clip)
                    optimizer.step()
                    losses.append(loss.item())
                if schedule:
                    schedule.step()
            case["losses"] = suite.store(f"{key}.losses", torch.tensor(losses))
            case["state_after"] = {n: suite.store(f"{key}.f.{n}", t) for n, t in net.state_dict().items()}
            net.eval()
            with torch.no_grad():
                case["eval_output"] = suite.store(f"{key}.out", net(x))
            suite.append(case)


def add_cases(suite, known, limit=24, only=None):
    for part in (add_optimizers, add_schedulers, add_random, add_training):
        part(suite)

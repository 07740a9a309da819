"""Cases about learning rate schedulers: every argument, nested sequences, the momentum that cycles along."""

import torch

from draw import Draw

LR = torch.optim.lr_scheduler


def arguments(d, name):
    subset = d.subset
    if name == "StepLR":
        return {"step_size": d.int(1, 6), **subset(gamma=lambda: d.one(0.5, 0.3))}
    if name == "MultiStepLR":
        return {"milestones": sorted(d.int(1, 15) for _ in range(d.int(1, 4))), **subset(gamma=lambda: d.one(0.5, 0.3))}
    if name == "ConstantLR":
        return subset(factor=lambda: d.one(0.5, 0.1, 1.0), total_iters=lambda: d.int(1, 8))
    if name == "LinearLR":
        return subset(start_factor=lambda: d.one(0.5, 0.1), end_factor=lambda: d.one(0.7, 0.2, 1.0), total_iters=lambda: d.int(1, 9))
    if name == "ExponentialLR":
        return {"gamma": d.one(0.9, 0.5, 1.1)}
    if name == "PolynomialLR":
        return subset(total_iters=lambda: d.int(1, 12), power=lambda: d.one(2.0, 0.5, 1))
    if name == "CosineAnnealingLR":
        return {"T_max": d.int(1, 12), **subset(eta_min=lambda: d.one(0.01, 0.001))}
    if name == "CosineAnnealingWarmRestarts":
        return {"T_0": d.int(1, 6), **subset(T_mult=lambda: d.int(1, 3), eta_min=lambda: 0.01)}
    if name == "CyclicLR":
        return {"base_lr": 0.01, "max_lr": d.one(0.1, 0.3), "step_size_up": d.int(1, 5), **subset(step_size_down=lambda: d.int(1, 6), mode=lambda: d.one("triangular", "triangular2", "exp_range"), gamma=lambda: 0.9,
                scale_mode=lambda: d.one("cycle", "iterations"), cycle_momentum=lambda: d.chance(), base_momentum=lambda: 0.7, max_momentum=lambda: 0.95)}
    if name == "OneCycleLR":
        total = {"total_steps": 21} if d.chance() else {"epochs": 7, "steps_per_epoch": 3}
        return {"max_lr": d.one(0.5, 0.1), **total, **subset(pct_start=lambda: d.one(0.5, 0.1), anneal_strategy=lambda: d.one("cos", "linear"), cycle_momentum=lambda: d.chance(), base_momentum=lambda: 0.8,
                max_momentum=lambda: 0.9, div_factor=lambda: 10.0, final_div_factor=lambda: 100.0, three_phase=lambda: d.chance())}
    return subset(mode=lambda: d.one("min", "max"), factor=lambda: 0.5, patience=lambda: d.int(0, 3), threshold=lambda: d.one(0.1, 1e-3), threshold_mode=lambda: d.one("rel", "abs"), cooldown=lambda: d.int(0, 3),
                  min_lr=lambda: 0.02, eps=lambda: 1e-3)


NAMES = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "ReduceLROnPlateau"]
PLAIN = NAMES[:8]


def sequence(d, optimizer, depth=0):
    """A SequentialLR: the scheduler and its description; a part may be a sequence itself."""
    count = d.int(2, 3)
    parts, made = [], []
    for _ in range(count):
        if depth == 0 and d.chance(0.15):
            scheduler, entry = sequence(d, optimizer, 1)
        else:
            name = d.one(*PLAIN)
            kwargs = arguments(d, name)
            scheduler, entry = getattr(LR, name)(optimizer, **kwargs), {"scheduler": name, "kwargs": kwargs}
        made.append(scheduler)
        parts.append(entry)
    milestones = sorted(d.random.sample(range(1, 15), count - 1))
    return LR.SequentialLR(optimizer, made, milestones), {"scheduler": "SequentialLR", "kwargs": {"milestones": milestones}, "schedulers": parts}


def chain(d, optimizer):
    """A ChainedScheduler and its description."""
    names = [d.one(*PLAIN) for _ in range(d.int(1, 3))]
    settings = [arguments(d, name) for name in names]
    made = [getattr(LR, name)(optimizer, **kwargs) for name, kwargs in zip(names, settings)]
    return LR.ChainedScheduler(made, optimizer), {"scheduler": "ChainedScheduler", "kwargs": {}, "schedulers": [{"scheduler": n, "kwargs": k} for n, k in zip(names, settings)]}


def add_one(suite, d, name):
    base_lr = d.one(0.1, 0.05, 1.0)
    with_name, with_kwargs = d.one(("SGD", {"momentum": 0.9}), ("Adam", {}), ("SGD", {"momentum": 0.5, "nesterov": True}), ("AdamW", {"betas": [0.8, 0.9]}))
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = getattr(torch.optim, with_name)([parameter], lr=base_lr, **with_kwargs)
    case = {"id": suite.new_id("scheduler/" + name), "base_lr": base_lr, "with": {"optimizer": with_name, "kwargs": with_kwargs}}
    kwargs = None
    try:
        if name in ("SequentialLR", "ChainedScheduler"):
            scheduler, entry = (sequence if name == "SequentialLR" else chain)(d, optimizer)
            case.update(entry)
        else:
            kwargs = arguments(d, name)
            case.update({"scheduler": name, "kwargs": kwargs})
            scheduler = getattr(LR, name)(optimizer, **kwargs)
    except Exception:
        suite.append({**case, "scheduler": name, "kwargs": kwargs or {}, "raises": True})
        return
    case.update({"lrs": [], "momentums": []})
    metrics = [round(d.real(0, 1), 2) if d.chance(0.9) else 0.5 for _ in range(20)]
    if name == "ReduceLROnPlateau":
        case["metrics"] = metrics
    for step in range(20):
        group = optimizer.param_groups[0]
        case["lrs"].append(float(group["lr"]))
        case["momentums"].append(group["betas"][0] if "betas" in group else group["momentum"])
        parameter.grad = torch.ones(1)
        optimizer.step()
        try:
            scheduler.step(*metrics[step: step + 1] if name == "ReduceLROnPlateau" else [])
        except NotImplementedError:  # a sequence that is not the first part of a sequence
            return
    suite.append(case)


def add_cases(suite, known, limit=24, only=None, seed=0):
    for round_ in range(limit):
        d = Draw(seed * 5003 + round_)
        for name in [*NAMES, "SequentialLR", "ChainedScheduler"]:
            add_one(suite, d, name)
    for name, kwargs, text in (("OneCycleLR", {"max_lr": 0.1}, True), ("StepLR", {}, True), ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.2, "mode": "wrong"}, True),
                               ("CosineAnnealingWarmRestarts", {"T_0": 0}, True), ("ReduceLROnPlateau", {"factor": 1.0}, True), ("ReduceLROnPlateau", {"mode": "other"}, True)):
        suite.append({"id": suite.new_id("scheduler/error"), "scheduler": name, "kwargs": kwargs, "base_lr": 0.1, "lrs": [0.1], "raises": text})
    suite.append({"id": suite.new_id("scheduler/error"), "scheduler": "OneCycleLR", "kwargs": {"max_lr": 0.1, "total_steps": 2}, "base_lr": 0.1, "lrs": [0.0] * 6,
                  "raises": "Tried to step 3 times. The specified number of total steps is 2"})

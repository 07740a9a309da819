"""Writes tests/data/optim_vectors.txt: what PyTorch's optimisers and schedulers give, for tests/optim.

usage: golden/optim_vectors.py FILE. Parameters and gradients are small fractions that tests/optim/optimizer_test.cpp makes by the
same formula; numbers are written as hexadecimal bits. Adam runs fused, which uses the correctly rounded square root.
"""
import struct
import sys

import torch
from torch import optim
from torch.optim import lr_scheduler as schedulers

N, STEPS = 37, 6

OPTIMISERS = {  # name: (class, options)
    "sgd": (optim.SGD, dict(lr=0.1)),
    "sgd momentum": (optim.SGD, dict(lr=0.1, momentum=0.9)),
    "sgd dampening": (optim.SGD, dict(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    "sgd nesterov": (optim.SGD, dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    "sgd maximize": (optim.SGD, dict(lr=0.1, momentum=0.5, maximize=True, weight_decay=0.1)),
    "adam": (optim.Adam, dict(lr=0.01, fused=True)),
    "adam decay": (optim.Adam, dict(lr=0.01, betas=(0.4, 0.8), eps=1e-3, weight_decay=0.1, fused=True)),
    "adam amsgrad": (optim.Adam, dict(lr=0.01, amsgrad=True, maximize=True, fused=True)),
    "adamw": (optim.AdamW, dict(lr=0.01, fused=True)),
    "adamw amsgrad": (optim.AdamW, dict(lr=0.05, betas=(0.8, 0.9), weight_decay=0.2, amsgrad=True, fused=True)),
    "adamax": (optim.Adamax, dict()),
    "adamax decay": (optim.Adamax, dict(lr=0.05, betas=(0.7, 0.8), weight_decay=0.1, maximize=True)),
    "nadam": (optim.NAdam, dict()),
    "nadam decay": (optim.NAdam, dict(lr=0.05, weight_decay=0.1, momentum_decay=0.01)),
    "nadam decoupled": (optim.NAdam, dict(lr=0.05, weight_decay=0.1, decoupled_weight_decay=True)),
    "radam": (optim.RAdam, dict(lr=0.05)),
    "radam rectified": (optim.RAdam, dict(lr=0.05, betas=(0.5, 0.99), weight_decay=0.1)),
    "radam decoupled": (optim.RAdam, dict(lr=0.05, betas=(0.5, 0.9), weight_decay=0.1, decoupled_weight_decay=True)),
    "rmsprop": (optim.RMSprop, dict()),
    "rmsprop momentum": (optim.RMSprop, dict(lr=0.05, alpha=0.8, momentum=0.9, weight_decay=0.1)),
    "rmsprop centered": (optim.RMSprop, dict(lr=0.05, alpha=0.4, centered=True, momentum=0.5)),
    "adagrad": (optim.Adagrad, dict()),
    "adagrad decay": (optim.Adagrad, dict(lr=0.1, lr_decay=0.2, weight_decay=0.1, initial_accumulator_value=0.5)),
    "adadelta": (optim.Adadelta, dict()),
    "adadelta decay": (optim.Adadelta, dict(lr=0.5, rho=0.7, eps=1e-3, weight_decay=0.1)),
    "rprop": (optim.Rprop, dict()),
    "rprop bounds": (optim.Rprop, dict(lr=0.05, etas=(0.3, 2.0), step_sizes=(0.02, 0.15), maximize=True)),
    "asgd": (optim.ASGD, dict()),
    "asgd average": (optim.ASGD, dict(lr=0.1, lambd=0.02, alpha=0.6, t0=2, weight_decay=0.1, maximize=True)),
    "adafactor": (optim.Adafactor, dict()),
    "adafactor decay": (optim.Adafactor, dict(lr=0.1, beta2_decay=-0.5, eps=(1e-4, 0.1), d=1.5, weight_decay=0.1, maximize=True)),
}

MATRICES = {  # the same of 4 x 9 and of 9 x 4 elements
    "adafactor matrix": (optim.Adafactor, dict(lr=0.05, weight_decay=0.1)),
    "muon": (optim.Muon, dict(lr=0.02)),
    "muon plain": (optim.Muon, dict(lr=0.05, weight_decay=0.0, momentum=0.8, nesterov=False, ns_steps=3, adjust_lr_fn="match_rms_adamw")),
}

LBFGS = {  # name: options; three steps on Rosenbrock's function in four dimensions
    "lbfgs": dict(lr=0.002, max_iter=7),
    "lbfgs wolfe": dict(line_search_fn="strong_wolfe", max_iter=6),
    "lbfgs wolfe short": dict(lr=0.5, line_search_fn="strong_wolfe", history_size=2, max_iter=9, max_eval=12),
}

SCHEDULERS = {  # name: (scheduler of an SGD with lr 0.1 and momentum 0.9, number of steps)
    "step": (lambda o: schedulers.StepLR(o, 4, 0.3), 20),
    "multi step": (lambda o: schedulers.MultiStepLR(o, [3, 7, 7, 12], 0.5), 20),
    "constant": (lambda o: schedulers.ConstantLR(o, 0.3, 6), 20),
    "linear": (lambda o: schedulers.LinearLR(o, 0.2, 0.9, 7), 20),
    "linear default": (lambda o: schedulers.LinearLR(o), 20),
    "exponential": (lambda o: schedulers.ExponentialLR(o, 0.87), 20),
    "polynomial": (lambda o: schedulers.PolynomialLR(o, 9, 1.7), 20),
    "cosine": (lambda o: schedulers.CosineAnnealingLR(o, 7, 0.01), 40),
    "warm restarts": (lambda o: schedulers.CosineAnnealingWarmRestarts(o, 4, 2, 0.001), 30),
    "cyclic": (lambda o: schedulers.CyclicLR(o, 0.01, 0.2, 4, 3, "triangular2"), 30),
    "cyclic range": (lambda o: schedulers.CyclicLR(o, 0.01, 0.2, 4, mode="exp_range", gamma=0.9), 30),
    "one cycle": (lambda o: schedulers.OneCycleLR(o, 0.5, 20), 20),
    "one cycle linear": (lambda o: schedulers.OneCycleLR(o, 0.5, 20, pct_start=0.4, anneal_strategy="linear"), 20),
    "one cycle three": (lambda o: schedulers.OneCycleLR(o, 0.5, 20, three_phase=True), 20),
    "multiplicative": (lambda o: schedulers.MultiplicativeLR(o, lambda t: 0.95 if t % 3 else 1.1), 20),
    "chained": (lambda o: schedulers.ChainedScheduler([schedulers.ConstantLR(o, 0.1, 6), schedulers.ExponentialLR(o, 0.9)], o), 20),
    "sequential chained": (lambda o: schedulers.SequentialLR(o, [
        schedulers.ChainedScheduler([schedulers.ConstantLR(o, 0.1, 3), schedulers.ExponentialLR(o, 0.9)]), schedulers.StepLR(o, 2)], [6]), 12),
    "lambda": (lambda o: schedulers.LambdaLR(o, lambda t: 0.95 ** t), 20),
    "sequential": (lambda o: schedulers.SequentialLR(o, [
        schedulers.LinearLR(o, 0.1, 1.0, 5), schedulers.CosineAnnealingLR(o, 10), schedulers.ExponentialLR(o, 0.9)], [5, 14]), 25),
    "sequential warm": (lambda o: schedulers.SequentialLR(o, [
        schedulers.ConstantLR(o, 0.1, 3), schedulers.CosineAnnealingWarmRestarts(o, 4)], [3]), 20),
}


def bits(values, dtype):
    code = "<%d" + ("f" if dtype == torch.float32 else "d")
    size = 4 if dtype == torch.float32 else 8
    data = struct.pack(code % len(values), *values)
    return " ".join(data[i:i + size][::-1].hex() for i in range(0, len(data), size))


def optimiser_row(make, options, dtype):
    p = torch.nn.Parameter(torch.tensor([((i * 37 + 11) % 101 - 50) / 64 for i in range(N)], dtype=dtype))
    optimiser = make([p], **options)
    for t in range(STEPS):
        p.grad = torch.tensor([((i * 53 + t * 29) % 97 - 48) / 32 for i in range(N)], dtype=dtype)
        optimiser.step()
    return bits(p.tolist(), dtype)


def matrix_row(make, options, dtype, rows):
    size = (rows, 36 // rows)
    p = torch.nn.Parameter(torch.tensor([((i * 37 + 11) % 101 - 50) / 64 for i in range(36)], dtype=dtype).view(size))
    optimiser = make([p], **options)
    for t in range(STEPS):
        p.grad = torch.tensor([((i * 53 + t * 29) % 97 - 48) / 32 for i in range(36)], dtype=dtype).view(size)
        optimiser.step()
    return bits(p.flatten().tolist(), dtype)


def lbfgs_row(options):
    """Parameters and the first loss of each step."""
    x, y = (torch.nn.Parameter(torch.tensor(v, dtype=torch.float64)) for v in ([-1.2, 1.0], [[0.5], [-0.7]]))
    optimiser, values = optim.LBFGS([x, y], **options), []

    def closure():
        optimiser.zero_grad()
        z = torch.cat([x, y.flatten()])
        loss = (100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(3):
        values += [optimiser.step(closure).item(), *x.tolist(), *y.flatten().tolist()]
    return bits(values, torch.float64)


def scheduler_row(make, steps):
    optimiser = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    scheduler = make(optimiser)
    group, values = optimiser.param_groups[0], []
    for t in range(steps + 1):
        values += [group["lr"], group["momentum"]]
        if t < steps:
            optimiser.step()
            scheduler.step()
    return bits(values, torch.float64)


def plateau_row(**options):
    optimiser = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, values = schedulers.ReduceLROnPlateau(optimiser, **options), []
    for t in range(40):
        scheduler.step(((t * 17) % 13) / 4 + 1 / (t + 1))
        values.append(optimiser.param_groups[0]["lr"])
    return bits(values, torch.float64)


with open(sys.argv[1], "w") as file:
    print(f"# PyTorch {torch.__version__}: name|numbers as bits, by tools/parity/golden/optim_vectors.py", file=file)
    for name, (make, options) in OPTIMISERS.items():
        print(f"{name} float32|{optimiser_row(make, options, torch.float32)}", file=file)
        print(f"{name} float64|{optimiser_row(make, options, torch.float64)}", file=file)
    for name, (make, options) in MATRICES.items():
        for rows in (4, 9):
            print(f"{name} {rows} float32|{matrix_row(make, options, torch.float32, rows)}", file=file)
            print(f"{name} {rows} float64|{matrix_row(make, options, torch.float64, rows)}", file=file)
    for name, options in LBFGS.items():
        print(f"{name}|{lbfgs_row(options)}", file=file)
    for name, (make, steps) in SCHEDULERS.items():
        print(f"{name}|{scheduler_row(make, steps)}", file=file)
    print(f"plateau|{plateau_row(patience=2, factor=0.5)}", file=file)
    print(f"plateau max|{plateau_row(mode='max', threshold_mode='abs', threshold=0.1, patience=1, cooldown=2, min_lr=0.003)}", file=file)

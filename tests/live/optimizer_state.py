"""usage: optimizer_state.py EXCHANGE FOLDER. Three steps in one framework, three in the other, against six in PyTorch."""
import os
import subprocess
import sys

import torch

exchange, folder = sys.argv[1:]
OPTIONS = {"SGD": dict(lr=0.1, momentum=0.9), "Adam": dict(amsgrad=True), "AdamW": {}, "Adamax": {}, "NAdam": {}, "RAdam": {},
           "RMSprop": dict(momentum=0.9, centered=True), "Adagrad": {}, "Adadelta": {}, "Rprop": {}, "ASGD": dict(lr=0.1, t0=2), "Adafactor": {},
           "Muon": {}, "LBFGS": dict(max_iter=2, history_size=3, line_search_fn="strong_wolfe")}


def loss(p):
    p.grad = p.detach() * 2 - 1 + (p.detach() - 1) ** 3
    return ((p.detach() ** 2 - p.detach()) + (p.detach() - 1) ** 4 / 4).sum()


def steps(optimizer, p, n):
    for _ in range(n):
        optimizer.step(lambda: loss(p))


def fresh(name, value):
    p = torch.nn.Parameter(value.clone())
    return p, getattr(torch.optim, name)([p], **OPTIONS[name])


def ember(name, n, value, state_in, state_out):
    path = os.path.join(folder, "p.pt")
    torch.save(value, path)
    subprocess.run([exchange, name, str(n), path, state_in, state_out], check=True)
    return torch.load(path, weights_only=True)


def check(name, way):
    start = torch.linspace(-2, 2, 40).view(5, 8)
    p, optimizer = fresh(name, start)
    steps(optimizer, p, 6)
    state = os.path.join(folder, "state.pt")
    if way == "Ember first":
        middle = ember(name, 3, start, "-", state)
        q, other = fresh(name, middle)
        other.load_state_dict(torch.load(state, weights_only=True))
        steps(other, q, 3)
        got = q.detach()
    else:
        q, other = fresh(name, start)
        steps(other, q, 3)
        torch.save(other.state_dict(), state)
        got = ember(name, 3, q.detach(), state, os.path.join(folder, "out.pt"))
    return torch.allclose(got, p.detach(), rtol=2e-5, atol=2e-6)


passed = failed = 0
for name in OPTIONS:
    for way in ("Ember first", "PyTorch first"):
        try:
            good = check(name, way)
        except Exception as error:  # the report names the case
            good = False
            print(error)
        passed, failed = passed + good, failed + (not good)
        if not good:
            print("FAILED ", name, way)
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)

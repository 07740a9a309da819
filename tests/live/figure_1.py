"""Figure 1 of Ioffe & Szegedy in PyTorch and in Ember, loss by loss for 200 steps: usage figure_1.py PROGRAM FOLDER. The last line counts."""
import gzip
import pathlib
import subprocess
import sys

import numpy as np
import torch

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
STEPS = 200
torch.set_num_threads(1)


def idx(name, offset):
    path = folder / name
    data = path.read_bytes() if path.exists() else gzip.open(str(path) + ".gz").read()
    return np.frombuffer(data, np.uint8, offset=offset)


images = torch.tensor(idx("train-images-idx3-ubyte", 16).reshape(-1, 784).astype(np.float32) / 255)
labels = torch.tensor(idx("train-labels-idx1-ubyte", 8).astype(np.int64))


def losses(norm):
    torch.manual_seed(0)
    layers = []

    def linear(n, m, bias):
        layer = torch.nn.Linear(n, m, bias=bias)
        torch.nn.init.normal_(layer.weight, 0, 0.05)
        if bias:
            torch.nn.init.zeros_(layer.bias)
        layers.append(layer)

    for n in (784, 100, 100):
        linear(n, 100, not norm)
        if norm:
            layers.append(torch.nn.BatchNorm1d(100))
        layers.append(torch.nn.Sigmoid())
    linear(100, 10, True)
    net = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        chosen = torch.randint(0, len(images), (60,), generator=generator)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images[chosen]), labels[chosen])
        loss.backward()
        optimizer.step()
        yield loss.item()


passed = failed = 0
for norm in (True, False):
    name = "with" if norm else "without"
    ours = [float(line) for line in subprocess.run([program, folder, str(STEPS), name], capture_output=True, text=True, check=True, timeout=300).stdout.split()]
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours, losses(norm), strict=True))
    print(f"{name} batch norm: largest relative difference of {STEPS} losses {worst:.1e}")
    passed, failed = passed + (worst < 1e-4), failed + (worst >= 1e-4)
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)

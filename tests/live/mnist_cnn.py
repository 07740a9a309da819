"""examples/mnist_cnn and the same script in PyTorch, in turns.

usage: mnist_cnn.py EXAMPLE MNIST_DIR EPOCHS      runs both, twice, and compares
       mnist_cnn.py torch MNIST_DIR EPOCHS        PyTorch's side
"""
import os
import re
import subprocess
import sys
import tempfile
import time


def train(folder, epochs):
    import gzip
    import pathlib

    import numpy
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    def read(name, skip):
        path = next(p for p in (pathlib.Path(folder) / name, pathlib.Path(folder) / (name + ".gz")) if p.exists())
        content = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
        return torch.from_numpy(numpy.frombuffer(content, numpy.uint8, offset=skip).copy())

    def part(prefix):
        images = (read(prefix + "-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28).float() / 255 - 0.1307) / 0.3081
        return TensorDataset(images, read(prefix + "-labels-idx1-ubyte", 8).long())

    torch.manual_seed(0)
    training, test = part("train"), part("t10k")
    model = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Linear(64 * 7 * 7, 10))
    loader = DataLoader(training, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=epochs, steps_per_epoch=len(loader), cycle_momentum=False)
    print("the first epoch begins", flush=True)
    for _ in range(epochs):
        model.train()
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(test, batch_size=500))
        print(f"test accuracy {right / len(test):.4f}", flush=True)


def measure(begins, *command):
    """(seconds to the first epoch, seconds an epoch, accuracy at the end)"""
    start = time.monotonic()
    marks, accuracy = [], 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if begins in line:
                marks = [time.monotonic()]
            elif found := re.search(r"test accuracy[: ]+([\d.]+)", line):
                marks.append(time.monotonic())
                accuracy = float(found.group(1))
    if process.returncode != 0 or len(marks) < 2:
        sys.exit(f"{command[0]} failed")
    return marks[0] - start, min(b - a for a, b in zip(marks[:epochs], marks[1:])), accuracy


if sys.argv[1] == "torch":
    train(sys.argv[2], int(sys.argv[3]))
    sys.exit()
example, folder, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
best = {}
with tempfile.TemporaryDirectory() as out:
    for _ in range(2):
        for name, begins, command in (
            ("PyTorch", "the first epoch begins", [sys.executable, os.path.abspath(__file__), "torch", folder, str(epochs)]),
            ("Ember", "Estimated total size", ["stdbuf", "-oL", example, "--data", folder, "--epochs", str(epochs), "--out", out]),
        ):
            run = measure(begins, *command)
            before = best.get(name, (float("inf"), float("inf"), 0.0))
            best[name] = (min(run[0], before[0]), min(run[1], before[1]), run[2])
print(f"{'':<8} {'to the first epoch':>20} {'an epoch':>10} {'test accuracy':>14}")
for name, (first, epoch, accuracy) in best.items():
    print(f"{name:<8} {first:>18.2f} s {epoch:>8.2f} s {accuracy:>14.4f}")
checks = {
    "the accuracies differ by less than 0.3 %": abs(best["Ember"][2] - best["PyTorch"][2]) < 0.003,
    "Ember is at its first epoch sooner": best["Ember"][0] < best["PyTorch"][0],
    "Ember's epochs are shorter": best["Ember"][1] < best["PyTorch"][1],
}
for what, holds in checks.items():
    print("ok     " if holds else "FAILED ", what)
print(f"{sum(checks.values())} passed, {len(checks) - sum(checks.values())} failed, 0 skipped")
sys.exit(not all(checks.values()))

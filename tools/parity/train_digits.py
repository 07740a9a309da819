#!/usr/bin/env python3
"""Trains the CNN of examples/digits_cnn.cpp with the same seed in PyTorch and in Ember and prints the losses side by side.

Initial weights must be equal bit for bit, the batches the same, the losses within 1e-5 relative for 20 steps and 1e-4 for 50.
usage: tools/parity/train_digits.py [STEPS]
"""
import gzip
import pathlib
import subprocess
import sys
import tempfile

import torch
from torch import nn

root = pathlib.Path(__file__).resolve().parents[2]
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 50

rows = [[float(v) for v in line.split(",")] for line in gzip.open(root / "examples/data/digits.csv.gz", "rt") if line.strip()]
table = torch.tensor(rows)
keep = torch.arange(len(table)) % 5 != 4
x, y = (table[:, :64] / 16).reshape(-1, 1, 8, 8)[keep], table[:, 64].long()[keep]

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 2 * 2, 10))
initial = {name: value.clone() for name, value in model.state_dict().items()}
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True)
losses, batches = [], []
while len(losses) < steps:
    for inputs, targets in loader:
        if len(losses) == steps:
            break
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        batches.append(targets.clone())

with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder) / "ember.pt"
    subprocess.run([root / "build/release/bin/train_digits", str(steps), out], check=True)
    ember = torch.load(out, weights_only=True)

same_weights = all(torch.equal(initial[name], ember["initial"][name]) for name in initial)
same_batches = all(torch.equal(a, b) for a, b in zip(batches, ember["batches"]))
worst = {20: 0.0, 50: 0.0}
print(f"{'step':>4} {'PyTorch':>14} {'Ember':>14} {'relative':>10}")
for step, (ours, theirs) in enumerate(zip(ember["losses"].tolist(), losses)):
    relative = abs(ours - theirs) / abs(theirs)
    for limit in worst:
        if step < limit:
            worst[limit] = max(worst[limit], relative)
    print(f"{step + 1:>4} {theirs:>14.9f} {ours:>14.9f} {relative:>10.1e}")
checks = {"equal initial weights": same_weights, "the same batches": same_batches,
          f"first 20 losses within 1e-5 ({worst[20]:.1e})": worst[20] <= 1e-5,
          f"first 50 losses within 1e-4 ({worst[50]:.1e})": worst[50] <= 1e-4}
for what, holds in checks.items():
    print(("ok      " if holds else "FAILED  ") + what)
failed = sum(not holds for holds in checks.values())
print(f"{len(checks) - failed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)

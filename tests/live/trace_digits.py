"""PyTorch's side of tests/live/trace.sh: the training of tools/train_digits/main.cpp, recorded. usage: trace_digits.py STEPS OUT.npz [KEY=VALUE...]"""
import gzip
import pathlib
import sys

import torch
from torch import nn

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tools/parity"))
import ember_trace

steps, out = int(sys.argv[1]), sys.argv[2]
settings = {key: eval(value) for key, value in (argument.split("=") for argument in sys.argv[3:])}
mistake = settings.pop("mistake", None)
batch_size = settings.pop("batch_size", 64)

rows = [[float(v) for v in line.split(",")] for line in gzip.open(root / "examples/data/digits.csv.gz", "rt") if line.strip()]
table = torch.tensor(rows)
keep = torch.arange(len(table)) % 5 != 4
x, y = (table[:, :64] / (1 if mistake == "scale" else 16)).reshape(-1, 1, 8, 8)[keep], table[:, 64].long()[keep]

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32, eps=1e-3 if mistake == "eps" else 1e-5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 2 * 2, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4 if mistake == "decay" else 0)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=batch_size, shuffle=True)
step = 0
with ember_trace.record(model, out, **settings):
    while step < steps:
        for inputs, targets in loader:
            if step == steps:
                break
            step += 1
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()

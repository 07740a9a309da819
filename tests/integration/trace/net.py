"""main.cpp in PyTorch, recorded, with a mistake or without. usage: net.py FOLDER [MISTAKE...]   writes FOLDER/MISTAKE.npz, "right" without

Those under tests/data/trace were made so: net.py tests/data/trace golden golden_adam
"""
import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools/parity"))
import ember_trace


class Net(nn.Module):
    def __init__(self, mistake):
        super().__init__()
        self.mistake = mistake
        self.conv1 = nn.Conv2d(1, 3, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(3, momentum=0.9 if mistake == "momentum" else 0.1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(3, 3, 3, padding=0 if mistake == "padding" else 1, bias=mistake != "bias")
        self.norm2 = nn.BatchNorm2d(3, eps=1e-3 if mistake == "eps" else 1e-5)
        self.conv3 = nn.Conv2d(3, 3, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(3)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(27, 16), nn.ReLU(), nn.Linear(16, 10))

    def forward(self, images):
        x = self.conv1(images * 2 if self.mistake == "scale" else images)
        x = self.norm1(self.relu1(x)) if self.mistake == "relu" else self.relu1(self.norm1(x))
        x = self.conv2(self.norm2(self.conv3(x))) if self.mistake == "swap" else self.conv3(self.norm2(self.conv2(x)))
        if self.mistake == "detach":
            x = x.detach()
        x = self.head(self.pool(x))
        return x * 1.01 if self.mistake == "after" else x


def train(mistake, out):
    data = torch.Generator().manual_seed(7)
    images = torch.empty(5, 1, 6, 6).normal_(generator=data)
    labels = torch.zeros(5, dtype=torch.int64).random_(10, generator=data)
    torch.manual_seed(1 if mistake == "seed" else 0)
    net = Net(mistake)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02 if mistake == "lr" else 0.05, momentum=0.9)
    sample = {"compress": mistake.startswith("golden")}
    if mistake == "golden_adam":
        optimizer = torch.optim.Adam(net.parameters())
        sample |= {"only": "conv1,norm1,head.4", "steps": 3}
    with ember_trace.record(net, out, **sample):
        for step in range(3):
            batch = images.flip(0) if mistake == "order" and step == 2 else images
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(batch), labels, reduction="sum" if mistake == "reduction" else "mean").backward()
            optimizer.step()
        if mistake != "eval":
            net.eval()
        with torch.no_grad():
            net(images)


for name in sys.argv[2:]:
    train(name, pathlib.Path(sys.argv[1]) / f"{name}.npz")

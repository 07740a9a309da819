"""PyTorch's side of the rows that families.py names."""
import torch
from torch import nn
from torch.nn import functional as F


def factor(name, n, dtype):
    dtype = getattr(torch, dtype)
    torch.manual_seed(0)
    a, b = torch.randn(n, n, dtype=dtype), torch.randn(n, 8, dtype=dtype)
    positive = a @ a.mT + n * torch.eye(n, dtype=dtype)
    work = {
        "solve": lambda: torch.linalg.solve(a, b),
        "cholesky": lambda: torch.linalg.cholesky(positive),
        "svd": lambda: torch.linalg.svd(a, full_matrices=False),
        "eigh": lambda: torch.linalg.eigh(positive),
        "lstsq": lambda: torch.linalg.lstsq(a, b),
    }[name]

    def step():
        with torch.no_grad():
            work()
    return step


class Last(nn.Module):
    """A recurrent layer, and a linear one on its last output."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def volumes():
    return nn.Sequential(nn.Conv3d(1, 16, 3, padding=1), nn.BatchNorm3d(16), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(16, 32, 3, padding=1),
                         nn.BatchNorm3d(32), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(32 * 4**3, 10))


def network(row):
    """A training step, or the forward in evaluation."""
    torch.manual_seed(0)
    if row.startswith("volumes"):
        net, x = volumes(), torch.randn(8, 1, 16, 16, 16)
    else:
        net = Last((nn.LSTM if row.startswith("lstm") else nn.GRU)(32, 64, batch_first=True))
        x = torch.randn(32, 50, 32)
    if row.endswith("forward"):
        net.eval()

        def forward():
            with torch.no_grad():
                net(x)
        return forward
    target = torch.randint(0, 10, (x.shape[0],))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def train():
        optimizer.zero_grad()
        F.cross_entropy(net(x), target).backward()
        optimizer.step()
    return train


def attention(n, causal, backward):
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 8, n, 64, requires_grad=backward) for _ in range(3))
    if not backward:
        def forward():
            with torch.no_grad():
                F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return forward
    cotangent = torch.randn(1, 8, n, 64)

    def both():
        q.grad = k.grad = v.grad = None
        F.scaled_dot_product_attention(q, k, v, is_causal=causal).backward(cotangent)
    return both


def step(row):
    words = row.split()
    if words[0] == "attention":
        return attention(int(words[3]), "causal" in words, "+backward" in words)
    return factor(words[0], int(words[1]), words[2]) if len(words) == 3 and words[2].startswith("float") else network(row)

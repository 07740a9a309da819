"""PyTorch's side of the benchmark: the rows of ember_peer.cpp, by the same names, in one mode per process.

usage: torch_peer.py MODE      MODE: torch | torch_fused | torch_channels_last | torch_compile
The first is PyTorch as it comes. The others have fused optimisers, and frozen TorchScript in inference; the last two channels-last
images; the last is compiled. Reads lines from standard input, words separated by tabs: `list`, `run NAME THREADS SECONDS` or
`memory NAME THREADS`, and answers each with one line: the names, `MINIMUM MEDIAN` in microseconds, or KiB held before and at most;
`none` for a row that this mode does not have. W6@8 is W6 with a batch of 8.
"""
import sys

import clock
import families
import layers
import memory

import torch
import torch._inductor.config
import torch.nn as nn
import torch.nn.functional as F

import more_nets
import torch_families
import torch_layers

MODE = sys.argv[1] if len(sys.argv) > 1 else "torch"
FORMAT = torch.channels_last if MODE in ("torch_channels_last", "torch_compile") else torch.contiguous_format
FUSED = MODE != "torch"


class BasicBlock(nn.Module):
    """He et al. 2015, option A: the shortcut subsamples and pads channels with zeros."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        self.pad = (cout - cin) // 2 if cin != cout else 0

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y + x)


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    cin = 16
    for cout, stride in ((16, 1), (32, 2), (64, 2)):
        for i in range(3):
            layers.append(BasicBlock(cin, cout, stride if i == 0 else 1))
            cin = cout
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def mlp(*sizes):
    layers = []
    for i in range(len(sizes) - 2):
        layers += [nn.Linear(sizes[i], sizes[i + 1]), nn.BatchNorm1d(sizes[i + 1]), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def cnn4():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(1568, 10))


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def vgg():
    def block(cin, cout):
        return [nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU()]
    return nn.Sequential(*block(3, 64), *block(64, 64), nn.MaxPool2d(2), *block(64, 128), *block(128, 128),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8192, 10))


NETS = {  # name: net, input without the batch, batch of the training step
    "W1": (lambda: mlp(2, 16, 2), (2,), 32), "W2": (lambda: mlp(64, 128, 10), (64,), 64),
    "W3": (lambda: mlp(784, 256, 128, 10), (784,), 64), "W4": (cnn4, (1, 28, 28), 64),
    "W5": (lenet, (1, 28, 28), 128), "W6": (resnet20, (3, 32, 32), 32), "W7": (vgg, (3, 32, 32), 32),
    "W8": (lambda: mlp(784, 256, 128, 10), (784,), 64),
}


def prepare(name, batch):
    torch.manual_seed(0)
    make, shape, _ = NETS[name]
    net, x = make(), torch.randn(batch, *shape)
    if x.dim() == 4:
        net, x = net.to(memory_format=FORMAT), x.to(memory_format=FORMAT)
    return net, x


def train_step(name, batch=None):
    net, x = prepare(name, batch or NETS[name][2])
    if name == "W8":
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=FUSED)
    else:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=FUSED)
    classes = 2 if name == "W1" else 10
    target = torch.randint(0, classes, (x.shape[0],))
    run = torch.compile(net) if MODE == "torch_compile" else net

    def step():
        optimizer.zero_grad()
        F.cross_entropy(run(x), target).backward()
        optimizer.step()
    return step


def inference(name, batch):
    net, x = prepare(name, batch)
    net.eval()
    with torch.no_grad():
        if MODE == "torch_compile":
            torch._inductor.config.freezing = True
            net = torch.compile(net)
        elif MODE != "torch":
            net = torch.jit.optimize_for_inference(torch.jit.trace(net, x))

    def step():
        with torch.no_grad():
            net(x)
    return step


def both(forward, *inputs):
    """The forward alone, and forward with backward from a fixed cotangent."""
    def run_forward():
        with torch.no_grad():
            forward()

    cotangent = torch.randn_like(forward())

    def run_both():
        for t in inputs:
            t.grad = None
        forward().backward(cotangent)
    return run_forward, run_both


def operations():
    """name -> closure, or a pair (forward, forward with backward)."""
    def leaf(*shape):
        return torch.randn(*shape).requires_grad_()

    def image(*shape):
        return torch.randn(*shape).to(memory_format=FORMAT).requires_grad_()

    rows = {}

    def row(name, forward, *inputs):
        rows[name], rows[name + " +backward"] = both(forward, *inputs)

    a, b = leaf(16), leaf(16)
    row("add 16", lambda: a + b, a, b)
    rows["add 16 recorded"] = lambda: a + b
    big, big2 = leaf(1 << 20), leaf(1 << 20)
    row("add 1M", lambda: big + big2, big, big2)
    row("relu 1M", lambda: torch.relu(big), big)
    row("exp 1M", lambda: torch.exp(big), big)
    row("tanh 1M", lambda: torch.tanh(big), big)
    row("sigmoid 1M", lambda: torch.sigmoid(big), big)
    row("sum 1M", lambda: big.sum(), big)
    m = leaf(1024, 1024)
    row("sum dim 0", lambda: m.sum(0), m)
    row("sum dim 1", lambda: m.sum(1), m)
    row("softmax 1024x1024", lambda: F.softmax(m, 1), m)
    logits, classes = leaf(256, 1000), torch.randint(0, 1000, (256,))
    row("cross_entropy 256x1000", lambda: F.cross_entropy(logits, classes), logits)
    for n in (64, 256, 512, 1024):
        p, q = leaf(n, n), leaf(n, n)
        row(f"matmul {n}", lambda p=p, q=q: p @ q, p, q)
    lx, lw, lb = leaf(256, 784), leaf(256, 784), leaf(256)
    row("linear 256x784 -> 256", lambda: F.linear(lx, lw, lb), lx, lw, lb)
    nx, nw, nb = leaf(256, 768), leaf(768), leaf(768)
    row("layer_norm 256x768", lambda: F.layer_norm(nx, (768,), nw, nb), nx, nw, nb)
    bx, bw, bb = leaf(256, 512), leaf(512), leaf(512)
    row("batch_norm1d 256x512", lambda: F.batch_norm(bx, None, None, bw, bb, True), bx, bw, bb)
    for n, c, s in ((32, 16, 28), (64, 64, 32)):
        x, w, v = image(n, c, s, s), leaf(c), leaf(c)
        row(f"batch_norm2d {n}x{c}x{s}x{s}", lambda x=x, w=w, v=v: F.batch_norm(x, None, None, w, v, True), x, w, v)
    px = image(64, 32, 28, 28)
    row("max_pool2d 64x32x28x28", lambda: F.max_pool2d(px, 2), px)
    for label, n, ci, co, k, s, stride, pad, groups in (
            ("1->16 3x3 28x28 b64", 64, 1, 16, 3, 28, 1, 1, 1), ("16->32 3x3 14x14 b64", 64, 16, 32, 3, 14, 1, 1, 1),
            ("64->64 3x3 16x16 b32", 32, 64, 64, 3, 16, 1, 1, 1), ("128->128 3x3 8x8 b32", 32, 128, 128, 3, 8, 1, 1, 1),
            ("3->64 3x3 32x32 b32", 32, 3, 64, 3, 32, 1, 1, 1), ("64->128 1x1 stride 2 16x16 b32", 32, 64, 128, 1, 16, 2, 0, 1),
            ("6->16 5x5 14x14 b128", 128, 6, 16, 5, 14, 1, 0, 1), ("depthwise 64 3x3 16x16 b32", 32, 64, 64, 3, 16, 1, 1, 64)):
        x, w = image(n, ci, s, s), image(co, ci // groups, k, k)
        row("conv " + label, lambda x=x, w=w, a=(stride, pad, groups): F.conv2d(x, w, None, a[0], a[1], 1, a[2]), x, w)
    t = torch.randn(1024, 1024)
    rows["transpose-copy 1024x1024"] = lambda: t.t().contiguous()
    parts = [torch.randn(1024, 256) for _ in range(4)]
    rows["cat 4x(1024x256) dim 1"] = lambda: torch.cat(parts, 1)
    table, index = leaf(10000, 128), torch.randint(0, 10000, (4096,))
    row("index_select 10000x128, 4096 rows", lambda: table.index_select(0, index), table)
    row("embedding 10000x128, 4096 rows", lambda: F.embedding(index, table), table)
    row("dropout 1M", lambda: F.dropout(big, 0.5, True), big)
    for name in ("SGD", "Adam"):
        params = [torch.randn(50000).requires_grad_() for _ in range(20)]
        for p in params:
            p.grad = torch.randn(50000)
        optimizer = (torch.optim.Adam(params, fused=FUSED) if name == "Adam" else
                     torch.optim.SGD(params, lr=0.01, momentum=0.9, fused=FUSED))
        rows[f"{name} step 1M in 20"] = optimizer.step
    return rows


def find(name):
    if layers.is_layer(name):
        return torch_layers.step(name, FORMAT)
    if name in families.NAMES:
        return torch_families.step(name)
    if name in NETS:
        return train_step(name)
    if name in more_nets.NAMES:
        torch.manual_seed(0)
        return more_nets.step(name, FORMAT, FUSED, MODE == "torch_compile")
    if name.startswith("W"):
        if "@" in name:
            net, batch = name.split("@")
            return train_step(net, int(batch))
        net, batch = name.split("i-")
        return inference(net, int(batch))
    global ROWS
    if MODE == "torch_compile":
        return None
    if "ROWS" not in globals():
        ROWS = operations()
    return ROWS.get(name)


def main():
    current, step = None, None
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        if words[0] == "list":
            inferences = ["W4i-1", "W4i-256", "W6i-1", "W6i-64"]
            print("\t".join([*NETS, *more_nets.NAMES, *inferences, *(operations() if MODE != "torch_compile" else [])]), flush=True)
            continue
        verb, name, threads, *seconds = words
        torch.set_num_threads(int(threads))
        if verb == "memory":
            before, step = memory.status()[0], train_step(name)
            for _ in range(10):
                step()
            print(before, memory.status()[1], flush=True)
            continue
        if name != current:
            current, step = name, find(name)
        clock.answer(step, seconds[0])


if __name__ == "__main__":
    main()

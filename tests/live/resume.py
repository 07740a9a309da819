"""usage: resume.py RESUME FOLDER. A run that changes the framework in the middle, and back, against one that stays in PyTorch."""
import os, subprocess, sys

import torch

resume, folder = sys.argv[1:]
torch.manual_seed(0)
x, y = torch.randn(64, 16), torch.randint(0, 4, (64,))
data = os.path.join(folder, "data.pt")
torch.save({"x": x, "y": y}, data)
STEPS = 15


def fresh(name):
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.BatchNorm1d(32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
    return net, torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9) if name == "SGD" else torch.optim.Adam(net.parameters(), lr=0.01)


def in_torch(net, optimizer):
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def save(net, optimizer, path):
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict()}, path)


def restore(net, optimizer, path):
    checkpoint = torch.load(path, weights_only=True)
    net.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])


def in_ember(name, before, after):
    out = subprocess.run([resume, name, str(STEPS), data, before, after], check=True, capture_output=True, text=True)
    return [float(line) for line in out.stdout.split()]


def compare(name, order):
    """The largest relative difference of the two curves."""
    expected, got = [], []
    net, optimizer = fresh(name)
    for _ in order:
        expected += in_torch(net, optimizer)
    net, optimizer = fresh(name)
    path = os.path.join(folder, "start.pt")
    save(net, optimizer, path)
    for i, framework in enumerate(order):
        following = os.path.join(folder, f"{i}.pt")
        if framework == "PyTorch":
            restore(net, optimizer, path)
            got += in_torch(net, optimizer)
            save(net, optimizer, following)
        else:
            got += in_ember(name, path, following)
        path = following
    return max(abs(a - b) / abs(b) for a, b in zip(got, expected, strict=True))


passed = failed = 0
for name in ("SGD", "Adam"):
    for order in (("PyTorch", "Ember"), ("Ember", "PyTorch"), ("PyTorch", "Ember", "PyTorch")):
        try:
            difference = compare(name, order)
        except Exception as error:  # the report names the case
            difference = error
        # float32 rounding (6e-8) that 45 steps carry on; a state that is lost shows in the third digit
        good = isinstance(difference, float) and difference < 2e-5
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok    ' if good else 'FAILED'}  {name}, {' then '.join(order)}: {difference}")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)

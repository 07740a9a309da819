"""What tools/parity/ember_trace.py records of modules of many kinds. usage: trace_recorder.py FOLDER; the last line is "all right"."""
import json
import os
import pathlib
import sys

import numpy
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/parity"))
import ember_trace

os.chdir(sys.argv[1])


def header(file):
    return json.loads(file["trace"].tobytes())


# --- the same as tests/train/trace_test.cpp: order and names, values
net = nn.Sequential()
net.add_module("fc", nn.Linear(3, 2))
net.add_module("norm", nn.BatchNorm1d(2))
x = torch.randn(4, 3)
with ember_trace.record(net, "order.npz"):
    net(x).square().mean().backward()
file = numpy.load("order.npz")
assert file.files == [
    "000000/(root)/input", "000000/fc/input", "000000/fc/param.weight", "000000/fc/param.bias", "000000/fc/output",
    "000000/norm/input", "000000/norm/param.weight", "000000/norm/param.bias", "000000/norm/output",
    "000000/norm/buffer.running_mean", "000000/norm/buffer.running_var", "000000/norm/buffer.num_batches_tracked",
    "000000/(root)/output", "000000/norm/grad_output", "000000/(root)/grad_output", "000000/fc/grad_output",
    "000000/norm/grad.bias", "000000/norm/grad.weight", "000000/fc/grad.bias", "000000/fc/grad.weight",
    "000001/fc/param.weight", "000001/fc/param.bias", "000001/norm/param.weight", "000001/norm/param.bias", "trace"], file.files
assert (file["000000/fc/grad.weight"] == net.fc.weight.grad.numpy()).all()
assert file["000000/norm/buffer.num_batches_tracked"].shape == ()
assert header(file)["modules"][1] == {
    "path": "fc", "type": "Linear", "extra": "in_features=3, out_features=2, bias=True", "training": [[0, True]],
    "parameters": [{"name": "weight", "shape": "float32 (2, 3)", "requires_grad": True}, {"name": "bias", "shape": "float32 (2)", "requires_grad": True}]}
assert header(file)["backward"] == [[0, True]]
assert not net.fc._forward_hooks and not net.fc._forward_pre_hooks  # nothing is left behind

# --- sampling: which steps and layers; the file is there when the steps are over
net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
with ember_trace.record(net, "chosen.npz", every=2, only="0, 2*", steps=5):
    for _ in range(5):
        net(torch.randn(2, 2)).sum().backward()
    assert header(numpy.load("chosen.npz"))["steps"] >= 3  # complete as of now
    net(torch.randn(2, 2))
    assert header(numpy.load("chosen.npz"))["steps"] == 5
file = numpy.load("chosen.npz")
assert sorted({name.split("/")[0] for name in file.files}) == ["000000", "000002", "000004", "000005", "trace"]
assert {name.split("/")[1] for name in file.files[:-1]} == {"0", "2"}
assert header(file)["steps"] == 5 and header(file)["every"] == 2


# --- other signatures, several calls, frozen and shared parameters, changes in place
class Many(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.cell = nn.Linear(4, 4)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.act = nn.ReLU(inplace=True)
        self.shared = nn.Linear(4, 4)
        self.shared.weight = self.cell.weight
        self.loss = nn.CrossEntropyLoss()

    def forward(self, x, *, scale):
        y, (h, c) = self.lstm(x)
        y = self.cell(self.cell(y[:, -1])) * scale
        return {"loss": self.loss(self.act(self.frozen(self.shared(y))), torch.zeros(len(x), dtype=torch.int32).long()), "h": h}


net = Many()
with ember_trace.record(net, "many.npz"):
    out = net(torch.randn(2, 5, 3), scale=torch.tensor(2.0))
    out["loss"].backward(retain_graph=True)
    out["loss"].backward()
names = set(numpy.load("many.npz").files)
for name in ["(root)/input.0", "(root)/input.1", "(root)/output.loss", "(root)/output.h", "lstm/output.0", "lstm/output.1.0", "lstm/output.1.1",
             "cell#1/output", "cell/grad_output#1", "cell#1/grad_output", "cell/grad.weight#1", "loss/input.1", "lstm/grad.weight_ih_l0",
             "act/grad_output", "frozen/grad_output", "frozen/param.weight", "shared/param.weight", "shared/grad.bias", "lstm/grad_output.0"]:
    assert "000000/" + name in names, name
for name in ["frozen/grad.weight", "shared/grad.weight", "lstm/grad_output.1.1", "cell#1/param.weight"]:
    assert "000000/" + name not in names, name

# --- a forward that raises ends its call; the next one is a step again; the trace is written although the block raises
net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
try:
    with ember_trace.record(net, "raises.npz"):
        try:
            net(torch.randn(1, 2))
        except ValueError:
            pass
        net(torch.randn(3, 2))
        raise KeyError
except KeyError:
    pass
names = numpy.load("raises.npz").files
assert "000000/1/input" in names and "000000/1/output" not in names and "000001/(root)/output" in names

# --- types that Ember has not; a limit of size; a folder that is not there
net = nn.Linear(2, 2).to(torch.bfloat16)
with ember_trace.record(net, "types.npz"):
    net(torch.randn(1, 2, dtype=torch.bfloat16))
assert numpy.load("types.npz")["000000/(root)/output"].dtype == numpy.float32
net = nn.Linear(64, 64)
with ember_trace.record(net, "limit.npz", max_bytes=60000):
    for _ in range(9):
        net(torch.randn(4, 64))
assert os.path.getsize("limit.npz") < 60000 and header(numpy.load("limit.npz"))["truncated"]
try:
    with ember_trace.record(net, "nowhere/run.npz"):
        raise AssertionError
except OSError:
    pass

# --- the run is what it was without
def run(traced):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(net.parameters())
    with ember_trace.record(net, "same.npz", steps=0 if traced else 1):
        for _ in range(5):
            optimizer.zero_grad()
            net(torch.randn(8, 1, 6, 6)).square().mean().backward()
            optimizer.step()
    return net.state_dict()

a, b = run(True), run(False)
assert all(torch.equal(a[name], b[name]) for name in a)
assert [name for name in os.listdir() if name.endswith(".tmp")] == []
print("all right")

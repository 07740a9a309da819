"""PyTorch's side of the rows that layers.py names."""
import torch
from torch import nn

import layers


def module(kind, v):
    if kind == "linear":
        return nn.Linear(v["in"], v["out"]), (v["n"], v["in"])
    rest = {"stride": v["stride"], "padding": v["padding"], "dilation": v["dilation"], "groups": v["groups"]}
    make = {"conv1d": nn.Conv1d, "conv2d": nn.Conv2d, "conv_transpose2d": nn.ConvTranspose2d}[kind]
    return make(v["in"], v["out"], v["kernel"], **rest), (v["n"], v["in"], *[v["size"]] * (1 if kind == "conv1d" else 2))


def step(row, memory_format):
    """The row's work; None where the layout makes no difference."""
    net, shape = module(*layers.parse(row))
    channels_last = memory_format == torch.channels_last
    if channels_last and len(shape) < 4:
        return None
    x = torch.randn(shape)
    if channels_last:
        net, x = net.to(memory_format=memory_format), x.to(memory_format=memory_format)
    if not row.endswith(" +backward"):
        def forward():
            with torch.no_grad():
                net(x)
        return forward
    x.requires_grad_()
    cotangent = torch.randn_like(net(x).detach())

    def both():
        net.zero_grad()
        x.grad = None
        net(x).backward(cotangent)
    return both

"""Writes tests/data/batch_norm_vectors.txt: what PyTorch's batch norm gives, bit for bit, for tests/nn/batch_norm_*_test.cpp.

usage: golden/batch_norm_vectors.py FILE. Inputs come from torch.manual_seed(n) and randn, which Ember draws alike; see `input_of`.
"""
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

CONTIGUOUS = [("8x5x7", 0.1, 1e-5), ("2x3x3x4x5", 0.3, 1e-5), ("4x6x5x5", 0.37, 1e-3), ("2x64x3x3", 0.1, 1e-5), ("3x512x1x2", 0.3, 1e-5)]


def bits(tensor):
    values = tensor.detach().flatten().tolist()
    code, size = ("f", 4) if tensor.dtype == torch.float32 else ("d", 8)
    data = struct.pack(f"<{len(values)}{code}", *values)
    return " ".join(data[i:i + size][::-1].hex() for i in range(0, len(data), size))


def input_of(shape, seed, dtype=torch.float32):
    """2 * randn + 3, then the weight and bias of its channels."""
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=dtype) * 2 + 3
    return x, torch.rand(shape[1], dtype=dtype) + 0.5, torch.randn(shape[1], dtype=dtype)


def one_step(shape, momentum, eps):
    x, weight, bias = input_of(shape, 7)
    mean, var = torch.rand(shape[1]), torch.rand(shape[1]) + 0.5
    yield "eval", F.batch_norm(x, mean, var, weight, bias, False, momentum, eps)
    yield "train", F.batch_norm(x, mean, var, weight, bias, True, momentum, eps)
    yield "mean", mean
    yield "var", var


def averages(momentum, steps):
    bn = nn.BatchNorm1d(3, momentum=momentum)
    for step in range(steps):
        bn(input_of((6, 3), step)[0])
    return torch.cat([bn.running_mean, bn.running_var])


def gradients(training):
    x, weight, bias = [t.requires_grad_() for t in input_of((4, 3, 2, 2), 5, torch.float64)]
    mean, var = torch.rand(3, dtype=torch.float64), torch.rand(3, dtype=torch.float64) + 0.5
    y = F.batch_norm(x, mean, var, weight, bias, training)
    y.backward(torch.randn(y.shape, dtype=torch.float64))
    return torch.cat([x.grad.flatten(), weight.grad, bias.grad])


def lesson():
    torch.manual_seed(0)
    return nn.BatchNorm1d(3)(torch.randn(4, 3))


with open(sys.argv[1], "w") as file:
    print(f"# PyTorch {torch.__version__}: name|numbers as bits, by tools/parity/golden/batch_norm_vectors.py", file=file)
    for shape, momentum, eps in CONTIGUOUS:
        for name, value in one_step([int(n) for n in shape.split("x")], momentum, eps):
            print(f"{shape} {name}|{bits(value)}", file=file)
    for name, momentum in (("0.1", 0.1), ("None", None), ("0.9", 0.9)):
        for steps in (1, 3):
            print(f"momentum {name} steps {steps}|{bits(averages(momentum, steps))}", file=file)
    print(f"gradients train|{bits(gradients(True))}", file=file)
    print(f"gradients eval|{bits(gradients(False))}", file=file)
    print(f"lesson|{bits(lesson())}", file=file)

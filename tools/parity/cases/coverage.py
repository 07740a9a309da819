"""Which PyTorch names are compared: those that the runner binds, and the Python function behind a name."""

import functools
import os
import subprocess

import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
RUNNER = os.path.join(ROOT, "build", "release", "bin", "parity_runner")


def bound_names():
    """The names that the runner knows."""
    return set(subprocess.run([RUNNER, "--names"], check=True, capture_output=True, text=True).stdout.split())


@functools.cache
def signatures():
    """[(name, signature)] of the functions, in the order of the runner's tables."""
    lines = subprocess.run([RUNNER, "--signatures"], check=True, capture_output=True, text=True).stdout.splitlines()
    return [(name, signature) for names, signature in (line.split("\t") for line in lines) for name in names.split()]


def function_of(name):
    """torch.NAME; None when PyTorch has no such function."""
    target = torch
    for part in name.split("."):
        target = getattr(target, part, None)
        if target is None:
            return None
    if name == "Tensor.T":
        return lambda x: x.T
    if name == "Tensor.mT":
        return lambda x: x.mT
    return target

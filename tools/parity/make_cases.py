#!/usr/bin/env python3
"""usage: make_cases.py FOLDER [--only REGEX] [--limit N] [--seed N] [--sources op_db,...] [--max-elements N] [--add] [--only-supported]

Makes a suite of comparison cases with the PyTorch that is installed, for every name that the runner binds."""

import argparse
import importlib
import pathlib
import re
import subprocess
import warnings

import torch

from cases import suite_writer
from cases.coverage import bound_names
from cases.suite_writer import Suite

# Where the cases come from, how many rounds or samples of each are made unless --limit says otherwise, and how their ids begin.
SOURCES = {"op_db": 12, "fuzz": 16, "errors": 1, "found": 1, "limits": 1, "modules": 6, "optim": 10, "schedulers": 10, "random": 8, "train": 10}

PREFIXES = {"op_db": ["opdb"], "fuzz": ["fuzz"], "errors": ["errors"], "found": ["found"], "limits": ["limits"], "modules": ["modules", "layers"], "optim": ["optim", "optimdb"], "schedulers": ["scheduler"], "random": ["rng"], "train": ["train"]}

# What PyTorch's databases ask for and Ember leaves out. Whatever else the runner does not know stays, and is counted as skipped.
LEFT_OUT = ["kwarg out of", "mode='lanczos'", "kwarg antialias", "kwarg out_int32", "kwarg distance_function", "quantile with respect to q", "norm of kind nuc"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int, help="samples or rounds of every source")
    parser.add_argument("--sources", default=",".join(SOURCES))
    parser.add_argument("--seed", type=int, default=0, help="other random arguments")
    parser.add_argument("--max-elements", type=int, default=20000, help="leave out cases with larger tensors")
    parser.add_argument("--add", action="store_true", help="keep the cases that are in the folder, except those of the named sources")
    parser.add_argument("--only-supported", action="store_true", help="drop the cases about what Ember leaves out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    suite, known = Suite.load(options.folder) if options.add else Suite(options.folder, 7 + options.seed), bound_names()
    if options.add:
        again = tuple(prefix + "/" for source in options.sources.split(",") for prefix in PREFIXES[source])
        suite.keep(lambda case: not case["id"].startswith(again))
    for source in options.sources.split(","):
        module = importlib.import_module("cases." + source)
        suite_writer.MAX_ELEMENTS = options.max_elements if source != "train" else 20000  # whole runs need room
        module.add_cases(suite, known, options.limit or SOURCES[source], re.compile(options.only).search, options.seed)
        print(f"{source}: {len(suite.cases)} cases so far")
    suite.save()
    if options.only_supported:
        runner = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/parity_runner"
        lines = subprocess.run([runner, options.folder], capture_output=True, text=True).stdout.splitlines()
        unknown = {line.rsplit(": ", 1)[1] for line in lines if line.startswith("unsupported: ") and any(words in line for words in LEFT_OUT)}
        suite.keep(lambda case: case["id"] not in unknown)
        suite.save()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""usage: make_cases.py FOLDER [--only REGEX] [--limit N] [--sources op_db,...] [--max-elements N] [--only-supported]

Makes a suite of comparison cases with the PyTorch that is installed, for every name that the runner binds."""

import argparse
import importlib
import pathlib
import re
import subprocess
import warnings

import torch

import suite_writer
from coverage import bound_names
from suite_writer import Suite

SOURCES = ["op_db", "fuzz", "errors", "modules", "optim", "schedulers", "random", "train"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int, default=24)
    parser.add_argument("--sources", default=",".join(SOURCES))
    parser.add_argument("--max-elements", type=int, default=20000, help="leave out cases with larger tensors")
    parser.add_argument("--only-supported", action="store_true", help="drop the cases that the runner does not know")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    suite, known = Suite(options.folder), bound_names()
    for source in options.sources.split(","):
        module = importlib.import_module("cases_" + source)
        suite_writer.MAX_ELEMENTS = options.max_elements if source != "train" else 20000  # whole runs need room
        module.add_cases(suite, known, options.limit, re.compile(options.only).search)
        print(f"{source}: {len(suite.cases)} cases so far")
    suite.save()
    if options.only_supported:
        runner = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/parity_runner"
        lines = subprocess.run([runner, options.folder], capture_output=True, text=True).stdout.splitlines()
        unknown = {line.rsplit(": ", 1)[1] for line in lines if line.startswith("unsupported: ")}
        suite.keep(lambda case: case["id"] not in unknown)
        suite.save()


if __name__ == "__main__":
    main()

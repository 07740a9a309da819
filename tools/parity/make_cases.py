#!/usr/bin/env python3
"""usage: make_cases.py FOLDER [--only REGEX] [--limit N] [--sources op_db,...]

Makes a suite of comparison cases with the PyTorch that is installed, for every name that the runner binds."""

import argparse
import importlib
import re
import warnings

import torch

from coverage import bound_names
from suite_writer import Suite

SOURCES = ["op_db", "modules", "runs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--only", default="")
    parser.add_argument("--limit", type=int, default=24)
    parser.add_argument("--sources", default=",".join(SOURCES))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    suite, known = Suite(options.folder), bound_names()
    for source in options.sources.split(","):
        module = importlib.import_module("cases_" + source)
        module.add_cases(suite, known, options.limit, re.compile(options.only).search)
        print(f"{source}: {len(suite.cases)} cases so far")
    suite.save()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""usage: make_docs.py [--live FOLDER]

Writes docs/parity.md from what the case runner says about the committed cases and, if a folder is named, about a suite that
make_cases.py made there."""

import argparse
import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNNER = ROOT / "build/release/bin/parity_runner"
COMMITTED = sorted((ROOT / "tests/parity").iterdir())

HEAD = """# The same numbers as PyTorch

Made by `tools/parity/make_docs.py` from the output of the case runner; do not edit.

Ember is compared with PyTorch 2.13.0 (CPU) case by case: a case holds the arguments of a call and what PyTorch made of them, values,
gradients, states and random numbers. `tools/parity/run.sh DIR [--strict]` runs a folder of cases and needs no Python;
`python3 tools/parity/make_cases.py DIR` makes a folder, some 18,000 cases, with the PyTorch that is installed; `tests/live/parity.sh` makes and
runs one. Its makers:

| maker | cases from |
| --- | --- |
| `cases/op_db.py` | PyTorch's own database of operators: sample inputs in all five dtypes, error inputs, methods, in-place forms, aliases |
| `cases/fuzz.py` (`draw/`) | random arguments for every function: shapes with 0 and 1, strides, dtypes, ties, NaN and infinities; also what PyTorch refuses |
| `cases/errors.py`, `cases/found.py` | error texts, word for word; mistakes that were once found |
| `cases/limits.py` | the last arguments that a function takes and the first that it refuses |
| `cases/modules.py` | PyTorch's database of modules with its error inputs, then every module with random arguments, in training and evaluation; states that do not fit |
| `cases/optim.py` | PyTorch's database of optimisers with its error inputs, then random settings, groups, missing gradients |
| `cases/schedulers.py` | every scheduler with random arguments, sequences in sequences, the momentum that cycles along |
| `cases/random.py` | sequences of everything that draws, construction of every module, dropout masks, loaders with every option and sampler, bit for bit |
| `cases/train.py` | whole training runs of 50 steps |

The results hold for x86-64 and PyTorch on its CPU kernels, in the five dtypes that Ember has. The random numbers, masks and initial weights are equal bit by bit; sums are not, since
PyTorch's own depend on the processor and the number of threads: the tolerances below say by how much. `tests/integration/instruction_sets.sh` runs the unit tests on the other
instruction sets. Left out: half precision, complex numbers, sparse and quantised tensors, other devices, because Ember has none of them.
"""

TAIL = """
## Tolerances

The default is 1.3e-6 relative + 1e-5 absolute for float32, 1e-7 + 1e-7 for float64; integers, bools, random numbers and initial states
are exact; learning rates 1e-9 + 1e-12. Wider ones, and why:

* **Functions and modules in float32 that cancel** ({wider_cases} of the committed cases, the most {wider_name} with {wider_rtol:.1e} relative): the maker runs
  PyTorch in float64 too. Where PyTorch's own float32 result is farther from that than a quarter of the default, the case allows four
  times the distance: no more than PyTorch itself is off by.
* **Training runs**: 1e-4 relative + 1e-5 after 50 steps in float32, 1e-10 + 1e-10 in float64. A run in which PyTorch itself, begun from
  weights that differ in their last bits, ends somewhere else is not a case.

## Where Ember is better on purpose

* A refused call changes nothing. PyTorch's batch norm has counted the batch (`num_batches_tracked`) before it refuses a single value
  per channel.
* Batch norm and `var` of large means: statistics accumulate in float64, where PyTorch's float32 cancels.
* `sqrt` is correctly rounded; that of PyTorch's wheel is MKL's and is not. Adam, RMSprop and Adagrad agree up to it.
* Groups whose values are all equal normalise to exactly 0; PyTorch leaves rounding noise that `1/sqrt(eps)` magnifies.
* `batch_norm` with strided weights, or evaluated on channels-last data of width 1: PyTorch misreads the strides in the backward pass.
* `std(x, dim=[])`, which reduces everything: PyTorch's gradient divides by one degree of freedom less than one.
* Indices out of range raise even where nothing would be read (a result of size 0), and in `take_along_dim`, which PyTorch wraps around.
* Writing in place into an expanded tensor raises everywhere; PyTorch's `index_put_` and `baddbmm_` do not notice.
* `var_mean` of data with an infinity has that as its mean, where PyTorch's running update makes it NaN; group and layer norm of 1e30 do not
  overflow.
* `x.pow(p)` takes the exponent in double; PyTorch's vector loop rounds it to float32 first (up to 2e-6 off at 1e30), its loop for remainders does not.
* NaN in the backward pass of `elu`, `hardshrink`, `hardswish`, `hardtanh` and the like: PyTorch's vector loops and the loops for their remainders
  differ from each other; Ember treats every element as the vector loops do.
* `softsign` at infinity has the gradient 0 that its limit has, where PyTorch computes inf/inf.
* NaN and infinities within a convolution reach the outputs they belong to, and may reach more: Winograd's tiles share their inputs, and
  an infinite weight meets the zeros of the padding or is never multiplied by them. PyTorch's kernels differ from each other in this, too.
* Every loss has the gradient of its target; PyTorch's `soft_margin_loss` refuses it.
"""


def table_of(folder):
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        run = subprocess.run([RUNNER, folder, "--json", file.name], capture_output=True, text=True)
        return json.load(open(file.name)), run.stdout.splitlines()[-1]


def together(tables):
    """One table for several folders."""
    kinds, names = {}, {}
    for table in tables:
        for kind, row in table["kinds"].items():
            sums = kinds.setdefault(kind, {"passed": 0, "failed": 0, "skipped": 0})
            for key in sums:
                sums[key] += row[key]
        for name, row in table["names"].items():
            seen = names.setdefault(name, row)
            if seen is not row:
                seen["passed"] += row["passed"]
                seen["worst"] = max(seen["worst"], row["worst"])
                seen.setdefault("wider", row.get("wider")) if "wider" in row else None
    total = {key: sum(row[key] for row in kinds.values()) for key in ("passed", "failed", "skipped")}
    return {"kinds": kinds, "names": names}, f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped"


def made_by(folder):
    with open(folder / "tensors.safetensors", "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        return json.loads(file.read(size))["__metadata__"]["made_by"]


def kinds(title, table, summary):
    lines = [f"\n{title}: {summary}.\n", "| kind | passed | failed | skipped |", "| --- | --- | --- | --- |"]
    lines += [f"| {kind} | {row['passed']} | {row['failed']} | {row['skipped']} |" for kind, row in sorted(table["kinds"].items())]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", type=pathlib.Path)
    options = parser.parse_args()
    golden, golden_line = together(table_of(folder)[0] for folder in COMMITTED)
    live, live_line = table_of(options.live) if options.live else ({"names": {}, "kinds": {}}, "")
    text = HEAD + "\n## Results\n" + kinds(f"**Committed cases** (the folders of `tests/parity`, made by {made_by(COMMITTED[0])})", golden, golden_line)
    if options.live:
        text += kinds(f"**A large suite made afresh** (by {made_by(options.live)})", live, live_line)
    text += "\n## Name by name\n\nCases passed, and the worst error in units of the case's tolerance (1 would fail).\n\n"
    text += "| name | committed |" + (" made afresh |" if options.live else "") + " worst error |\n" + "| --- " * (4 if options.live else 3) + "|\n"
    for name in sorted({*golden["names"], *live["names"]}):
        rows = [table["names"].get(name, {"passed": 0, "worst": 0}) for table in (golden, live)]
        passed = [str(row["passed"] or "") for row in (rows if options.live else rows[:1])]
        text += f"| {name} | {' | '.join(passed)} | {max(r['worst'] for r in rows):.2g} |\n"
    wider = {name: row["wider"] for name, row in golden["names"].items() if "wider" in row and not name.startswith("(")}
    widest = max(wider, key=lambda name: wider[name]["rtol"])
    text += TAIL.format(wider_cases=sum(row["cases"] for row in wider.values()), wider_name=f"`{widest}`", wider_rtol=wider[widest]["rtol"])
    (ROOT / "docs/parity.md").write_text(text)
    print(f"docs/parity.md: {len(golden['names'])} names, {golden_line}")


if __name__ == "__main__":
    main()

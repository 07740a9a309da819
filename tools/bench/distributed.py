"""Data-parallel training on two ranks: beside two threads, beside PyTorch's DistributedDataParallel on gloo, and what the measured way between ranks
means for 8 to 64 of them. Called by distributed.sh with the path of distributed_peer.

Every configuration runs in processes of its own, the repetitions in turn; the least step counts. `communication` is what a step takes longer than the
same step of the same ranks without the exchange (no_sync), measured in turn within one process; `hidden` the part of the time that gradients are under
way during which backward goes on.
"""
import argparse
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NETS = {"W4": 64, "W6": 32, "W7": 32}  # and the batch
# What a network adds to this machine's loopback: the most bytes a second, and seconds for a message.
NETWORKS = {"10 Gbit/s": (1.25e9, 10e-6), "1 Gbit/s": (0.117e9, 50e-6)}
RANKS = (8, 16, 32, 64)


def launcher(*more):
    """mpirun for two ranks of this machine: Open MPI refuses the root user and more ranks than cores unless it is told."""
    mpirun = os.environ.get("EMBER_MPIRUN", "mpirun")
    words = [mpirun]
    if "Open MPI" in subprocess.run([mpirun, "--version"], capture_output=True, text=True).stdout:
        words += ["--oversubscribe", *more] + (["--allow-run-as-root"] if os.getuid() == 0 else [])
    return words + ["-n", "2"]


def ask(command, threads=1):
    """The line of JSON that rank 0 writes, or None."""
    environment = {**os.environ, "EMBER_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    try:
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    except subprocess.TimeoutExpired:
        return None
    lines = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else None


def measure(peer, net, modes, options):
    """{configuration: its figures at the repetition with the least step, with the least of each time}."""
    seconds = str(options.seconds)
    torch = [sys.executable, os.path.join(HERE, "distributed_torch.py")]
    commands = {"two threads": ([peer, net, seconds], 2), "one thread": ([peer, net, seconds], 1),
                "two ranks": ([*launcher(), peer, net, seconds], 1)}
    for mode in modes:
        commands[f"{mode} two threads"] = ([*torch, mode, net, seconds, "1"], 2)
        commands[f"{mode} two ranks"] = ([*torch, mode, net, seconds, "2"], 1)
    best = {}
    for _ in range(options.repetitions):
        for name, command in commands.items():
            figures = ask(*command)
            if figures and (name not in best or figures["step"] < best[name]["step"]):
                figures["alone"] = min(figures["alone"], best[name]["alone"] if name in best else math.inf)
                best[name] = figures
            elif figures:
                best[name]["alone"] = min(best[name]["alone"], figures["alone"])
    return best


def share(part, whole):
    return f"{100 * max(0.0, part) / whole:.0f} %" if whole else "-"


def milliseconds(us):
    return f"{us / 1000:.2f}" if us < 9950 else f"{us / 1000:.1f}"


def measured_table(results, modes):
    yield "| | 1 rank x 2 threads | 2 ranks x 1 thread | communication | under way | hidden | a rank's memory | " + " | ".join(
        f"{mode}: 1 x 2 threads | DDP, 2 x 1 thread | communication | a rank's memory" for mode in modes) + " |"
    yield "|" + " --- |" * (7 + 4 * len(modes))
    for net, r in results.items():
        if "two ranks" not in r or "two threads" not in r:
            continue
        two = r["two ranks"]
        cells = [net, milliseconds(r["two threads"]["step"]), milliseconds(two["step"]), share(two["step"] - two["alone"], two["step"]),
                 milliseconds(two["under_way"]), share(two["under_way"] - two["waited"], two["under_way"]), f"{two['peak'] / 1024:.0f} MiB"]
        for mode in modes:
            one, ddp = r.get(f"{mode} two threads"), r.get(f"{mode} two ranks")
            cells += [milliseconds(one["step"]), milliseconds(ddp["step"]), share(ddp["step"] - ddp["alone"], ddp["step"]),
                      f"{ddp['peak'] / 1024:.0f} MiB"] if one and ddp else ["-"] * 4
        yield "| " + " | ".join(cells) + " |"


def exposed(step, size, ranks, latency, bandwidth):
    """Seconds of a step in which ranks do nothing but communicate. A sum of P bytes over k ranks takes 2 P (k - 1) / (k B) + 2 L log2 k (reduce-scatter and
    all-gather). Backward, two thirds of the step, hides it but for the last bucket of 1 MB at most; the buffers before the forward (L log2 k) and the
    agreement on used parameters at the end (L log2 k) are not hidden."""
    def total(p):
        return 2 * p * (ranks - 1) / (ranks * bandwidth) + 2 * latency * math.log2(ranks)
    return max(total(size) - step * 2 / 3, total(min(size, 1 << 20))) + 2 * latency * math.log2(ranks)


def arithmetic_table(results, latency, bandwidth):
    yield "| | step of a rank | parameters | network | " + " | ".join(f"{k} ranks" for k in RANKS) + f" | samples a rank for 80 % at {RANKS[-1]} |"
    yield "|" + " --- |" * (5 + len(RANKS))
    for net, r in results.items():
        if "one thread" not in r or "two ranks" not in r:
            continue
        step, size = r["one thread"]["step"] / 1e6, r["two ranks"]["bytes"]
        for network, (most, wire) in NETWORKS.items():
            def efficiency(ranks, batch=NETS[net]):
                own = step * batch / NETS[net]
                return own / (own + exposed(own, size, ranks, latency + wire, min(most, bandwidth)))
            enough = next((b for b in (1 << i for i in range(20)) if efficiency(RANKS[-1], b) >= 0.8), None)
            yield (f"| {net} | {milliseconds(step * 1e6)} ms for {NETS[net]} | {size / 1e6:.2f} MB | {network} | " +
                   " | ".join(f"{100 * efficiency(k):.0f} %" for k in RANKS) + f" | {enough} |")


def main():
    parser = argparse.ArgumentParser(prog="distributed.sh", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("peer", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=1, help="for each repetition of a configuration")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--modes", default="torch,torch_channels_last", help="of PyTorch, as in torch_peer.py; '' for none")
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    options = parser.parse_args()
    modes = [mode for mode in options.modes.split(",") if mode]
    if subprocess.run([sys.executable, "-c", "import torch.distributed as d, sys; sys.exit(not d.is_gloo_available())"], capture_output=True).returncode:
        print("PyTorch with gloo is not installed: Ember alone", file=sys.stderr)
        modes = []
    results = {net: measure(options.peer, net, modes, options) for net in NETS}
    ways = {"shared memory": ask([*launcher(), options.peer, "link", "1"]),
            "TCP on this machine": ask([*launcher("--mca", "btl", "tcp,self"), options.peer, "link", "1"])}
    print("\nTraining step in milliseconds, the same batch in all columns:\n")
    print("\n".join(measured_table(results, modes)))
    print()
    for name, way in ways.items():
        if way:
            print(f"{name}: {way['small']:.0f} us for a small message, {way['bytes'] / way['large'] / 1000:.2f} GB/s")
    tcp = ways["TCP on this machine"]
    if tcp:
        print("\nShare of the time in which ranks compute, each with the batch of the row, one thread a rank:\n")
        print("\n".join(arithmetic_table(results, tcp["small"] / 1e6, tcp["bytes"] / tcp["large"] * 1e6)))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"nets": results, "ways": ways}, file, indent=1)


if __name__ == "__main__":
    main()

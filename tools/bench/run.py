"""Runs Ember and its peers side by side: one process for each, repetitions interleaved, one at work at a time.

Called by run.sh. Peers: torch (eager), torch_fused (fused optimisers, jemalloc when it is there), torch_channels_last,
torch_compile, libtorch. Those that are not installed are left out and named. The table gives the minimum over all repetitions in
microseconds, how many times faster Ember is than the best peer, and its share of the machine's limit.
"""
import argparse
import ctypes.util
import html
import json
import math
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TORCH_PEERS = ["torch", "torch_fused", "torch_channels_last", "torch_compile"]

# Microseconds on one thread and on two that an ideal fused implementation would need on a 2-core Zen 4 (116 GFLOP/s a core): every
# multiply-add at the FMA peak and the memory passes that are left, with 3x3 convolutions of 16 channels and more as F(2x2,3x3).
LIMITS = {"W1": (0.2, 0.2), "W2": (29, 15), "W3": (656, 333), "W4": (2300, 1200), "W5": (2800, 1400), "W6": (49000, 28000),
          "W7": (86000, 46000), "W8": (687, 350)}


class Peer:
    """A process that measures one row at a time when asked to."""

    def __init__(self, command, environment=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env={**os.environ, **(environment or {})})

    def ask(self, *words):
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("the process ended")
        return answer.rstrip("\n")


def jemalloc():
    for path in ("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", ctypes.util.find_library("jemalloc")):
        if path and os.path.exists(path):
            return {"LD_PRELOAD": path, "MALLOC_CONF": "oversize_threshold:1,background_thread:true,metadata_thp:auto"}
    return {}


def start_peers(wanted, build):
    """The peers that run here, by name, and the names of those that do not."""
    peers, missing = {}, []
    has_torch = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0
    for name in wanted:
        if name in TORCH_PEERS and has_torch:
            environment = jemalloc() if name == "torch_fused" else {}
            peers[name] = Peer([sys.executable, os.path.join(HERE, "torch_peer.py"), name], environment)
        elif name == "libtorch" and os.path.exists(os.path.join(build, "bin/libtorch_peer")):
            peers[name] = Peer([os.path.join(build, "bin/libtorch_peer")])
        else:
            missing.append(name)
    return peers, missing


def measure_row(name, threads, processes, repetitions, seconds):
    """Minimum for each process that has the row; processes that fail are left out."""
    best = {}
    for _ in range(repetitions):
        for peer, process in processes.items():
            if best.get(peer, 0) is None:
                continue
            try:
                answer = process.ask("run", name, str(threads), str(seconds))
            except (RuntimeError, BrokenPipeError):
                answer = "none"
            if answer == "none":
                best[peer] = None
                continue
            minimum = float(answer.split()[0])
            best[peer] = min(best.get(peer) or minimum, minimum)
            time.sleep(0.02)  # the other's spinning threads go to sleep
    return {peer: value for peer, value in best.items() if value}


def print_row(name, threads, ember, peers):
    fastest = min(peers, key=peers.get) if peers else None
    ratio = f"{peers[fastest] / ember:7.2f}x  {fastest} {peers[fastest]:.1f}" if fastest else ""
    share = f"  {100 * LIMITS[name][threads - 1] / ember:.0f} % of the Zen 4 limit" if name in LIMITS and threads in (1, 2) else ""
    print(f"{name:42s} {threads}  {ember:12.2f}  {ratio}{share}", flush=True)


def draw(results, path):
    """A bar for each row: how many times faster than the best peer Ember is, on a logarithmic scale."""
    rows = [(f"{r['name']}, {r['threads']} thread{'s' if r['threads'] > 1 else ''}", min(r["peers"].values()) / r["ember_us"])
            for r in results if r["peers"]]
    left, wide, high = 290, 640, 18
    scale = lambda ratio: wide * (math.log2(max(ratio, 0.25)) + 2) / 7
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + wide + 70}" height="{high * len(rows) + 46}" '
             f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
             f'<text x="{left}" y="16">times faster than the fastest peer</text>']
    for mark in (0.25, 0.5, 1, 2, 4, 8, 16, 32):
        x = left + scale(mark)
        parts.append(f'<line x1="{x}" x2="{x}" y1="36" y2="{high * len(rows) + 40}" stroke="{"black" if mark == 1 else "#ddd"}"/>'
                     f'<text x="{x}" y="32" text-anchor="middle" fill="#666">{mark:g}</text>')
    for i, (label, ratio) in enumerate(rows):
        y = 40 + high * i
        colour = "#d9622b" if ratio >= 1 else "#888"
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(label)}</text>'
                     f'<rect x="{left}" y="{y + 2}" width="{max(1, scale(min(ratio, 32)))}" height="{high - 5}" fill="{colour}"/>'
                     f'<text x="{left + scale(min(ratio, 32)) + 6}" y="{y + 12}">{ratio:.2f}</text>')
    with open(path, "w") as file:
        file.write("\n".join(parts) + "</svg>\n")


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    parser.add_argument("--svg", metavar="FILE", help="also draw them there as bars")
    parser.add_argument("--threads", metavar="N", type=int, help="only this number of threads (default: 1 and 2)")
    parser.add_argument("--filter", metavar="REGEX", default="", help="only rows whose name matches")
    parser.add_argument("--peers", metavar="LIST", default=",".join(TORCH_PEERS[:3] + ["libtorch"]), help="separated by commas; '' for none")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each repetition of a row")
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), help=argparse.SUPPRESS)
    options = parser.parse_args()

    ember = Peer([os.path.join(options.build, "bin/ember_peer")])
    peers, missing = start_peers([p for p in options.peers.split(",") if p], options.build)
    for name in missing:
        print(f"not installed, left out: {name}")
    rows = [name for name in ember.ask("list").split("\t") if re.search(options.filter, name)]
    thread_counts = [options.threads] if options.threads else [1, 2]
    print(f"{'row':42s} {'t':1s}  {'Ember us':>12s}  best peer / Ember")
    results = []
    for name in rows:
        for threads in thread_counts:
            best = measure_row(name, threads, {"ember": ember, **peers}, options.repetitions, options.seconds)
            if "ember" not in best:
                continue
            mine = best.pop("ember")
            print_row(name, threads, mine, best)
            results.append({"name": name, "threads": threads, "ember_us": mine, "peers": best})
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    if options.svg:
        draw(results, options.svg)


main()

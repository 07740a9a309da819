"""Runs Ember and its peers side by side: one process for each, repetitions interleaved, one at work at a time.

Called by run.sh. Peers: torch (eager), torch_fused (fused optimisers, jemalloc when it is there), torch_channels_last,
torch_compile, libtorch. Those that are not installed are left out and named. The table gives the minimum over all repetitions in
microseconds, and how many times faster Ember is than the best peer.
"""
import argparse
import ctypes.util
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TORCH_PEERS = ["torch", "torch_fused", "torch_channels_last", "torch_compile"]


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
    print(f"{name:42s} {threads}  {ember:12.2f}  {ratio}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
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


main()

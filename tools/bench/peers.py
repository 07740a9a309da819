"""The processes that are measured: Ember and its peers, each alone in a process that answers `run ROW THREADS SECONDS`."""
import ctypes.util
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TORCH_PEERS = ["torch", "torch_fused", "torch_channels_last", "torch_compile"]
ALL_PEERS = TORCH_PEERS + ["libtorch", "jax", "openblas"]

# What keeps each process from newer instructions. PyTorch and JAX have nothing below AVX2 to choose.
ISAS = {"v2": {"EMBER_ISA": "v2"},
        "v3": {"EMBER_ISA": "v3", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
               "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}}


class Process:
    """Measures one row at a time when asked to."""

    def __init__(self, command, environment=None, cpus=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, **(environment or {})},
                                        preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)

    def ask(self, *words):
        """The answer's words; empty when the process does not have the row or has ended."""
        try:
            self.process.stdin.write("\t".join(words) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().rstrip("\n")
        except BrokenPipeError:
            answer = ""
        return [] if answer in ("", "none") else answer.split("\t" if words[0] == "list" else None)


class Products:
    """Matrix products by OpenBLAS, or by Ember's own tiles: Ember itself with that provider."""

    def __init__(self, command, provider):
        self.process = Process(command, {"EMBER_GEMM": provider})

    def ask(self, verb, name, threads, seconds):
        return self.process.ask(verb, name, threads, seconds) if name.startswith("matmul") else []


class ByThreads:
    """JAX takes its number of threads from the processors that it may use at its start: a process for each number."""

    def __init__(self, command):
        self.command, self.processes = command, {}

    def ask(self, verb, name, threads, seconds):
        if threads not in self.processes:
            cpus = sorted(os.sched_getaffinity(0))[:int(threads)]
            self.processes[threads] = Process(self.command, {"NPROC": threads, "PJRT_NPROC": threads}, cpus)
        return self.processes[threads].ask(verb, name, threads, seconds)


def jemalloc():
    """What PyTorch's tuning guide recommends, where it is installed."""
    for path in ("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", ctypes.util.find_library("jemalloc")):
        if path and os.path.exists(path):
            return {"LD_PRELOAD": path, "MALLOC_CONF": "oversize_threshold:1,background_thread:true,metadata_thp:auto"}
    return {}


def can_import(module):
    return subprocess.run([sys.executable, "-c", "import " + module], capture_output=True).returncode == 0


def start(wanted, build):
    """Ember and the peers that run here, by name, and the names of those that do not."""
    processes, missing = {"ember": Process([os.path.join(build, "bin/ember_peer")])}, []
    has_torch = any(name in TORCH_PEERS for name in wanted) and can_import("torch")
    for name in wanted:
        if name in TORCH_PEERS and has_torch:
            processes[name] = Process([sys.executable, os.path.join(HERE, "torch_peer.py"), name], {} if name == "torch" else jemalloc())
        elif name == "libtorch" and os.path.exists(os.path.join(build, "bin/libtorch_peer")):
            processes[name] = Process([os.path.join(build, "bin/libtorch_peer")], jemalloc())
        elif name == "jax" and can_import("jax"):
            processes[name] = ByThreads([sys.executable, os.path.join(HERE, "jax_peer.py")])
        elif name == "own" or name == "openblas" and ctypes.util.find_library("openblas"):
            processes[name] = Products([os.path.join(build, "bin/ember_peer")], name)
        else:
            missing.append(name)
    return processes, missing


def measure(row, threads, processes, repetitions, seconds):
    """For each process that has the row: the minimum and the median of its repetitions, which take turns."""
    runs = {}
    for _ in range(repetitions):
        for name, process in processes.items():
            if runs.get(name) == []:
                continue
            answer = process.ask("run", row, str(threads), str(seconds))
            if not answer:
                runs[name] = []
                continue
            runs.setdefault(name, []).append((float(answer[0]), float(answer[1])))
            time.sleep(0.02)  # the other's spinning threads go to sleep
    return {name: (min(low for low, _ in times), sorted(middle for _, middle in times)[len(times) // 2])
            for name, times in runs.items() if times}

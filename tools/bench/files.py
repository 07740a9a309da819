"""Loading and saving a state_dict, Ember beside PyTorch, safetensors and NumPy. usage: files.py PEER [FOLDER] [MEGABYTES, 500] [pt] [safetensors] [npz]

Each time is the minimum over repetitions that alternate between the two, each in a fresh process, with the file in the page cache; "cpu" is
the processor's time in it (all of both sides run on one thread), which a busy machine disturbs less than the clock.
Ember's save always flushes to disk before it renames; the other side is shown without and with os.fsync. The peak of memory is the
process' resident set (ru_maxrss) after the call less what it was before; a save's tensors are there already.
"""
import os, resource, subprocess, sys, time

REPETITIONS = int(os.environ.get("REPETITIONS", 5))


def weights(megabytes):
    import torch
    return {f"layers.{i}.weight": torch.randn(1024, 1024) for i in range(megabytes // 4)}


def child(what, path, megabytes):
    """What files_peer does, by the libraries of Python."""
    import torch
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ending = path.rsplit(".", 1)[1]
    if ending == "safetensors":
        import safetensors.torch as safe
    if ending == "npz":
        import numpy as np
    state = weights(megabytes) if what.startswith("save") else None
    torch.load, torch.save  # imported by now
    before, busy, start = peak(), time.process_time(), time.perf_counter()
    if what in ("load", "map"):
        if ending == "pt":
            state = torch.load(path, weights_only=True, mmap=what == "map")
        elif ending == "safetensors":
            state = safe.load_file(path)
            if what == "load":  # maps the file: a copy is what "load" means in the other rows
                state = {k: v.clone() for k, v in state.items()}
        else:
            with np.load(path) as file:
                state = {k: torch.from_numpy(file[k]) for k in file}
    else:
        if ending == "pt":
            torch.save(state, path)
        elif ending == "safetensors":
            safe.save_file(state, path)
        else:
            np.savez(path, **{k: v.numpy() for k, v in state.items()})
        if what == "save+fsync":
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.close(file)
    print(time.perf_counter() - start, time.process_time() - busy, before, peak())


def once(command):
    seconds, busy, before, after = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(busy), int(after) - int(before)


def compare(title, ours, theirs):
    """Best times and largest peaks of both."""
    results = [once(side) for _ in range(REPETITIONS) for side in (ours, theirs)]
    sides = results[::2], results[1::2]
    (t, u), (c, d) = ([min(r[i] for r in side) for side in sides] for i in (0, 1))
    m, n = (max(r[2] for r in side) / 2**20 for side in sides)
    print(f"{title:<38} {t * 1e3:>8.1f} {u * 1e3:>8.1f} {u / t:>6.2f}   {c * 1e3:>8.1f} {d * 1e3:>8.1f} {d / c:>6.2f}   {m:>6.0f} {n:>6.0f}", flush=True)


def main():
    if sys.argv[1] == "--child":
        return child(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    peer = sys.argv[1]
    folder = sys.argv[2] if len(sys.argv) > 2 else "."
    megabytes = int(sys.argv[3]) if len(sys.argv) > 3 else 500
    wanted = sys.argv[4:] or ["pt", "safetensors", "npz"]
    print(f"a state_dict of {megabytes} MB in {folder}\n{'':<38} {'Ember ms':>8} {'peer':>8} {'ratio':>6}   {'cpu ms':>8} {'peer':>8} {'ratio':>6}   {'MB':>6} {'peer':>6}")
    for ending, name in (("pt", "PyTorch"), ("safetensors", "safetensors"), ("npz", "NumPy")):
        if ending not in wanted:
            continue
        path = os.path.join(folder, f"ember_bench.{ending}")
        ours = lambda what: [peer, what, path, str(megabytes)]
        theirs = lambda what: [sys.executable, __file__, "--child", what, path, str(megabytes)]
        try:
            compare(f".{ending} save, {name}", ours("save"), theirs("save"))
            compare(f".{ending} save, {name} with fsync", ours("save"), theirs("save+fsync"))
            once(ours("save"))
            compare(f".{ending} load, {name}", ours("load"), theirs("load"))
            if ending != "npz":
                compare(f".{ending} load mapped, {name}", ours("map"), theirs("map"))
        finally:
            os.path.exists(path) and os.remove(path)


main()

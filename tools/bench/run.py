"""Runs Ember and its peers side by side: one process for each, repetitions interleaved, one at work at a time.

Called by run.sh. Peers: torch (PyTorch as it comes), torch_fused (fused optimisers; frozen TorchScript in inference),
torch_channels_last (that, channels-last), torch_compile (that, compiled), the last three on jemalloc when it is there; libtorch; jax;
openblas (Ember with EMBER_GEMM=openblas, for matrix products); only when it is named: own (EMBER_GEMM=own).
Those that are not installed are left out and named.

Each line gives Ember's minimum and median in microseconds, how many times faster that is than the best peer's minimum, what the machine's
limit is (limits.py) and which share of it Ember reaches.
"""
import argparse
import json
import os
import re

import families
import layers
import limits
import memory
import peers as processes_of
import report
import survey

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, "../../docs/performance.md")
BATCHES = [f"W6@{2**i}" for i in range(9)]


def keep_priority():
    """Linux groups processes by session: a negative nice counts between sessions only when the group has it, too."""
    if os.nice(0) >= 0:
        return
    try:
        os.setsid()
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(max(-19, os.nice(0) * 3)))
    except OSError:
        pass  # a leader of its session, or a kernel without groups


def arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    parser.add_argument("--threads", metavar="N", type=int, help="only this number of threads (default: 1 and 2)")
    parser.add_argument("--filter", metavar="REGEX", default="", help="only rows whose name matches")
    parser.add_argument("--peers", metavar="LIST", default=",".join(processes_of.ALL_PEERS), help="separated by commas; '' for none")
    parser.add_argument("--repetitions", metavar="N", type=int, default=5)
    parser.add_argument("--seconds", metavar="S", type=float, default=0.1, help="for each repetition of a row")
    parser.add_argument("--svg", metavar="FILE", help="also draw the ratios, of networks and operations in FILE-networks.svg and FILE-operations.svg; of a survey in FILE")
    parser.add_argument("--document", action="store_true", help="also put what was measured into docs/performance.md")
    parser.add_argument("--batches", action="store_true", help="instead: W6's training step at batch 1 to 256, and its time for one image")
    parser.add_argument("--memory", action="store_true", help="instead: peak memory of training W6 and W7, Ember and PyTorch")
    parser.add_argument("--survey", metavar=("SEED", "COUNT"), nargs=2, type=int, help="instead: COUNT layers drawn from SEED, beside PyTorch in both layouts")
    parser.add_argument("--draw", metavar="FILE", nargs="+", help="instead: the pictures and the summary of what --json wrote, several runs beside each other")
    parser.add_argument("--family", metavar="NAME", choices=sorted(families.FAMILIES), help="instead: rows of linear algebra, attention, sequences or volumes beside eager PyTorch")
    parser.add_argument("--isa", metavar="v3", choices=sorted(processes_of.ISAS), help="Ember and its peers restricted to these instructions; v3 is AVX2; v2, of before 2013, Ember alone")
    parser.add_argument("--cpu-time", action="store_true", help="one thread by the time that it had a processor: for busy machines; not for jax")
    parser.add_argument("--build", default=os.path.join(HERE, "../../build/release"), help=argparse.SUPPRESS)
    return parser.parse_args()


def run(options, rows, processes, machines):
    """The results as the JSON has them, and the limits by row and threads."""
    results, bounds = [], {}
    print(report.header())
    for name in rows:
        for threads, machine in machines.items():
            best = processes_of.measure(name, threads, processes, options.repetitions, options.seconds)
            if "ember" not in best:
                print(f"{name}: Ember does not run it")
                continue
            mine, median = best.pop("ember")
            results.append({"name": name, "threads": threads, "isa": options.isa or "", "ember_us": mine, "peers": {peer: low for peer, (low, _) in best.items()}})
            bounds[name, threads] = limits.limit(name, machine)
            print(report.line(results[-1], median, bounds[name, threads]), flush=True)
            if options.json:  # after each row: a run that is ended early leaves what it has
                with open(options.json, "w") as file:
                    json.dump(results, file, indent=1)
    return results, bounds


def time_for_an_image(results):
    for r in results:
        batch = int(r["name"].split("@")[1])
        others = ", ".join(f"{name} {value / batch:.0f}" for name, value in r["peers"].items())
        yield f"batch {batch:3d}, {r['threads']} thread{'s' if r['threads'] > 1 else ''}: {r['ember_us'] / batch:7.0f} us an image   {others}"


def draw_again(options):
    """Pictures and summaries of earlier runs: of a survey where they hold one, else of the rows."""
    runs = [r for path in options.draw for r in json.load(open(path)) if r["threads"] == (options.threads or r["threads"])]
    results = list({(r["name"], r.get("isa"), r["threads"]): r for r in runs}.values())  # of a row that was measured again, the last
    surveyed = [r for r in results if layers.is_layer(r["name"])]
    for isa in sorted({r.get("isa") or "" for r in results}):
        print(f"{report.KINDS[isa]}:")
        print("\n".join((survey.summary if surveyed else report.summary)([r for r in results if (r.get("isa") or "") == isa])))
    stem = os.path.splitext(DOCUMENT)[0]
    if options.document and surveyed:
        report.replace_between(DOCUMENT, "survey", list(survey.table(results)))
        survey.draw(results, stem + "-survey.svg")
    elif options.document:
        summary = [f"* {report.KINDS[isa]}: {line}" for isa in sorted({r.get("isa") or "" for r in results})
                   for line in report.summary([r for r in results if (r.get("isa") or "") == isa])]
        report.replace_between(DOCUMENT, "sets", list(report.side_by_side(results)) + [""] + summary)
        report.draw_both(results, stem + ".svg")
    if options.svg:
        (survey.draw if surveyed else report.draw_both)(results, options.svg)


def main():
    options = arguments()
    if options.draw:
        return draw_again(options)
    keep_priority()
    os.environ.update(processes_of.ISAS.get(options.isa, {}))
    if options.cpu_time:
        options.threads, os.environ["BENCH_CLOCK"] = 1, "thread"
    if options.survey:
        options.peers, options.repetitions, options.seconds = "torch_fused,torch_channels_last", 3, 0.03
    if options.family:
        options.peers = "torch"
    wanted = [p for p in options.peers.split(",") if p]
    if options.memory:
        held = list(memory.lines(options.build, wanted))
        print("\n".join(held))
        if options.document:
            report.replace_between(DOCUMENT, "memory", [f"    {line}" for line in held])
        return
    probe = "bench_probe_v3" if options.isa == "v3" else "bench_probe"
    machines = {t: limits.Machine(os.path.join(options.build, "bin", probe), t) for t in ([options.threads] if options.threads else [1, 2])}
    for machine in machines.values():
        print(f"this machine, {machine}")
    processes, missing = processes_of.start(wanted, options.build)
    for name in missing:
        print(f"not installed, left out: {name}")
    rows = survey.rows(*options.survey) if options.survey else families.FAMILIES[options.family] if options.family else BATCHES if options.batches else processes["ember"].ask("list")
    results, bounds = run(options, [row for row in rows if re.search(options.filter, row)], processes, machines)

    shown = survey.summary if options.survey else time_for_an_image if options.batches else report.summary
    print("\n".join(shown(results)))
    if options.svg:
        (survey.draw if options.survey else report.draw_both)(results, options.svg)
    if options.document and options.batches:
        report.replace_between(DOCUMENT, "batches", [f"    {line}" for line in time_for_an_image(results)])
    elif options.document and options.family:
        report.replace_between(DOCUMENT, options.family, list(report.family(results)))
    elif options.document:
        setting = [f"Peers: {', '.join(name for name in processes if name != 'ember')}. The machine:", ""] + [f"* {m}" for m in machines.values()] + [""]
        report.replace_between(DOCUMENT, "table", setting + list(report.markdown(results, bounds)) + [""] + [f"* {line}" for line in report.summary(results)])
        report.draw_both(results, os.path.splitext(DOCUMENT)[0] + ".svg")


main()

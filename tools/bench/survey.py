"""A survey: layers drawn from a seed (layers.py), and where Ember is behind on them."""
import math

import layers
import report

BEHIND = 0.95


def rows(seed, count):
    return [name + suffix for name in layers.draw(seed, count) for suffix in ("", " +backward")]


def summary(results):
    """For each number of threads the worst twenty, the geometric mean and the share that is behind; then who leaves the second thread idle."""
    for threads in sorted({r["threads"] for r in results}):
        counted = f"{threads} thread{'s' if threads > 1 else ''}"
        ranked = sorted((r for r in results if r["threads"] == threads and r["peers"]), key=report.ratio)
        if not ranked:
            continue
        for r in ranked[:20]:
            peer, low = report.best_peer(r)
            yield f"{report.ratio(r):5.2f}x  {counted}  {r['name']}   {report.microseconds(r['ember_us'])} us, {peer} {report.microseconds(low)}"
        behind = sum(report.ratio(r) < BEHIND for r in ranked)
        yield (f"survey, {counted}: geometric mean {report.geometric_mean(list(map(report.ratio, ranked))):.2f}, {behind} of {len(ranked)} "
               f"under {BEHIND}, worst {report.ratio(ranked[0]):.2f}")
    one = {r["name"]: r["ember_us"] for r in results if r["threads"] == 1}
    gains = sorted((one[r["name"]] / r["ember_us"], r["name"]) for r in results if r["threads"] == 2 and one.get(r["name"], 0) > 2000)
    for gain, name in gains[:10]:
        if gain < 1.6:
            yield f"two threads bring {gain:.2f}x  {name}   {report.microseconds(one[name])} us on one"


def table(results):
    """For each instruction set and number of threads what summary says in words."""
    yield "| instructions | threads | timings | geometric mean | under 0.95 | under 0.85 | worst |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for isa, threads in report.series_of(results):
        ratios = [report.ratio(r) for r in results if (r.get("isa") or "", r["threads"]) == (isa, threads) and r["peers"]]
        share = lambda bound: f"{100 * sum(value < bound for value in ratios) / len(ratios):.0f} %"
        yield (f"| {report.KINDS[isa]} | {threads} | {len(ratios)} | {report.geometric_mean(ratios):.2f} | {share(BEHIND)} | {share(0.85)} | "
               f"{min(ratios):.2f} |")


COLOURS = {"linear": "#3b7a57", "conv1d": "#7a4f9e", "conv2d": "#d9622b", "conv_transpose2d": "#2b6cd9"}


def draw(results, path):
    """A point for each timing: how many times faster than PyTorch's better layout, over the multiply-adds of the forward; a field for each instruction
    set, of the smallest number of threads."""
    sets, threads = sorted({r.get("isa") or "" for r in results}), min(r["threads"] for r in results)
    left, top, wide, high, low, most = 40, 56, 560, 380, 0.25, 32
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{(left + wide + 20) * len(sets)}" height="{top + high + 30}" font-family="sans-serif" font-size="11">'
             f'<rect width="100%" height="100%" fill="white"/><text x="12" y="16" font-size="13">drawn layers: times faster than PyTorch, over multiply-adds; '
             f'rings: forward, dots: forward and backward</text>']
    for i, (kind, colour) in enumerate(COLOURS.items()):
        parts.append(f'<circle cx="{760 + 110 * i}" cy="12" r="4" fill="{colour}"/><text x="{768 + 110 * i}" y="16">{kind}</text>')
    for i, isa in enumerate(sets):
        x0 = left + (left + wide + 20) * i
        across = lambda work: x0 + wide * (math.log10(work) - 5.4) / (9.2 - 5.4)
        up = lambda value: top + high * (1 - math.log2(min(max(value, low), most) / low) / math.log2(most / low))
        parts.append(f'<text x="{x0}" y="42">{report.KINDS[isa]}, {threads} thread{"s" if threads > 1 else ""}</text>')
        for mark in (0.25, 0.5, 1, 2, 4, 8, 16, 32):
            parts.append(f'<line x1="{x0}" x2="{x0 + wide}" y1="{up(mark):.1f}" y2="{up(mark):.1f}" stroke="{"black" if mark == 1 else "#ddd"}"/>'
                         f'<text x="{x0 - 6}" y="{up(mark) + 4:.1f}" text-anchor="end">{mark:g}</text>')
        for power in (6, 7, 8, 9):
            parts.append(f'<text x="{across(10**power):.1f}" y="{top + high + 18}" text-anchor="middle">10^{power}</text>')
        for r in results:
            if r["peers"] and (r.get("isa") or "") == isa and r["threads"] == threads:
                kind, v = layers.parse(r["name"])
                fill = COLOURS[kind] if r["name"].endswith("+backward") else "none"
                parts.append(f'<circle cx="{across(layers.multiply_adds(kind, v)):.1f}" cy="{up(report.ratio(r)):.1f}" r="3" fill="{fill}" '
                             f'stroke="{COLOURS[kind]}"><title>{r["name"]}: {report.ratio(r):.2f}</title></circle>')
    with open(path, "w") as file:
        file.write("\n".join(parts) + "</svg>\n")

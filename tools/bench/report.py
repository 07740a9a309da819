"""What the benchmark shows: lines as they are measured, a summary, a Markdown table, a bar chart."""
import html
import math
import re

SHORT = {"torch": "eager", "torch_fused": "fused", "torch_channels_last": "channels-last", "torch_compile": "compiled"}


def best_peer(result, family=""):
    """Name and microseconds of the fastest peer whose name begins so, or None."""
    return min((peer for peer in result["peers"].items() if peer[0].startswith(family)), key=lambda peer: peer[1], default=None)


def ratio(result, family=""):
    peer = best_peer(result, family)
    return peer[1] / result["ember_us"] if peer else None


def header():
    return f"{'row':42s} {'t':1s} {'Ember us':>11s} {'median':>11s} {'faster':>9s}  {'than':19s} {'limit us':>10s} {'share':>6s}   all peers"


def line(result, median, limit):
    peer = best_peer(result)
    faster = f"{ratio(result):8.2f}x  {peer[0]:19s}" if peer else " " * 30
    share = f"{limit:10.1f} {100 * limit / result['ember_us']:5.0f}%" if limit else " " * 17
    peers = ", ".join(f"{name} {value:.1f}" for name, value in result["peers"].items())
    return f"{result['name']:42s} {result['threads']} {microseconds(result['ember_us']):>11s} {microseconds(median):>11s} {faster} {share}   {peers}"


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def is_network(result):
    return re.fullmatch(r"W\d.*", result["name"]) is not None


def summary(results):
    """Geometric means by kind and number of threads, and the rows where a peer is ahead."""
    for threads in sorted({r["threads"] for r in results}):
        for kind, wanted in (("networks", True), ("single operations", False)):
            rows = [r for r in results if r["threads"] == threads and is_network(r) == wanted]
            for family, named in (("", "the best peer"), ("torch", "PyTorch's best mode and layout")):
                ratios = [ratio(r, family) for r in rows if best_peer(r, family)]
                if ratios:
                    yield f"{kind}, {threads} thread{'s' if threads > 1 else ''}: {geometric_mean(ratios):.2f} times faster than {named} (geometric mean of {len(ratios)})"
    behind = [r for r in results if r["peers"] and ratio(r) < 1]
    for r in behind:
        yield f"slower than {best_peer(r)[0]}: {r['name']}, threads {r['threads']}, {ratio(r):.2f}x"


def microseconds(value):
    return f"{value:.{3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0}f}" if value < 1000 else f"{value:,.0f}"


def markdown(results, limits):
    """One line for each row: one thread and two side by side."""
    names = list(dict.fromkeys(r["name"] for r in results))
    by_key = {(r["name"], r["threads"]): r for r in results}
    counts = sorted({r["threads"] for r in results})
    yield "| row | Ember, us | best peer, us | faster | limit, us | share of the limit |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in names:
        rows = [by_key[name, t] for t in counts if (name, t) in by_key]
        peers = [best_peer(r) for r in rows]
        shown = [f"{microseconds(p[1])} {SHORT.get(p[0], p[0])}" if p else "" for p in peers]
        bounds = [limits.get((name, r["threads"])) for r in rows]
        columns = [[microseconds(r["ember_us"]) for r in rows], shown, ["%.2fx" % ratio(r) if r["peers"] else "" for r in rows],
                   [microseconds(b) if b else "" for b in bounds],
                   ["%.0f %%" % (100 * b / r["ember_us"]) if b else "" for b, r in zip(bounds, rows)]]
        yield f"| {name} | " + " | ".join(" / ".join(column) for column in columns) + " |"


def replace_between(path, mark, lines):
    """The part of a Markdown file between <!-- mark --> and <!-- end --> becomes these lines."""
    with open(path) as file:
        text = file.read()
    begin, end = f"<!-- {mark} -->\n", "<!-- end -->"
    start = text.index(begin) + len(begin)
    text = text[:start] + "\n".join(lines) + "\n" + text[text.index(end, start):]
    with open(path, "w") as file:
        file.write(text)


def draw(results, path):
    """A bar for each row: how many times faster than the best peer Ember is, on a logarithmic scale."""
    rows = [(f"{r['name']}, {r['threads']} thread{'s' if r['threads'] > 1 else ''}", ratio(r)) for r in results if r["peers"]]
    left, wide, high, top = 310, 640, 18, 64
    scale = lambda value: wide * (math.log2(min(max(value, 0.25), top)) + 2) / 8
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + wide + 70}" height="{high * len(rows) + 46}" '
             f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
             f'<text x="{left}" y="16">times faster than the fastest peer</text>']
    for mark in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64):
        x = left + scale(mark)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="36" y2="{high * len(rows) + 40}" stroke="{"black" if mark == 1 else "#ddd"}"/>'
                     f'<text x="{x:.1f}" y="32" text-anchor="middle" fill="#666">{mark:g}</text>')
    for i, (label, value) in enumerate(rows):
        y = 40 + high * i
        start, stop = sorted((scale(1), scale(value)))  # to the right of 1 where Ember is ahead
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{html.escape(label)}</text>'
                     f'<rect x="{left + start:.1f}" y="{y + 2}" width="{max(1, stop - start):.1f}" height="{high - 5}" '
                     f'fill="{"#d9622b" if value >= 1 else "#888"}"/>'
                     f'<text x="{left + stop + 6:.1f}" y="{y + 12}">{value:.2f}</text>')
    with open(path, "w") as file:
        file.write("\n".join(parts) + "</svg>\n")

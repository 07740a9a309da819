"""What the benchmark shows: lines as they are measured, a summary, a Markdown table, a bar chart."""
import html
import math
import re

NETS = {"W1": "MLP 2-16-2", "W2": "MLP 64-128-10", "W3": "MLP 784-256-128-10", "W4": "CNN for MNIST", "W5": "LeNet-5", "W6": "ResNet-20",
        "W7": "VGG-like", "W8": "W3 with Adam", "W9": "depthwise-separable", "W10": "GAN, 28 x 28", "W11": "U-Net, 64 x 64", "W12": "1-d CNN",
        "W13": "MLP, layer norm", "W14": "autoencoder", "W15": "grouped", "W4i-1": "CNN, one image", "W4i-256": "CNN, 256 images",
        "W6i-1": "ResNet-20, one image", "W6i-64": "ResNet-20, 64 images"}
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


def family(results):
    """A Markdown table of Ember, PyTorch and how many times faster, a column for each number of threads."""
    threads = sorted({r["threads"] for r in results})
    yield "| row | " + " | ".join(f"{t} thread{'s' if t > 1 else ''}: Ember us | PyTorch us | faster" for t in threads) + " |"
    yield "| --- |" + " ---: | ---: | ---: |" * len(threads)
    for name in dict.fromkeys(r["name"] for r in results):
        cells = [f"{microseconds(r['ember_us'])} | {microseconds(best_peer(r)[1])} | {ratio(r):.2f}x" for r in results if r["name"] == name]
        yield f"| {name} | " + " | ".join(cells) + " |"


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


def titled(name):
    return f"{name} {NETS[name]}" if name in NETS else name


def side_by_side(results):
    """The networks, a column for each instruction set and what was measured with it: 1 thread / 2."""
    sets = sorted({r.get("isa") or "" for r in results})
    by_key = {(r["name"], r.get("isa") or "", r["threads"]): r for r in results if r["peers"]}
    yield "| row | " + " | ".join(f"{KINDS[isa]}: Ember, us | best peer, us | faster" for isa in sets) + " |"
    yield "| --- |" + " --- |" * 3 * len(sets)
    for name in dict.fromkeys(r["name"] for r in results if is_network(r)):
        cells = []
        for isa in sets:
            rows = [by_key[name, isa, threads] for threads in (1, 2) if (name, isa, threads) in by_key]
            cells += [[microseconds(r["ember_us"]) for r in rows], [f"{microseconds(best_peer(r)[1])} {SHORT.get(best_peer(r)[0], best_peer(r)[0])}" for r in rows],
                      ["%.2fx" % ratio(r) for r in rows]]
        yield f"| {name} | " + " | ".join(" / ".join(cell) for cell in cells) + " |"


COLOURS = {("", 1): "#d9622b", ("", 2): "#f0a97f", ("v2", 1): "#3b7a57", ("v2", 2): "#9fcfb4", ("v3", 1): "#2b6cd9", ("v3", 2): "#8fb3ee"}
KINDS = {"": "all instructions", "v2": "SSE4", "v3": "AVX2"}


def series_of(results):
    """The instruction sets and numbers of threads that were measured."""
    return sorted({(r.get("isa") or "", r["threads"]) for r in results})


def draw(results, path, columns=1, high=24):
    """For each row a bar for each instruction set and number of threads: how many times faster than the best peer Ember is, on a logarithmic scale."""
    names = list(dict.fromkeys(r["name"] for r in results if r["peers"]))
    by_key = {(r["name"], r.get("isa") or "", r["threads"]): ratio(r) for r in results if r["peers"]}
    series = series_of(results)
    label, wide, top = 12 + max((6 * len(titled(name)) for name in names), default=0), 380 if columns == 1 else 250, 60
    low, most = 0.5, min(64, 2 ** math.ceil(math.log2(max([2, *by_key.values()]))))
    scale = lambda value: wide * math.log2(min(max(value, low), most) / low) / math.log2(most / low)
    column, rows = label + wide + 130, math.ceil(len(names) / columns)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(column * columns, 250 + 165 * len(series))}" height="{top + high * rows + 12}" font-family="sans-serif" font-size="11">'
             f'<rect width="100%" height="100%" fill="white"/><text x="12" y="17" font-size="13">times faster than the fastest peer</text>']
    for i, (isa, threads) in enumerate(series):
        parts.append(f'<rect x="{250 + 165 * i}" y="8" width="10" height="10" fill="{COLOURS[isa, threads]}"/>'
                     f'<text x="{265 + 165 * i}" y="17">{KINDS[isa]}, {threads} thread{"s" if threads > 1 else ""}</text>')
    for c in range(columns):
        shown = names[c * rows:(c + 1) * rows]
        for mark in (2**k for k in range(-1, int(math.log2(most)) + 1)):
            x = column * c + label + scale(mark)
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top - 16}" y2="{top + high * len(shown)}" stroke="{"black" if mark == 1 else "#ddd"}"/>'
                         f'<text x="{x:.1f}" y="{top - 20}" text-anchor="middle" fill="#666">{mark:g}</text>')
        for i, name in enumerate(shown):
            y, each = top + high * i, (high - 4) / len(series)
            parts.append(f'<text x="{column * c + label - 6}" y="{y + high / 2 + 2}" text-anchor="end">{html.escape(titled(name))}</text>')
            values = [by_key.get((name, isa, threads)) for isa, threads in series]
            for k, value in enumerate(values):
                if value:
                    start, stop = sorted((scale(1), scale(value)))  # to the right of 1 where Ember is ahead
                    parts.append(f'<rect x="{column * c + label + start:.1f}" y="{y + each * k:.1f}" width="{max(1, stop - start):.1f}" height="{each:.1f}" '
                                 f'fill="{COLOURS[series[k]]}"/>')
            end = max([scale(1), *(scale(v) for v in values if v)])
            parts.append(f'<text x="{column * c + label + end + 5:.1f}" y="{y + high / 2 + 2}" font-size="9" fill="#444">'
                         f'{" / ".join("%.2f" % v if v < 10 else "%.0f" % v for v in values if v)}</text>')
    with open(path, "w") as file:
        file.write("\n".join(parts) + "</svg>\n")


def draw_both(results, path):
    """Networks in one picture, single operations in another."""
    stem = path.removesuffix(".svg")
    draw([r for r in results if is_network(r)], stem + "-networks.svg")
    draw([r for r in results if not is_network(r)], stem + "-operations.svg", 2, 15)

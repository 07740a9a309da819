"""A survey: layers drawn from a seed (layers.py), and where Ember is behind on them."""
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

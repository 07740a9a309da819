"""How the Python peers measure a row: one clock for all of them. clock.h is the same for C++."""

import time


def measure(step, seconds):
    """Minimum and median in microseconds of a step that is repeated for `seconds`, after a warm-up."""
    end = time.perf_counter() + max(0.05, seconds / 4)
    while time.perf_counter() < end:
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    times.sort()
    return times[0] * 1e6, times[len(times) // 2] * 1e6


def answer(step, seconds):
    """Writes the line that run.py waits for."""
    print("none" if step is None else "%.3f %.3f" % measure(step, float(seconds)), flush=True)

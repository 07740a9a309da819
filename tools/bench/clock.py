"""How the Python peers measure a row: one clock for all of them. clock.h is the same for C++."""

import os
import time

# The wall clock, or this thread's alone, which does not count what else is running.
now = time.thread_time if "BENCH_CLOCK" in os.environ else time.perf_counter


def measure(step, seconds):
    """Minimum and median in microseconds of a step that is repeated for `seconds`, after a warm-up."""
    end = now() + max(0.02, seconds / 2)
    while now() < end:
        step()
    times, end = [], now() + seconds
    while now() < end or len(times) < 5:
        start = now()
        step()
        times.append(now() - start)
    times.sort()
    return times[0] * 1e6, times[len(times) // 2] * 1e6


def answer(step, seconds):
    """Writes the line that run.py waits for."""
    print("none" if step is None else "%.3f %.3f" % measure(step, float(seconds)), flush=True)

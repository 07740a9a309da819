// How the C++ peers measure a row: one clock for all of them. clock.py is the same for Python's.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

namespace bench {

using Step = std::function<void()>;

/// Microseconds: of the wall clock, or with BENCH_CLOCK=thread of this thread alone, which does not count what else is running.
inline double now() {
  static const bool thread = std::getenv("BENCH_CLOCK") != nullptr;
  timespec t{};
  clock_gettime(thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) * 1e6 + double(t.tv_nsec) * 1e-3;
}

/// Minimum and median in microseconds of a step that is repeated for `seconds`, after a warm-up.
inline std::pair<double, double> measure(const Step& step, double seconds) {
  for (const double end = now() + std::max(2e4, seconds * 5e5); now() < end;) step();
  std::vector<double> times;
  int calls = 1;  // what is over within a microsecond is timed by the hundred: reading the clock takes 20 ns
  for (const double end = now() + seconds * 1e6; now() < end || times.size() < 5;) {
    const double start = now();
    for (int i = 0; i < calls; ++i) step();
    times.push_back((now() - start) / calls);
    if (times.back() < 1 && calls == 1) calls = 100, times.clear();
  }
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2]};
}

}  // namespace bench

// How the C++ peers measure a row: one clock for all of them. clock.py is the same for Python's.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>
#include <vector>

namespace bench {

using Step = std::function<void()>;

/// Minimum and median in microseconds of a step that is repeated for `seconds`, after a warm-up.
inline std::pair<double, double> measure(const Step& step, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto after = [](double s) { return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s)); };
  for (const auto end = after(std::max(0.05, seconds / 4)); Clock::now() < end;) step();
  std::vector<double> times;
  int calls = 1;  // what is over within a microsecond is timed by the hundred: reading the clock takes 20 ns
  for (const auto end = after(seconds); Clock::now() < end || times.size() < 5;) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) step();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count() / calls);
    if (times.back() < 1 && calls == 1) calls = 100, times.clear();
  }
  std::sort(times.begin(), times.end());
  return {times.front(), times[times.size() / 2]};
}

}  // namespace bench

// Two passes over the values of a tensor.
#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace ember;

namespace {

// Two passes over the memory, nothing beside it: a file of gigabytes is looked at without a copy.
template <class T>
Statistics of(const T* values, std::int64_t n) {
  Statistics s{.min = std::numeric_limits<double>::infinity(), .max = -std::numeric_limits<double>::infinity()};
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double v = double(values[i]);
    if (!std::isfinite(v)) {
      ++(std::isnan(v) ? s.nan : s.infinite);
      continue;
    }
    ++s.finite;
    sum += v;
    s.min = std::min(s.min, v);
    s.max = std::max(s.max, v);
  }
  s.mean = sum / double(s.finite);
  double squares = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = double(values[i]) - s.mean;
    if (std::isfinite(d)) squares += d * d;
  }
  s.std = s.finite > 1 ? std::sqrt(squares / double(s.finite - 1)) : 0;
  return s;
}

}  // namespace

Statistics statistics(const Tensor& tensor) {
  const Tensor t = tensor.detach().contiguous();
  switch (t.dtype()) {
    case kFloat32: return of(t.data<float>(), t.numel());
    case kFloat64: return of(t.data<double>(), t.numel());
    case kInt64: return of(t.data<std::int64_t>(), t.numel());
    case kUInt8: return of(t.data<std::uint8_t>(), t.numel());
    default: return of(t.data<bool>(), t.numel());
  }
}

// Copies the taps along the depth side by side, and adds their gradients back.
#include "kernels/conv/depth.h"

#include <algorithm>
#include <cstring>

#include "runtime/parallel.h"

namespace ember::kernels {
namespace {

/// Rows of `width` numbers, `from_step` and `to_step` apart. Common widths are compiled as such.
template <class T, class Row>
void for_rows(int64_t rows, int64_t width, const T* from, int64_t from_step, T* to, int64_t to_step, Row&& row) {
  const auto run = [&](auto fixed) {
    const int64_t n = fixed ? int64_t(fixed) : width;
    for (int64_t r = 0; r < rows; ++r, from += from_step, to += to_step)
      for (int64_t i = 0; i < n; ++i) row(from[i], to[i]);
  };
  switch (width) {
    case 1: return run(std::integral_constant<int64_t, 1>());
    case 8: return run(std::integral_constant<int64_t, 8>());
    case 16: return run(std::integral_constant<int64_t, 16>());
    case 32: return run(std::integral_constant<int64_t, 32>());
    default: return run(std::integral_constant<int64_t, 0>());
  }
}

/// What lies next to each other in memory is handled at once: all of a pixel's channels of one tap; with one tap, whole slices.
struct Rows {
  int64_t count, width, x_step, y_step;
  Rows(const DepthTaps& t) : count(t.pixels * t.groups), width(t.channels / t.groups), x_step(width), y_step(width * t.taps) {
    if (t.taps == 1) width *= count, count = 1;
  }
};

}  // namespace

template <class T>
void stack_depth(const DepthTaps& t, const T* x, T* y) {
  const Rows rows(t);
  const int64_t slice = t.pixels * t.channels;
  parallel_for(t.n * t.places, 1, double(t.n * t.places) * double(slice * t.taps), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t k = 0; k < t.taps; ++k) {
        const int64_t d = i % t.places * t.stride + k * t.dilation - t.padding;
        T* const to = y + i * slice * t.taps + k * (t.channels / t.groups);
        const bool inside = d >= 0 && d < t.depth;
        const T* const from = inside ? x + (i / t.places * t.depth + d) * slice : to;
        if (inside) for_rows(rows.count, rows.width, from, rows.x_step, to, rows.y_step, [](T a, T& b) { b = a; });
        else for_rows(rows.count, rows.width, from, rows.y_step, to, rows.y_step, [](T, T& b) { b = 0; });
      }
  });
}

template <class T>
void sum_depth(const DepthTaps& t, const T* y, T* x) {
  const Rows rows(t);
  const int64_t slice = t.pixels * t.channels;
  parallel_for(t.n * t.depth, 1, double(t.n * t.depth) * double(slice * t.taps), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* const to = x + i * slice;
      bool first = true;
      for (int64_t k = 0; k < t.taps; ++k) {
        const int64_t at = i % t.depth + t.padding - k * t.dilation;
        if (at < 0 || at % t.stride != 0 || at / t.stride >= t.places) continue;
        const T* const from = y + (i / t.depth * t.places + at / t.stride) * slice * t.taps + k * (t.channels / t.groups);
        if (first) for_rows(rows.count, rows.width, from, rows.y_step, to, rows.x_step, [](T a, T& b) { b = a; });
        else for_rows(rows.count, rows.width, from, rows.y_step, to, rows.x_step, [](T a, T& b) { b += a; });
        first = false;
      }
      if (first) std::fill(to, to + slice, T(0));
    }
  });
}

template void stack_depth(const DepthTaps&, const float*, float*);
template void stack_depth(const DepthTaps&, const double*, double*);
template void sum_depth(const DepthTaps&, const float*, float*);
template void sum_depth(const DepthTaps&, const double*, double*);

}  // namespace ember::kernels

// The windows of a pooling operation along its two axes.
#pragma once

#include <ember/ops/pool.h>

#include <algorithm>
#include <memory>

#include "kernels/pool/pool.h"

namespace ember {

/// The windows along one dimension.
struct Axis {
  std::vector<int64_t> start, count;
  int64_t step = 1, in = 0;
  std::vector<int64_t> divisor;  // how many positions an average counts, padding included where asked

  int64_t out() const { return int64_t(start.size()); }
  bool is_even(int64_t o, int64_t stride) const {
    return count[std::size_t(o)] == count[std::size_t(o) - 1] && start[std::size_t(o)] - start[std::size_t(o) - 1] == stride;
  }
  /// The longest run of windows of one size at one distance.
  kernels::PoolAxis view() const {
    kernels::PoolAxis axis{start.data(), count.data(), step, in, out(), 0, 0, 1, 0};
    for (int64_t begin = 0, end; begin < out(); begin = end) {
      const int64_t stride = begin + 1 < out() ? start[std::size_t(begin) + 1] - start[std::size_t(begin)] : 1;
      for (end = begin + 1; end < out() && is_even(end, stride);) ++end;
      if (end - begin > axis.even_end - axis.even_begin) axis.even_begin = begin, axis.even_end = end, axis.stride = stride;
    }
    const bool even = out() > 0 && axis.even_end - axis.even_begin == out() && (step == 1 || count[0] == 1);
    if (even && (out() == 1 || axis.stride == count[0])) axis.tiles = count[0];
    return axis;
  }
  /// Do the windows cover the axis, each position once?
  bool tiles() const {
    int64_t next = 0;
    for (std::size_t o = 0; o < start.size(); ++o) {
      if (start[o] != next || (step != 1 && count[o] > 1)) return false;
      next += count[o];
    }
    return next == in;
  }
};

/// Shared between an operation and its gradients.
struct Windows {
  Axis y, x;
  kernels::PoolAxis y_view, x_view;
  bool tiled;
  Windows(Axis ys, Axis xs) : y(std::move(ys)), x(std::move(xs)), y_view(y.view()), x_view(x.view()), tiled(y.tiles() && x.tiles()) {}
  Windows(const Windows&) = delete;
  int64_t most_taps() const {
    int64_t rows = 1, columns = 1;
    for (int64_t n : y.count) rows = std::max(rows, n);
    for (int64_t n : x.count) columns = std::max(columns, n);
    return rows * columns;
  }
  bool some_empty() const {
    return std::find(y.count.begin(), y.count.end(), 0) != y.count.end() || std::find(x.count.begin(), x.count.end(), 0) != x.count.end();
  }
  /// Windows of 2 columns and 1 or 2 rows, side by side, and nothing left over.
  bool pairs() const { return tiled && x_view.tiles == 2 && (y_view.tiles == 1 || y_view.tiles == 2); }
  int64_t outputs() const { return y.out() * x.out(); }
};
using SharedWindows = std::shared_ptr<const Windows>;

/// Of images (N, C, H, W); N = 1 takes them as lines and slides along W alone. Throws PyTorch's errors about sizes.
template <int N>
SharedWindows sliding_windows(const Tensor& images, ExpandingArray<N> kernel, ExpandingArray<N> stride, ExpandingArray<N> padding,
                              ExpandingArray<N> dilation, bool ceil_mode, bool count_padding);

/// h x w windows that share the image evenly.
SharedWindows adaptive_windows(const Tensor& images, int64_t h, int64_t w);

}  // namespace ember

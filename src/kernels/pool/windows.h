// The windows of a pooling along its two axes.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/pool/pool.h"

namespace ember::kernels {

/// The windows along one dimension.
struct WindowAxis {
  std::vector<int64_t> start, count;
  int64_t step = 1, in = 0;
  std::vector<int64_t> divisor;  // how many positions an average counts, padding included where asked

  int64_t out() const { return int64_t(start.size()); }
  bool is_even(int64_t o, int64_t stride) const {
    return count[std::size_t(o)] == count[std::size_t(o) - 1] && start[std::size_t(o)] - start[std::size_t(o) - 1] == stride;
  }
  /// The longest run of windows of one size at one distance.
  PoolAxis view() const;
  /// Do the windows cover the axis, each position once?
  bool tiles() const;
};

/// Windows that slide along a dimension.
struct Sliding {
  int64_t kernel = 1, stride = 1, padding = 0, dilation = 1;
};

/// How many windows there are along `in` positions; may be below 1 where the kernel is longer.
int64_t pooled_size(int64_t in, const Sliding& slide, bool ceil_mode);

WindowAxis sliding_axis(int64_t in, const Sliding& slide, bool ceil_mode, bool count_padding);

/// `out` windows that share `in` positions evenly.
WindowAxis adaptive_axis(int64_t in, int64_t out);

/// Shared between an operation and its gradients.
struct Windows {
  WindowAxis y, x;
  PoolAxis y_view, x_view;
  bool tiled;
  Windows(WindowAxis ys, WindowAxis xs) : y(std::move(ys)), x(std::move(xs)), y_view(y.view()), x_view(x.view()), tiled(y.tiles() && x.tiles()) {}
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

/// The windows of images of h x w positions, from one of the last calls of this thread where possible: a network asks for the same ones in
/// every step.
SharedWindows sliding_windows(int64_t h, int64_t w, const Sliding& along_y, const Sliding& along_x, bool ceil_mode, bool count_padding);

/// out_h x out_w windows that share such images evenly.
SharedWindows adaptive_windows(int64_t h, int64_t w, int64_t out_h, int64_t out_w);

}  // namespace ember::kernels

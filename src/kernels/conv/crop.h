// Taps that lie in the padding for every output, as most of a 7 x 7 kernel on an image of 2 x 2: the convolution without them.
#pragma once

#include <algorithm>

#include "kernels/conv/axis.h"
#include "runtime/scratch.h"

namespace ember::kernels {

class Crop {
 public:
  explicit Crop(const ConvShape& s) : all_(s), shape_(s) {
    if (s.oh == 0 || s.ow == 0) return;
    for (int i = 0; i < 2; ++i) {
      const Axis axis = forward_axis(s, i);
      if (axis.input(0, axis.taps - 1) < axis.in && axis.input(axis.out - 1, 0) >= 0) continue;
      // The first output meets the last taps, the last one the first.
      const int64_t end = axis.end(0), begin = std::min(axis.begin(axis.out - 1), end - 1);
      if (begin < 0 || end - begin >= axis.taps) continue;
      first_[i] = begin;
      (i == 0 ? shape_.kh : shape_.kw) = end - begin;
      shape_.padding[i] -= begin * s.dilation[i];
    }
  }
  explicit operator bool() const { return shape_.kh < all_.kh || shape_.kw < all_.kw; }
  const ConvShape& shape() const { return shape_; }  ///< of the remaining taps; the padding may be negative

  template <class T>
  Scratch<T> weights(const T* w) const {
    Scratch<T> kept(all_.o * all_.c_group() * shape_.kh * shape_.kw);
    each_tap([&](int64_t full, int64_t part) { kept[part] = w[full]; });
    return kept;
  }
  /// The gradient of all taps from that of the remaining ones.
  template <class T>
  void spread(const T* kept, T* dw) const {
    std::fill_n(dw, all_.o * all_.c_group() * all_.kh * all_.kw, T(0));
    each_tap([&](int64_t full, int64_t part) { dw[full] = kept[part]; });
  }

 private:
  template <class F>
  void each_tap(F f) const {
    int64_t part = 0;
    for (int64_t i = 0; i < all_.o * all_.c_group(); ++i)
      for (int64_t y = first_[0]; y < first_[0] + shape_.kh; ++y)
        for (int64_t x = first_[1]; x < first_[1] + shape_.kw; ++x) f((i * all_.kh + y) * all_.kw + x, part++);
  }

  ConvShape all_, shape_;
  int64_t first_[2] = {0, 0};
};

}  // namespace ember::kernels

// A convolution with random numbers, and the sum as it is defined, in float64.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/conv/conv.h"
#include "support/catch.h"
#include "support/random_numbers.h"

namespace ember::kernels {

inline ConvShape make(int64_t n, int64_t c, int64_t h, int64_t w, int64_t o, int64_t kh, int64_t kw, int64_t stride = 1, int64_t padding = 0,
                      int64_t dilation = 1, int64_t groups = 1) {
  ConvShape s{n, h, w, c, 0, 0, o, kh, kw, {stride, stride}, {padding, padding}, {dilation, dilation}, groups};
  s.oh = (h + 2 * padding - dilation * (kh - 1) - 1) / stride + 1;
  s.ow = (w + 2 * padding - dilation * (kw - 1) - 1) / stride + 1;
  return s;
}

/// The same with strides, paddings and dilations that differ between height and width.
inline ConvShape uneven(ConvShape s, int64_t stride_h, int64_t stride_w, int64_t padding_h, int64_t padding_w, int64_t dilation_h,
                        int64_t dilation_w) {
  s.stride[0] = stride_h, s.stride[1] = stride_w;
  s.padding[0] = padding_h, s.padding[1] = padding_w;
  s.dilation[0] = dilation_h, s.dilation[1] = dilation_w;
  s.oh = (s.h + 2 * padding_h - dilation_h * (s.kh - 1) - 1) / stride_h + 1;
  s.ow = (s.w + 2 * padding_w - dilation_w * (s.kw - 1) - 1) / stride_w + 1;
  return s;
}

/// Calls f(x index, w index, y index) for every product of the convolution.
template <class F>
void for_each_product(const ConvShape& s, F f) {
  const int64_t cg = s.c_group(), og = s.o_group();
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t oy = 0; oy < s.oh; ++oy)
      for (int64_t ox = 0; ox < s.ow; ++ox)
        for (int64_t ky = 0; ky < s.kh; ++ky)
          for (int64_t kx = 0; kx < s.kw; ++kx) {
            const int64_t y = oy * s.stride[0] - s.padding[0] + ky * s.dilation[0], x = ox * s.stride[1] - s.padding[1] + kx * s.dilation[1];
            if (y < 0 || y >= s.h || x < 0 || x >= s.w) continue;
            for (int64_t o = 0; o < s.o; ++o)
              for (int64_t c = 0; c < cg; ++c)
                f(((n * s.h + y) * s.w + x) * s.c + o / og * cg + c, ((o * cg + c) * s.kh + ky) * s.kw + kx, ((n * s.oh + oy) * s.ow + ox) * s.o + o);
          }
}

template <class T>
struct Problem {
  ConvShape s;
  std::vector<T> x, w, bias, dy;

  explicit Problem(const ConvShape& shape)
      : s(shape), x(random_numbers<T>(s.n * s.h * s.w * s.c, 1)), w(random_numbers<T>(s.o * s.c_group() * s.kh * s.kw, 2)),
        bias(random_numbers<T>(s.o, 3)), dy(random_numbers<T>(s.n * s.oh * s.ow * s.o, 4)) {}

  std::vector<T> forward(bool with_bias = true, bool relu = false) const {
    std::vector<T> y(dy.size(), T(NAN));
    conv_forward<T>(s, x.data(), w.data(), {.bias = with_bias ? bias.data() : nullptr, .relu = relu}, y.data());
    return y;
  }
  std::vector<T> backward_input() const {
    std::vector<T> dx(x.size(), T(NAN));
    conv_backward_input<T>(s, dy.data(), w.data(), nullptr, dx.data());
    return dx;
  }
  std::vector<T> backward_weight() const {
    std::vector<T> dw(w.size(), T(NAN));
    conv_backward_weight<T>(s, x.data(), dy.data(), dw.data());
    return dw;
  }

  std::vector<double> exact_forward() const {
    std::vector<double> y(dy.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = bias[i % std::size_t(s.o)];
    for_each_product(s, [&](int64_t i, int64_t k, int64_t j) { y[std::size_t(j)] += double(x[std::size_t(i)]) * w[std::size_t(k)]; });
    return y;
  }
  std::vector<double> exact_backward_input() const {
    std::vector<double> dx(x.size());
    for_each_product(s, [&](int64_t i, int64_t k, int64_t j) { dx[std::size_t(i)] += double(dy[std::size_t(j)]) * w[std::size_t(k)]; });
    return dx;
  }
  std::vector<double> exact_backward_weight() const {
    std::vector<double> dw(w.size());
    for_each_product(s, [&](int64_t i, int64_t k, int64_t j) { dw[std::size_t(k)] += double(x[std::size_t(i)]) * dy[std::size_t(j)]; });
    return dw;
  }
};

/// The rms of the error over the rms of the exact result.
template <class T>
double error(const std::vector<T>& got, const std::vector<double>& want) {
  REQUIRE(got.size() == want.size());
  double wrong = 0, all = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    wrong += (got[i] - want[i]) * (got[i] - want[i]);
    all += want[i] * want[i];
  }
  return want.empty() ? 0 : std::sqrt(wrong / (all + 1e-30));
}

inline std::string text(const ConvShape& s) {
  return fmt::format("n {} c {} {}x{} o {} kernel {}x{} stride {},{} padding {},{} dilation {},{} groups {}", s.n, s.c, s.h, s.w, s.o, s.kh, s.kw,
                     s.stride[0], s.stride[1], s.padding[0], s.padding[1], s.dilation[0], s.dilation[1], s.groups);
}

inline const std::vector<ConvShape> any_shapes{
    make(2, 3, 7, 9, 5, 3, 3, 1, 1),          make(1, 1, 5, 5, 1, 3, 3, 1, 0),          make(3, 16, 8, 8, 32, 3, 3, 1, 1),
    make(2, 17, 9, 6, 33, 3, 3, 1, 1),        make(2, 6, 14, 14, 16, 5, 5, 1, 0),       make(2, 1, 12, 28, 6, 5, 5, 1, 2),
    make(2, 3, 17, 19, 64, 3, 3, 1, 1),       make(2, 16, 9, 9, 24, 3, 3, 2, 1),        make(2, 16, 8, 8, 24, 3, 3, 2, 1),
    make(2, 5, 11, 13, 7, 3, 2, 3, 1),        make(1, 4, 15, 15, 9, 3, 3, 2, 2, 2),     make(1, 4, 16, 15, 9, 3, 3, 3, 2, 2),
    make(2, 20, 6, 5, 40, 1, 1, 1, 0),        make(2, 20, 7, 6, 40, 1, 1, 2, 0),        make(2, 8, 6, 5, 4, 1, 1, 1, 1),
    make(2, 12, 7, 7, 18, 3, 3, 1, 1, 1, 3),  make(2, 16, 9, 7, 16, 3, 3, 1, 1, 1, 16), make(2, 21, 9, 7, 21, 3, 3, 2, 1, 1, 21),
    make(1, 18, 9, 7, 36, 5, 3, 1, 2, 1, 18), make(2, 64, 5, 5, 64, 3, 3, 1, 1, 2, 64), make(2, 8, 7, 7, 24, 3, 3, 1, 0, 2, 8),
    make(1, 3, 1, 30, 8, 1, 5, 1, 0),         make(2, 2, 4, 4, 3, 4, 4, 1, 3),          make(1, 2, 3, 3, 3, 2, 2, 1, 4),
    make(4, 64, 8, 8, 3, 3, 3, 1, 1),         make(2, 40, 7, 8, 2, 3, 3, 1, 1),         make(2, 16, 10, 9, 1, 3, 3, 1, 1),
    make(2, 3, 20, 18, 10, 7, 7, 2, 3),       make(2, 16, 6, 6, 8, 2, 2, 2, 0),         make(3, 9, 10, 10, 4, 3, 3, 1, 1),
    make(2, 2, 9, 40, 5, 3, 3, 1, 1),         make(2, 3, 13, 37, 4, 5, 3, 1, 2, 2),     make(9, 6, 14, 14, 16, 5, 5, 1, 0),
    make(17, 5, 7, 9, 13, 5, 7, 1, 3),        make(33, 3, 5, 6, 9, 5, 5, 1, 4),         make(8, 2, 3, 3, 12, 2, 9, 1, 6),
    make(2, 16, 9, 9, 24, 3, 3, 1, 1, 1, 4),  make(1, 24, 8, 7, 20, 2, 5, 1, 0, 1, 2),  make(2, 40, 13, 6, 18, 3, 3, 1, 2, 1, 2)};

}  // namespace ember::kernels

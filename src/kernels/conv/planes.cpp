// A unit is an image and a group, or of few of them a part of its channels: what is added to is one thread's.
#include "kernels/conv/planes.h"

#include "kernels/conv/axis.h"
#include "kernels/copy/copy.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

template <class T>
void add_row(int64_t n, const T* from, int64_t step, T* to) {
  if (step != 1) {
    for (int64_t i = 0; i < n; ++i) to[i * step] += from[i];
  } else if constexpr (std::is_same_v<T, float>) {
    copy_loops().accumulate_float(n, from, to);
  } else {
    copy_loops().accumulate_double(n, from, to);
  }
}

/// Output rows [y0, y1) of `channels` channels: rows of products by channel, kernel row and tap, added to planes (channels, h, w).
template <class T>
void add_products(const ConvShape& s, int64_t channels, int64_t y0, int64_t y1, const T* products, int64_t row, T* planes) {
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  for (int64_t c = 0; c < channels; ++c, planes += s.h * s.w)
    for (int64_t ky = 0; ky < s.kh; ++ky) {
      const int64_t first = std::max(y0, ay.first_output(ky)), last = std::min(y1, ay.last_output(ky));
      for (int64_t kx = 0; kx < s.kw; ++kx, products += row) {
        const int64_t x0 = ax.first_output(kx), x1 = ax.last_output(kx);
        for (int64_t y = first; y < last && x0 < x1; ++y)
          add_row(x1 - x0, products + (y - y0) * s.ow + x0, s.stride[1], planes + ay.input(y, ky) * s.w + ax.input(x0, kx));
      }
    }
}

}  // namespace

template <class T>
void planes_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx) {
  constexpr int64_t kVector = 16;  // numbers of the longest
  const int64_t o = s.o_group(), taps = s.kh * s.kw, all = s.c_group(), plane = s.h * s.w, pixels = s.oh * s.ow;
  int64_t parts = 1;
  while (s.n * s.groups * parts < 8 && all % (2 * parts) == 0) parts *= 2;
  const int64_t c = all / parts, patch = c * taps, band = plane_band(s, c), row = (band * s.ow + kVector - 1) / kVector * kVector;
  parallel_for(s.n * s.groups * parts, 1, s.multiply_adds() / 16, [&](int64_t first, int64_t last) {
    const Scratch<T> turned(o * row), products(patch * row), planes(c * plane);
    std::fill_n(turned.data(), o * row, T(0));
    for (int64_t unit = first; unit < last; ++unit) {
      const int64_t image = unit / (s.groups * parts), g = unit / parts % s.groups, channel = g * all + unit % parts * c;
      for (int64_t i = 0; i < c; ++i) std::fill_n(planes + i * plane, plane, bias ? bias[channel + i] : T(0));
      for (int64_t y = 0; y < s.oh; y += band) {
        const int64_t end = std::min(s.oh, y + band), count = (end - y) * s.ow;
        transpose(o, count, turned.data(), row, dy + (image * pixels + y * s.ow) * s.o + g * o, s.o);
        gemm_in_cache<T>(patch, count, o, {w + g * o * all * taps + unit % parts * patch, 1, all * taps}, turned.data(), row, products.data(), row);
        add_products(s, c, y, end, products.data(), row, planes.data());
      }
      transpose(plane, c, dx + image * plane * s.c + channel, s.c, planes.data(), plane);
    }
  });
}

template void planes_backward_input(const ConvShape&, const float*, const float*, const float*, float*);
template void planes_backward_input(const ConvShape&, const double*, const double*, const double*, double*);

}  // namespace ember::kernels

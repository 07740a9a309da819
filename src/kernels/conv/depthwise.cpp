// Where a channel has several kernels (o = m * c) its numbers are repeated m times first; what follows has one kernel for each channel.
#include "kernels/conv/depthwise.h"

#include <algorithm>

#include "kernels/conv/axis.h"
#include "kernels/copy/copy.h"
#include "kernels/kernels.h"
#include "runtime/parallel.h"
#include "runtime/scratch.h"

namespace ember::kernels {
namespace {

template <class T>
int64_t whole_vectors(int64_t n) {
  const int64_t lanes = depthwise_loops<T>().lanes;
  return (n + lanes - 1) / lanes * lanes;
}

/// Weights (o, 1, kh, kw) as (kh * kw, o) in rows of whole vectors; turned: the last tap first.
template <class T>
Scratch<T> pack(const ConvShape& s, const T* w, bool turned) {
  const int64_t taps = s.kh * s.kw, row = whole_vectors<T>(s.o);
  Scratch<T> packed(taps * row);
  for (int64_t t = 0; t < taps; ++t) {
    T* out = packed + (turned ? taps - 1 - t : t) * row;
    for (int64_t o = 0; o < s.o; ++o) out[o] = w[o * taps + t];
    std::fill(out + s.o, out + row, T(0));
  }
  return packed;
}

/// pixels x c numbers as pixels x m * c, each repeated m times.
template <class T>
void repeat(int64_t pixels, int64_t c, int64_t m, const T* x, T* out) {
  for (int64_t i = 0; i < pixels * c; ++i, out += m) std::fill_n(out, m, x[i]);
}
/// The way back: sums of m.
template <class T>
void add_up(int64_t pixels, int64_t c, int64_t m, const T* in, T* dx) {
  for (int64_t i = 0; i < pixels * c; ++i, in += m) {
    T sum = in[0];
    for (int64_t k = 1; k < m; ++k) sum += in[k];
    dx[i] = sum;
  }
}

/// One image of ay.in x ax.in pixels through the taps w; the result has rows of `result_width` pixels.
template <class T>
void run_image(const Axis& ay, const Axis& ax, int64_t channels, int64_t kernel_width, const T* image, const T* w, const T* bias, bool relu,
               T* result, int64_t result_width) {
  const int64_t w_row = whole_vectors<T>(channels);
  DepthwiseRow<T> r{.channels = channels,
                    .image = image,
                    .image_row = ay.dilation * ax.in * channels,
                    .width = ax.in,
                    .outputs = ax.out,
                    .stride = ax.stride,
                    .before = ax.before,
                    .dilation = ax.dilation,
                    .kernel_rows = 0,
                    .taps = ax.taps,
                    .w = w,
                    .w_row = ay.tap_step * kernel_width * w_row,
                    .w_tap = ax.tap_step * w_row};
  for (int64_t i = 0; i < ay.out; ++i) {
    const int64_t k0 = ay.begin(i);
    r.kernel_rows = ay.end(i) - k0;
    r.image = image + ay.input(i, k0) * ax.in * channels;
    r.w = w + ((ay.first_tap + k0 * ay.tap_step) * kernel_width + ax.first_tap) * w_row;
    depthwise_loops<T>().row(r, bias, relu, result + ((ay.place + i * ay.spacing) * result_width + ax.place) * channels, ax.spacing * channels);
  }
}

}  // namespace

template <class T>
void depthwise_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y) {
  const Scratch<T> taps = pack(s, w, false);
  const int64_t pixels = s.h * s.w, m = s.o_group();
  parallel_for(s.n, 1, s.multiply_adds() / 8, [&](int64_t begin, int64_t end) {
    const Scratch<T> copy(m == 1 && !s.planes ? 1 : pixels * s.o);
    for (int64_t n = begin; n < end; ++n) {
      const T* image = x + n * pixels * s.c;
      if (s.planes) transpose(pixels, s.c, copy.data(), s.c, image, pixels);
      else if (m > 1) repeat(pixels, s.c, m, image, copy.data());
      run_image(forward_axis(s, 0), forward_axis(s, 1), s.o, s.kw, m > 1 || s.planes ? copy : image, taps.data(), bias, relu,
                y + n * s.oh * s.ow * s.o, s.ow);
    }
  });
}

template <class T>
void depthwise_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const Scratch<T> taps = pack(s, w, true);
  const int64_t pixels = s.h * s.w, m = s.o_group();
  parallel_for(s.n, 1, s.multiply_adds() / 8, [&](int64_t begin, int64_t end) {
    const Scratch<T> repeated(m == 1 ? 1 : pixels * s.o);
    for (int64_t n = begin; n < end; ++n) {
      T* image = dx + n * pixels * s.c;
      for (int64_t py = 0; py < s.stride[0]; ++py)
        for (int64_t px = 0; px < s.stride[1]; ++px)
          run_image(backward_axis(s, 0, py), backward_axis(s, 1, px), s.o, s.kw, dy + n * s.oh * s.ow * s.o, taps.data(),
                    static_cast<const T*>(nullptr), false, m > 1 ? repeated : image, s.w);
      if (m > 1) add_up(pixels, s.c, m, repeated.data(), image);
    }
  });
}

template <class T>
void depthwise_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const int64_t pixels = s.h * s.w, m = s.o_group(), taps = s.kh * s.kw, row = whole_vectors<T>(s.o);
  const Axis ay = forward_axis(s, 0), ax = forward_axis(s, 1);
  // Parts of the batch have sums of their own, which are added in order: as many whatever the number of threads.
  const int64_t parts = std::clamp<int64_t>(int64_t(s.multiply_adds() / 2.5e5), 1, std::min<int64_t>(s.n, 16));
  const Scratch<T> sums(parts * taps * row);
  parallel_for(parts, 1, s.multiply_adds() / 8, [&](int64_t begin, int64_t end) {
    const Scratch<T> repeated(m == 1 ? 1 : pixels * s.o);
    for (int64_t part = begin; part < end; ++part) {
      T* sum = sums + part * taps * row;
      std::fill_n(sum, taps * row, T(0));
      for (int64_t n = s.n * part / parts; n < s.n * (part + 1) / parts; ++n) {
        const T* image = x + n * pixels * s.c;
        if (m > 1) repeat(pixels, s.c, m, image, repeated.data());
        for (int64_t ky = 0; ky < s.kh; ++ky) {
          const int64_t r0 = ay.first_output(ky), r1 = ay.last_output(ky);
          const DepthwiseRow<T> r{.channels = s.o,
                                  .image = (m > 1 ? repeated : image) + ay.input(r0, ky) * s.w * s.o,
                                  .image_row = 0,
                                  .width = s.w,
                                  .outputs = s.ow,
                                  .stride = ax.stride,
                                  .before = ax.before,
                                  .dilation = ax.dilation,
                                  .kernel_rows = 1,
                                  .taps = s.kw,
                                  .w = nullptr,
                                  .w_row = 0,
                                  .w_tap = 0};
          depthwise_loops<T>().weight_gradient(r, r1 - r0, s.stride[0] * s.w * s.o, dy + (n * s.oh + r0) * s.ow * s.o, s.ow * s.o,
                                               sum + ky * s.kw * row, row);
        }
      }
    }
  });
  for (int64_t o = 0; o < s.o; ++o)
    for (int64_t t = 0; t < taps; ++t) {
      T sum = T(0);
      for (int64_t part = 0; part < parts; ++part) sum += sums[(part * taps + t) * row + o];
      dw[o * taps + t] = sum;
    }
}

template void depthwise_forward(const ConvShape&, const float*, const float*, const float*, bool, float*);
template void depthwise_forward(const ConvShape&, const double*, const double*, const double*, bool, double*);
template void depthwise_backward_input(const ConvShape&, const float*, const float*, float*);
template void depthwise_backward_input(const ConvShape&, const double*, const double*, double*);
template void depthwise_backward_weight(const ConvShape&, const float*, const float*, float*);
template void depthwise_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels

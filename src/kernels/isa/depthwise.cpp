// Depthwise convolution: a vector of channels at a time, some neighbouring outputs side by side so that each tap is loaded once for them.

#include "kernels/depthwise.h"

#include <utility>

#include "kernels/isa/lanes.h"

namespace ember::kernels::EMBER_ISA {
namespace {

constexpr int kOutputs = 8;   // side by side
constexpr int kMostTaps = 8;  // of a kernel row whose gradients are summed in registers

/// The outputs [first, last) see all taps of a kernel row; those before and after see some.
template <class T>
struct Inner {
  int64_t first, last;
  explicit Inner(const DepthwiseRow<T>& r) {
    first = (r.before + r.stride - 1) / r.stride;
    if (r.before < 0) first = 0;
    const int64_t space = r.width - 1 - (r.taps - 1) * r.dilation + r.before;
    last = space < 0 ? 0 : space / r.stride + 1;
    if (first > r.outputs) first = r.outputs;
    if (last > r.outputs) last = r.outputs;
    if (last < first) last = first;
  }
};

/// The taps [first, last) of output i that meet the image.
template <class T>
struct Met {
  int64_t first = 0, last;
  Met(const DepthwiseRow<T>& r, int64_t i) : last(r.taps) {
    while (first < last && i * r.stride - r.before + first * r.dilation < 0) ++first;
    while (last > first && i * r.stride - r.before + (last - 1) * r.dilation >= r.width) --last;
  }
};

template <int kCount, class T, class L>
EMBER_INLINE void write(const Lanes<T> (&sum)[kCount], bool relu, T* y, int64_t y_step, L lanes) {
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) store(y + p * y_step, relu ? maximum(zeros<T>(), sum[p]) : sum[p], lanes);
}

/// kCount outputs from i on, taps [first, last).
template <int kCount, class T, class L>
EMBER_INLINE void outputs(const DepthwiseRow<T>& r, int64_t i, int64_t first, int64_t last, int64_t c, L lanes, Lanes<T> bias, bool relu,
                          T* y, int64_t y_step) {
  Lanes<T> sum[kCount];
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) sum[p] = bias;
  const int64_t step = r.stride * r.channels;
  for (int64_t a = 0; a < r.kernel_rows; ++a) {
    const T* x = r.image + a * r.image_row + (i * r.stride - r.before + first * r.dilation) * r.channels + c;
    const T* w = r.w + a * r.w_row + first * r.w_tap + c;
    for (int64_t b = first; b < last; ++b, x += r.dilation * r.channels, w += r.w_tap) {
      const Lanes<T> tap = load(w);
#pragma GCC unroll 8
      for (int p = 0; p < kCount; ++p) sum[p] = fma(load(x + p * step, lanes), tap, sum[p]);
    }
  }
  write<kCount>(sum, relu, y + i * y_step + c, y_step, lanes);
}

/// The same for all of kTaps taps where neighbouring outputs see neighbouring pixels: each pixel is loaded once for all of its taps.
template <int kCount, int kTaps, class T, class L>
EMBER_INLINE void neighbours(const DepthwiseRow<T>& r, int64_t i, int64_t c, L lanes, Lanes<T> bias, bool relu, T* y, int64_t y_step) {
  Lanes<T> sum[kCount];
#pragma GCC unroll 8
  for (int p = 0; p < kCount; ++p) sum[p] = bias;
  for (int64_t a = 0; a < r.kernel_rows; ++a) {
    const T* x = r.image + a * r.image_row + (i - r.before) * r.channels + c;
    const T* w = r.w + a * r.w_row + c;
    Lanes<T> tap[kTaps];
#pragma GCC unroll 8
    for (int b = 0; b < kTaps; ++b) tap[b] = load(w + b * r.w_tap);
#pragma GCC unroll 16
    for (int p = 0; p < kCount + kTaps - 1; ++p, x += r.channels) {
      const Lanes<T> pixel = load(x, lanes);
#pragma GCC unroll 8
      for (int b = 0; b < kTaps; ++b)
        if (p - b >= 0 && p - b < kCount) sum[p - b] = fma(pixel, tap[b], sum[p - b]);
    }
  }
  write<kCount>(sum, relu, y + i * y_step + c, y_step, lanes);
}

/// kTaps: of neighbours; 0: any.
template <int kCount, int kTaps, class T, class L>
EMBER_INLINE void inner_outputs(const DepthwiseRow<T>& r, int64_t i, int64_t last, int64_t c, L lanes, Lanes<T> bias, bool relu, T* y,
                                int64_t y_step) {
  for (; i + kCount <= last; i += kCount) {
    if constexpr (kTaps > 0) neighbours<kCount, kTaps>(r, i, c, lanes, bias, relu, y, y_step);
    else outputs<kCount>(r, i, 0, r.taps, c, lanes, bias, relu, y, y_step);
  }
  if constexpr (kCount > 1) inner_outputs<kCount / 2, kTaps>(r, i, last, c, lanes, bias, relu, y, y_step);
}

template <int kTaps, class T>
void row_of(const DepthwiseRow<T>& r, const T* bias, bool relu, T* y, int64_t y_step) {
  const Inner<T> inner(r);
  for_each_lanes<T>(r.channels, [&](int64_t c, auto lanes) __attribute__((always_inline)) {
    const Lanes<T> offset = bias ? load(bias + c, lanes) : zeros<T>();
    const auto alone = [&](int64_t i) {
      const Met<T> met(r, i);
      outputs<1>(r, i, met.first, met.last, c, lanes, offset, relu, y, y_step);
    };
    for (int64_t i = 0; i < inner.first; ++i) alone(i);
    inner_outputs<kOutputs, kTaps>(r, inner.first, inner.last, c, lanes, offset, relu, y, y_step);
    for (int64_t i = inner.last; i < r.outputs; ++i) alone(i);
  });
}

template <class T>
void row(const DepthwiseRow<T>& r, const T* bias, bool relu, T* y, int64_t y_step) {
  const bool adjacent = r.stride == 1 && r.dilation == 1;
  if (adjacent && r.taps == 3) return row_of<3>(r, bias, relu, y, y_step);
  if (adjacent && r.taps == 5) return row_of<5>(r, bias, relu, y, y_step);
  row_of<0>(r, bias, relu, y, y_step);
}

/// The gradients of kTaps taps, from tap b on.
template <int kTaps, class T, class L>
EMBER_INLINE void gradients(const DepthwiseRow<T>& r, const Inner<T>& inner, int64_t rows, int64_t image_step, const T* dy,
                            int64_t dy_row, int64_t b, int64_t c, L lanes, T* dw, int64_t dw_tap) {
  Lanes<T> sum[kTaps];
#pragma GCC unroll 8
  for (int t = 0; t < kTaps; ++t) sum[t] = zeros<T>();
  const int64_t tap = r.dilation * r.channels;
  for (int64_t k = 0; k < rows; ++k) {
    const T* x = r.image + k * image_step + (b * r.dilation - r.before) * r.channels + c;
    const T* u = dy + k * dy_row + c;
    const auto alone = [&](int64_t i) {
      const Met<T> met(r, i);
      const Lanes<T> upstream = load(u + i * r.channels, lanes);
#pragma GCC unroll 8
      for (int t = 0; t < kTaps; ++t)
        if (b + t >= met.first && b + t < met.last)
          sum[t] = fma(load(x + i * r.stride * r.channels + t * tap, lanes), upstream, sum[t]);
    };
    for (int64_t i = 0; i < inner.first; ++i) alone(i);
    for (int64_t i = inner.first; i < inner.last; ++i) {
      const Lanes<T> upstream = load(u + i * r.channels, lanes);
#pragma GCC unroll 8
      for (int t = 0; t < kTaps; ++t) sum[t] = fma(load(x + i * r.stride * r.channels + t * tap, lanes), upstream, sum[t]);
    }
    for (int64_t i = inner.last; i < r.outputs; ++i) alone(i);
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTaps; ++t) {
    T* out = dw + (b + t) * dw_tap + c;
    store(out, load(out) + keep(sum[t], lanes));
  }
}

template <class T>
using Gradients = void (*)(const DepthwiseRow<T>&, int64_t, int64_t, const T*, int64_t, int64_t, T*, int64_t);

template <int kTaps, class T>
void gradients_of_row(const DepthwiseRow<T>& r, int64_t rows, int64_t image_step, const T* dy, int64_t dy_row, int64_t b, T* dw, int64_t dw_tap) {
  const Inner<T> inner(r);
  for_each_lanes<T>(r.channels, [&](int64_t c, auto lanes) __attribute__((always_inline)) {
    gradients<kTaps>(r, inner, rows, image_step, dy, dy_row, b, c, lanes, dw, dw_tap);
  });
}

template <class T, int... kTaps>
Gradients<T> gradients_for(int64_t taps, std::integer_sequence<int, kTaps...>) {
  static constexpr Gradients<T> by_taps[] = {gradients_of_row<kTaps + 1, T>...};
  return by_taps[taps - 1];
}

template <class T>
void weight_gradient(const DepthwiseRow<T>& r, int64_t rows, int64_t image_step, const T* dy, int64_t dy_row, T* dw, int64_t dw_tap) {
  for (int64_t b = 0; b < r.taps; b += kMostTaps) {
    const int64_t taps = r.taps - b < kMostTaps ? r.taps - b : kMostTaps;
    gradients_for<T>(taps, std::make_integer_sequence<int, kMostTaps>{})(r, rows, image_step, dy, dy_row, b, dw, dw_tap);
  }
}

template <class T>
constexpr DepthwiseFamily<T> family{kLanes<T>, row<T>, weight_gradient<T>};

}  // namespace

extern const DepthwiseKernels depthwise_kernels;
constinit const DepthwiseKernels depthwise_kernels{family<float>, family<double>};

}  // namespace ember::kernels::EMBER_ISA

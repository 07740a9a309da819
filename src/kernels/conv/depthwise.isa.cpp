// Depthwise convolution: a vector of channels at a time, some neighbouring outputs side by side so that each tap is loaded once for them.

#include "kernels/conv/depthwise_loops.h"

#include <utility>

#include "kernels/families.isa.h"
#include "kernels/lanes/lanes.h"

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
EMBER_INLINE void outputs(const DepthwiseRow<T>& r, int64_t i, int64_t first, int64_t last, int64_t c, L lanes, Lanes<T> bias, bool relu, T* y,
                          int64_t y_step) {
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

template <int kCount, class T, class L>
EMBER_INLINE void inner_outputs(const DepthwiseRow<T>& r, int64_t i, int64_t last, int64_t c, L lanes, Lanes<T> bias, bool relu, T* y,
                                int64_t y_step) {
  for (; i + kCount <= last; i += kCount) outputs<kCount>(r, i, 0, r.taps, c, lanes, bias, relu, y, y_step);
  if constexpr (kCount > 1) inner_outputs<kCount / 2>(r, i, last, c, lanes, bias, relu, y, y_step);
}

/// Any row.
template <class T>
void row_of_outputs(const DepthwiseRow<T>& r, const T* bias, bool relu, T* y, int64_t y_step) {
  const Inner<T> inner(r);
  for_each_lanes<T>(r.channels, [&](int64_t c, auto lanes) __attribute__((always_inline)) {
    const Lanes<T> offset = bias ? load(bias + c, lanes) : zeros<T>();
    const auto alone = [&](int64_t i) {
      const Met<T> met(r, i);
      outputs<1>(r, i, met.first, met.last, c, lanes, offset, relu, y, y_step);
    };
    for (int64_t i = 0; i < inner.first; ++i) alone(i);
    inner_outputs<kOutputs>(r, inner.first, inner.last, c, lanes, offset, relu, y, y_step);
    for (int64_t i = inner.last; i < r.outputs; ++i) alone(i);
  });
}

/// Three taps on neighbouring pixels, kRows of them below each other: the row is swept once, each pixel goes into the three outputs
/// that see it, and an output is written when its last pixel has passed. kVectors vectors of channels give enough sums in flight.
template <int kRows, int kVectors, class T, class L>
EMBER_INLINE void sweep(const DepthwiseRow<T>& r, int64_t c, L lanes, const T* bias, bool relu, T* y, int64_t y_step) {
  constexpr int W = kLanes<T>;
  Lanes<T> tap[kRows][3][kVectors], offset[kVectors], early[kVectors], middle[kVectors], late[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    offset[v] = early[v] = middle[v] = bias ? load(bias + c + v * W, lanes) : zeros<T>();
#pragma GCC unroll 4
    for (int a = 0; a < kRows; ++a)
#pragma GCC unroll 4
      for (int b = 0; b < 3; ++b) tap[a][b][v] = load(r.w + a * r.w_row + b * r.w_tap + c + v * W);
  }
  const auto write_at = [&](int64_t i, const Lanes<T>(&sum)[kVectors]) __attribute__((always_inline)) {
    if (i < 0 || i >= r.outputs) return;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(y + i * y_step + c + v * W, relu ? maximum(zeros<T>(), sum[v]) : sum[v], lanes);
  };
  const T* x = r.image + c;
  for (int64_t p = 0; p < r.width; ++p, x += r.channels) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) late[v] = offset[v];
#pragma GCC unroll 4
    for (int a = 0; a < kRows; ++a)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Lanes<T> pixel = load(x + a * r.image_row + v * W, lanes);
        early[v] = fma(pixel, tap[a][2][v], early[v]);
        middle[v] = fma(pixel, tap[a][1][v], middle[v]);
        late[v] = fma(pixel, tap[a][0][v], late[v]);
      }
    write_at(p + r.before - 2, early);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      early[v] = middle[v];
      middle[v] = late[v];
    }
  }
  write_at(r.width + r.before - 2, early);
  write_at(r.width + r.before - 1, middle);
}

template <int kRows, class T>
void swept_row(const DepthwiseRow<T>& r, const T* bias, bool relu, T* y, int64_t y_step) {
  constexpr int kVectors = kLaneBytes == 64 ? 2 : 1, kStep = kVectors * kLanes<T>;
  int64_t c = 0;
  for (; c + kStep <= r.channels; c += kStep) sweep<kRows, kVectors>(r, c, AllLanes{}, bias, relu, y, y_step);
  for (; c < r.channels; c += kLanes<T>) {
    const int64_t left = r.channels - c;
    sweep<kRows, 1>(r, c, int(left < kLanes<T> ? left : kLanes<T>), bias, relu, y, y_step);
  }
}

template <class T>
void row(const DepthwiseRow<T>& r, const T* bias, bool relu, T* y, int64_t y_step) {
  const bool neighbours = r.taps == 3 && r.stride == 1 && r.dilation == 1,
             all_swept = r.before >= 0 && r.before <= 2 && r.outputs <= r.width + r.before;
  if (neighbours && all_swept) switch (r.kernel_rows) {
      case 1: return swept_row<1>(r, bias, relu, y, y_step);
      case 2: return swept_row<2>(r, bias, relu, y, y_step);
      case 3: return swept_row<3>(r, bias, relu, y, y_step);
    }
  row_of_outputs(r, bias, relu, y, y_step);
}

/// The gradients of kTaps taps, from tap b on.
template <int kTaps, class T, class L>
EMBER_INLINE void gradients(const DepthwiseRow<T>& r, const Inner<T>& inner, int64_t rows, int64_t image_step, const T* dy, int64_t dy_row, int64_t b,
                            int64_t c, L lanes, T* dw, int64_t dw_tap) {
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
        if (b + t >= met.first && b + t < met.last) sum[t] = fma(load(x + i * r.stride * r.channels + t * tap, lanes), upstream, sum[t]);
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

constinit const Both<DepthwiseFamily> Families::depthwise{family<float>, family<double>};

}  // namespace ember::kernels::EMBER_ISA

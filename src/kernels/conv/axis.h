// Which inputs an output sees, in one dimension: the arithmetic of stride, padding and dilation, and of the way back.
#pragma once

#include <algorithm>
#include <numeric>

#include "kernels/conv/conv.h"

namespace ember::kernels {

inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/// One dimension of a convolution: output i is the sum over taps j of tap first + j * step, times input
/// i * stride - before + j * dilation where there is one. It is written to `place + i * spacing` of the result.
struct Axis {
  int64_t in, out;
  int64_t stride, before, dilation;
  int64_t taps, first_tap = 0, tap_step = 1;
  int64_t place = 0, spacing = 1;

  /// The taps [begin, end) that meet the input at output i.
  int64_t begin(int64_t i) const { return input(i, 0) >= 0 ? 0 : std::clamp<int64_t>(-floor_div(input(i, 0), dilation), 0, taps); }
  int64_t end(int64_t i) const {
    if (taps == 0 || input(i, taps - 1) < in) return taps;
    return std::clamp<int64_t>(floor_div(in - 1 - input(i, 0), dilation) + 1, begin(i), taps);
  }
  int64_t input(int64_t i, int64_t tap) const { return i * stride - before + tap * dilation; }
  /// The outputs [first, last) at which a tap meets the input.
  int64_t first_output(int64_t tap) const { return std::clamp<int64_t>(-floor_div(tap * dilation - before, stride), 0, out); }
  int64_t last_output(int64_t tap) const {
    return std::clamp<int64_t>(floor_div(in - 1 + before - tap * dilation, stride) + 1, first_output(tap), out);
  }
  int64_t reach() const { return (out - 1) * stride + (taps - 1) * dilation + 1; }  ///< inputs under all taps of all outputs
};

inline Axis forward_axis(const ConvShape& s, int i) {
  return {i == 0 ? s.h : s.w, i == 0 ? s.oh : s.ow, s.stride[i], s.padding[i], s.dilation[i], i == 0 ? s.kh : s.kw};
}

/// dx by the position modulo the stride: inputs at phase, phase + stride, ... see every step-th tap only, and see it at stride 1.
/// From oy * stride = y + padding - k * dilation: the k of one phase are k0, k0 + step, ...; with k falling, dy's index rises.
inline Axis backward_axis(const ConvShape& s, int i, int64_t phase) {
  const int64_t in = i == 0 ? s.h : s.w, out = i == 0 ? s.oh : s.ow, kernel = i == 0 ? s.kh : s.kw;
  const int64_t stride = s.stride[i], padding = s.padding[i], dilation = s.dilation[i];
  const int64_t common = std::gcd(stride, dilation), step = stride / common, jump = dilation / common;
  int64_t k0 = 0;
  while (k0 < kernel && (phase + padding - k0 * dilation) % stride != 0) ++k0;
  Axis a{.in = out, .out = phase < in ? (in - 1 - phase) / stride + 1 : 0, .stride = 1, .before = 0, .dilation = jump, .taps = 0};
  a.place = phase;
  a.spacing = stride;
  if (k0 >= kernel) return a;
  a.taps = (kernel - 1 - k0) / step + 1;
  a.before = (a.taps - 1) * jump - (phase + padding - k0 * dilation) / stride;
  a.first_tap = kernel - 1 - (k0 + (a.taps - 1) * step);  // the taps are packed turned around
  a.tap_step = step;
  return a;
}

}  // namespace ember::kernels

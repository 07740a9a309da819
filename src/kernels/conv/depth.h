// Taps of a kernel along the depth of volumes, side by side as channels.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

/// A kernel of `taps` taps at `places` places along `depth` slices of `pixels` pixels of `channels` channels in `groups`.
struct DepthTaps {
  int64_t n = 0, depth = 0, pixels = 0, channels = 0, groups = 1, taps = 1, places = 0;
  int64_t stride = 1, padding = 0, dilation = 1;

  bool trivial() const { return taps == 1 && stride == 1 && padding == 0 && places == depth; }
};

/// y (n, places, pixels, groups, taps, channels / groups) = the slices of x (n, depth, pixels, groups, channels / groups) that each tap meets,
/// zeros outside.
template <class T>
void stack_depth(const DepthTaps& taps, const T* x, T* y);

/// The transpose: x = the sums of y over the taps that meet each slice, in the order of the taps.
template <class T>
void sum_depth(const DepthTaps& taps, const T* y, T* x);

}  // namespace ember::kernels

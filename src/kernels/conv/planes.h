// The gradient of few input channels, as of groups: each tap's products of all outputs as planes, which are added to dx's planes a row at a time.
// Lanes run along the pixels of an image, where channels would leave most of a vector empty.
#pragma once

#include <algorithm>

#include "kernels/conv/conv.h"

namespace ember::kernels {

/// Rows of outputs whose products stay in the second-level cache together.
inline int64_t plane_band(const ConvShape& s, int64_t channels) {
  constexpr int64_t kNumbers = 40000;
  return std::clamp<int64_t>(kNumbers / std::max<int64_t>(1, channels * s.kh * s.kw * s.ow), 1, std::max<int64_t>(1, s.oh));
}

/// dx, onto `bias` where there is one: the forward of a transposed convolution. Any stride, padding, dilation and number of groups.
template <class T>
void planes_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx);

}  // namespace ember::kernels

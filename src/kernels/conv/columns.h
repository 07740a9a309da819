// The convolution as one matrix product of copied patches ("im2col"): any kernel, stride, padding, dilation and number of groups.
// Copying a number costs about as much as a product; in return all pixels of a block stand in whole register tiles, however short the
// rows of the image are, and the sum runs over all taps and channels in one loop.
#pragma once

#include "kernels/conv/conv.h"

namespace ember::kernels {

/// So few outputs of single pixels are summed along the planes of x.
inline constexpr int64_t kFewOutputs = 16;

/// Also reads x as planes (s.planes).
template <class T>
void columns_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y);
/// dx, onto `bias` where there is one: the forward of a transposed convolution.
template <class T>
void columns_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx);
/// Also reads x as planes.
template <class T>
void columns_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels

// Many weights and few pixels: reading the weights is what such a layer costs. They are read as they lie, once, and nothing of their size
// is written but their gradient.
#pragma once

#include "kernels/conv/conv.h"

namespace ember::kernels {

constexpr int64_t kMostStreamPixels = 64;  // outputs of all images
/// So few fill no vector.
inline constexpr int64_t kFewPixels = 4;

/// For one group, in all three directions.
template <class T>
void streams_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y);
/// dx, onto `bias` where there is one.
template <class T>
void streams_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx);
template <class T>
void streams_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels

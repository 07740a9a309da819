// 1 x 1 kernels without padding, one group: matrix products over the pixels that the stride meets.
#pragma once

#include "kernels/conv.h"

namespace ember::kernels {

template <class T>
void pointwise_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y);
template <class T>
void pointwise_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx);
template <class T>
void pointwise_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels

// 1 x 1 kernels without padding, one group: matrix products over the pixels that the stride meets.
#pragma once

#include "kernels/conv/conv.h"

namespace ember::kernels {

/// Few channels are read where they lie, in either layout and at any stride.
bool pointwise_in_place(const ConvShape& s);

template <class T>
void pointwise_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y);
template <class T>
void pointwise_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx);
template <class T>
void pointwise_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels

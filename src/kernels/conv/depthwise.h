// Convolutions with as many groups as channels: each channel has a kernel of its own, or several.
#pragma once

#include "kernels/conv/conv.h"

namespace ember::kernels {

template <class T>
void depthwise_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y);
template <class T>
void depthwise_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx);
template <class T>
void depthwise_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels

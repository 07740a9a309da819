// The input gradient of few channels: what one output pixel sends to a row of dx is a span of kw * c numbers that lie side by side.
#pragma once

#include "kernels/conv/conv.h"

namespace ember::kernels {

/// dx for one group at stride 1 and dilation 1; many images at a time.
template <class T>
void spans_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx);

}  // namespace ember::kernels

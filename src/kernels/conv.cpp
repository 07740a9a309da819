// Each convolution goes to the kernel that suits its shape.
#include "kernels/conv.h"

#include <algorithm>

#include "kernels/conv_choice.h"
#include "kernels/conv_depthwise.h"
#include "kernels/conv_direct.h"
#include "kernels/conv_pointwise.h"
#include "kernels/conv_winograd.h"

namespace ember::kernels {

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y) {
  const ConvPath path = conv_path(s, ConvDirection::Forward, sizeof(T));
  if constexpr (sizeof(T) == 4) {
    if (path == ConvPath::Winograd2) return winograd_forward(kernels().winograd.two, s, x, w, bias, relu, y);
    if (path == ConvPath::Winograd4) return winograd_forward(kernels().winograd.four, s, x, w, bias, relu, y);
  }
  if (path == ConvPath::Pointwise) return pointwise_forward(s, x, w, bias, relu, y);
  if (path == ConvPath::Depthwise) return depthwise_forward(s, x, w, bias, relu, y);
  if (path == ConvPath::Dots) return dots_forward(s, x, w, bias, relu, y);
  direct_forward(s, x, w, bias, relu, y);
}

template <class T>
void conv_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const ConvPath path = conv_path(s, ConvDirection::BackwardInput, sizeof(T));
  if constexpr (sizeof(T) == 4) {
    if (path == ConvPath::Winograd2) return winograd_backward_input(kernels().winograd.two, s, dy, w, dx);
    if (path == ConvPath::Winograd4) return winograd_backward_input(kernels().winograd.four, s, dy, w, dx);
  }
  if (path == ConvPath::Pointwise) return pointwise_backward_input(s, dy, w, dx);
  if (path == ConvPath::Depthwise) return depthwise_backward_input(s, dy, w, dx);
  if (path == ConvPath::Dots) return dots_backward_input(s, dy, w, dx);
  direct_backward_input(s, dy, w, dx);
}

template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  if (s.n == 0 || s.oh == 0 || s.ow == 0) {
    std::fill_n(dw, s.o * s.c_group() * s.kh * s.kw, T(0));
    return;
  }
  const ConvPath path = conv_path(s, ConvDirection::BackwardWeight, sizeof(T));
  if constexpr (sizeof(T) == 4) {
    if (path == ConvPath::Winograd2) return winograd_backward_weight(kernels().winograd.two, s, x, dy, dw);
    if (path == ConvPath::Winograd4) return winograd_backward_weight(kernels().winograd.four, s, x, dy, dw);
  }
  if (path == ConvPath::Pointwise) return pointwise_backward_weight(s, x, dy, dw);
  if (path == ConvPath::Depthwise) return depthwise_backward_weight(s, x, dy, dw);
  direct_backward_weight(s, x, dy, dw);
}

template void conv_forward(const ConvShape&, const float*, const float*, const float*, bool, float*);
template void conv_forward(const ConvShape&, const double*, const double*, const double*, bool, double*);
template void conv_backward_input(const ConvShape&, const float*, const float*, float*);
template void conv_backward_input(const ConvShape&, const double*, const double*, double*);
template void conv_backward_weight(const ConvShape&, const float*, const float*, float*);
template void conv_backward_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace ember::kernels

// Convolution in two dimensions, channels innermost (NHWC): forward and the two gradients. conv.cpp sends each to the kernel that
// choice.cpp names; the kernels themselves are in direct.cpp, winograd.cpp, ....
#pragma once

#include <cstdint>

#include "kernels/conv/epilogue.h"

namespace ember::kernels {

using std::int64_t;

/// Sizes of y = conv(x, w): x (n, h, w, c), y (n, oh, ow, o), weights (o, c / groups, kh, kw).
struct ConvShape {
  int64_t n, h, w, c;
  int64_t oh, ow, o;
  int64_t kh, kw;
  int64_t stride[2], padding[2], dilation[2];
  int64_t groups;
  bool planes = false;  ///< x lies as (n, c, h, w): only where conv_reads_planes() or conv_weight_reads_planes() says so

  int64_t c_group() const { return c / groups; }
  int64_t o_group() const { return o / groups; }
  bool operator==(const ConvShape&) const = default;
  double multiply_adds() const { return double(n) * double(oh) * double(ow) * double(o) * double(kh) * double(kw) * double(c_group()); }
};

/// y = x * w, and what the epilogue says.
template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y);

/// Would conv_forward read x as (n, c, h, w), too? It saves the caller a copy.
template <class T>
bool conv_reads_planes(const ConvShape& s);
/// And conv_backward_weight?
template <class T>
bool conv_weight_reads_planes(const ConvShape& s);

/// Can conv_forward pool?
template <class T>
bool conv_pools(const ConvShape& s);

/// dx of conv_forward, from dy; onto `bias`, c numbers, where there is one: the forward of a transposed convolution.
template <class T>
void conv_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx);

/// dw of conv_forward.
template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels

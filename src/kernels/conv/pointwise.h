// 1 x 1 kernels without padding, one group: matrix products over the pixels that the stride meets.
#pragma once

#include "kernels/conv/conv.h"

namespace ember::kernels {

/// Are few channels read where they lie?
bool pointwise_in_place(const ConvShape& s);
/// Does the forward read planes (s.planes)? Few channels where they lie; others at strides, of which less than all is turned.
bool pointwise_reads_planes(const ConvShape& s);

/// Are there pixels that the stride does not meet? Then it is the convolution at stride 1 of those that it meets.
bool meets_some_pixels(const ConvShape& s);
ConvShape shape_of_met(ConvShape s);
/// These pixels, (n, oh, ow, c), of images of either layout.
template <class T>
void copy_met_pixels(const ConvShape& s, const T* x, T* met);

template <class T>
void pointwise_forward(const ConvShape& s, const T* x, const T* w, const T* bias, bool relu, T* y);
template <class T>
void pointwise_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx);
/// Also reads x as planes.
template <class T>
void pointwise_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

}  // namespace ember::kernels

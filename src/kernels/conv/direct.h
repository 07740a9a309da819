// The direct sum: any kernel, stride, padding, dilation and number of groups.
#pragma once

#include "kernels/conv/weights.h"

namespace ember::kernels {

/// Groups of more channels have sums that are long enough as they lie, those of fewer are copied number by number.
inline constexpr int64_t kFewestApart = 4, kMostApart = 32;

template <class T>
void direct_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y);
template <class T>
void direct_backward_input(const ConvShape& s, const T* dy, const T* w, const T* bias, T* dx);
template <class T>
void direct_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw);

/// The same for one group, dilation 1 across and few outputs: few channels of y, or of dx at stride 1.
template <class T>
void dots_forward(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y);
template <class T>
void dots_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx);

/// Rows [r0, r0 + rows) of an image of w pixels of c numbers a row, each with `left` zero pixels before it, `width` pixels in all.
template <class T>
void copy_with_margins(const T* image, int64_t w, int64_t c, int64_t r0, int64_t rows, int64_t left, int64_t width, T* out);

}  // namespace ember::kernels

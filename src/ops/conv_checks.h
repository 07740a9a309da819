// What convolutions in any number of dimensions check, and the sizes of their results. Errors in PyTorch's words.
#pragma once

#include <ember/ops/conv.h>

namespace ember {

/// The sizes (N, O, ...) of a convolution's result. Throws for everything that is wrong with the arguments.
template <int N>
Shape conv_sizes(const Tensor& x, const Tensor& w, const Tensor& bias, const ExpandingArray<N>& stride, const ExpandingArray<N>& padding,
                 const ExpandingArray<N>& dilation, int64_t groups);

/// The same of a transposed one.
template <int N>
Shape conv_transpose_sizes(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, const ConvTransposeOptions<N>& options);

/// Checks ranks and types; turns the padding "same" into numbers. What is left over of an odd sum goes to the end: x with it.
template <int N>
Tensor without_same_padding(const char* name, const Tensor& x, const Tensor& w, const Tensor& bias, ConvOptions<N>& options);

}  // namespace ember

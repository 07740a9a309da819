// The two operations that the walk itself needs. Declared here, defined by the operations' layer, so that they can be recorded
// when gradients of gradients are asked for.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// a + b, same shape and dtype.
Tensor add_gradients(const Tensor& a, const Tensor& b);

/// The gradient summed over the dimensions that were broadcast, in this dtype.
Tensor fit_gradient(const Tensor& gradient, IntArrayRef sizes, DType dtype);

}  // namespace ember

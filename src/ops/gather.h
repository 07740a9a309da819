// What embedding shares with index_select.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// The gradient of index_select: zeros of these sizes, with slice k of dy added to slice index[k] along dim. Differentiable in dy.
Tensor sum_slices(const Tensor& dy, IntArrayRef sizes, int dim, const Tensor& index);

}  // namespace ember

// What operations share that pick one element of each row.
#pragma once

#include <ember/ops/reduce.h>

namespace ember {

/// The elements of x at `indices` (size 1 along dim), with the gradient at those places. Without keepdim dim goes.
ValuesIndices picked(const char* name, const Tensor& x, int dim, const Tensor& indices, bool keepdim);

}  // namespace ember

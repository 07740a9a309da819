// Geometry of views that several operations need.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// The sizes with a -1 replaced by what numel leaves for it. Throws "shape '[4, 2]' is invalid for input of size 6".
Shape infer_size(IntArrayRef sizes, int64_t numel);

/// Strides that show x's elements, in row-major order, under other sizes; false when x must be copied for that.
bool view_strides(const Tensor& x, IntArrayRef sizes, Shape& strides);

}  // namespace ember

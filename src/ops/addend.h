// The check of what is added behind an operation: there is no broadcast within a pass.
#pragma once

#include <ember/tensor.h>

#include "error_format.h"

namespace ember {

inline void check_addend(const Tensor& addend, IntArrayRef sizes, DType dtype) {
  check<RuntimeError>(addend.sizes() == sizes, "expected what is added to have the sizes of the result, {}, got {}", sizes, addend.sizes());
  check<RuntimeError>(addend.dtype() == dtype, "expected what is added to have the dtype of the result, {}, got {}", scalar_type_name(dtype),
                      scalar_type_name(addend.dtype()));
}

}  // namespace ember

// The backward of a ReLU that was computed together with the operation before it.
#pragma once

#include <ember/ops/elementwise.h>

#include "ops/pointwise.h"

namespace ember {

/// dy where the ReLU let y through, else 0. The same may be differentiated again: the mask does not depend on how large y is.
inline Tensor relu_backward(const Tensor& dy, const Tensor& y) {
  return will_record({dy}) ? masked_fill(dy, le(y, 0), 0) : pointwise("ReluBackward"_op, dy, y);
}

}  // namespace ember

// What the losses share.
#pragma once

#include <ember/ops/loss.h>

namespace ember {

/// Mean, sum, or each by itself.
Tensor reduced(const Tensor& loss, Reduction reduction);

}  // namespace ember

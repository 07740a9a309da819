// What there is to say about the values of a tensor.
#pragma once

#include <ember/tensor.h>

struct Statistics {
  std::int64_t nan = 0, infinite = 0, finite = 0;
  double mean = 0, std = 0, min = 0, max = 0;  ///< of the finite values; std with n - 1, 0 for a single one
};

Statistics statistics(const ember::Tensor& tensor);

// The arguments of batch norm, and what is wrong with them, in PyTorch's order and words.
#pragma once

#include <ember/tensor.h>

namespace ember {

struct BatchNormArguments {
  const Tensor &x, &running_mean, &running_var, &weight, &bias;
  double eps;
  bool training, relu;
  Tensor addend = {};  // of x's sizes, or undefined
};

/// "weight should contain 3 elements not 4".
void check_channels(const char* name, const Tensor& t, int64_t channels);

/// What PyTorch refuses of an empty x, too: too few dimensions, one value a channel in training, eps, an addend of another shape.
void check_batch_norm_shapes(const BatchNormArguments& in);

/// What max pooling by 2 x 2 refuses of images smaller than that.
void check_pools(const Tensor& x);

/// The rest, of an x with elements.
void check_batch_norm_tensors(const BatchNormArguments& in);

}  // namespace ember

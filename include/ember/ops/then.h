// What may follow an operation in the same pass over memory: the tail that linear, conv2d and batch_norm take as their last argument.
#pragma once

#include <ember/tensor.h>

namespace ember {

/// A batch norm by its running statistics, as in evaluation. It is there when running_mean or running_var is.
struct FixedNorm {
  OptionalTensor running_mean = {}, running_var = {}, weight = {}, bias = {};
  double eps = 1e-5;

  bool defined() const { return running_mean.defined() || running_var.defined(); }
};

/// In this order: the norm, a sum, a ReLU, max pooling by 2 x 2. An operation with a tail has the bits of the single operations one after
/// the other, forward and backward; what it can it does while its results are on their way into memory, and the rest behind.
///   conv2d(x, weight, bias, {.padding = 1}, {.norm = {mean, var}, .relu = true})
///   batch_norm(x, mean, var, weight, bias, true, 0.1, 1e-5, {.addend = shortcut, .relu = true})
struct Then {
  FixedNorm norm = {};
  OptionalTensor addend = {};  ///< of the sizes and the dtype of what it is added to
  bool relu = false;
  bool max_pool = false;

  bool empty() const { return !relu && !max_pool && !addend.defined() && !norm.defined(); }
};

/// The tail by itself: batch_norm, +, relu, max_pool2d. What any operation with a tail must agree with.
/// Throws RuntimeError "expected what is added to have the sizes of the result" where the addend has other sizes or another dtype.
Tensor apply(const Then& then, const Tensor& y);

}  // namespace ember

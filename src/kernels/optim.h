// Optimiser steps, one pass over a parameter. Roundings as PyTorch's: add and addcmul fused, addcdiv not.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first;  ///< first: the buffer has no value yet
};
struct AdamStep {
  double beta1, beta2, weight_decay, lr_weight_decay;  ///< weight_decay: into the gradient; lr_weight_decay: lr * decay, decoupled
  double step_size, root_correction, eps;              ///< lr / (1 - beta1^t), sqrt(1 - beta2^t)
  bool maximize;
};

template <class T>
struct OptimFamily {
  void (*sgd)(int64_t n, const SgdStep& s, const T* gradient, T* buffer, T* parameter);  ///< buffer null without momentum
  /// max_square null without amsgrad.
  void (*adam)(int64_t n, const AdamStep& s, const T* gradient, T* mean, T* square, T* max_square, T* parameter);
  double (*sum_of_squares)(int64_t n, const T* x);
};

struct OptimKernels {
  OptimFamily<float> float32;
  OptimFamily<double> float64;
};

}  // namespace ember::kernels

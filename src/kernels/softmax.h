// Softmax and cross-entropy over rows of n contiguous numbers.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

template <class T>
struct SoftmaxFamily {
  void (*softmax)(int64_t rows, int64_t n, const T* x, T* y);
  void (*log_softmax)(int64_t rows, int64_t n, const T* x, T* y);
  void (*softmax_backward)(int64_t rows, int64_t n, const T* dy, const T* y, T* dx);      ///< dx = y (dy - sum dy y)
  void (*log_softmax_backward)(int64_t rows, int64_t n, const T* dy, const T* y, T* dx);  ///< dx = dy - e^y sum dy
  void (*log_sum_exp)(int64_t rows, int64_t n, const T* x, T* lse);
  /// dx = (e^(x - lse) - [i = target]) scale[row]; scale is 0 for ignored rows, whose target is not read.
  void (*cross_entropy_backward)(int64_t rows, int64_t n, const T* x, const T* lse, const int64_t* target, const T* scale, T* dx);
};

struct SoftmaxKernels {
  SoftmaxFamily<float> float32;
  SoftmaxFamily<double> float64;
};

}  // namespace ember::kernels

// Normalisation: statistics of channels and rows, the affine pass, and the sums and the pass of the backward. A channel's numbers are
// either runs of `n` side by side (N, C, ...) or columns of a matrix with the channels innermost.
#pragma once

#include <cstdint>

namespace ember::kernels {

using std::int64_t;

/// dx = a dy + (b (x - mean) + c): the coefficients of one channel.
template <class T>
struct NormGradient {
  const T *a, *b, *c, *mean;
};

template <class T>
struct NormFamily {
  // --- one run of n numbers
  double (*sum)(int64_t n, const T* x);
  double (*squares)(int64_t n, const T* x, T mean);  ///< sum of (x - mean)^2, difference and square rounded to T
  void (*products)(int64_t n, const T* dy, const T* x, T mean, double* sum, double* product);  ///< adds sum dy, sum dy (x - mean)
  void (*affine)(int64_t n, const T* x, T alpha, T beta, bool relu, T* y);                     ///< y = fma(x, alpha, beta)
  void (*gradient)(int64_t n, const T* dy, const T* x, T a, T b, T c, T mean, T* dx);

  // --- columns of a (rows, c) matrix; sums are added to
  void (*column_sums)(int64_t rows, int64_t c, const T* x, double* sum);
  void (*column_squares)(int64_t rows, int64_t c, const T* x, const T* mean, double* sum);
  void (*column_products)(int64_t rows, int64_t c, const T* dy, const T* x, const T* mean, double* sum, double* product);
  void (*column_affine)(int64_t rows, int64_t c, const T* x, const T* alpha, const T* beta, bool relu, T* y);
  void (*column_gradient)(int64_t rows, int64_t c, const T* dy, const T* x, NormGradient<T> g, T* dx);

  // --- rows normalised one by one (layer norm); weight and bias may be null
  void (*layer_forward)(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* rstd);
  /// dx (null: not wanted) and, added to, the sums over rows of dy xhat and dy (null: not wanted).
  void (*layer_backward)(int64_t rows, int64_t n, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd, T* dx,
                         double* dweight, double* dbias);
};

struct NormKernels {
  NormFamily<float> float32;
  NormFamily<double> float64;
};

}  // namespace ember::kernels

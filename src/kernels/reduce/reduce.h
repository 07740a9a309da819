// Reductions: many numbers to one, over the middle of three merged dimensions (outer, n, inner).
#pragma once

#include <ember/dtype.h>

namespace ember::kernels {

using std::int64_t;

enum class Reduction : std::uint8_t { Sum, Prod, Max, Min, ArgMax, ArgMin, CumSum, CumProd, Count };

/// y[o, i] = reduction over k < n of x[o * x_outer + k * step + i], for o < outer and i < inner; y is at o * y_outer + i. Arg* write
/// int64 indices k, the first among equals; a NaN is above and below everything. Cum* write all n partial results, laid out as x.
struct ReduceCall {
  int64_t outer, n, inner;
  int64_t x_outer, step, y_outer;
  const void* x;
  void* y;
};
using ReduceLoop = void (*)(const ReduceCall&);

struct ReduceKernels {
  ReduceLoop loops[int(Reduction::Count)][kDTypes];  ///< null where the caller converts first
  /// Mean and sum of squared deviations of each of `rows` rows of n numbers, computed in double.
  void (*moments_float)(int64_t rows, int64_t n, const float* x, double* mean, double* squares);
  void (*moments_double)(int64_t rows, int64_t n, const double* x, double* mean, double* squares);
};

}  // namespace ember::kernels

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
};

template <class T>
struct MomentLoops {
  /// Mean and sum of squared deviations of each of `rows` rows of n numbers, computed in double.
  void (*rows)(int64_t rows, int64_t n, const T* x, double* mean, double* squares);
};

// ---------------------------------------------------------------------------------------------------------------------------
// On all threads.

/// The loop over all of `call`, cut along outer where there is more than one, else along inner at multiples of `grain`. Elements of x and y
/// take x_bytes and y_bytes.
void reduce(ReduceLoop loop, const ReduceCall& call, int64_t x_bytes, int64_t y_bytes, double work, int64_t grain);

/// The moments of each of `rows` rows of n numbers.
template <class T>
void row_moments(int64_t rows, int64_t n, const T* x, double* mean, double* squares);

}  // namespace ember::kernels

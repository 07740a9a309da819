// Who multiplies matrices: Ember's own tiles where they are at the peak, OpenBLAS where a measured table says that it is faster.
// EMBER_GEMM=own|openblas decides for all.
#pragma once

#include "kernels/gemm/gemm.h"

namespace ember::kernels {

/// "own" or "openblas" where one of them takes all, otherwise both and from where on. Loads OpenBLAS where it may be used.
const char* gemm_provider();

/// From how many multiply-adds on OpenBLAS may take a product; infinity where it takes none.
template <class T>
double least_for_openblas();

/// Is this product, of enough multiply-adds, for OpenBLAS? At the first such one the library is loaded and checked: a build that multiplies wrongly
/// on this processor is warned of and never used.
template <class T>
bool openblas_takes_large(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b);
template <class T>
bool openblas_takes(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b) {
  static const double least = least_for_openblas<T>();
  return double(m) * double(n) * double(k) >= least && openblas_takes_large(m, n, k, a, b);
}

/// gemm() by OpenBLAS, in pieces that depend on the shape alone: the same bits for any number of threads.
template <class T>
void openblas_gemm(int64_t m, int64_t n, int64_t k, Matrix<T> a, Matrix<T> b, T* c, int64_t ldc, Epilogue<T> epilogue);

}  // namespace ember::kernels

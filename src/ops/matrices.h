// What the functions of linear algebra share: checks in PyTorch's words, column-major copies for LAPACK, and errors of factorisations.
#pragma once

#include <ember/tensor.h>

#include <vector>

#include "error_format.h"

namespace ember {

void check_floating(const char* name, const Tensor& A);
void check_matrix(const char* name, const Tensor& A, const char* argument = "A");
void check_square(const char* name, const Tensor& A);

/// (..., m, n) as LAPACK wants it: a copy whose columns lie one after the other, batch after batch. No history.
Tensor column_major(const Tensor& A);
/// Memory for a result (..., m, n) in the same order.
Tensor empty_columns(const Tensor& like, int64_t m, int64_t n);

/// How many matrices (..., m, n) holds.
int64_t matrix_count(const Tensor& A);
/// Sizes without the last `drop`, and with `tail` behind.
Shape batch_sizes(const Tensor& A, IntArrayRef tail, int drop = 2);

template <class T>
T* matrix_at(const Tensor& A, int64_t i) {
  return A.data<T>() + i * A.size(-1) * A.size(-2);
}
template <class T>
T* vector_at(const Tensor& v, int64_t i) {
  return v.data<T>() + i * v.size(-1);
}

/// The first info that is not 0, with "(Batch element 3): " where there is a batch; -1 and "" when all are.
struct Failure {
  int info = 0;
  std::string where;
};
Failure first_failure(const std::vector<int>& infos, const Tensor& A);

inline Tensor T_of(const Tensor& x) { return x.transpose(-2, -1); }
/// The identity (n, n) in like's dtype.
inline Tensor identity(int64_t n, const Tensor& like) { return eye(n, -1, {.dtype = like.dtype()}); }
/// diag(v): (..., n) -> (..., n, n).
Tensor diagonal_matrix(const Tensor& v);

}  // namespace ember

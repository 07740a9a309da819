// Column-major copies of batches of matrices, and the errors of LAPACK in words.
#include "ops/matrices.h"

#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/shape.h>

namespace ember {

void check_floating(const char* name, const Tensor& A) {
  check<RuntimeError>(A.is_floating_point(), "{}: Expected a floating point or complex tensor as input. Got {}", name, scalar_type_name(A.dtype()));
}

void check_matrix(const char* name, const Tensor& A, const char* argument) {
  check<RuntimeError>(A.dim() >= 2, "{}: The input tensor {} must have at least 2 dimensions.", name, argument);
}

void check_square(const char* name, const Tensor& A) {
  check_matrix(name, A);
  check<RuntimeError>(A.size(-1) == A.size(-2), "{}: A must be batches of square matrices, but they are {} by {} matrices", name, A.size(-2),
                      A.size(-1));
}

Tensor column_major(const Tensor& A) {
  const NoGradGuard no_grad;
  return T_of(T_of(A.detach()).clone(MemoryFormat::Contiguous));
}

Tensor empty_columns(const Tensor& like, int64_t m, int64_t n) { return T_of(empty(batch_sizes(like, {n, m}), like.dtype())); }

int64_t matrix_count(const Tensor& A) {
  int64_t count = 1;
  for (int d = 0; d < A.dim() - 2; ++d) count *= A.size(d);
  return count;
}

Shape batch_sizes(const Tensor& A, IntArrayRef tail, int drop) {
  Shape sizes(A.sizes().begin(), A.sizes().end() - drop);
  for (const int64_t n : tail) sizes.push_back(n);
  return sizes;
}

Failure first_failure(const std::vector<int>& infos, const Tensor& A) {
  for (std::size_t i = 0; i < infos.size(); ++i)
    if (infos[i] != 0) return {infos[i], A.dim() > 2 ? fmt::format("(Batch element {}): ", i) : ""};
  return {};
}

Tensor diagonal_matrix(const Tensor& v) { return v.unsqueeze(-1) * identity(v.size(-1), v); }

}  // namespace ember

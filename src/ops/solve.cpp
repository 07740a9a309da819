// Systems of equations: LU and Cholesky factors, triangular systems, inverses and determinants.
#include <ember/autograd.h>
#include <ember/ops/decompositions.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>

#include "kernels/lapack/blocked.h"
#include "kernels/lapack/lapack.h"
#include "ops/matrices.h"
#include "tensor/defined.h"
#include "with_type.h"

namespace ember {
namespace {

namespace lapack = kernels::lapack;

/// P L U of each matrix, in LAPACK's packed form. No history.
struct LU {
  Tensor factors;
  std::vector<int> pivots, infos;  // n for each matrix; one
};

LU factorise(const Tensor& A) {
  const int n = int(A.size(-1));
  const int64_t count = matrix_count(A);
  LU lu{column_major(A), std::vector<int>(std::size_t(count * n)), std::vector<int>(std::size_t(count))};
  if (n == 0) return lu;
  with_real(A.dtype(), [&]<class T>(T) {
    lapack::for_each_matrix(count, double(count) * n * n * n / 3, [&](int64_t i) {
      lu.infos[std::size_t(i)] = lapack::factorise_lu<T>(n, n, matrix_at<T>(lu.factors, i), n, lu.pivots.data() + i * n);
    });
  });
  return lu;
}

/// A^-1 B for batches of the same shape, B (..., n, k). No history.
Tensor solve_factorised(const LU& lu, const Tensor& B) {
  const Tensor x = column_major(B);
  const int n = int(B.size(-2)), k = int(B.size(-1));
  if (x.numel() > 0)
    with_real(B.dtype(), [&]<class T>(T) {
      lapack::for_each_matrix(matrix_count(B), double(x.numel()) * n, [&](int64_t i) {
        lapack::solve_lu<T>(n, k, matrix_at<T>(lu.factors, i), lu.pivots.data() + i * n, matrix_at<T>(x, i));
      });
    });
  return x;
}

/// A and B with their batches broadcast against each other.
std::pair<Tensor, Tensor> broadcast_batches(const Tensor& A, const Tensor& B) {
  if (batch_sizes(A, {}) == batch_sizes(B, {})) return {A, B};
  const Tensor batch = broadcast_tensors({empty(batch_sizes(A, {})), empty(batch_sizes(B, {}))})[0];
  const auto expanded = [&](const Tensor& t) { return t.expand(batch_sizes(batch, {t.size(-2), t.size(-1)}, 0)); };
  return {expanded(A), expanded(B)};
}

/// Is B a batch of vectors for this A? As PyTorch: one dimension, or A's sizes without the last.
bool is_vector(const Tensor& A, const Tensor& B) {
  return B.dim() == 1 || (A.dim() - 1 == B.dim() && B.sizes() == IntArrayRef(batch_sizes(A, {}, 1)));
}

void check_equation(const char* name, const Tensor& A, const Tensor& B, bool left) {
  const bool fits = left ? A.size(-2) == B.size(-2) : A.size(-1) == B.size(-1);
  check<RuntimeError>(fits, "{}: Incompatible shapes of A and B for the equation {} = B ({}x{} and {}x{})", name, left ? "AX" : "XA", A.size(-2),
                      A.size(-1), B.size(-2), B.size(-1));
}

void check_same_dtype(const char* name, const Tensor& A, const Tensor& B) {
  check<RuntimeError>(A.dtype() == B.dtype(), "{}: Expected A and B to have the same dtype, but found A of type {} and B of type {} instead", name,
                      scalar_type_name(A.dtype()), scalar_type_name(B.dtype()));
}

/// The product of the diagonal of U, and its sign by itself with log of its magnitude.
struct Determinant {
  Tensor sign, logabs, value;
};
Determinant determinant(const Tensor& A) {
  const NoGradGuard no_grad;
  const LU lu = factorise(A);
  const Tensor diagonal = lu.factors.diagonal(0, -2, -1).contiguous();
  const int64_t n = A.size(-1), count = matrix_count(A);
  const Tensor swaps = ones({count}, A.dtype());
  with_real(A.dtype(), [&]<class T>(T) {
    for (int64_t i = 0; i < count; ++i)
      for (int64_t k = 0; k < n; ++k)
        if (lu.pivots[std::size_t(i * n + k)] != k + 1) swaps.data<T>()[i] *= -1;
  });
  const Tensor parity = swaps.view(batch_sizes(A, {}));
  return {diagonal.sign().prod(-1) * parity, diagonal.abs().log().sum(-1), diagonal.prod(-1) * parity};
}

// d det(A) = tr(adj(A) dA). With A = U S V^T: adj(A)^T = det(U) det(V) U diag(products of the other singular values) V^T, which exists for singular
// matrices, too; it is differentiated no further.
Tensor cofactors(const Tensor& A) {
  const NoGradGuard no_grad;
  const linalg::SVD f = linalg::svd(A, false);
  const int64_t n = A.size(-1);
  std::vector<Tensor> others;
  for (int64_t k = 0; k < n; ++k) others.push_back(cat({f.S.narrow(-1, 0, k), f.S.narrow(-1, k + 1, n - k - 1)}, -1).prod(-1));
  const Tensor sign = (determinant(f.U).value * determinant(f.Vh).value).unsqueeze(-1);
  return matmul(f.U * (stack(others, -1) * sign).unsqueeze(-2), f.Vh);
}

/// The lower half with half of the diagonal.
Tensor lower_half(const Tensor& x) { return tril(x) - diagonal_matrix(x.diagonal(0, -2, -1)) * 0.5; }

}  // namespace

namespace linalg {

// X = A^-1 B: dB = A^-T dX, dA = -dB X^T.
Tensor solve(const Tensor& given_A, const Tensor& given_B, bool left) {
  require_defined("linalg.solve", given_A, given_B);
  check_floating("linalg.solve", given_A);
  check_same_dtype("linalg.solve", given_A, given_B);
  check_square("linalg.solve", given_A);
  const bool vector = is_vector(given_A, given_B);
  const Tensor matrices = vector ? given_B.unsqueeze(-1) : given_B;
  check_matrix("linalg.solve", matrices, "B");
  check_equation("linalg.solve", given_A, matrices, left);
  check<RuntimeError>(!vector || left,
                      "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. "
                      "In this case linalg.solve is equivalent to B / A.squeeze(-1)");
  if (!left) return T_of(solve(T_of(given_A), T_of(matrices)));
  const auto [A, B] = broadcast_batches(given_A, matrices);
  const LU lu = factorise(A);
  if (const Failure f = first_failure(lu.infos, A); f.info)
    fail<LinAlgError>("torch.linalg.solve: {}The solver failed because the input matrix is singular.", f.where);
  Tensor X = solve_factorised(lu, B);
  const Saved result = Saved::output(X);
  X = record("LinalgSolveEx", {A, B}, std::move(X), [A = Saved(A), result](const Tensor& dX, Grads& grads) {
    const Tensor dB = solve(T_of(A.get()), dX);
    grads.add(1, dB);
    if (grads.wants(0)) grads.add(0, -matmul(dB, T_of(result.get())));
  });
  return vector ? X.squeeze(-1) : X;
}

// d(A^-1) = -A^-1 dA A^-1: dA = -X^T dX X^T.
Tensor inv(const Tensor& A) {
  require_defined("linalg.inv", A);
  check_floating("linalg.inv", A);
  check_square("linalg.inv", A);
  const LU lu = factorise(A);
  if (const Failure f = first_failure(lu.infos, A); f.info)
    fail<LinAlgError>("linalg.inv: {}The diagonal element {} is zero, the inversion could not be completed because the input matrix is singular.",
                      f.where, f.info);
  Tensor X = solve_factorised(lu, identity(A.size(-1), A).expand(A.sizes()));
  const Saved result = Saved::output(X);
  return record("LinalgInvEx", {A}, std::move(X), [result](const Tensor& dX, Grads& grads) {
    const Tensor Xt = T_of(result.get());
    grads.add(0, -matmul(Xt, matmul(dX, Xt)));
  });
}

Tensor det(const Tensor& A) {
  require_defined("linalg.det", A);
  check_floating("linalg.det", A);
  check_square("linalg.det", A);
  Tensor value = determinant(A).value;
  const Saved result = Saved::output(value);
  return record("LinalgDet", {A}, std::move(value), [A = Saved(A), result](const Tensor& d, Grads& grads) {
    const Tensor matrices = A.get(), scaled = (d * result.get()).unsqueeze(-1);
    const bool singular = (result.get().detach() == 0).any().item<bool>();
    if (singular) return grads.add(0, d.unsqueeze(-1).unsqueeze(-1) * cofactors(matrices));
    grads.add(0, solve(T_of(matrices), diagonal_matrix(scaled.expand(batch_sizes(matrices, {}, 1)))));
  });
}

// d log|det A| = tr(A^-1 dA).
SignLogabsdet slogdet(const Tensor& A) {
  require_defined("linalg.slogdet", A);
  check_floating("linalg.slogdet", A);
  check_square("linalg.slogdet", A);
  const Determinant found = determinant(A);
  const Tensor sign = record("LinalgSlogdet", {A}, found.sign, [A = Saved(A)](const Tensor&, Grads& grads) { grads.add(0, zeros_like(A.get())); });
  return {sign, record("LinalgSlogdet", {A}, found.logabs, [A = Saved(A)](const Tensor& d, Grads& grads) {
            const Tensor matrices = A.get();
            grads.add(0, solve(T_of(matrices), diagonal_matrix(d.unsqueeze(-1).expand(batch_sizes(matrices, {}, 1)))));
          })};
}

// A = L L^T: dA = L^-T phi(L^T dL) L^-1, made symmetric, where phi takes the lower half with half of the diagonal. Murray 2016.
Tensor cholesky(const Tensor& A, bool upper) {
  require_defined("linalg.cholesky", A);
  check_floating("linalg.cholesky", A);
  check_square("linalg.cholesky", A);
  const int n = int(A.size(-1));
  const int64_t count = matrix_count(A);
  std::vector<int> infos(static_cast<std::size_t>(count));
  const Tensor factors = column_major(upper ? T_of(A) : A);
  if (n > 0)
    with_real(A.dtype(), [&]<class T>(T) {
      lapack::for_each_matrix(count, double(count) * n * n * n / 6,
                              [&](int64_t i) { infos[std::size_t(i)] = lapack::factorise_cholesky<T>(n, matrix_at<T>(factors, i)); });
    });
  if (const Failure f = first_failure(infos, A); f.info)
    fail<LinAlgError>(
        "linalg.cholesky: {}The factorization could not be completed because the input is not positive-definite (the leading minor of order {} is "
        "not "
        "positive-definite).",
        f.where, f.info);
  Tensor L = tril(factors);
  const Saved result = Saved::output(L);
  L = record("LinalgCholeskyEx", {A}, std::move(L), [result](const Tensor& dL, Grads& grads) {
    const Tensor L = result.get();
    const Tensor inner = solve_triangular(L, lower_half(matmul(T_of(L), dL)), {.upper = false, .left = false});
    const Tensor dA = solve_triangular(T_of(L), inner, {.upper = true});
    grads.add(0, (dA + T_of(dA)) * 0.5);
  });
  return upper ? T_of(L) : L;
}

// X = A^-1 B: dB = A^-T dX, dA = -dB X^T in A's half. On the right X = B A^-1: dB = dX A^-T, dA = -X^T dB.
Tensor solve_triangular(const Tensor& given_A, const Tensor& given_B, SolveTriangularOptions o) {
  require_defined("linalg.solve_triangular", given_A, given_B);
  check_square("linalg.solve_triangular", given_A);
  check_matrix("linalg.solve_triangular", given_B, "B");
  check_floating("linalg.solve_triangular", given_A);
  check_same_dtype("linalg.solve_triangular", given_A, given_B);
  check_equation("linalg.solve_triangular", given_A, given_B, o.left);
  const auto [A, B] = broadcast_batches(given_A, given_B);
  const Tensor triangle = column_major(A), x = column_major(B);
  const int n = int(A.size(-1)), rows = int(B.size(-2)), columns = int(B.size(-1));
  if (x.numel() > 0)
    with_real(A.dtype(), [&]<class T>(T) {
      lapack::for_each_matrix(matrix_count(A), double(x.numel()) * n / 2, [&](int64_t i) {
        lapack::trsm<T>(o.left ? 'L' : 'R', o.upper ? 'U' : 'L', 'N', o.unitriangular ? 'U' : 'N', rows, columns, matrix_at<T>(triangle, i), n,
                        matrix_at<T>(x, i), rows);
      });
    });
  Tensor X = x;
  const Saved result = Saved::output(X);
  return record("LinalgSolveTriangular", {A, B}, std::move(X), [A = Saved(A), result, o](const Tensor& dX, Grads& grads) {
    const Tensor dB = solve_triangular(T_of(A.get()), dX, {.upper = !o.upper, .left = o.left, .unitriangular = o.unitriangular});
    grads.add(1, dB);
    if (!grads.wants(0)) return;
    const Tensor X = result.get(), dA = o.left ? -matmul(dB, T_of(X)) : -matmul(T_of(X), dB);
    grads.add(0, o.upper ? triu(dA, o.unitriangular ? 1 : 0) : tril(dA, o.unitriangular ? -1 : 0));
  });
}

}  // namespace linalg

Tensor inverse(const Tensor& A) {
  require_defined("inverse", A);
  return linalg::inv(A);
}

Tensor det(const Tensor& A) {
  require_defined("det", A);
  return linalg::det(A);
}

linalg::SignLogabsdet slogdet(const Tensor& A) {
  require_defined("slogdet", A);
  return linalg::slogdet(A);
}

Tensor logdet(const Tensor& A) {
  require_defined("logdet", A);
  check_floating("logdet", A);
  check_square("logdet", A);
  const linalg::SignLogabsdet parts = linalg::slogdet(A);
  return where(parts.sign.detach() == -1, Scalar(std::nan("")), parts.logabsdet);
}

// A = L L^T, X = A^-1 B: dB = A^-1 dX, dA = -dB X^T, and dL = (dA + dA^T) L or, where R = L^T is given, R (dA + dA^T). As in PyTorch in both halves,
// though one is not read.
Tensor cholesky_solve(const Tensor& B, const Tensor& L, bool upper) {
  require_defined("cholesky_solve", B, L);
  check<RuntimeError>(B.dim() >= 2, "b should have at least 2 dimensions, but has {} dimensions instead", B.dim());
  check<RuntimeError>(L.dim() >= 2, "u should have at least 2 dimensions, but has {} dimensions instead", L.dim());
  check<RuntimeError>(L.size(-1) == L.size(-2), "A must be batches of square matrices, but they are {} by {} matrices", L.size(-2), L.size(-1));
  check<RuntimeError>(B.size(-2) == L.size(-1),
                      "Incompatible matrix sizes for cholesky_solve: each A matrix is {} by {} but each b matrix is {} by {}", L.size(-2), L.size(-1),
                      B.size(-2), B.size(-1));
  check<NotImplementedError>(L.is_floating_point(), "\"cholesky_solve_cpu\" not implemented for '{}'", scalar_type_name(L.dtype()));
  check_same_dtype("cholesky_solve", L, B);
  const auto [factor, b] = broadcast_batches(L, B);
  Tensor X = [&, R = (upper ? factor : T_of(factor)).detach(), b = b.detach()] {
    return linalg::solve_triangular(R, linalg::solve_triangular(T_of(R), b, {.upper = false}), {.upper = true});
  }();
  const Saved result = Saved::output(X);
  return record("CholeskySolve", {b, factor}, std::move(X), [factor = Saved(factor), result, upper](const Tensor& dX, Grads& grads) {
    const Tensor L = factor.get(), dB = cholesky_solve(dX, L, upper);
    grads.add(0, dB);
    if (!grads.wants(1)) return;
    const Tensor half = matmul(dB, T_of(result.get())), both = half + T_of(half);
    grads.add(1, upper ? -matmul(L, both) : -matmul(both, L));
  });
}

// X = A^-1: dA = -X dX X.
Tensor cholesky_inverse(const Tensor& L, bool upper) {
  require_defined("cholesky_inverse", L);
  check_square("cholesky_inverse", L);
  check<NotImplementedError>(L.is_floating_point(), "\"cholesky_inverse_out_cpu\" not implemented for '{}'", scalar_type_name(L.dtype()));
  Tensor X = cholesky_solve(identity(L.size(-1), L).expand(L.sizes()), L.detach(), upper);
  const Saved result = Saved::output(X);
  return record("CholeskyInverse", {L}, std::move(X), [factor = Saved(L), result, upper](const Tensor& dX, Grads& grads) {
    const Tensor L = factor.get(), X = result.get(), both = matmul(X, matmul(dX + T_of(dX), X));
    grads.add(0, upper ? -matmul(L, both) : -matmul(both, L));
  });
}

}  // namespace ember

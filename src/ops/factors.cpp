// Factorisations with orthogonal factors: QR, singular values, symmetric eigenvalues.
//
// Functions with several results record one packed tensor, of which the results are slices: a node has one output.
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

/// Matrices and vectors of one batch, side by side in one tensor, so that one node can be the history of all. Sizes without the batch's.
class Pack {
 public:
  explicit Pack(std::vector<Shape> shapes) : shapes_(std::move(shapes)) {}

  Tensor join(const std::vector<Tensor>& parts) const {
    std::vector<Tensor> flat;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Shape sizes(parts[i].sizes().begin(), parts[i].sizes().end() - shapes_[i].size());
      sizes.push_back(shapes_[i].numel());
      flat.push_back(parts[i].reshape(sizes));
    }
    return cat(flat, -1);
  }
  Tensor part(const Tensor& joined, std::size_t i) const {
    int64_t begin = 0;
    for (std::size_t k = 0; k < i; ++k) begin += shapes_[k].numel();
    return joined.narrow(-1, begin, shapes_[i].numel()).reshape(batch_sizes(joined, shapes_[i], 1));
  }

 private:
  std::vector<Shape> shapes_;
};

/// Which matrices have no infinite or NaN number: LAPACK's iterations need not end on these.
Tensor are_finite(const Tensor& A) { return isfinite(A.detach()).all(Dims({-2, -1})); }

void check_converged(const char* name, const std::vector<int>& infos, const Tensor& A) {
  if (const Failure f = first_failure(infos, A); f.info)
    fail<LinAlgError>(
        "{}: {}The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated singular values (error code: "
        "{}).",
        name, f.where, f.info);
}

// --- QR

struct Factors {
  Tensor Q, R;
};

/// Q (m, columns) and R (rows, n) of each matrix. No history.
Factors factorise(const Tensor& A, bool complete, bool wants_q) {
  const NoGradGuard no_grad;
  const int m = int(A.size(-2)), n = int(A.size(-1)), k = std::min(m, n), columns = complete ? m : k;
  const int64_t count = matrix_count(A);
  const Tensor packed = column_major(A), tau = empty(batch_sizes(A, {k}), A.dtype());
  const Tensor Q = wants_q ? empty_columns(A, m, columns) : empty({0}, A.dtype());
  with_real(A.dtype(), [&]<class T>(T) {
    if (k > 0)
      lapack::for_each_matrix(count, 2.0 * double(count) * m * n * k,
                              [&](int64_t i) { lapack::geqrf<T>(m, n, matrix_at<T>(packed, i), m, vector_at<T>(tau, i)); });
    if (!wants_q || columns == 0) return;
    if (k == 0) return void(Q.copy_(identity(m, A).narrow(-1, 0, columns)));
    Q.narrow(-1, 0, k).copy_(packed.narrow(-1, 0, k));
    lapack::for_each_matrix(count, 2.0 * double(count) * m * columns * k,
                            [&](int64_t i) { lapack::orgqr<T>(m, columns, k, matrix_at<T>(Q, i), m, vector_at<T>(tau, i)); });
  });
  return {Q, triu(packed.narrow(-2, 0, columns))};
}

/// X + X^T with half of the diagonal: the adjoint of taking the symmetric part of a triangle.
Tensor symmetrised(const Tensor& X) { return X + T_of(X) - diagonal_matrix(X.diagonal(0, -2, -1)); }

// For m >= n: dA = (dQ + Q sym(triu(dR R^T - Q^T dQ))) R^-T. For m < n with A = [A1 A2], R = [R1 R2], R2 = Q^T A2: dA2 = Q dR2, and A1 = Q R1 is
// square with dQ + A2 dR2^T in place of dQ. Walter & Lehmann 2012.
Tensor qr_gradient(const Tensor& A, const Tensor& Q, const Tensor& R, const Tensor& dQ, const Tensor& dR) {
  const int64_t m = Q.size(-2), n = R.size(-1);
  if (m < n) {
    const Tensor A2 = A.narrow(-1, m, n - m), dR2 = dR.narrow(-1, m, n - m);
    const Tensor square = qr_gradient(A.narrow(-1, 0, m), Q, R.narrow(-1, 0, m), dQ + matmul(A2, T_of(dR2)), dR.narrow(-1, 0, m));
    return cat({square, matmul(Q, dR2)}, -1);
  }
  const Tensor inner = triu(matmul(dR, T_of(R)) - matmul(T_of(Q), dQ));
  return linalg::solve_triangular(T_of(R), dQ + matmul(Q, symmetrised(inner)), {.upper = false, .left = false});
}

// --- singular values and eigenvalues

/// X_jk / (values_k - values_j) off the diagonal, 0 on it. Where values are equal, a gradient of 0 stays 0: it does not tell vectors apart.
Tensor over_gaps(const Tensor& X, const Tensor& values) {
  const Tensor diagonal = identity(values.size(-1), values);
  const Tensor inverse = (1 - diagonal) / (values.unsqueeze(-2) - values.unsqueeze(-1) + diagonal);
  return X * masked_fill(inverse, logical_and(isinf(inverse.detach()), X.detach() == 0), 0);
}

Tensor skew(const Tensor& X) { return X - T_of(X); }

// With E_jk = S_k^2 - S_j^2 off the diagonal: dA = U ((skew(U^T dU) / E) S + S (skew(V^T dV) / E) + diag(dS)) V^T, and outside of the spaces of U and
// V (1 - U U^T) dU S^-1 V^T + U S^-1 dV^T (1 - V V^T). Townsend 2016.
Tensor svd_gradient(const Tensor& U, const Tensor& S, const Tensor& Vh, const Tensor& dU, const Tensor& dS, const Tensor& dVh) {
  const Tensor V = T_of(Vh), dV = T_of(dVh), rows = S.unsqueeze(-2), columns = S.unsqueeze(-1), squares = square(S);
  const Tensor inner = over_gaps(skew(matmul(T_of(U), dU)), squares) * rows + columns * over_gaps(skew(matmul(Vh, dV)), squares) +
                       diagonal_matrix(dS);
  Tensor left = matmul(U, inner);
  if (U.size(-2) > S.size(-1)) left = left + (dU - matmul(U, matmul(T_of(U), dU))) / rows;
  Tensor dA = matmul(left, Vh);
  if (V.size(-2) > S.size(-1)) dA = dA + matmul(U / rows, dVh - matmul(matmul(dVh, V), Vh));
  return dA;
}

enum class Vectors : std::uint8_t { None, Reduced, All };

linalg::SVD factorise_svd(const Tensor& A, Vectors wanted) {
  const bool full = wanted == Vectors::All, any = wanted != Vectors::None;
  const int m = int(A.size(-2)), n = int(A.size(-1)), k = std::min(m, n), columns = full ? m : k, rows = full ? n : k;
  const int64_t count = matrix_count(A);
  const Tensor work = column_major(A), S = empty(batch_sizes(A, {k}), A.dtype());
  const Tensor U = empty_columns(A, m, any ? columns : 0), Vh = empty_columns(A, any ? rows : 0, n);
  if (k == 0) {
    if (full) U.copy_(identity(m, A)), Vh.copy_(identity(n, A));
    return {U, S, Vh};
  }
  std::vector<int> infos(static_cast<std::size_t>(count));
  with_real(A.dtype(), [&]<class T>(T) {
    lapack::for_each_matrix(count, 8.0 * double(count) * m * n * k, [&](int64_t i) {
      infos[std::size_t(i)] = lapack::gesdd<T>(full  ? 'A'
                                               : any ? 'S'
                                                     : 'N',
                                               m, n, matrix_at<T>(work, i), m, vector_at<T>(S, i), matrix_at<T>(U, i), m, matrix_at<T>(Vh, i), rows);
    });
  });
  check_converged("linalg.svd", infos, A);
  return {U, S, Vh};
}

/// NaN for matrices that are not finite, as PyTorch has it.
linalg::Eigh factorise_eigh(const Tensor& A, char uplo, bool vectors) {
  if (const Tensor finite = are_finite(A); !finite.all().item<bool>()) {
    const Tensor matrices = logical_not(finite).unsqueeze(-1).unsqueeze(-1);
    const linalg::Eigh f = factorise_eigh(masked_fill(A, matrices, 0), uplo, vectors);
    return {masked_fill(f.eigenvalues, matrices.squeeze(-1), std::nan("")), masked_fill(f.eigenvectors, matrices, std::nan(""))};
  }
  const int n = int(A.size(-1));
  const int64_t count = matrix_count(A);
  const Tensor work = column_major(A), values = empty(batch_sizes(A, {n}), A.dtype());
  std::vector<int> infos(static_cast<std::size_t>(count));
  if (n > 0)
    with_real(A.dtype(), [&]<class T>(T) {
      lapack::for_each_matrix(count, 8.0 * double(count) * n * n * n, [&](int64_t i) {
        T *const a = matrix_at<T>(work, i), *const w = vector_at<T>(values, i);
        infos[std::size_t(i)] = vectors && uplo == 'L' ? lapack::eigenvectors<T>(n, a, w) : lapack::syevd<T>(vectors ? 'V' : 'N', uplo, n, a, n, w);
      });
    });
  check_converged("linalg.eigh", infos, A);
  return {values, work};
}

void check_svd_input(const Tensor& A) {
  check_matrix("linalg.svd", A);
  check_floating("linalg.svd", A);
  const Tensor finite = are_finite(A);
  std::vector<int> infos;
  for (int64_t i = 0; i < finite.numel(); ++i) infos.push_back(!finite.data<bool>()[i]);
  if (const Failure f = first_failure(infos, A); f.info)
    fail<LinAlgError>("linalg.svd: {}The algorithm failed to converge because the input matrix contained non-finite values.", f.where);
}

char checked_half(const std::string& UPLO) {
  const char c = UPLO.size() == 1 ? char(UPLO[0] & ~0x20) : ' ';
  check<RuntimeError>(c == 'L' || c == 'U', "Expected UPLO argument to be 'L' or 'U', but got {}", UPLO);
  return c;
}

void check_symmetric_input(const Tensor& A) {
  check_square("linalg.eigh", A);
  check<NotImplementedError>(A.is_floating_point(), "\"linalg_eigh_cpu\" not implemented for '{}'", scalar_type_name(A.dtype()));
}

}  // namespace

namespace linalg {

QR qr(const Tensor& A, const std::string& mode) {
  require_defined("linalg.qr", A);
  check_matrix("linalg.qr", A);
  check_floating("linalg.qr", A);
  check<RuntimeError>(mode == "reduced" || mode == "complete" || mode == "r",
                      "qr received unrecognized mode '{}' but expected one of 'reduced' (default), 'r', or 'complete'", mode);
  const bool complete = mode == "complete", wants_q = mode != "r";
  const Factors f = factorise(A, complete, wants_q);
  if (!will_record({A})) return {f.Q, f.R};
  const int64_t m = A.size(-2), n = A.size(-1), columns = f.R.size(-2);
  if (!wants_q)
    return {f.Q, record("LinalgQr", {A}, f.R, [](const Tensor&, Grads&) {
              fail<RuntimeError>(
                  "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are "
                  "going to differentiate through linalg.qr.");
            })};
  const Pack pack({{m, columns}, {columns, n}});
  Tensor joined = pack.join({f.Q, f.R});
  const Saved result = Saved::output(joined);
  joined = record("LinalgQr", {A}, std::move(joined), [A = Saved(A), result, pack, complete, m, n](const Tensor& d, Grads& grads) {
    check<RuntimeError>(!complete || m <= n, "The QR decomposition is not differentiable when mode='complete' and nrows > ncols.");
    grads.add(0, qr_gradient(A.get(), pack.part(result.get(), 0), pack.part(result.get(), 1), pack.part(d, 0), triu(pack.part(d, 1))));
  });
  return {pack.part(joined, 0), pack.part(joined, 1)};
}

SVD svd(const Tensor& A, bool full_matrices) {
  require_defined("linalg.svd", A);
  check_svd_input(A);
  const SVD f = [&] {
    const NoGradGuard no_grad;
    return factorise_svd(A, full_matrices ? Vectors::All : Vectors::Reduced);
  }();
  if (!will_record({A})) return f;
  const int64_t m = A.size(-2), n = A.size(-1), k = std::min(m, n), columns = f.U.size(-1), rows = f.Vh.size(-2);
  const Pack pack({{m, columns}, {k}, {rows, n}});
  Tensor joined = pack.join({f.U, f.S, f.Vh});
  const Saved result = Saved::output(joined);
  joined = record("LinalgSvd", {A}, std::move(joined), [result, pack, k](const Tensor& d, Grads& grads) {
    const auto U = [&](const Tensor& t) { return pack.part(t, 0).narrow(-1, 0, k); };
    const auto Vh = [&](const Tensor& t) { return pack.part(t, 2).narrow(-2, 0, k); };
    const Tensor value = result.get();
    grads.add(0, svd_gradient(U(value), pack.part(value, 1), Vh(value), U(d), pack.part(d, 1), Vh(d)));
  });
  return {pack.part(joined, 0), pack.part(joined, 1), pack.part(joined, 2)};
}

Tensor svdvals(const Tensor& A) {
  require_defined("linalg.svdvals", A);
  check_svd_input(A);
  Tensor S = [&] {
    const NoGradGuard no_grad;
    return factorise_svd(A, Vectors::None).S;
  }();
  // The vectors are not needed forward. U and V of equal values are not unique, but U diag(dS) V^T is where dS does not tell the values apart.
  return record("LinalgSvdvals", {A}, std::move(S), [A = Saved(A)](const Tensor& dS, Grads& grads) {
    const SVD f = svd(A.get(), false);
    grads.add(0, matmul(f.U * dS.unsqueeze(-2), f.Vh));
  });
}

// With E_jk = w_k - w_j off the diagonal: dA = V (diag(dw) + (V^T dV) / E) V^T.
Eigh eigh(const Tensor& A, const std::string& UPLO) {
  require_defined("linalg.eigh", A);
  const char half = checked_half(UPLO);
  check_symmetric_input(A);
  const Eigh f = [&] {
    const NoGradGuard no_grad;
    return factorise_eigh(A, half, true);
  }();
  if (!will_record({A})) return f;
  const int64_t n = A.size(-1);
  const Pack pack({{n}, {n, n}});
  Tensor joined = pack.join({f.eigenvalues, f.eigenvectors});
  const Saved result = Saved::output(joined);
  joined = record("LinalgEigh", {A}, std::move(joined), [result, pack](const Tensor& d, Grads& grads) {
    const Tensor w = pack.part(result.get(), 0), V = pack.part(result.get(), 1), dw = pack.part(d, 0), dV = pack.part(d, 1);
    const Tensor inner = diagonal_matrix(dw) + over_gaps(matmul(T_of(V), dV), w);
    grads.add(0, matmul(V, matmul(inner, T_of(V))));
  });
  return {pack.part(joined, 0), pack.part(joined, 1)};
}

Tensor eigvalsh(const Tensor& A, const std::string& UPLO) {
  require_defined("linalg.eigvalsh", A);
  if (will_record({A})) return eigh(A, UPLO).eigenvalues;
  const char half = checked_half(UPLO);
  check_symmetric_input(A);
  const NoGradGuard no_grad;
  return factorise_eigh(A, half, false).eigenvalues;
}

// The reflectors are applied from the last to the first; a handful of products each, so that they are differentiated as products are.
Tensor householder_product(const Tensor& A, const Tensor& tau) {
  require_defined("linalg.householder_product", A, tau);
  check<RuntimeError>(A.dim() >= 2, "torch.linalg.householder_product: input must have at least 2 dimensions.");
  const int64_t m = A.size(-2), n = A.size(-1), k = tau.size(-1);
  check<RuntimeError>(m >= n, "torch.linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]");
  check<RuntimeError>(n >= k, "torch.linalg.householder_product: input.shape[-1] must be greater than or equal to tau.shape[-1]");
  check<RuntimeError>(A.dim() - tau.dim() == 1 && batch_sizes(A, {}) == batch_sizes(tau, {}, 1),
                      "torch.linalg.householder_product: Expected batch dimensions of tau to be equal to input.shape[:-2], but got {}",
                      batch_sizes(tau, {}, 1));
  check<RuntimeError>(A.dtype() == tau.dtype(), "torch.linalg.householder_product: tau dtype {} does not match input dtype {}",
                      scalar_type_name(tau.dtype()), scalar_type_name(A.dtype()));
  check_floating("torch.linalg.householder_product", A);
  Tensor Q = identity(m, A).narrow(-1, 0, n).expand(A.sizes());
  const Tensor below = tril(A, -1);
  for (int64_t i = k - 1; i >= 0; --i) {
    const Tensor unit = identity(m, A).narrow(-1, i, 1);
    const Tensor v = below.narrow(-1, i, 1) + unit;  // 1 on the diagonal, the column below it
    Q = Q - matmul(v * tau.narrow(-1, i, 1).unsqueeze(-1), matmul(T_of(v), Q));
  }
  return Q;
}

}  // namespace linalg
}  // namespace ember

// What is made of factorisations: least squares, pseudo-inverses, ranks, norms and conditions of matrices; powers and chains of products.
#include <ember/autograd.h>
#include <ember/ops/decompositions.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>

#include <cmath>
#include <limits>

#include "kernels/lapack/lapack.h"
#include "kernels/lapack/least_squares.h"
#include "ops/matrices.h"
#include "tensor/defined.h"
#include "with_type.h"

namespace ember {
namespace {

namespace lapack = kernels::lapack;

double epsilon(DType dtype) { return dtype == kFloat32 ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon(); }

/// max(atol, rtol * largest), (..., 1), with PyTorch's default rtol.
Tensor tolerance(const char* name, const Tensor& A, const Tensor& largest, const linalg::ToleranceOptions& o) {
  const auto tensor_of = [&](const Operand& given, double otherwise) {
    if (given.is_tensor()) return given.tensor();
    return full({}, given.is_none() ? Scalar(otherwise) : given.number(), {.dtype = kFloat64});
  };
  for (const Operand* given : {&o.atol, &o.rtol}) require_defined_or_none(name, given == &o.atol ? 2 : 3, *given);
  const Tensor atol = tensor_of(o.atol, 0);
  Tensor rtol = tensor_of(o.rtol, epsilon(A.dtype()) * double(std::max(A.size(-1), A.size(-2))));
  if (o.rtol.is_none()) rtol = where(atol > 0, Scalar(0.0), rtol);
  return maximum(atol.to(kFloat64), rtol.to(kFloat64) * largest.to(kFloat64)).to(A.dtype()).unsqueeze(-1);
}

// With P the pseudo-inverse: dA = -(P dP P)^T + (dP^T P) P^T (1 - A P) and its mirror image, grouped for the smaller products. Golub & Pereyra 1973.
Tensor pinv_gradient(const Tensor& A, const Tensor& P, const Tensor& dP) {
  const Tensor Pt = T_of(P), G = T_of(dP);
  if (A.size(-2) <= A.size(-1)) {
    const Tensor K = matmul(G, P), KPt = matmul(K, Pt);
    return -T_of(matmul(P, K)) + KPt - matmul(matmul(A, P), KPt) + matmul(matmul(Pt, P), G - matmul(K, A));
  }
  const Tensor K = matmul(P, G), PtK = matmul(Pt, K);
  return -T_of(matmul(K, P)) + matmul(matmul(G - matmul(A, K), P), Pt) + PtK - matmul(matmul(PtK, P), A);
}

struct LeastSquares {
  Tensor X, rank, singular_values;
};

/// B is (..., m, k) with A's batch. No history.
LeastSquares solve_least_squares(const Tensor& A, const Tensor& B, double rcond, const std::string& driver) {
  const int m = int(A.size(-2)), n = int(A.size(-1)), nrhs = int(B.size(-1)), most = std::max(m, n), k = std::min(m, n);
  const int64_t count = matrix_count(A);
  const bool by_values = driver == "gelsd" || driver == "gelss";
  const Tensor work = column_major(A), X = empty_columns(A, most, nrhs).zero_();
  X.narrow(-2, 0, m).copy_(B);
  const Tensor S = by_values ? empty(batch_sizes(A, {k}), A.dtype()) : empty({0}, A.dtype());
  const Tensor rank = driver == "gels" ? empty({0}, kInt64) : zeros(batch_sizes(A, {}), kInt64);
  if (k > 0 && nrhs > 0)
    with_real(A.dtype(), [&]<class T>(T) {
      const T tolerated = T(rcond < 0 ? epsilon(A.dtype()) * most : rcond);
      lapack::for_each_matrix(count, 4.0 * double(A.numel()) * k, [&](int64_t i) {
        T *const a = matrix_at<T>(work, i), *const x = matrix_at<T>(X, i);
        int found = 0, info = 0;
        if (driver == "gels") info = lapack::gels<T>(m, n, nrhs, a, m, x, most);
        else if (driver == "gelsy") info = lapack::least_squares<T>(m, n, nrhs, a, x, most, tolerated, &found);
        else if (driver == "gelsd") info = lapack::gelsd<T>(m, n, nrhs, a, m, x, most, vector_at<T>(S, i), tolerated, &found);
        else info = lapack::gelss<T>(m, n, nrhs, a, m, x, most, vector_at<T>(S, i), tolerated, &found);
        check<LinAlgError>(
            info == 0,
            "torch.linalg.lstsq: The least squares solution could not be computed because the input matrix does not have full rank (error code: {}).",
            info);
        if (driver != "gels") rank.data<int64_t>()[i] = found;
      });
    });
  return {X.narrow(-2, 0, n).contiguous(), rank, S};
}

/// The two dimensions of a matrix norm moved to the end.
Tensor to_the_end(const Tensor& A, int64_t d0, int64_t d1) { return A.movedim({d0, d1}, {-2, -1}); }

/// Both reduced dimensions come back with size 1.
Tensor with_kept_dims(const Tensor& reduced, int64_t d0, int64_t d1) { return reduced.unsqueeze(std::min(d0, d1)).unsqueeze(std::max(d0, d1)); }

}  // namespace

namespace linalg {

Lstsq lstsq(const Tensor& A, const Tensor& B, double rcond, const std::string& driver) {
  require_defined("linalg.lstsq", A, B);
  check<RuntimeError>(A.dim() >= 2, "torch.linalg.lstsq: input must have at least 2 dimensions.");
  check<RuntimeError>(B.dim() >= 1, "torch.linalg.lstsq: other must have at least 1 dimension.");
  check<RuntimeError>(A.dtype() == B.dtype(),
                      "torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype {} and other's dtype {}",
                      scalar_type_name(A.dtype()), scalar_type_name(B.dtype()));
  check<RuntimeError>(A.is_floating_point(), "This function doesn't handle types other than float and double");
  check<RuntimeError>(driver == "gels" || driver == "gelsy" || driver == "gelsd" || driver == "gelss",
                      "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)");
  const bool vector = B.dim() == 1 || (A.dim() - 1 == B.dim() && B.sizes() == IntArrayRef(batch_sizes(A, {}, 1)));
  const Tensor matrices = vector ? B.unsqueeze(-1) : B;
  check<RuntimeError>(A.size(-2) == matrices.size(-2), "torch.linalg.lstsq: input.size(-2) should match other.size(-{})", vector ? 1 : 2);
  const Tensor batch = broadcast_tensors({empty(batch_sizes(A, {})), empty(batch_sizes(matrices, {}))})[0];
  const Tensor a = A.expand(batch_sizes(batch, {A.size(-2), A.size(-1)}, 0)),
               b = matrices.expand(batch_sizes(batch, {matrices.size(-2), matrices.size(-1)}, 0));
  LeastSquares found = [&] {
    const NoGradGuard no_grad;
    return solve_least_squares(a, b, rcond, driver);
  }();
  // X = pinv(A) B.
  Tensor X = record("LinalgLstsq", {a, b}, found.X, [a = Saved(a), b = Saved(b)](const Tensor& dX, Grads& grads) {
    const Tensor P = pinv(a.get());
    grads.add(1, matmul(T_of(P), dX));
    if (grads.wants(0)) grads.add(0, pinv_gradient(a.get(), P, matmul(dX, T_of(b.get()))));
  });
  const bool has_residuals = A.size(-2) > A.size(-1) && driver != "gelsy" && (driver == "gels" || (found.rank == A.size(-1)).all().item<bool>());
  const Tensor residuals = has_residuals ? square(matmul(a, X) - b).sum(-2) : X.flatten().narrow(0, 0, 0);
  return {vector ? X.squeeze(-1) : X, vector && has_residuals ? residuals.squeeze(-1) : residuals, found.rank, found.singular_values};
}

Tensor pinv(const Tensor& A, ToleranceOptions o) {
  require_defined("linalg.pinv", A);
  check<RuntimeError>(A.is_floating_point() && A.dim() >= 2,
                      "linalg.pinv({}{{{}}}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types",
                      scalar_type_name(A.dtype()), A.sizes());
  Tensor P;
  {
    const NoGradGuard no_grad;
    if (A.numel() == 0) {
      P = zeros(batch_sizes(A, {A.size(-1), A.size(-2)}), A.dtype());
    } else if (o.hermitian) {
      const Eigh f = eigh(A.detach());
      const Tensor size = f.eigenvalues.abs(), kept = size > tolerance("linalg.pinv", A, size.amax(-1), o);
      P = matmul(f.eigenvectors * where(kept, reciprocal(f.eigenvalues), Scalar(0.0)).unsqueeze(-2), T_of(f.eigenvectors));
    } else {
      const SVD f = svd(A.detach(), false);
      const Tensor kept = f.S > tolerance("linalg.pinv", A, f.S.amax(-1), o);
      P = matmul(T_of(f.Vh) * where(kept, reciprocal(f.S), Scalar(0.0)).unsqueeze(-2), T_of(f.U));
    }
  }
  if (!will_record({A})) return P;
  const Saved result = Saved::output(P);
  return record("LinalgPinv", {A}, std::move(P),
                [A = Saved(A), result](const Tensor& dP, Grads& grads) { grads.add(0, pinv_gradient(A.get(), result.get(), dP)); });
}

Tensor matrix_rank(const Tensor& A, ToleranceOptions o) {
  require_defined("linalg.matrix_rank", A);
  check_matrix("torch.linalg.matrix_rank", A, "input");
  check<RuntimeError>(A.is_floating_point(), "This function doesn't handle types other than float and double");
  const NoGradGuard no_grad;
  if (A.numel() == 0) return zeros(batch_sizes(A, {}), kInt64);
  const Tensor values = o.hermitian ? eigvalsh(A).abs() : svdvals(A);
  return (values > tolerance("linalg.matrix_rank", A, values.amax(-1), o)).to(kInt64).sum(-1);
}

Tensor matrix_norm(const Tensor& A, const MatrixOrder& ord, IntArrayRef dim, bool keepdim) {
  require_defined("linalg.matrix_norm", A);
  check_matrix("linalg.matrix_norm", A);
  check_floating("linalg.matrix_norm", A);
  check<RuntimeError>(dim.size() == 2, "linalg.matrix_norm: dim must be a 2-tuple. Got {}", fmt::join(dim, " "));
  const int64_t d0 = dim[0] < 0 ? dim[0] + A.dim() : dim[0], d1 = dim[1] < 0 ? dim[1] + A.dim() : dim[1];
  check<RuntimeError>(d0 != d1, "linalg.matrix_norm: dims must be different. Got ({}, {})", dim[0], dim[1]);
  if (ord.is_name()) {
    check<RuntimeError>(ord.name() == "fro" || ord.name() == "nuc", "linalg.matrix_norm: Order {} not supported.", ord.name());
    if (ord.name() == "fro") return vector_norm(A, 2, {d0, d1}, keepdim);
    const Tensor sum = svdvals(to_the_end(A, d0, d1)).sum(-1);
    return keepdim ? with_kept_dims(sum, d0, d1) : sum;
  }
  const double p = ord.number(), size = std::fabs(p);
  check<RuntimeError>(size == 1 || size == 2 || std::isinf(p), "linalg.matrix_norm: Order {} not supported.", p);
  const auto extreme = [&](const Tensor& t, int64_t d, bool keep) {
    if (p > 0) return t.size(d) == 0 ? t.sum(d, keep) : t.amax(d, keep);  // 0 is the largest of no lengths
    return t.amin(d, keep);
  };
  if (size == 2) {
    const Tensor value = extreme(svdvals(to_the_end(A, d0, d1)), -1, false);
    return keepdim ? with_kept_dims(value, d0, d1) : value;
  }
  const int64_t summed = size == 1 ? d0 : d1, other = size == 1 ? d1 : d0;
  const Tensor sums = vector_norm(A, 1, summed, true), value = extreme(sums, other, true);
  return keepdim ? value : value.squeeze(std::max(d0, d1)).squeeze(std::min(d0, d1));
}

Tensor norm(const Tensor& A, const MatrixOrder& ord, const Dims& dim, bool keepdim) {
  require_defined("linalg.norm", A);
  if (!ord.given()) return vector_norm(A, 2, dim, keepdim);
  if (dim.all() ? A.dim() == 2 : dim.list().size() == 2) return matrix_norm(A, ord, dim.all() ? IntArrayRef{-2, -1} : dim.list(), keepdim);
  check<RuntimeError>(!dim.all() || A.dim() == 1, "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {}D.", A.dim());
  check<RuntimeError>(dim.all() || dim.list().size() == 1, "linalg.norm: If dim is specified, it must be of length 1 or 2. Got {}", dim.list());
  check<RuntimeError>(!ord.is_name(), "linalg.matrix_norm: dim must be a 2-tuple. Got {}", fmt::join(dim.list(), " "));
  return vector_norm(A, ord.number(), dim, keepdim);
}

Tensor cond(const Tensor& A, const MatrixOrder& p) {
  require_defined("linalg.cond", A);
  check<RuntimeError>(A.dim() >= 2, "linalg.cond: The input tensor must have at least 2 dimensions.");
  const bool by_values = !p.given() || (!p.is_name() && std::fabs(p.number()) == 2);
  if (A.numel() == 0 && by_values) return zeros(batch_sizes(A, {}), A.dtype());
  if (by_values) {
    const Tensor S = svdvals(A), first = S.select(-1, 0), last = S.select(-1, S.size(-1) - 1);
    return !p.given() || p.number() > 0 ? first / last : last / first;
  }
  check<RuntimeError>(p.is_name() || std::fabs(p.number()) == 1 || std::isinf(p.number()), "linalg.cond got an invalid norm type: {}", p.number());
  check<RuntimeError>(!p.is_name() || p.name() == "fro" || p.name() == "nuc", "linalg.cond got an invalid norm type: {}", p.name());
  check<RuntimeError>(A.size(-1) == A.size(-2), "linalg.cond(ord={}): A must be batches of square matrices, but they are {} by {} matrices",
                      p.is_name() ? p.name() : fmt::format("{}", p.number()), A.size(-2), A.size(-1));
  if (A.numel() == 0) return zeros(batch_sizes(A, {}), A.dtype());
  // A singular matrix has an infinite condition, and does not spoil its batch.
  const Tensor singular = linalg::det(A.detach()) == 0;
  const Tensor safe = where(singular.unsqueeze(-1).unsqueeze(-1), identity(A.size(-1), A), A);
  const Tensor value = matrix_norm(A, p) * matrix_norm(inv(safe), p);
  return where(singular, Scalar(std::numeric_limits<double>::infinity()), value);
}

Tensor matrix_power(const Tensor& A, int64_t n) {
  require_defined("linalg.matrix_power", A);
  check_square("linalg.matrix_power", A);
  if (n == 0)
    return record("LinalgMatrixPower", {A}, identity(A.size(-1), A).expand(A.sizes()).clone(),
                  [A = Saved(A)](const Tensor&, Grads& grads) { grads.add(0, zeros_like(A.get())); });
  Tensor base = n < 0 ? inv(A) : A, power;
  for (std::uint64_t left = n < 0 ? std::uint64_t(-(n + 1)) + 1 : std::uint64_t(n); left; left >>= 1) {
    if (left & 1) power = power.defined() ? matmul(power, base) : base;
    if (left > 1) base = matmul(base, base);
  }
  return n == 1 ? power.clone() : power;
}

// cost[i][j]: the fewest multiplications for the product of the matrices i..j; the classic chain order. Cormen et al., 15.2.
Tensor multi_dot(const std::vector<Tensor>& tensors) {
  require_defined("linalg.multi_dot", tensors);
  const std::size_t count = tensors.size();
  check<RuntimeError>(count >= 2, "multi_dot(): expected at least 2 tensors but got {}", count);
  std::vector<Tensor> chain = tensors;
  const bool row = chain.front().dim() == 1, column = chain.back().dim() == 1;
  check<RuntimeError>(row || chain.front().dim() == 2, "multi_dot(): the first tensor must be 1D or 2D but got {}D", chain.front().dim());
  check<RuntimeError>(column || chain.back().dim() == 2, "multi_dot(): the last tensor must be 1D or 2D but got {}D", chain.back().dim());
  if (row) chain.front() = chain.front().unsqueeze(0);
  if (column) chain.back() = chain.back().unsqueeze(-1);
  for (std::size_t i = 0; i < count; ++i) {
    check<RuntimeError>(chain[i].dim() == 2, "multi_dot(): tensor {} must be 2D but got {}D", i, chain[i].dim());
    check<RuntimeError>(chain[i].dtype() == chain[0].dtype(),
                        "multi_dot(): all tensors must have be the same dtype but tensor 0 is {} and tensor {} {}",
                        scalar_type_name(chain[0].dtype()), i, scalar_type_name(chain[i].dtype()));
    if (i > 0 && chain[i - 1].size(1) != chain[i].size(0))
      fail<RuntimeError>("multi_dot(): tensors {} and {} with shapes {} and {} cannot be multiplied", i - 1, i, tensors[i - 1].sizes(),
                         tensors[i].sizes());
  }
  std::vector<std::vector<double>> cost(count, std::vector<double>(count, 0));
  std::vector<std::vector<std::size_t>> cut(count, std::vector<std::size_t>(count, 0));
  for (std::size_t length = 1; length < count; ++length)
    for (std::size_t i = 0; i + length < count; ++i) {
      const std::size_t j = i + length;
      cost[i][j] = std::numeric_limits<double>::infinity();
      for (std::size_t k = i; k < j; ++k) {
        const double c = cost[i][k] + cost[k + 1][j] + double(chain[i].size(0)) * double(chain[k].size(1)) * double(chain[j].size(1));
        if (c < cost[i][j]) cost[i][j] = c, cut[i][j] = k;
      }
    }
  const auto multiply = [&](auto&& self, std::size_t i, std::size_t j) -> Tensor {
    return i == j ? chain[i] : mm(self(self, i, cut[i][j]), self(self, cut[i][j] + 1, j));
  };
  Tensor product = multiply(multiply, 0, count - 1);
  if (row) product = product.squeeze(0);
  return column ? product.squeeze(-1) : product;
}

Tensor cross(const Tensor& a, const Tensor& b, int64_t dim) {
  require_defined("linalg.cross", a, b);
  check<RuntimeError>(a.dtype() == b.dtype(), "expected scalar type {} but found {}", scalar_type_name(a.dtype()), scalar_type_name(b.dtype()));
  check<RuntimeError>(a.dim() == b.dim(), "linalg.cross: inputs must have the same number of dimensions.");
  check<RuntimeError>(a.size(dim) == 3 && b.size(dim) == 3, "linalg.cross: inputs dimension {} must have length 3. Got {} and {}", dim, a.size(dim),
                      b.size(dim));
  const auto turned = [dim](const Tensor& t, int64_t by) { return roll(t, {by}, {dim}); };
  return turned(a, -1) * turned(b, -2) - turned(a, -2) * turned(b, -1);
}

Tensor vecdot(const Tensor& a, const Tensor& b, int64_t dim) {
  require_defined("linalg.vecdot", a, b);
  check_floating("linalg.vecdot", a);
  check<RuntimeError>(a.dtype() == b.dtype(),
                      "linalg.vecdot: Expected x and y to have the same dtype, but found x of type {} and y of type {} instead",
                      scalar_type_name(a.dtype()), scalar_type_name(b.dtype()));
  return a.dim() == 1 && b.dim() == 1 ? dot(a, b) : (a * b).sum(dim);
}

}  // namespace linalg

Tensor matrix_power(const Tensor& A, int64_t n) {
  require_defined("matrix_power", A);
  return linalg::matrix_power(A, n);
}

Tensor pinverse(const Tensor& A, double rcond) {
  require_defined("pinverse", A);
  return linalg::pinv(A, {.rtol = rcond});
}
}  // namespace ember

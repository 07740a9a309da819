// Linear algebra: systems, factorisations, norms of matrices. As torch.linalg, on LAPACK (OpenBLAS, loaded at the first call).
//
// A is (..., n, n) or (..., m, n), float32 or float64; leading dimensions are batches, which broadcast where there are two inputs. Empty
// matrices and batches work. Everything can be differentiated, any number of times, where the result is a differentiable function of A; where factors
// are not unique (signs of Q, U, V, eigenvectors) they are LAPACK's, and gradients are PyTorch's. Throws RuntimeError in PyTorch's words for other
// shapes and dtypes, "linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices", and LinAlgError for matrices that cannot be
// factorised, "torch.linalg.solve: The solver failed because the input matrix is singular.".
#pragma once

#include <ember/operand.h>
#include <ember/tensor.h>

namespace ember {

struct LinAlgError : RuntimeError {
  using RuntimeError::RuntimeError;
};  ///< a matrix that cannot be factorised. As torch.linalg.LinAlgError

namespace linalg {

/// X with A X = B, or X A = B when not `left`: A (..., n, n); B (..., n, k), or vectors (..., n).
Tensor solve(const Tensor& A, const Tensor& B, bool left = true);
Tensor inv(const Tensor& A);
Tensor det(const Tensor& A);  ///< (..., n, n) -> (...)
struct SignLogabsdet {
  Tensor sign, logabsdet;
};
SignLogabsdet slogdet(const Tensor& A);  ///< sign -1, 0 or 1, and log|det|; det = sign * exp(logabsdet) without overflow
/// L lower with A = L L^T of a symmetric positive-definite A, of which the lower half is read; R upper with A = R^T R when `upper`.
Tensor cholesky(const Tensor& A, bool upper = false);
struct SolveTriangularOptions {
  bool upper, left = true, unitriangular = false;
};
/// X with A X = B (X A = B when not `left`) for a triangular A; the other half is not read, and neither is the diagonal when `unitriangular`.
Tensor solve_triangular(const Tensor& A, const Tensor& B, SolveTriangularOptions options);

struct QR {
  Tensor Q, R;
};
/// mode "reduced": Q (..., m, k), R (..., k, n), k = min(m, n); "complete": Q (..., m, m), R (..., m, n); "r": R alone, Q is empty.
QR qr(const Tensor& A, const std::string& mode = "reduced");
struct SVD {
  Tensor U, S, Vh;
};
/// A = U diag(S) Vh, singular values falling. full_matrices: U (..., m, m), Vh (..., n, n); otherwise k = min(m, n) columns and rows.
/// Gradients take the first k columns and rows alone.
SVD svd(const Tensor& A, bool full_matrices = true);
/// What the method x.svd() gives of A (..., m, n): A = U diag(S) V^T with U (..., m, k), S (..., k) falling and V (..., n, k), k = min(m, n); all m
/// and n columns without `some`.
struct USV {
  Tensor U, S, V;
};
Tensor svdvals(const Tensor& A);  ///< the singular values S alone, falling
struct Eigh {
  Tensor eigenvalues, eigenvectors;
};
/// Eigenvalues, rising, and orthonormal eigenvectors (columns) of a symmetric A, of which the half `UPLO`, "L" or "U", is read.
Eigh eigh(const Tensor& A, const std::string& UPLO = "L");
Tensor eigvalsh(const Tensor& A, const std::string& UPLO = "L");  ///< the eigenvalues alone, rising
/// The first n columns of H_1 H_2 ... H_k, H_i = I - tau_i v_i v_i^T, v_i below the diagonal of column i of A (..., m, n): Q of geqrf.
Tensor householder_product(const Tensor& A, const Tensor& tau);

struct Lstsq {
  Tensor solution, residuals, rank, singular_values;  ///< empty where the driver computes none
};
/// The least-squares solution of A X = B: A (..., m, n), B (..., m, k) or (..., m). Drivers "gelsy" (the default), "gels" (A has full rank),
/// "gelsd" and "gelss" (through singular values). rcond < 0: the machine's epsilon times max(m, n).
Lstsq lstsq(const Tensor& A, const Tensor& B, double rcond = -1, const std::string& driver = "gelsy");
/// Singular values up to max(atol, rtol * the largest) count as 0. Numbers, or a tensor with one for each matrix. atol None: 0; rtol None: max(m, n)
/// times the dtype's epsilon, but 0 where an atol above 0 is given.
struct ToleranceOptions {
  Operand atol = None, rtol = None;
  bool hermitian = false;  ///< A is symmetric: eigenvalues instead of singular values
};
/// The Moore-Penrose inverse (..., n, m), V diag(1 / S) U^T with 0 where S counts as 0.
Tensor pinv(const Tensor& A, ToleranceOptions options = {});
Tensor matrix_rank(const Tensor& A, ToleranceOptions options = {});  ///< how many singular values do not count as 0: (...) int64

/// ord "fro", "nuc", or a number: 2, -2 (largest, smallest singular value), 1, -1 (sums of columns), inf, -inf (sums of rows).
class MatrixOrder {
 public:
  MatrixOrder(const char* name) : name_(name), given_(true) {}
  MatrixOrder(const std::string& name) : name_(name), given_(true) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  MatrixOrder(T number) : number_(double(number)), given_(true) {}
  MatrixOrder(NoneType) {}
  bool given() const { return given_; }
  bool is_name() const { return !name_.empty(); }
  const std::string& name() const { return name_; }
  double number() const { return number_; }

 private:
  std::string name_;
  double number_ = 2;
  bool given_ = false;
};
/// The norm of the matrices that `dim` spans.
Tensor matrix_norm(const Tensor& A, const MatrixOrder& ord = "fro", IntArrayRef dim = {-2, -1}, bool keepdim = false);
/// A vector norm over one dimension, a matrix norm over two; without `dim` and `ord` the 2-norm of all elements.
Tensor norm(const Tensor& A, const MatrixOrder& ord = None, const Dims& dim = {}, bool keepdim = false);
Tensor cond(const Tensor& A, const MatrixOrder& p = None);  ///< norm(A) * norm(inv(A)); None: the 2-norm, by singular values

Tensor matrix_power(const Tensor& A, int64_t n);  ///< negative powers are those of the inverse
/// The product of two and more matrices in the order that costs least; the first and the last may be vectors.
Tensor multi_dot(const std::vector<Tensor>& tensors);
Tensor cross(const Tensor& a, const Tensor& b, int64_t dim = -1);   ///< of vectors of three numbers; broadcasts
Tensor vecdot(const Tensor& a, const Tensor& b, int64_t dim = -1);  ///< sum(a * b, dim); broadcasts

}  // namespace linalg

Tensor inverse(const Tensor& A);                         ///< linalg::inv
Tensor det(const Tensor& A);                             ///< linalg::det
linalg::SignLogabsdet slogdet(const Tensor& A);          ///< linalg::slogdet
Tensor pinverse(const Tensor& A, double rcond = 1e-15);  ///< linalg::pinv with rtol = rcond
Tensor matrix_power(const Tensor& A, int64_t n);         ///< linalg::matrix_power
Tensor logdet(const Tensor& A);                          ///< NaN where det(A) < 0, -inf where it is 0
/// X with A X = B from the Cholesky factor L of A = L L^T (R of A = R^T R when `upper`). B (..., n, k).
Tensor cholesky_solve(const Tensor& B, const Tensor& L, bool upper = false);
Tensor cholesky_inverse(const Tensor& L, bool upper = false);  ///< of A = L L^T

}  // namespace ember

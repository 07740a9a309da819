// Linear algebra by PyTorch's names.
#include "bind/binding.h"

#include <ember/ops/decompositions.h>
#include <ember/ops/linalg.h>

#include <cmath>

namespace ember::parity {
namespace {

Result several(std::vector<Tensor> values) {
  Result result;
  for (Tensor& t : values) result.values.push_back(std::move(t));
  return result;
}

linalg::MatrixOrder order_of(const Argument& ord) {
  if (ord.is_none()) return None;
  if (ord.is_text() && ord.text() == "inf") return INFINITY;
  if (ord.is_text() && ord.text() == "-inf") return -INFINITY;
  if (ord.is_text()) return ord.text();
  return ord.real();
}

/// {atol, rtol, hermitian} from the arguments `at` and behind.
template <class Use>
auto with_tolerances(Args& a, std::size_t at, Use use) {
  const Tensor atol = a[at].is_tensor() ? a[at].tensor() : Tensor(), rtol = a[at + 1].is_tensor() ? a[at + 1].tensor() : Tensor();
  const auto operand = [](const Argument& x, const Tensor& t) {
    return x.is_none() ? Operand(None) : x.is_tensor() ? Operand(t) : Operand(x.scalar());
  };
  return use(linalg::ToleranceOptions{.atol = operand(a[at], atol), .rtol = operand(a[at + 1], rtol), .hermitian = a[at + 2].boolean()});
}

Result pinv_of(Args& a) {
  return with_tolerances(a, 1, [&](const linalg::ToleranceOptions& o) { return linalg::pinv(a[0], o); });
}
Result rank_of(Args& a) {
  return with_tolerances(a, 1, [&](const linalg::ToleranceOptions& o) { return linalg::matrix_rank(a[0], o); });
}
/// The older names: the only tolerance, a number or a tensor.
linalg::ToleranceOptions only(const Argument& a, bool relative, const Tensor& kept, bool hermitian) {
  const Operand given = a.is_tensor() ? Operand(kept) : Operand(a.scalar());
  return relative ? linalg::ToleranceOptions{.rtol = given, .hermitian = hermitian}
                  : linalg::ToleranceOptions{.atol = given, .rtol = 0, .hermitian = hermitian};
}

Result slogdet_of(Args& a) {
  const linalg::SignLogabsdet f = linalg::slogdet(a[0]);
  return several({f.sign, f.logabsdet});
}
Result qr_of(Args& a) {
  const linalg::QR f = linalg::qr(a[0], a[1]);
  return several({f.Q, f.R});
}
Result svd_of(Args& a) {
  const linalg::SVD f = linalg::svd(a[0], a[1]);
  return several({f.U, f.S, f.Vh});
}
Result older_qr_of(Args& a) {
  const linalg::QR f = a[0].tensor().qr(a[1].boolean());
  return several({f.Q, f.R});
}
Result older_svd_of(Args& a) {
  const linalg::USV f = a[0].tensor().svd(a[1], a[2]);
  return several({f.U, f.S, f.V});
}
Result eigh_of(Args& a) {
  const linalg::Eigh f = linalg::eigh(a[0], a[1]);
  return several({f.eigenvalues, f.eigenvectors});
}
Result lstsq_of(Args& a) {
  const std::string driver = a[3].is_none() ? "gelsy" : a[3].text();
  const linalg::Lstsq f = linalg::lstsq(a[0], a[1], a[2].real_or(-1), driver);
  return several({f.solution, f.residuals, f.rank, f.singular_values});
}

Table factorisations() {
  return {
      {"linalg.solve", "A B * left=True", [](Args& a) { return linalg::solve(a[0], a[1], a[2]); }},
      {"linalg.inv inverse Tensor.inverse", "A", [](Args& a) { return linalg::inv(a[0]); }},
      {"linalg.det det*", "A", [](Args& a) { return linalg::det(a[0]); }},
      {"linalg.slogdet slogdet*", "A", slogdet_of},
      {"logdet*", "input", [](Args& a) { return logdet(a[0]); }},
      {"linalg.cholesky", "A * upper=False", [](Args& a) { return linalg::cholesky(a[0], a[1]); }},
      {"cholesky_solve*", "B L upper=False", [](Args& a) { return cholesky_solve(a[0], a[1], a[2]); }},
      {"cholesky_inverse*", "L upper=False", [](Args& a) { return cholesky_inverse(a[0], a[1]); }},
      {"linalg.solve_triangular", "A B * upper left=True unitriangular=False",
       [](Args& a) { return linalg::solve_triangular(a[0], a[1], {.upper = a[2], .left = a[3], .unitriangular = a[4]}); }},
      {"linalg.qr", "A mode='reduced'", qr_of},
      {"linalg.svd", "A full_matrices=True * driver=~None", svd_of},
      {"qr*", "input some=True", older_qr_of},
      {"svd*", "input some=True compute_uv=True", older_svd_of},
      {"linalg.svdvals", "A * driver=~None", [](Args& a) { return linalg::svdvals(a[0]); }},
      {"linalg.eigh", "A UPLO='L'", eigh_of},
      {"linalg.eigvalsh", "A UPLO='L'", [](Args& a) { return linalg::eigvalsh(a[0], a[1]); }},
      {"linalg.householder_product orgqr*", "A tau", [](Args& a) { return linalg::householder_product(a[0], a[1]); }},
  };
}

Table functions() {
  return {
      {"linalg.lstsq", "input b rcond=None * driver=None", lstsq_of},
      {"linalg.pinv", "A * atol=None rtol=None hermitian=False", pinv_of},
      {"pinverse*", "input rcond=1e-15", [](Args& a) { return pinverse(a[0], a[1]); }},
      {"linalg.pinv", "A rcond:number|tensor hermitian=False",
       [](Args& a) {
         const Tensor kept = a[1].is_tensor() ? a[1].tensor() : Tensor();
         return linalg::pinv(a[0], only(a[1], true, kept, a[2]));
       }},
      {"linalg.matrix_rank", "A * atol=None rtol=None hermitian=False", rank_of},
      {"linalg.matrix_rank", "A tol:number|tensor hermitian=False",
       [](Args& a) {
         const Tensor kept = a[1].is_tensor() ? a[1].tensor() : Tensor();
         return linalg::matrix_rank(a[0], only(a[1], false, kept, a[2]));
       }},
      {"linalg.matrix_norm", "A ord='fro' dim=[-2,-1] keepdim=False * dtype=None",
       [](Args& a) {
         const Tensor x = a[4].is_none() ? a[0].tensor() : a[0].tensor().to(a[4].dtype());
         return linalg::matrix_norm(x, order_of(a[1]), a[2].ints(), a[3]);
       }},
      {"linalg.norm", "A ord=None dim=None keepdim=False * dtype=None",
       [](Args& a) {
         const Tensor x = a[4].is_none() ? a[0].tensor() : a[0].tensor().to(a[4].dtype());
         return linalg::norm(x, order_of(a[1]), a[2], a[3]);
       }},
      {"linalg.cond", "A p=None", [](Args& a) { return linalg::cond(a[0], order_of(a[1])); }},
      {"linalg.matrix_power matrix_power*", "A n", [](Args& a) { return linalg::matrix_power(a[0], a[1]); }},
      {"linalg.multi_dot", "tensors", [](Args& a) { return linalg::multi_dot(a[0].tensors()); }},
      {"linalg.cross", "input other * dim=-1", [](Args& a) { return linalg::cross(a[0], a[1], a[2]); }},
      {"linalg.vecdot", "x y * dim=-1", [](Args& a) { return linalg::vecdot(a[0], a[1], a[2]); }},
  };
}

}  // namespace

Table linalg_table() {
  Table all = factorisations();
  for (Row& row : functions()) all.push_back(std::move(row));
  return all;
}

}  // namespace ember::parity

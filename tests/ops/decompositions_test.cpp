// Linear algebra: what defines each factor, gradients by finite differences, and PyTorch's refusals. Values beside PyTorch's: the comparison cases.
#include <cmath>
#include <limits>

#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {

Tensor random_matrices(IntArrayRef sizes, std::uint64_t seed = 0) {
  Generator g(seed);
  return randn(sizes, {.dtype = kFloat64}, &g);
}
Tensor transposed(const Tensor& x) { return x.transpose(-2, -1); }
/// Symmetric with eigenvalues of 1 and more; a symmetric function of its argument.
Tensor positive_definite(const Tensor& x) { return matmul(x, transposed(x)) + eye(x.size(-2), -1, {.dtype = x.dtype()}); }
Tensor well_conditioned(const Tensor& x) { return x + 3 * eye(x.size(-1), -1, {.dtype = x.dtype()}); }

}  // namespace

TEST_CASE("factors multiply to what was factorised, and are orthogonal, triangular and ordered") {
  for (const std::vector<int64_t>& sizes : std::vector<std::vector<int64_t>>{{5, 3}, {3, 5}, {4, 4}, {2, 3, 4, 3}, {3, 0, 4}, {0, 3}, {2, 0, 0}}) {
    const Tensor A = random_matrices(sizes);
    const int64_t m = A.size(-2), n = A.size(-1), k = std::min(m, n);
    const linalg::QR q = linalg::qr(A), whole = linalg::qr(A, "complete");
    CHECK_THAT(matmul(q.Q, q.R), is_close(A, 1e-12, 1e-12));
    CHECK_THAT(matmul(whole.Q, whole.R), is_close(A, 1e-12, 1e-12));
    CHECK(whole.Q.size(-1) == m);
    CHECK_THAT(matmul(transposed(q.Q), q.Q),
               is_close(eye(k, -1, {.dtype = kFloat64}).expand(q.Q.transpose(-2, -1).matmul(q.Q).sizes()), 1e-12, 1e-12));
    CHECK(q.R.equal(triu(q.R)));
    CHECK_THAT(linalg::qr(A, "r").R, is_close(q.R, 1e-12, 1e-12));
    const linalg::SVD f = linalg::svd(A, false), full = linalg::svd(A);
    CHECK_THAT(matmul(f.U * f.S.unsqueeze(-2), f.Vh), is_close(A, 1e-12, 1e-12));
    CHECK(full.U.size(-1) == m);
    CHECK(full.Vh.size(-2) == n);
    if (k > 1) CHECK((f.S.narrow(-1, 0, k - 1) >= f.S.narrow(-1, 1, k - 1)).all().item<bool>());
    CHECK_THAT(linalg::svdvals(A), is_close(f.S, 1e-12, 1e-12));
  }
  const Tensor S = positive_definite(random_matrices({3, 4, 4}));
  const linalg::Eigh e = linalg::eigh(S);
  CHECK_THAT(matmul(S, e.eigenvectors), is_close(e.eigenvectors * e.eigenvalues.unsqueeze(-2), 1e-11, 1e-11));
  CHECK_THAT(linalg::eigvalsh(S, "U"), is_close(e.eigenvalues, 1e-12, 1e-12));
  const Tensor L = linalg::cholesky(S);
  CHECK_THAT(matmul(L, transposed(L)), is_close(S, 1e-12, 1e-12));
  CHECK(L.equal(tril(L)));
  CHECK_THAT(linalg::cholesky(S, true), is_close(transposed(L), 1e-12, 1e-12));
  CHECK_THAT(cholesky_inverse(L), is_close(linalg::inv(S), 1e-10, 1e-11));
}

TEST_CASE("solutions solve, of matrices, vectors, batches that broadcast, either side, and strided input") {
  const Tensor A = well_conditioned(random_matrices({2, 3, 3})), B = random_matrices({3, 4}, 1), b = random_matrices({3}, 2),
               v = random_matrices({2, 3}, 3);
  CHECK_THAT(matmul(A, linalg::solve(A, B)), is_close(B.expand({2, 3, 4}), 1e-12, 1e-12));
  CHECK_THAT(matmul(A, linalg::solve(A, b).unsqueeze(-1)).squeeze(-1), is_close(b.expand({2, 3}), 1e-12, 1e-12));
  CHECK_THAT(matmul(A, linalg::solve(A, v).unsqueeze(-1)).squeeze(-1), is_close(v, 1e-12, 1e-12));
  CHECK_THAT(matmul(linalg::solve(transposed(A), B.t(), false), transposed(A)), is_close(B.t().expand({2, 4, 3}), 1e-12, 1e-12));
  CHECK_THAT(matmul(A, linalg::inv(A)), is_close(eye(3, -1, {.dtype = kFloat64}).expand({2, 3, 3}), 1e-12, 1e-12));
  CHECK_THAT(linalg::det(A), is_close(linalg::svdvals(A).prod(-1) * linalg::slogdet(A).sign, 1e-12, 1e-12));
  CHECK_THAT(linalg::det(tensor({{1.0, 2.0}, {3.0, 4.0}}, kFloat64)), is_close(tensor(-2.0, kFloat64), 1e-14, 0));
  CHECK_THAT(linalg::matrix_power(A, -3), is_close(linalg::inv(matmul(A, matmul(A, A))), 1e-10, 1e-10));
  const Tensor tall = random_matrices({6, 3}, 4), t = random_matrices({6, 2}, 5);
  for (const char* driver : {"gels", "gelsy", "gelsd", "gelss"}) {
    const linalg::Lstsq f = linalg::lstsq(tall, t, -1, driver);
    CHECK_THAT(matmul(tall.t(), matmul(tall, f.solution) - t), is_close(zeros({3, 2}, kFloat64), 0, 1e-12));
  }
  CHECK_THAT(matmul(linalg::pinv(tall), tall), is_close(eye(3, -1, {.dtype = kFloat64}), 1e-12, 1e-12));
  const Tensor two = stack({diag(tensor({1.0, 1e-3, 1e-5}, kFloat64)), eye(3, -1, {.dtype = kFloat64})}), limits = tensor({1e-4, 2.0}, kFloat64);
  CHECK(linalg::matrix_rank(two, {.atol = limits}).equal(tensor({2, 0}, kInt64)));
  CHECK(linalg::matrix_rank(two, {.rtol = 1e-2}).equal(tensor({1, 3}, kInt64)));
  CHECK(linalg::matrix_rank(matmul(tall.narrow(1, 0, 2), random_matrices({2, 5}))).item<int64_t>() == 2);
}

TEST_CASE("least squares of many columns: the only solution at full rank, the shortest one below it") {
  for (const DType dtype : {kFloat32, kFloat64}) {
    const double tolerated = dtype == kFloat32 ? 2e-4 : 1e-11;
    const Tensor A = (random_matrices({2, 70, 40}) + 4 * eye(70, 40, {.dtype = kFloat64})).to(dtype), B = random_matrices({2, 70, 3}, 1).to(dtype);
    const linalg::Lstsq full = linalg::lstsq(A, B), by_values = linalg::lstsq(A, B, -1, "gelsd");
    CHECK(full.rank.equal(tensor({40, 40}, kInt64)));
    CHECK_THAT(full.solution, is_close(by_values.solution, tolerated, tolerated));

    // Without one of its columns' directions, and with a tolerance that leaves few.
    const Tensor deficient = A.clone();
    deficient.select(2, 7).copy_(deficient.select(2, 3) * 2);
    const linalg::Lstsq shortest = linalg::lstsq(deficient, B);
    CHECK(shortest.rank.equal(tensor({39, 39}, kInt64)));
    CHECK_THAT(shortest.solution, is_close(linalg::lstsq(deficient, B, -1, "gelsd").solution, 10 * tolerated, 10 * tolerated));
    CHECK((linalg::lstsq(A, B, 0.5).rank < 40).all().item<bool>());
  }
}

TEST_CASE("large matrices are factorised on all threads, with the same bits for any number of them") {
  const int before = get_num_threads();
  for (const DType dtype : {kFloat32, kFloat64}) {
    const double tolerated = dtype == kFloat32 ? 1e-3 : 1e-11;
    const Tensor A = (random_matrices({600, 600}) + 60 * eye(600, -1, {.dtype = kFloat64})).to(dtype), B = random_matrices({600, 70}, 1).to(dtype),
                 S = positive_definite(A / 20), G = (random_matrices({2, 300, 300}, 2) + 40 * eye(300, -1, {.dtype = kFloat64})).to(dtype);
    const Tensor tall = A.narrow(1, 0, 500);  // several panels, the last one narrower
    std::vector<Tensor> first;
    for (const int threads : {1, 2, 5}) {
      set_num_threads(threads);
      const std::vector<Tensor> found{
          linalg::solve(A, B),         linalg::cholesky(S), linalg::inv(G), linalg::slogdet(A).logabsdet, linalg::lstsq(tall, B).solution,
          linalg::eigh(S).eigenvectors};
      if (first.empty()) first = found;
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].equal(first[i]));
    }
    set_num_threads(before);
    CHECK_THAT(matmul(A, first[0]), is_close(B, tolerated, tolerated));
    CHECK_THAT(matmul(first[1], transposed(first[1])), is_close(S, tolerated, tolerated));
    CHECK(first[1].equal(tril(first[1])));
    CHECK_THAT(matmul(G, first[2]), is_close(eye(300, -1, {.dtype = dtype}).expand({2, 300, 300}), tolerated, tolerated));
    CHECK_THAT(matmul(transposed(tall), matmul(tall, first[4]) - B), is_close(zeros({500, 70}, dtype), 0, 50 * tolerated));
    CHECK_THAT(first[3], is_close(linalg::svdvals(A).log().sum(), 1e-5, 1e-5));
  }
  for (const int64_t n : {65, 66, 129, 300})  // blocks of reflectors, the last one narrower
    for (const DType dtype : {kFloat32, kFloat64})
      for (const double scale : {1.0, 1e-25, 1e25}) {  // the last two as LAPACK scales them
        const double tolerated = dtype == kFloat32 ? 1e-4 : 1e-12;
        const Tensor S = (positive_definite(random_matrices({n, n}) / 10) * scale).to(dtype);
        const linalg::Eigh f = linalg::eigh(S), upper = linalg::eigh(S, "U");  // by LAPACK alone
        CHECK_THAT(matmul(f.eigenvectors * (f.eigenvalues / scale).unsqueeze(-2), transposed(f.eigenvectors)),
                   is_close(S / scale, tolerated, tolerated));
        CHECK_THAT(matmul(transposed(f.eigenvectors), f.eigenvectors), is_close(eye(n, -1, {.dtype = dtype}), tolerated, tolerated));
        CHECK_THAT(f.eigenvalues / scale, is_close(upper.eigenvalues / scale, tolerated, tolerated));
      }
  // No diagonal that keeps the rows in their places.
  const Tensor A = random_matrices({300, 300}, 3), B = random_matrices({300, 8}, 4);
  CHECK_THAT(matmul(A, linalg::solve(A, B)), is_close(B, 1e-10, 1e-10));
  CHECK_THAT(matmul(A, linalg::inv(A)), is_close(eye(300, -1, {.dtype = kFloat64}), 1e-10, 1e-10));
  Tensor singular = random_matrices({600, 600});
  singular.select(1, 299).zero_();
  CHECK_THROWS_WITH(linalg::inv(singular), contains("The diagonal element 300 is zero"));
  Tensor indefinite = positive_definite(random_matrices({600, 600}));
  indefinite.select(0, 400).select(0, 400).fill_(-1);
  CHECK_THROWS_WITH(linalg::cholesky(indefinite), contains("the leading minor of order 401 is not"));
}

TEST_CASE("gradcheck: linear algebra") {
  const std::vector<int64_t> n3{3, 3}, b3{2, 3, 3};
  run_gradchecks({
      {"solve", [](In in) { return linalg::solve(well_conditioned(in[0]), in[1]); }, {b3, {3, 2}}},
      {"solve right", [](In in) { return linalg::solve(well_conditioned(in[0]), in[1], false); }, {n3, {2, 3}}},
      {"solve vector", [](In in) { return linalg::solve(well_conditioned(in[0]), in[1]); }, {b3, {2, 3}}},
      {"inv", [](In in) { return linalg::inv(well_conditioned(in[0])); }, {b3}},
      {"inverse", [](In in) { return inverse(well_conditioned(in[0])); }, {n3}},
      {"pinverse", [](In in) { return pinverse(in[0]); }, {{4, 3}}},
      {"slogdet as a function of its own", [](In in) { return slogdet(well_conditioned(in[0])).logabsdet; }, {n3}},
      {"det", [](In in) { return linalg::det(in[0]); }, {b3}},
      {"det of nothing", [](In in) { return linalg::det(in[0]); }, {{0, 3, 3}}},
      {"slogdet", [](In in) { return linalg::slogdet(well_conditioned(in[0])).logabsdet; }, {b3}},
      {"logdet", [](In in) { return logdet(positive_definite(in[0])); }, {b3}},
      {"cholesky", [](In in) { return linalg::cholesky(positive_definite(in[0])); }, {b3}},
      {"cholesky upper", [](In in) { return linalg::cholesky(positive_definite(in[0]), true); }, {n3}},
      {"cholesky_solve", [](In in) { return cholesky_solve(in[0], tril(well_conditioned(in[1]))); }, {{3, 2}, n3}},
      {"cholesky_inverse", [](In in) { return cholesky_inverse(triu(well_conditioned(in[0])), true); }, {n3}},
      {"solve_triangular", [](In in) { return linalg::solve_triangular(well_conditioned(in[0]), in[1], {.upper = true}); }, {b3, {3, 2}}},
      {"solve_triangular lower right",
       [](In in) { return linalg::solve_triangular(well_conditioned(in[0]), in[1], {.upper = false, .left = false}); },
       {n3, {2, 3}}},
      {"solve_triangular unit", [](In in) { return linalg::solve_triangular(in[0], in[1], {.upper = true, .unitriangular = true}); }, {n3, {3, 2}}},
      {"qr tall",
       [](In in) {
         const auto f = linalg::qr(in[0]);
         return cat({f.Q.flatten(-2), f.R.flatten(-2)}, -1);
       },
       {{2, 4, 3}}},
      {"qr wide",
       [](In in) {
         const auto f = linalg::qr(in[0]);
         return cat({f.Q.flatten(-2), f.R.flatten(-2)}, -1);
       },
       {{3, 5}}},
      {"svdvals", [](In in) { return linalg::svdvals(in[0]); }, {{2, 3, 4}}},
      {"cholesky_solve upper", [](In in) { return cholesky_solve(in[0], triu(well_conditioned(in[1])), true); }, {{2, 3, 2}, n3}},
      {"cholesky_inverse lower", [](In in) { return cholesky_inverse(tril(well_conditioned(in[0]))); }, {b3}},
      {"svd",
       [](In in) {
         const auto f = linalg::svd(in[0], false);
         return cat({f.U.square().flatten(-2), f.S, f.Vh.abs().flatten(-2)}, -1);
       },
       {{4, 3}}},
      {"svd wide",
       [](In in) {
         const auto f = linalg::svd(in[0]);
         return cat({f.U.square().flatten(-2), f.S, f.Vh.narrow(-2, 0, 2).abs().flatten(-2)}, -1);
       },
       {{2, 4}}},
      {"eigh",
       [](In in) {
         const auto f = linalg::eigh(in[0] + transposed(in[0]));
         return cat({f.eigenvalues, f.eigenvectors.square().flatten(-2)}, -1);
       },
       {b3}},
      {"eigvalsh", [](In in) { return linalg::eigvalsh(in[0] + transposed(in[0])); }, {n3}},
      {"householder_product", [](In in) { return linalg::householder_product(in[0], in[1]); }, {{2, 4, 3}, {2, 3}}},
      {"pinv tall", [](In in) { return linalg::pinv(in[0]); }, {{2, 4, 3}}},
      {"pinv wide", [](In in) { return linalg::pinv(in[0]); }, {{2, 4}}},
      {"lstsq", [](In in) { return linalg::lstsq(in[0], in[1]).solution; }, {{4, 2}, {4, 3}}},
      {"matrix_norm fro", [](In in) { return linalg::matrix_norm(in[0]); }, {b3}},
      {"matrix_norm nuc", [](In in) { return linalg::matrix_norm(in[0], "nuc", {0, 2}); }, {{3, 2, 3}}},
      {"matrix_norm 2", [](In in) { return linalg::matrix_norm(in[0], 2, {-2, -1}, true); }, {b3}},
      {"matrix_norm -1", [](In in) { return linalg::matrix_norm(in[0], -1); }, {b3}},
      {"norm inf", [](In in) { return linalg::norm(in[0], INFINITY); }, {n3}},
      {"cond", [](In in) { return linalg::cond(well_conditioned(in[0])); }, {b3}},
      {"cond 1", [](In in) { return linalg::cond(well_conditioned(in[0]), 1); }, {n3}},
      {"matrix_power", [](In in) { return linalg::matrix_power(in[0], 5); }, {b3}},
      {"multi_dot", [](In in) { return linalg::multi_dot({in[0], in[1], in[2]}); }, {{2, 3}, {3, 4}, {4}}},
      {"cross", [](In in) { return linalg::cross(in[0], in[1]); }, {{2, 3}, {1, 3}}},
      {"vecdot", [](In in) { return linalg::vecdot(in[0], in[1]); }, {{2, 3}, {3}}},
  });
}

TEST_CASE("the gradient of a singular matrix's determinant is its cofactors") {
  const Tensor A = tensor({{1.0, 2.0}, {2.0, 4.0}}, kFloat64).requires_grad_();
  linalg::det(A).backward();
  CHECK_THAT(A.grad(), is_close({{4.0, -2.0}, {-2.0, 1.0}}, 1e-12, 1e-12));
}

TEST_CASE("equal singular values and eigenvalues have gradients where vectors do not matter") {
  const Tensor A = eye(3, -1, {.dtype = kFloat64}).requires_grad_();
  linalg::svdvals(A).sum().backward();
  CHECK_THAT(A.grad(), is_close(eye(3, -1, {.dtype = kFloat64}), 1e-12, 1e-12));
  A.set_grad(Tensor());
  linalg::svd(A).S.sum().backward();
  CHECK_THAT(A.grad(), is_close(eye(3, -1, {.dtype = kFloat64}), 1e-12, 1e-12));
  A.set_grad(Tensor());
  linalg::eigvalsh(A).sum().backward();
  CHECK_THAT(A.grad(), is_close(eye(3, -1, {.dtype = kFloat64}), 1e-12, 1e-12));
}

TEST_CASE("what linear algebra refuses, in PyTorch's words") {
  const Tensor square = zeros({2, 2}), batch = stack({eye(2), zeros({2, 2})}), wide = ones({2, 3});
  CHECK_THROWS_AS(linalg::inv(square), LinAlgError);
  CHECK_THROWS_WITH(
      linalg::inv(square),
      contains("linalg.inv: The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular."));
  CHECK_THROWS_WITH(linalg::inv(batch), contains("linalg.inv: (Batch element 1): The diagonal element 1 is zero"));
  CHECK_THROWS_WITH(linalg::inv(wide), contains("linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices"));
  CHECK_THROWS_WITH(linalg::inv(ones({2})), contains("linalg.inv: The input tensor A must have at least 2 dimensions."));
  CHECK_THROWS_WITH(linalg::det(ones({2, 2}, kInt64)), contains("linalg.det: Expected a floating point or complex tensor as input. Got Long"));
  CHECK_THROWS_WITH(linalg::solve(square, ones({2})), contains("torch.linalg.solve: The solver failed because the input matrix is singular."));
  CHECK_THROWS_WITH(linalg::solve(eye(2), ones({3})), contains("linalg.solve: Incompatible shapes of A and B for the equation AX = B (2x2 and 3x1)"));
  CHECK_THROWS_WITH(linalg::cholesky(batch), contains("linalg.cholesky: (Batch element 1): The factorization could not be completed because the "
                                                      "input is not positive-definite (the leading minor of order 1"));
  CHECK_THROWS_WITH(linalg::svd(full({2, 2}, std::nan(""))),
                    contains("The algorithm failed to converge because the input matrix contained non-finite values."));
  CHECK_THROWS_WITH(linalg::svd(stack({eye(2), full({2, 2}, INFINITY)})),
                    contains("linalg.svd: (Batch element 1): The algorithm failed to converge"));
  const linalg::Eigh partly = linalg::eigh(stack({eye(2), full({2, 2}, std::nan(""))}));
  CHECK(partly.eigenvalues[0].equal(ones({2})));
  CHECK(isnan(partly.eigenvalues[1]).all().item<bool>());
  CHECK(isnan(partly.eigenvectors[1]).all().item<bool>());
  CHECK(isnan(linalg::inv(full({3, 3}, std::nan("")))).all().item<bool>());
  CHECK_THROWS_WITH(linalg::solve(eye(2), ones({2}), false),
                    contains("linalg.solve: Incompatible shapes of A and B for the equation XA = B (2x2 and 2x1)"));
  CHECK_THROWS_WITH(cholesky_solve(ones({3, 1}), eye(2)),
                    contains("Incompatible matrix sizes for cholesky_solve: each A matrix is 2 by 2 but each b matrix is 3 by 1"));
  CHECK_THROWS_WITH(logdet(wide), contains("logdet: A must be batches of square matrices, but they are 2 by 3 matrices"));
  CHECK_THROWS_WITH(linalg::cond(eye(2), 3), contains("linalg.cond got an invalid norm type: 3"));
  CHECK_THROWS_WITH(linalg::qr(ones({3, 2}).requires_grad_(), "complete").R.sum().backward(),
                    contains("not differentiable when mode='complete' and nrows > ncols."));
  CHECK_THROWS_WITH(linalg::vecdot(ones({2}), ones({2}, kFloat64)),
                    contains("linalg.vecdot: Expected x and y to have the same dtype, but found x of type Float"));
  CHECK(linalg::matrix_norm(zeros({3, 0, 2}), 2).equal(zeros({3})));
  CHECK(linalg::matrix_norm(zeros({0, 2}), 1, {-2, -1}, true).equal(zeros({1, 1})));
  CHECK_THROWS_WITH(linalg::matrix_norm(wide, 3), contains("linalg.matrix_norm: Order 3 not supported."));
  CHECK_THROWS_WITH(linalg::multi_dot({wide}), contains("multi_dot(): expected at least 2 tensors but got 1"));
  CHECK_THROWS_WITH(linalg::multi_dot({wide, wide}), contains("multi_dot(): tensors 0 and 1 with shapes [2, 3] and [2, 3] cannot be multiplied"));
  CHECK_THROWS_WITH(linalg::cross(ones({2}), ones({2})), contains("linalg.cross: inputs dimension -1 must have length 3. Got 2 and 2"));
  CHECK(linalg::slogdet(square).sign.item<double>() == 0);
  CHECK(std::isinf(linalg::slogdet(square).logabsdet.item<double>()));
  CHECK(std::isnan(logdet(-eye(3)).item<double>()));
}

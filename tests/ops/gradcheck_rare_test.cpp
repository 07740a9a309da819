// The rows of the gradcheck table for special functions, the rarer reductions, rearrangements, writes at indices and products.
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

TEST_CASE("gradcheck: special functions") {
  const auto row = [](const char* name, Tensor (*f)(const Tensor&), double low, double high) {
    for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{3, 4}, {1}, {2, 0}, {}})
      run_gradcheck({name, [f](In in) { return f(in[0]); }, {sizes}, low, high});
  };
  row("positive", positive, -2, 2);
  row("exp2", exp2, -2, 2);
  row("asinh", asinh, -2, 2);
  row("acosh", acosh, 1.3, 3);
  row("atanh", atanh, -0.8, 0.8);
  row("erfc", erfc, -2, 2);
  row("erfinv", erfinv, -0.8, 0.8);
  row("lgamma", lgamma, 0.4, 4);
  row("lgamma below 0", lgamma, -0.9, -0.1);
  row("digamma", digamma, 0.4, 4);
  row("sinc", sinc, 0.1, 2);
  row("logit", logit, 0.1, 0.9);
  row("deg2rad", deg2rad, -90, 90);
  row("rad2deg", rad2deg, -2, 2);
  run_gradchecks({
      {"logit, eps", [](In in) { return logit(in[0], 0.3); }, {{3, 4}}, 0.05, 0.95},
      {"polygamma 1", [](In in) { return polygamma(1, in[0]); }, {{3}}, 0.5, 3},
      {"polygamma 2", [](In in) { return polygamma(2, in[0]); }, {{3}}, 0.5, 3},
      {"float_power", [](In in) { return float_power(in[0], in[1]); }, {{3}, {3}}, 0.5, 2},
      {"float_power 2", [](In in) { return float_power(in[0], 2); }, {{3}}},
      {"hypot", [](In in) { return hypot(in[0], in[1]); }, {{3, 2}, {2}}, 0.4, 2},
      {"xlogy", [](In in) { return xlogy(in[0], in[1]); }, {{3, 2}, {2}}, 0.4, 2},
      {"xlogy of a number", [](In in) { return xlogy(2, in[0]); }, {{3}}, 0.4, 2},
      {"copysign", [](In in) { return copysign(in[0], -in[1]); }, {{3, 2}, {2}}},
  });
}

TEST_CASE("gradcheck: the rarer reductions") {
  const Tensor hole = tensor({{1.0, NAN, 0.0}, {1.0, 1.0, NAN}}, kFloat64);
  run_gradchecks({
      {"nansum", [=](In in) { return nansum(where(isnan(hole), hole, in[0]), 1); }, {{2, 3}}},
      {"nanmean", [=](In in) { return nanmean(where(isnan(hole), hole, in[0]), 0, true); }, {{2, 3}}},
      {"nanmedian", [](In in) { return nanmedian(in[0]); }, {{5}}},
      {"nanmedian 1", [=](In in) { return nanmedian(where(isnan(hole), hole, in[0]), 1).values; }, {{2, 3}}},
      {"nanquantile", [=](In in) { return nanquantile(where(isnan(hole), hole, in[0]), 0.4, 1); }, {{2, 3}}},
      {"quantile", [](In in) { return quantile(in[0], tensor({0.3, 0.9}, kFloat64), 0); }, {{4, 2}}},
      {"cummax", [](In in) { return cummax(in[0], 1).values; }, {{2, 4}}},
      {"cummin", [](In in) { return cummin(in[0], 0).values; }, {{3, 2}}},
      {"logcumsumexp", [](In in) { return logcumsumexp(in[0], 1); }, {{2, 4}}},
      {"kthvalue", [](In in) { return kthvalue(in[0], 2, 1).values; }, {{2, 4}}},
      {"mode", [](In in) { return mode(in[0], 0, true).values; }, {{3, 2}}},
      {"diff", [](In in) { return diff(in[0], {.n = 2, .dim = 0, .prepend = in[1], .append = in[1]}); }, {{3, 2}, {1, 2}}},
      {"trapezoid", [](In in) { return trapezoid(in[0], 0.5, 0); }, {{3, 2}}},
      {"trapezoid at points", [](In in) { return trapezoid(in[0], in[1]); }, {{2, 3}, {3}}},
      {"dist", [](In in) { return dist(in[0], in[1], 3); }, {{2, 3}, {3}}},
      {"cov", [](In in) { return cov(in[0], {.fweights = tensor({1, 2, 1}), .aweights = tensor({0.5, 1.0, 2.0}, kFloat64)}); }, {{2, 3}}},
      {"corrcoef", [](In in) { return corrcoef(in[0]).narrow(0, 0, 1).narrow(1, 1, 1); }, {{2, 4}}},
  });
}

TEST_CASE("gradcheck: rearrangements and writes at indices") {
  const Tensor index = tensor({2, 0});
  run_gradchecks({
      {"ravel", [](In in) { return ravel(in[0].t()); }, {{2, 3}}},
      {"reshape_as", [](In in) { return reshape_as(in[0], zeros({3, 2})); }, {{2, 3}}},
      {"swapaxes", [](In in) { return swapaxes(in[0], 0, 1); }, {{2, 3}}},
      {"swapdims", [](In in) { return swapdims(in[0], 0, 1); }, {{2, 3}}},
      {"moveaxis", [](In in) { return moveaxis(in[0], 0, 1); }, {{2, 3}}},
      {"split_with_sizes", [](In in) { return split_with_sizes(in[0], {1, 2})[1]; }, {{3, 2}}},
      {"tensor_split", [](In in) { return tensor_split(in[0], 2)[0]; }, {{3, 2}}},
      {"tensor_split at", [](In in) { return tensor_split(in[0], {1, 2})[1]; }, {{3, 2}}},
      {"hsplit", [](In in) { return hsplit(in[0], 2)[1]; }, {{3, 2}}},
      {"vsplit", [](In in) { return vsplit(in[0], 3)[1]; }, {{3, 2}}},
      {"dsplit", [](In in) { return dsplit(in[0], 2)[1]; }, {{1, 2, 2}}},
      {"fliplr", [](In in) { return fliplr(in[0]); }, {{2, 3}}},
      {"flipud", [](In in) { return flipud(in[0]); }, {{2, 3}}},
      {"rot90", [](In in) { return rot90(in[0], 3); }, {{2, 3}}},
      {"diag_embed", [](In in) { return diag_embed(in[0], 1, 0, 2); }, {{2, 3}}},
      {"diagflat", [](In in) { return diagflat(in[0], -1); }, {{2, 2}}},
      {"block_diag", [](In in) { return block_diag({in[0], in[1]}); }, {{2, 1}, {2}}},
      {"select_scatter", [](In in) { return select_scatter(in[0], in[1], 1, 2); }, {{2, 3}, {2}}},
      {"slice_scatter", [](In in) { return slice_scatter(in[0], in[1], 0, 0, 4, 2); }, {{4, 2}, {2, 2}}},
      {"diagonal_scatter", [](In in) { return diagonal_scatter(in[0], in[1], 1); }, {{2, 3}, {2}}},
      {"cartesian_prod", [](In in) { return cartesian_prod({in[0], in[1]}); }, {{2}, {3}}},
      {"combinations", [](In in) { return combinations(in[0], 2, true); }, {{3}}},
      {"vander", [](In in) { return vander(in[0], 3); }, {{3}}},
      {"index_copy", [=](In in) { return index_copy(in[0], 0, index, in[1]); }, {{3, 2}, {2, 2}}},
      {"index_fill", [=](In in) { return index_fill(in[0], 0, index, in[1]); }, {{3, 2}, {}}},
      {"masked_scatter", [](In in) { return masked_scatter(in[0], tensor({true, false, true}), in[1]); }, {{2, 3}, {5}}},
      {"take", [](In in) { return take(in[0], tensor({{0, -1}, {2, 2}})); }, {{2, 2}}},
      {"scatter_reduce sum", [=](In in) { return scatter_reduce(in[0], 0, index, in[1], IndexReduce::Sum, false); }, {{3}, {2}}},
      {"scatter_reduce prod", [](In in) { return scatter_reduce(in[0], 0, tensor({1, 1, 0}), in[1], IndexReduce::Prod); }, {{3}, {3}}, 0.5, 2},
      {"scatter_reduce mean", [](In in) { return scatter_reduce(in[0], 0, tensor({1, 1, 0}), in[1], IndexReduce::Mean); }, {{3}, {3}}},
      {"scatter_reduce amax", [](In in) { return scatter_reduce(in[0], 0, tensor({1, 1, 0}), in[1] * 1.01, IndexReduce::Amax); }, {{3}, {3}}},
      {"index_reduce", [=](In in) { return index_reduce(in[0], 0, index, in[1], IndexReduce::Mean, false); }, {{3, 2}, {2, 2}}},
  });
}

TEST_CASE("gradcheck: products and distances") {
  run_gradchecks({
      {"addbmm", [](In in) { return addbmm(in[0], in[1], in[2], {.beta = 0.5, .alpha = 2}); }, {{2, 2}, {3, 2, 2}, {3, 2, 2}}},
      {"addr", [](In in) { return addr(in[0], in[1], in[2], {.beta = 0.5, .alpha = 2}); }, {{2, 3}, {2}, {3}}},
      {"inner", [](In in) { return inner(in[0], in[1]); }, {{2, 3}, {3}}},
      {"kron", [](In in) { return kron(in[0], in[1]); }, {{2, 3}, {2}}},
      {"cross", [](In in) { return cross(in[0], in[1]); }, {{2, 3}, {2, 3}}},
      {"cross 0", [](In in) { return cross(in[0], in[1], 0); }, {{3, 2}, {3, 1}}},
      {"cdist", [](In in) { return cdist(in[0], in[1]); }, {{3, 2}, {2, 2}}},
      {"cdist by products", [](In in) { return cdist(in[0], in[1]).narrow(0, 24, 2); }, {{26, 2}, {2, 2}}, -1, 1, false},
      {"cdist by 1", [](In in) { return cdist(in[0], in[1] * 1.01 + 0.01, 1); }, {{2, 3, 2}, {2, 2, 2}}},
      {"pdist", [](In in) { return pdist(in[0]); }, {{3, 2}}},
      {"bilinear", [](In in) { return bilinear(in[0], in[1], in[2], in[3]); }, {{2, 2}, {2, 3}, {2, 2, 3}, {2}}},
  });
}

// The rows of the gradcheck table for elementwise operations, reductions, products, shapes and indices.
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

TEST_CASE("gradcheck: functions of one number") {
  const auto row = [](const char* name, Tensor (*f)(const Tensor&), double low, double high) {
    run_gradcheck({name, [f](In in) { return f(in[0]); }, {{3, 4}}, low, high});
    run_gradcheck({name, [f](In in) { return f(in[0]); }, {{1}}, low, high});
    run_gradcheck({name, [f](In in) { return f(in[0]); }, {{2, 0}}, low, high});
    run_gradcheck({name, [f](In in) { return f(in[0]); }, {{}}, low, high});
  };
  row("neg", neg, -2, 2);
  row("abs", abs, -2, 2);
  row("square", square, -2, 2);
  row("reciprocal", reciprocal, 0.3, 2);
  row("sqrt", sqrt, 0.2, 3);
  row("rsqrt", rsqrt, 0.3, 3);
  row("exp", exp, -2, 2);
  row("expm1", expm1, -2, 2);
  row("log", log, 0.2, 3);
  row("log2", log2, 0.2, 3);
  row("log10", log10, 0.2, 3);
  row("log1p", log1p, -0.5, 3);
  row("sin", sin, -3, 3);
  row("cos", cos, -3, 3);
  row("tan", tan, -1, 1);
  row("asin", asin, -0.8, 0.8);
  row("acos", acos, -0.8, 0.8);
  row("atan", atan, -3, 3);
  row("sinh", sinh, -2, 2);
  row("cosh", cosh, -2, 2);
  row("tanh", tanh, -2, 2);
  row("sigmoid", sigmoid, -3, 3);
  row("erf", erf, -2, 2);
  row("frac", frac, 0.1, 0.9);
}

TEST_CASE("gradcheck: functions of two and three numbers") {
  const std::vector<std::vector<std::vector<int64_t>>> pairs = {{{3, 4}, {3, 4}}, {{3, 4}, {4}}, {{3, 1}, {1, 4}}, {{}, {2, 3}}, {{0, 3}, {3}}};
  const auto row = [&](const char* name, std::function<Tensor(const Tensor&, const Tensor&)> f, double low, double high) {
    for (const auto& shapes : pairs) run_gradcheck({name, [f](In in) { return f(in[0], in[1]); }, shapes, low, high});
  };
  row("add", [](auto& a, auto& b) { return add(a, b, 0.7); }, -1, 1);
  row("sub", [](auto& a, auto& b) { return sub(a, b, 0.7); }, -1, 1);
  row("mul", [](auto& a, auto& b) { return a * b; }, -1, 1);
  row("div", [](auto& a, auto& b) { return a / b; }, 0.4, 2);
  row("pow", [](auto& a, auto& b) { return pow(a, b); }, 0.4, 2);
  row("atan2", [](auto& a, auto& b) { return atan2(a, b); }, 0.3, 2);
  row("maximum", [](auto& a, auto& b) { return maximum(a, b * 1.001 + 0.01); }, -1, 1);
  row("minimum", [](auto& a, auto& b) { return minimum(a, b * 1.001 + 0.01); }, -1, 1);
  row("fmax", [](auto& a, auto& b) { return fmax(a, b * 1.001 + 0.01); }, -1, 1);
  row("logaddexp", [](auto& a, auto& b) { return logaddexp(a, b); }, -1, 1);
  row("remainder", [](auto& a, auto& b) { return remainder(a, b + 2); }, 0.1, 1);
  row("lerp", [](auto& a, auto& b) { return lerp(a, b, 0.3); }, -1, 1);
  row("where", [](auto& a, auto& b) { return where(gt(a, 0), a, b); }, -1, 1);
  run_gradchecks({
      {"pow 3", [](In in) { return pow(in[0], 3); }, {{3, 2}}},
      {"pow 2.5", [](In in) { return pow(in[0], 2.5); }, {{3, 2}}, 0.3, 2},
      {"2 ^ x", [](In in) { return pow(2.0, in[0]); }, {{3, 2}}},
      {"1 - x", [](In in) { return 1 - in[0]; }, {{3, 2}}},
      {"2 / x", [](In in) { return 2 / in[0]; }, {{3, 2}}, 0.5, 2},
      {"clamp", [](In in) { return clamp(in[0], -0.5, 0.5); }, {{3, 4}}},
      {"clamp by tensors", [](In in) { return clamp(in[0], in[1] * 0.2 - 0.5, in[2] * 0.2 + 0.5); }, {{3, 4}, {4}, {3, 1}}},
      {"lerp by a tensor", [](In in) { return lerp(in[0], in[1], in[2]); }, {{3, 2}, {3, 2}, {2}}},
      {"addcmul", [](In in) { return addcmul(in[0], in[1], in[2], 0.5); }, {{3, 2}, {3, 1}, {2}}},
      {"addcdiv", [](In in) { return addcdiv(in[0], in[1], in[2], 0.5); }, {{3, 2}, {3, 1}, {2}}, 0.5, 2},
      {"masked_fill", [](In in) { return masked_fill(in[0], gt(in[0].detach(), 0.2), in[1]); }, {{3, 2}, {}}},
      {"nan_to_num", [](In in) { return nan_to_num(in[0]); }, {{3, 2}}},
  });
}

TEST_CASE("gradcheck: reductions") {
  const Tensor values = spread_values({2, 3}, 0.5, 2, 1);  // what the rows get
  const Tensor zero_first = values * tensor({1.0, 0.0, 0.0}), zero_second = values * tensor({0.0, 1.0, 0.0});
  run_gradchecks({
      {"sum", [](In in) { return sum(in[0]); }, {{2, 3, 2}}},
      {"sum 0", [](In in) { return sum(in[0], 0); }, {{3, 4}}},
      {"sum 0, 2", [](In in) { return sum(in[0], {0, 2}, true); }, {{2, 3, 2}}},
      {"mean", [](In in) { return mean(in[0], {1}); }, {{2, 3, 2}}},
      {"mean of one", [](In in) { return mean(in[0]); }, {{}}},
      {"prod", [](In in) { return prod(in[0]); }, {{2, 3}}, 0.5, 2},
      {"prod 1", [](In in) { return prod(in[0], 1, true); }, {{2, 3, 2}}, 0.5, 2},
      {"prod with zeros", [=](In in) { return prod(in[0] - zero_first, 1); }, {{2, 3}}, 0.5, 2},
      {"amax", [](In in) { return amax(in[0], {0, 1}); }, {{2, 3, 2}}},
      {"amin", [](In in) { return amin(in[0], 1, true); }, {{2, 3, 2}}},
      {"max", [](In in) { return max(in[0]); }, {{2, 3}}},
      {"max 1", [](In in) { return max(in[0], 1).values; }, {{2, 3, 2}}},
      {"min 0", [](In in) { return min(in[0], 0, true).values; }, {{2, 3, 2}}},
      {"var", [](In in) { return var(in[0]); }, {{2, 3}}},
      {"var 0, biased", [](In in) { return var(in[0], 0, 0, true); }, {{3, 4}}},
      {"std", [](In in) { return in[0].std(1); }, {{3, 4}}},
      {"var_mean",
       [](In in) {
         const VarMean r = var_mean(in[0], 1);
         return r.var * r.mean;
       },
       {{3, 4}}},
      {"logsumexp", [](In in) { return logsumexp(in[0], 1); }, {{3, 4}}},
      {"norm 2", [](In in) { return norm(in[0]); }, {{3, 4}}},
      {"norm 1", [](In in) { return norm(in[0], 1, 1); }, {{3, 4}}},
      {"norm 3", [](In in) { return norm(in[0], 3, 0, true); }, {{3, 4}}},
      {"norm inf", [](In in) { return norm(in[0], INFINITY, 0); }, {{3, 4}}},
      {"cumsum", [](In in) { return cumsum(in[0], 1); }, {{2, 3, 2}}},
      {"cumprod", [](In in) { return cumprod(in[0], 1); }, {{2, 3, 2}}, 0.5, 2},
      {"cumprod with zeros", [=](In in) { return cumprod(in[0] - zero_second, 1); }, {{2, 3}}, 0.5, 2},
      {"median", [](In in) { return median(in[0]); }, {{5}}},
      {"median 1", [](In in) { return median(in[0], 1).values; }, {{2, 5}}},
      {"quantile", [](In in) { return quantile(in[0], 0.3); }, {{5}}},
      {"quantile 1", [](In in) { return quantile(in[0], tensor({0.1, 0.8}, kFloat64), 1, true); }, {{2, 5}}},
      {"sort", [](In in) { return sort(in[0], 0, true).values; }, {{4, 2}}},
      {"topk", [](In in) { return topk(in[0], 2, 0).values; }, {{4, 2}}},
      {"sum of nothing", [](In in) { return sum(in[0], 0); }, {{0, 3}}},
  });
}

TEST_CASE("gradcheck: products") {
  run_gradchecks({
      {"linear", [](In in) { return linear(in[0], in[1], in[2]); }, {{4, 3}, {2, 3}, {2}}},
      {"linear 3d", [](In in) { return linear(in[0], in[1], in[2]); }, {{2, 4, 3}, {2, 3}, {2}}},
      {"linear 1d", [](In in) { return linear(in[0], in[1], in[2]); }, {{3}, {2, 3}, {2}}},
      {"linear, no bias", [](In in) { return linear(in[0], in[1]); }, {{4, 3}, {2, 3}}},
      {"linear, no rows", [](In in) { return linear(in[0], in[1], in[2]); }, {{0, 3}, {2, 3}, {2}}},
      {"linear, relu", [](In in) { return linear(in[0], in[1], in[2], {.relu = true}); }, {{4, 3}, {2, 3}, {2}}},
      {"mm", [](In in) { return mm(in[0], in[1]); }, {{4, 3}, {3, 2}}},
      {"mm, empty", [](In in) { return mm(in[0], in[1]); }, {{4, 0}, {0, 2}}},
      {"mv", [](In in) { return mv(in[0], in[1]); }, {{4, 3}, {3}}},
      {"dot", [](In in) { return dot(in[0], in[1]); }, {{3}, {3}}},
      {"bmm", [](In in) { return bmm(in[0], in[1]); }, {{2, 4, 3}, {2, 3, 2}}},
      {"matmul 3 2", [](In in) { return matmul(in[0], in[1]); }, {{2, 4, 3}, {3, 2}}},
      {"matmul 1 3", [](In in) { return matmul(in[0], in[1]); }, {{3}, {2, 3, 2}}},
      {"matmul 4 3", [](In in) { return matmul(in[0], in[1]); }, {{2, 1, 2, 3}, {2, 3, 2}}},
      {"outer", [](In in) { return outer(in[0], in[1]); }, {{3}, {2}}},
      {"addmm", [](In in) { return addmm(in[0], in[1], in[2], {.beta = 0.5, .alpha = 2}); }, {{2}, {4, 3}, {3, 2}}},
      {"trace", [](In in) { return trace(in[0]); }, {{3, 3}}},
      {"einsum", [](In in) { return einsum("bij,bjk->ik", in); }, {{2, 3, 2}, {2, 2, 3}}},
      {"einsum ...", [](In in) { return einsum("...i,i...", in); }, {{2, 3}, {3, 2}}},
      {"tensordot", [](In in) { return tensordot(in[0], in[1], 1); }, {{2, 3}, {3, 2}}},
  });
}

TEST_CASE("gradcheck: shapes and indices") {
  const Tensor index = tensor({{0, 2}, {1, 1}}), rows = tensor({2, 0, 2});
  run_gradchecks({
      {"cat", [](In in) { return cat(in, 1); }, {{2, 3}, {2, 1}}},
      {"stack", [](In in) { return stack(in, -1); }, {{2, 3}, {2, 3}}},
      {"hstack", [](In in) { return hstack(in); }, {{2}, {3}}},
      {"vstack", [](In in) { return vstack(in); }, {{2}, {2}}},
      {"split", [](In in) { return split(in[0], 2, 1)[1] * 2; }, {{2, 5}}},
      {"repeat", [](In in) { return repeat(in[0], {2, 1, 2}); }, {{2, 3}}},
      {"repeat_interleave", [](In in) { return repeat_interleave(in[0], 2, 1); }, {{2, 3}}},
      {"flip", [](In in) { return flip(in[0], {0, 1}); }, {{2, 3}}},
      {"roll", [](In in) { return roll(in[0], {1, -1}, {0, 1}); }, {{2, 3}}},
      {"tril", [](In in) { return tril(in[0], 1); }, {{2, 3, 3}}},
      {"triu", [](In in) { return triu(in[0]); }, {{3, 2}}},
      {"diag of a vector", [](In in) { return diag(in[0], 1); }, {{3}}},
      {"diag of a matrix", [](In in) { return diag(in[0], -1); }, {{3, 3}}},
      {"gather", [=](In in) { return gather(in[0], 1, index); }, {{3, 3}}},
      {"scatter", [=](In in) { return scatter(in[0], 1, tensor({{0, 2}, {1, 0}}), in[1]); }, {{3, 3}, {2, 2}}},
      {"scatter_add", [=](In in) { return scatter_add(in[0], 1, index, in[1]); }, {{3, 3}, {2, 2}}},
      {"index_select", [=](In in) { return index_select(in[0], 1, rows); }, {{2, 3, 2}}},
      {"index_add", [=](In in) { return index_add(in[0], 1, rows, in[1], 0.5); }, {{2, 3, 2}, {2, 3, 2}}},
      {"index", [=](In in) { return in[0].index({Slice(0, 1), rows, None, Ellipsis, rows}); }, {{2, 3, 3}}},
      {"index apart", [=](In in) { return in[0].index({rows, Slice(), tensor({0, 1, 1})}); }, {{3, 2, 2}}},
      {"mask", [](In in) { return masked_select(in[0], gt(in[0].detach(), 0)); }, {{3, 3}}},
      {"index_put", [=](In in) { return index_put(in[0], {tensor({2, 0})}, in[1]); }, {{3, 2}, {2}}},
      {"index_put, adding", [=](In in) { return index_put(in[0], {Ellipsis, rows}, in[1], true); }, {{2, 3}, {2, 3}}},
      {"setitem",
       [](In in) {
         const Tensor y = in[0].clone();
         y.index_put_({0, Slice(1)}, in[1]);
         return y;
       },
       {{2, 3}, {2}}},
      {"take_along_dim", [](In in) { return take_along_dim(in[0], tensor({{1}, {0}}), 1); }, {{2, 3}}},
      {"meshgrid", [](In in) { return meshgrid(in, "xy")[0] * meshgrid(in)[1].t(); }, {{3}, {2}}},
  });
}

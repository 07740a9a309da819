// The rows of the gradcheck table for views, and for what the other files of the table leave out.
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

TEST_CASE("gradcheck: views") {
  run_gradchecks({
      {"view", [](In in) { return in[0].contiguous().view({3, -1}); }, {{2, 3, 2}}},
      {"reshape", [](In in) { return reshape(in[0], {2, -1}); }, {{4, 3}}},
      {"reshape of nothing", [](In in) { return reshape(in[0], {3, 0}); }, {{0, 3}}},
      {"flatten", [](In in) { return flatten(in[0], 1); }, {{2, 3, 2}}},
      {"unflatten", [](In in) { return unflatten(in[0], 1, {2, 3}); }, {{2, 6}}},
      {"permute", [](In in) { return permute(in[0], {2, 0, 1}); }, {{2, 3, 4}}},
      {"transpose", [](In in) { return transpose(in[0], 0, -1); }, {{2, 3, 2}}},
      {"t", [](In in) { return t(in[0]); }, {{2, 3}}},
      {"squeeze", [](In in) { return squeeze(in[0]); }, {{1, 3, 1}}},
      {"squeeze 2", [](In in) { return squeeze(in[0], 2); }, {{1, 3, 1}}},
      {"unsqueeze", [](In in) { return unsqueeze(in[0], 1); }, {{2, 3}}},
      {"narrow", [](In in) { return narrow(in[0], 1, 1, 2); }, {{2, 4}}},
      {"select", [](In in) { return select(in[0], 1, -1); }, {{2, 3}}},
      {"slice", [](In in) { return in[0].slice(1, 1, Slice::None, 2); }, {{2, 5}}},
      {"slice of nothing", [](In in) { return in[0].slice(0, 2, 2); }, {{3, 2}}},
      {"diagonal", [](In in) { return diagonal(in[0], 1); }, {{3, 4}}},
      {"movedim",
       [](In in) { return movedim(in[0], {0, 1}, {2, 0}) + movedim(movedim(in[0], 0, 2), 1, 0).movedim({0, 1}, {1, 0}).sum(); },
       {{2, 3, 2}}},
      {"expand", [](In in) { return in[0].expand({2, 3, 4}); }, {{3, 1}}},
      {"broadcast_to", [](In in) { return broadcast_to(in[0], {2, 3}); }, {{3}}},
      {"broadcast_tensors",
       [](In in) {
         const auto b = broadcast_tensors(in);
         return b[0] * b[1];
       },
       {{3, 1}, {1, 2}}},
      {"as_strided", [](In in) { return in[0].contiguous().as_strided({2, 2}, {1, 2}, 1); }, {{2, 3}}},
      {"unfold along a dimension", [](In in) { return in[0].unfold(1, 3, 2); }, {{2, 7}}},
      {"unbind",
       [](In in) {
         const auto rows = unbind(in[0]);
         return rows[0] * rows[1];
       },
       {{2, 3}}},
      {"chunk",
       [](In in) {
         const auto parts = chunk(in[0], 2, 1);
         return parts[0] * parts[1];
       },
       {{2, 4}}},
      {"split by sizes",
       [](In in) {
         const auto parts = split(in[0], {1, 3}, 1);
         return parts[0] * parts[1];
       },
       {{2, 4}}},
      {"clone", [](In in) { return in[0].clone() * in[0].contiguous(); }, {{2, 3}}},
      {"to and back", [](In in) { return in[0].to(kFloat64, true); }, {{2, 3}}},
  });
}

TEST_CASE("gradcheck: steps, whose gradient is 0") {
  const auto row = [](const char* name, Tensor (*f)(const Tensor&)) {
    for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{3, 4}, {1}, {0, 2}})
      run_gradcheck({name, [f](In in) { return f(in[0]); }, {sizes}, 0.1, 0.4});
  };
  row("floor", floor);
  row("ceil", ceil);
  row("trunc", trunc);
  row("round", [](const Tensor& x) { return round(x); });
  row("sign", sign);
}

TEST_CASE("gradcheck: other forms of what has a row") {
  run_gradchecks({
      {"clamp_min", [](In in) { return clamp_min(in[0], -0.3); }, {{3, 4}}},
      {"clamp_max by a tensor", [](In in) { return clamp_max(in[0], in[1] + 0.301); }, {{3, 4}, {4}}},
      {"mul", [](In in) { return mul(in[0], in[1]); }, {{2, 3}, {3}}},
      {"rsub", [](In in) { return rsub(in[0], in[1], 0.7); }, {{2, 3}, {3}}},
      {"true_divide", [](In in) { return true_divide(in[0], in[1]); }, {{2, 3}, {3}}, 0.4, 2},
      {"div, rounded", [](In in) { return div(in[0], in[1] + 3, Rounding::Floor); }, {{2, 3}, {3}}, 0.1, 0.9},
      {"floor_divide", [](In in) { return floor_divide(in[0], 3); }, {{2, 3}}, 0.1, 0.9},
      {"fmod", [](In in) { return fmod(in[0], in[1] + 2); }, {{2, 3}, {3}}, 0.1, 0.9},
      {"fmin", [](In in) { return fmin(in[0], in[1] * 1.001 + 0.01); }, {{2, 3}, {3}}},
      {"aminmax",
       [](In in) {
         const MinMax r = aminmax(in[0], 1);
         return r.min * r.max;
       },
       {{2, 3}}},
      {"min", [](In in) { return min(in[0]); }, {{2, 3}}},
      {"std", [](In in) { return ember::std(in[0]); }, {{2, 3}}},
      {"std_mean",
       [](In in) {
         const StdMean r = std_mean(in[0], 0);
         return r.std * r.mean;
       },
       {{3, 2}}},
      {"vector_norm", [](In in) { return linalg::vector_norm(in[0], 2, 1); }, {{2, 3}}},
      {"addmv", [](In in) { return addmv(in[0], in[1], in[2], {.beta = 0.5, .alpha = 2}); }, {{2}, {2, 3}, {3}}},
      {"baddbmm", [](In in) { return baddbmm(in[0], in[1], in[2], {.beta = 0.5, .alpha = 2}); }, {{2, 1, 2}, {2, 2, 3}, {2, 3, 2}}},
      {"tensordot by names", [](In in) { return tensordot(in[0], in[1], {0}, {1}); }, {{3, 2}, {2, 3}}},
      {"tile", [](In in) { return tile(in[0], {2, 2}); }, {{3}}},
      {"roll, flattened", [](In in) { return roll(in[0], 2); }, {{2, 3}}},
      {"repeat_interleave by counts", [](In in) { return repeat_interleave(in[0], tensor({2, 0, 1}), 0); }, {{3, 2}}},
      {"take_along_dim, flattened", [](In in) { return take_along_dim(in[0], tensor({4, 0, 4})); }, {{2, 3}}},
      {"unique has none, sort of one", [](In in) { return sort(in[0]).values; }, {{1}}},
      {"sum of one", [](In in) { return sum(in[0]); }, {{1}}},
      {"mean of one", [](In in) { return mean(in[0], 0, true); }, {{1, 3}}},
      {"prod of nothing", [](In in) { return prod(in[0]); }, {{0}}},
      {"cumsum of nothing", [](In in) { return cumsum(in[0], 0); }, {{0, 2}}},
      {"cat with nothing", [](In in) { return cat(in, 1); }, {{2, 0}, {2, 3}}},
      {"gather nothing", [](In in) { return gather(in[0], 1, zeros({2, 0}, kInt64)); }, {{2, 3}}},
      {"matmul of ones", [](In in) { return matmul(in[0], in[1]); }, {{1, 1}, {1, 1}}},
  });
}

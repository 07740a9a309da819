// Gradients of the normalisations, in every layout and mode, against finite differences.
#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

TEST_CASE("gradcheck: batch norm") {
  const Tensor mean = tensor({0.1, -0.2, 0.3}, kFloat64), var = tensor({0.5, 1.5, 2.0}, kFloat64);
  const auto train = [](In in) { return batch_norm_train(in[0], in[1], in[2]).y; };
  const auto eval = [=](In in) { return batch_norm(in[0], mean, var, in[1], in[2]); };
  const auto channels_last = [](In in) {
    return batch_norm_train(in[0].permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2}), in[1], in[2]).y;
  };
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{4, 3}, {4, 3, 5}, {2, 3, 2, 2}, {2, 3, 1, 2, 2}, {1, 3, 2}, {3, 3, 1, 1}}) {
    run_gradcheck({"training", train, {sizes, {3}, {3}}});
    run_gradcheck({"evaluation", eval, {sizes, {3}, {3}}});
    run_gradcheck({"training without weight", [](In in) { return batch_norm_train(in[0]).y; }, {sizes}});
    run_gradcheck({"evaluation without weight", [=](In in) { return batch_norm(in[0], mean, var); }, {sizes}});
    run_gradcheck({"training without bias", [](In in) { return batch_norm_train(in[0], in[1]).y; }, {sizes, {3}}});
    run_gradcheck({"training, then relu", [](In in) { return batch_norm_relu(in[0], {}, {}, in[1], in[2], true); }, {sizes, {3}, {3}}});
    run_gradcheck({"evaluation, then relu", [=](In in) { return batch_norm_relu(in[0], mean, var, in[1], in[2]); }, {sizes, {3}, {3}}});
  }
  run_gradcheck({"channels last", channels_last, {{2, 3, 3, 2}, {3}, {3}}});
  run_gradcheck({"more channels than lanes", train, {{3, 19}, {19}, {19}}, -1, 1, false});
  run_gradcheck({"empty", train, {{0, 3}, {3}, {3}}});
}

// The gradcheck rows of activations and softmaxes, and what PyTorch does at their kinks.
#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

TEST_CASE("gradcheck: activations") {
  run_gradchecks({
      {"relu", [](In in) { return relu(in[0]); }, {{3, 4}}},
      {"relu6", [](In in) { return relu6(in[0]); }, {{3, 4}}, -2, 8},
      {"leaky_relu", [](In in) { return leaky_relu(in[0], 0.1); }, {{3, 4}}},
      {"elu", [](In in) { return elu(in[0], 0.7); }, {{3, 4}}},
      {"selu", [](In in) { return selu(in[0]); }, {{3, 4}}},
      {"celu", [](In in) { return celu(in[0], 1.3); }, {{3, 4}}},
      {"gelu", [](In in) { return gelu(in[0]); }, {{3, 4}}},
      {"gelu tanh", [](In in) { return gelu(in[0], "tanh"); }, {{3, 4}}},
      {"silu", [](In in) { return silu(in[0]); }, {{3, 4}}},
      {"mish", [](In in) { return mish(in[0]); }, {{3, 4}}},
      {"softplus", [](In in) { return softplus(in[0], 2, 1.5); }, {{3, 4}}, -2, 2},
      {"softsign", [](In in) { return softsign(in[0]); }, {{3, 4}}},
      {"hardtanh", [](In in) { return hardtanh(in[0], -0.5, 0.4); }, {{3, 4}}},
      {"hardswish", [](In in) { return hardswish(in[0]); }, {{3, 4}}, -5, 5},
      {"hardsigmoid", [](In in) { return hardsigmoid(in[0]); }, {{3, 4}}, -5, 5},
      {"logsigmoid", [](In in) { return logsigmoid(in[0]); }, {{3, 4}}, -5, 5},
      {"threshold", [](In in) { return threshold(in[0], 0.21, 5); }, {{3, 4}}},
      {"prelu", [](In in) { return prelu(in[0], in[1]); }, {{2, 3, 2}, {3}}},
      {"glu", [](In in) { return glu(in[0], 1); }, {{2, 4}}},
      {"tanhshrink", [](In in) { return tanhshrink(in[0]); }, {{3, 4}}},
      {"softshrink", [](In in) { return softshrink(in[0], 0.31); }, {{3, 4}}},
      {"hardshrink", [](In in) { return hardshrink(in[0], 0.31); }, {{3, 4}}},
      {"softmax", [](In in) { return softmax(in[0], 1); }, {{2, 3, 2}}},
      {"softmax of a row", [](In in) { return softmax(in[0], -1); }, {{3, 4}}},
      {"log_softmax", [](In in) { return log_softmax(in[0], 0); }, {{3, 4}}},
      {"softmin", [](In in) { return softmin(in[0], 1); }, {{3, 4}}},
  });
}

TEST_CASE("gradcheck: activations of one number and of none") {
  using Function = Tensor (*)(const Tensor&);
  const Function functions[] = {relu,
                                relu6,
                                selu,
                                silu,
                                mish,
                                softsign,
                                hardswish,
                                hardsigmoid,
                                logsigmoid,
                                tanhshrink,
                                [](const Tensor& x) { return leaky_relu(x); },
                                [](const Tensor& x) { return elu(x); },
                                [](const Tensor& x) { return celu(x); },
                                [](const Tensor& x) { return gelu(x); },
                                [](const Tensor& x) { return softplus(x); },
                                [](const Tensor& x) { return hardtanh(x); },
                                [](const Tensor& x) { return softshrink(x); },
                                [](const Tensor& x) { return hardshrink(x); },
                                [](const Tensor& x) { return softmax(x, 0); },
                                [](const Tensor& x) { return log_softmax(x, 0); }};
  for (const Function f : functions)
    for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{1}, {2, 0}, {0, 3}})
      run_gradcheck({"activation", [f](In in) { return f(in[0]); }, {sizes}});
}

TEST_CASE("derivatives at the kinks are PyTorch's choice") {
  const auto slope = [](double at, Tensor (*f)(const Tensor&)) {
    const Tensor x = tensor({at}, {.requires_grad = true});
    f(x).sum().backward();
    return x.grad().item<double>();
  };
  CHECK(slope(0, relu) == 0);
  CHECK(slope(0, [](const Tensor& x) { return leaky_relu(x, 0.25); }) == 0.25);
  CHECK(slope(0, [](const Tensor& x) { return elu(x); }) == 1);
  CHECK(slope(0, selu) == Approx(1.7580993));
  CHECK(slope(6, relu6) == 0);
  CHECK(slope(-3, hardswish) == 0);
  CHECK(slope(3, hardswish) == 1);
  CHECK(slope(3, hardsigmoid) == 0);
  CHECK(slope(0, abs) == 0);
  CHECK(slope(0.5, [](const Tensor& x) { return clamp(x, None, 0.5); }) == 1);
  CHECK(slope(0.5, [](const Tensor& x) { return hardshrink(x); }) == 0);
  CHECK(slope(0.5, [](const Tensor& x) { return maximum(x, tensor({0.5})); }) == 0.5);
}

TEST_CASE("rounding and whole quotients refuse bools in PyTorch's words") {
  const Tensor x = ones({2}, kBool);
  CHECK_THROWS_WITH(floor(x), equals("\"floor_vml_cpu\" not implemented for 'Bool'"));
  CHECK_THROWS_WITH(round(x), equals("\"round_vml_cpu\" not implemented for 'Bool'"));
  CHECK_THROWS_WITH(div(x, x, Rounding::Floor), equals("\"div_floor_cpu\" not implemented for 'Bool'"));
  CHECK_THROWS_AS(div(x, x, Rounding::Trunc), NotImplementedError);
}

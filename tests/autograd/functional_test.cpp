// Products with Jacobians, against the Jacobian by hand; the norm of a list of tensors.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;
namespace functional = ember::autograd::functional;

namespace {

// J of x -> (x0^2 x1, x0 + 3 x1) at (2, 5): (20, 4; 1, 3)
Tensor pair_of(const Tensor& x) { return stack({x[0] * x[0] * x[1], x[0] + x[1] * 3}); }
const Tensor kAt = tensor({2., 5.});

}  // namespace

TEST_CASE("vjp is v' J, jvp J v") {
  const auto back = functional::vjp(pair_of, kAt, tensor({1., 10.}));
  CHECK_THAT(back.output, is_close({20., 17.}));
  CHECK_THAT(back.product, is_close({30., 34.}));
  CHECK_FALSE(back.product.requires_grad());
  const auto forward = functional::jvp(pair_of, kAt, tensor({1., 10.}));
  CHECK_THAT(forward.output, is_close({20., 17.}));
  CHECK_THAT(forward.product, is_close({60., 31.}));
  CHECK_FALSE(forward.output.requires_grad());
}

TEST_CASE("v may be left out for one number, and has to fit otherwise") {
  CHECK_THAT(functional::vjp([](const Tensor& x) { return (x * x).sum(); }, kAt).product, is_close({4., 10.}));
  CHECK_THAT(functional::jvp([](const Tensor& x) { return x * kAt; }, tensor({3.})).product, is_close({2., 5.}));
  CHECK_THROWS_WITH(functional::vjp(pair_of, kAt), starts_with("The vector v can only be None if the user-provided function returns"));
  CHECK_THROWS_WITH(functional::jvp(pair_of, kAt), starts_with("The vector v can only be None if the input to the user-provided function"));
  CHECK_THROWS_WITH(functional::vjp(pair_of, kAt, ones({3})), starts_with("v has invalid size: should be [2] but got [3]."));
}

TEST_CASE("several inputs and outputs: zeros where nothing flows, an error when strict") {
  const functional::Function f = [](const std::vector<Tensor>& in) { return std::vector<Tensor>{in[0] * 2, in[0] * in[1]}; };
  const auto back = functional::vjp(f, {kAt, tensor({1., 3.})}, {ones({2}), ones({2})});
  CHECK_THAT(back.products[0], is_close({3., 5.}));
  CHECK_THAT(back.products[1], is_close({2., 5.}));
  const auto forward = functional::jvp(f, {kAt, tensor({1., 3.})}, {ones({2}), ones({2})});
  CHECK_THAT(forward.products[0], is_close({2., 2.}));
  CHECK_THAT(forward.products[1], is_close({3., 8.}));

  const functional::Function first = [](const std::vector<Tensor>& in) { return std::vector<Tensor>{in[0].sum()}; };
  CHECK_THAT(functional::vjp(first, {kAt, ones({3})}).products[1], is_close({0., 0., 0.}));
  CHECK_THROWS_WITH(functional::vjp(first, {kAt, ones({3})}, {}, {.strict = true}),
                    starts_with("The output of the user-provided function is independent of input 1. This is not allowed in strict mode."));
  CHECK_THROWS_WITH(functional::vjp([](const Tensor& x) { return x.detach().sum(); }, kAt, {}, {.strict = true}),
                    starts_with("Output 0 of the user-provided function does not require gradients."));
}

TEST_CASE("products are differentiable where the graph is asked for") {
  const Tensor x = tensor({2.}).requires_grad_();
  const auto cube = [](const Tensor& t) { return t.pow(3).sum(); };
  functional::vjp(cube, x, {}, {.create_graph = true}).product.sum().backward();
  CHECK_THAT(x.grad(), is_close({12.}));  // 6 x
  x.set_grad({});
  functional::jvp([](const Tensor& t) { return t.pow(3); }, x, tensor({5.}), {.create_graph = true}).product.sum().backward();
  CHECK_THAT(x.grad(), is_close({60.}));
  const NoGradGuard no_grad;
  CHECK_THAT(functional::vjp(cube, x.detach()).product, is_close({12.}));
}

TEST_CASE("get_total_norm is the norm of all tensors as one vector") {
  using nn::utils::get_total_norm;
  const std::vector<Tensor> two{tensor({3., 0.}), tensor({{4.}})};
  CHECK(get_total_norm(two).item<double>() == 5);
  CHECK(get_total_norm(two, {.norm_type = 1}).item<double>() == 7);
  CHECK(get_total_norm(two, {.norm_type = INFINITY}).item<double>() == 4);
  CHECK(get_total_norm({}).item<double>() == 0);
  CHECK(get_total_norm({two[0], two[1].to(kFloat64)}).dtype() == kFloat64);
  CHECK_THROWS_WITH(get_total_norm({tensor({NAN})}, {.error_if_nonfinite = true}),
                    starts_with("The total norm of order 2.0 for gradients from `parameters` is non-finite"));
}

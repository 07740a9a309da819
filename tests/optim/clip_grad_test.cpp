// Clipping of gradients: values from PyTorch 2.13.
#include <ember/ember.h>

#include <cmath>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

static std::vector<Tensor> with_gradients() {
  const std::vector<Tensor> params = {zeros({3}).requires_grad_(), zeros({4}).requires_grad_(), zeros({2}).requires_grad_()};
  params[0].set_grad(full({3}, 3.0f));
  params[1].set_grad(full({2, 2}, 4.0f).view({4}));
  return params;
}

TEST_CASE("clip_grad_norm_ scales all gradients to the norm and returns the norm before") {
  const auto params = with_gradients();
  const Tensor total = nn::utils::clip_grad_norm_(params, 1.0);
  CHECK(total.item<float>() == Approx(9.5393925).epsilon(1e-6));
  CHECK(params[0].grad().data<float>()[0] == Approx(0.3144854).epsilon(1e-6));
  CHECK_FALSE(params[2].grad().defined());
}

TEST_CASE("gradients below the norm stay, other norms and none at all") {
  const auto params = with_gradients();
  nn::utils::clip_grad_norm_(params, 100.0);
  CHECK_THAT(params[0].grad(), is_close({3., 3., 3.}));
  CHECK(nn::utils::clip_grad_norm_(params, 2.0, {.norm_type = INFINITY}).item<float>() == 4);
  CHECK_THAT(params[1].grad(), is_close({2., 2., 2., 2.}));
  CHECK(nn::utils::clip_grad_norm_(params, 100.0, {.norm_type = 1}).item<float>() == Approx(12.5));
  CHECK(nn::utils::clip_grad_norm_({params[2]}, 1.0).item<float>() == 0);
}

TEST_CASE("a norm that is not finite scales by NaN, or throws when asked") {
  const auto params = with_gradients();
  params[0].grad().detach().fill_(NAN);
  CHECK_THROWS_WITH(nn::utils::clip_grad_norm_(params, 1.0, {.error_if_nonfinite = true}),
                    starts_with("The total norm of order 2.0 for gradients from `parameters` is non-finite"));
  CHECK(std::isnan(nn::utils::clip_grad_norm_(params, 1.0).item<double>()));
  CHECK(std::isnan(params[1].grad().data<float>()[0]));
}

TEST_CASE("clip_grad_value_ limits each element") {
  const auto params = with_gradients();
  nn::utils::clip_grad_value_(params, 3.5);
  CHECK_THAT(params[0].grad(), is_close({3., 3., 3.}));
  CHECK_THAT(params[1].grad(), is_close({3.5, 3.5, 3.5, 3.5}));
}

TEST_CASE("parameters go into one vector and back") {
  const std::vector<Tensor> params = {tensor({{1., 2.}, {3., 4.}}).requires_grad_(), tensor({5.}).requires_grad_()};
  const Tensor vector = nn::utils::parameters_to_vector(params);
  CHECK_THAT(vector, is_close({1., 2., 3., 4., 5.}));
  nn::utils::vector_to_parameters(vector.detach() * 2, params);
  CHECK_THAT(params[0], is_close({{2., 4.}, {6., 8.}}));
  CHECK_THAT(params[1], is_close({10.}));
}

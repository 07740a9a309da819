// Dropout in one pass against x * noise, where the noise comes from the loop that draws one number after the other.
#include <ember/ember.h>

#include <cmath>

#include "support/catch.h"

using namespace ember;

namespace {

Tensor noise_like(const Tensor& x, double keep) { return empty_like(x, kFloat64).bernoulli_(keep).to(kFloat32) * double(1.0f / float(keep)); }

}  // namespace

TEST_CASE("dropout is a product with noise, forward and backward, and draws as many numbers") {
  for (const double p : {0.1, 0.5, 0.9})
    for (const int64_t rows : {1, 3, 50, 500, 1100}) {
      INFO(rows << " rows, p " << p);
      const Tensor base = randn({rows, 40});
      base[0][0].fill_(-0.0f);
      for (const bool transposed : {false, true}) {
        const Tensor x = (transposed ? base.t() : base).detach().requires_grad_(), dy = randn(base.sizes());
        manual_seed(5);
        const Tensor y = dropout(x, {.p = p});
        const Tensor state = get_rng_state();
        manual_seed(5);
        const Tensor noise = noise_like(x.detach(), 1 - p);
        CHECK(equal(get_rng_state(), state));
        CHECK(equal(y, x * noise));
        CHECK(y.strides() == (x * noise).strides());
        y.backward(transposed ? dy.t() : dy);
        CHECK(equal(x.grad(), (transposed ? dy.t() : dy) * noise));
        NoGradGuard no_grad;
        manual_seed(5);
        CHECK(equal(dropout(x, {.p = p}), y));
      }
    }
}

TEST_CASE("dropout's gradient: of another layout than x, and to be differentiated again") {
  const Tensor x = randn({30, 20}).requires_grad_(), dy = randn({20, 30}).requires_grad_();
  manual_seed(7);
  const Tensor y = dropout(x, {.p = 0.25});
  manual_seed(7);
  const Tensor noise = noise_like(x.detach(), 0.75);
  const Tensor dx = autograd::grad({y}, {x}, {dy.t()}, {.create_graph = true})[0];
  CHECK(equal(dx, dy.t() * noise));
  dx.sum().backward();
  CHECK(equal(dy.grad(), noise.t()));
}

TEST_CASE("dropout keeps PyTorch's products: NaN stays, a dropped infinity is NaN") {
  const Tensor x = full({1000}, NAN), y = dropout(x);
  CHECK(isnan(y).all().item<bool>());
  const Tensor z = dropout(full({1000}, INFINITY));
  CHECK((isnan(z) | isinf(z)).all().item<bool>());
  CHECK(isnan(z).any().item<bool>());
}

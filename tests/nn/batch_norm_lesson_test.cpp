// Batch norm, sections 11 and 12 of docs/batch_norm.md: the lesson's experiments, and traps that other code bases fell into.
#include <ember/ember.h>
#include <ember/gradcheck.h>

#include <cmath>

#include "nn/batch_norm_vectors.h"
#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

const char* const kOneValue = "Expected more than 1 value per channel when training";

/// Inputs far from mean 0 and variance 1.
Tensor shifted(IntArrayRef sizes) { return randn(sizes) * 3 + 5; }

}  // namespace

TEST_CASE("batch norm 11: randn(4, 3) under seed 0 through BatchNorm1d(3) gives PyTorch's digits") {
  manual_seed(0);
  nn::BatchNorm1d bn(3);
  CHECK_THAT(bn(randn({4, 3})), is_close(batch_norm_vector("lesson", {4, 3}), 1e-6, 1e-7));
}

TEST_CASE("batch norm 11.1: one sample without eval(): an error in 1d, normalised by itself in 2d; with eval() it is fine") {
  manual_seed(1);
  nn::BatchNorm1d one(3);
  nn::BatchNorm2d two(3);
  for (int step = 0; step < 50; ++step) one(shifted({16, 3})), two(shifted({16, 3, 4, 4}));
  CHECK_THROWS_WITH(one(shifted({1, 3})), starts_with(kOneValue));
  const Tensor sample = full({1, 3, 4, 4}, 11.0) + randn({1, 3, 4, 4});  // two deviations above what it was trained on
  CHECK(std::fabs(two(sample).mean().item<double>()) < 1e-4);            // by itself its mean is 0: what made it special is gone
  one.eval();
  two.eval();
  CHECK_NOTHROW(one(shifted({1, 3})));
  CHECK(std::fabs(two(sample).mean().item<double>() - 2) < 0.5);
}

TEST_CASE("batch norm 11.2: a prediction depends on the rest of its batch in training, and does not in evaluation") {
  manual_seed(2);
  nn::BatchNorm1d bn(3);
  const Tensor sample = randn({1, 3}), a = cat({sample, randn({7, 3})}, 0), b = cat({sample, randn({7, 3})}, 0);
  CHECK_FALSE(bn(a)[0].allclose(bn(b)[0]));
  bn.eval();
  CHECK(bn(a)[0].equal(bn(b)[0]));
}

TEST_CASE("batch norm 11.3: evaluating in training mode moves the statistics, even without gradients") {
  nn::BatchNorm1d bn(3);
  const NoGradGuard quiet;
  bn(shifted({16, 3}));
  CHECK_FALSE(bn.running_mean.equal(zeros({3})));
  CHECK(bn.num_batches_tracked.item<int64_t>() == 1);
}

TEST_CASE("batch norm 11.4: eval() straight after construction only divides by sqrt(1 + eps)") {
  nn::BatchNorm1d bn(3);
  bn.eval();
  const Tensor x = randn({4, 3});
  CHECK_THAT(bn(x), is_close(x / std::sqrt(1 + 1e-5), 1e-6, 0));
}

TEST_CASE("batch norm 11.5: without momentum the statistics are the plain averages over the batches") {
  manual_seed(3);
  nn::BatchNorm1d bn(3, {.momentum = None});
  Tensor means = zeros({3}), variances = zeros({3});
  for (int batch = 0; batch < 4; ++batch) {
    const Tensor x = shifted({8, 3});
    bn(x);
    means += x.mean(0) / 4;
    variances += x.var(0) / 4;
  }
  CHECK_THAT(bn.running_mean, is_close(means, 1e-5));
  CHECK_THAT(bn.running_var, is_close(variances, 1e-5));
}

TEST_CASE("batch norm 11.6: momentum 0.9, a habit from elsewhere, makes evaluation follow the last batch") {
  manual_seed(4);
  nn::BatchNorm1d usual(64), habit(64, {.momentum = 0.9});
  Tensor last;
  for (int batch = 0; batch < 50; ++batch) {
    last = shifted({8, 64});
    usual(last);
    habit(last);
  }
  const auto from_last = [&](const nn::BatchNorm1d& bn) { return (bn.running_mean - last.mean(0)).abs().mean().item<double>(); };
  CHECK(from_last(habit) < 0.2 * from_last(usual));
}

TEST_CASE("batch norm 11.7: (N, C) equals (N, C, 1), and (N, C, L) equals BatchNorm2d's (N, C, L, 1)") {
  const Tensor x = randn({6, 3}), y = randn({6, 3, 4});
  nn::BatchNorm1d a(3), b(3), c(3);
  nn::BatchNorm2d d(3);
  CHECK(a(x).equal(b(x.unsqueeze(2)).squeeze(2)));
  CHECK(c(y).equal(d(y.unsqueeze(3)).squeeze(3)));
  CHECK(a.state_dict() == b.state_dict());
  CHECK(c.state_dict() == d.state_dict());
}

TEST_CASE("batch norm 11.8: a batch of one image with more than one pixel passes in training") {
  nn::BatchNorm2d bn(3);
  CHECK_NOTHROW(bn(randn({1, 3, 1, 2})));
}

TEST_CASE("batch norm 11.9: a last batch of one fails, and drop_last cures it") {
  const Tensor x = randn({9, 3}), y = arange(9);
  data::TensorDataset set({x, y});
  data::DataLoader all(set, {.batch_size = 4}), whole(set, {.batch_size = 4, .drop_last = true});
  const auto run = [](data::DataLoader& loader) {
    nn::BatchNorm1d bn(3);
    for (const auto& [inputs, labels] : loader) bn(inputs);
    return bn.num_batches_tracked.item<int64_t>();
  };
  CHECK_THROWS_WITH(run(all), starts_with(kOneValue));
  CHECK(run(whole) == 2);
}

TEST_CASE("batch norm 11.10: without affine mean 0 and variance 1; weight sqrt(var + eps) and bias mean restore the input") {
  manual_seed(5);
  nn::BatchNorm1d plain(3, {.affine = false}), restoring(3);
  const Tensor x = shifted({64, 3});
  const Tensor y = plain(x);
  CHECK_THAT(y.mean(0), is_close(zeros({3}), 0, 1e-6));
  CHECK_THAT(y.var(0, 0), is_close(ones({3}), 1e-5));
  restoring.weight.detach().copy_((x.var(0, 0) + 1e-5).sqrt());
  restoring.bias.detach().copy_(x.mean(0));
  CHECK_THAT(restoring(x), is_close(x, 1e-5, 1e-5));
}

TEST_CASE("batch norm 12.1: n in forward and backward alike: gradcheck through the own forward, for x, weight and bias") {
  const TensorOptions wide{.dtype = kFloat64, .requires_grad = true};
  const std::vector<Tensor> in = {randn({3, 2}, wide), randn({2}, wide), randn({2}, wide)};  // n = 3: n - 1 would be a third off
  CHECK(autograd::gradcheck([](const std::vector<Tensor>& t) { return std::vector<Tensor>{batch_norm_train(t[0], t[1], t[2]).y}; }, in));
}

TEST_CASE("batch norm 12.2: n / (n - 1) with n = 1 is never formed: one value throws, and the statistics are as they were") {
  nn::BatchNorm2d bn(2);
  bn(shifted({4, 2, 3, 3}));
  const nn::StateDict before = bn.state_dict().clone();
  CHECK_THROWS_WITH(bn(randn({1, 2, 1, 1})), starts_with(kOneValue));
  CHECK(bn.state_dict() == before);
  CHECK(bn.running_var.isfinite().all().item<bool>());
}

TEST_CASE("batch norm 12.3: the running variance is the unbiased one, after one and after three steps") {
  const Tensor x = tensor({{0.0}, {2.0}, {4.0}});  // biased 8/3, unbiased 4
  nn::BatchNorm1d bn(1);
  double want = 1;
  for (int step = 0; step < 3; ++step) {
    bn(x);
    want = 0.9 * want + 0.1 * 4;
    CHECK_THAT(bn.running_var, is_close({want}));
  }
}

TEST_CASE("batch norm 12.4: momentum is the weight of the newest batch, and the running variance starts at 1") {
  nn::BatchNorm1d bn(1, {.momentum = 0.25});
  CHECK(bn.running_var.item<double>() == 1);
  bn(tensor({{2.0}, {4.0}}));
  CHECK_THAT(bn.running_mean, is_close({0.25 * 3}));
}

TEST_CASE("batch norm 12.5: evaluation leaves the buffers as they are, bit for bit, also through a backward") {
  nn::BatchNorm1d bn(3);
  bn(shifted({8, 3}));
  bn.eval();
  const nn::StateDict before = bn.state_dict().clone();
  bn(randn({4, 3}).requires_grad_()).backward(randn({4, 3}));
  CHECK(bn.state_dict() == before);
}

TEST_CASE("batch norm 12.6: the state carries everything: a module that loads it gives the same outputs") {
  manual_seed(6);
  nn::BatchNorm1d from(3), to(3);
  from.weight.detach().uniform_();
  from.bias.detach().uniform_();
  for (int step = 0; step < 3; ++step) from(shifted({8, 3}));
  to.load_state_dict(from.state_dict().clone());
  const Tensor x = randn({4, 3});
  from.eval();
  to.eval();
  CHECK(from(x).equal(to(x)));
  nn::BatchNorm1d moved(std::move(from));
  CHECK(moved(x).equal(to(x)));
}

TEST_CASE("batch norm 12.7: the optimiser gets two parameters, the state five entries") {
  nn::BatchNorm2d bn(3);
  CHECK(bn.named_parameters().size() == 2);
  CHECK(bn.named_buffers().size() == 3);
  CHECK(bn.state_dict().size() == 5);
}

TEST_CASE("batch norm 12.8: variance is not the mean of squares minus the square of the mean: a large mean leaves it") {
  const BatchNormInput in = batch_norm_input({64, 4}, 8);
  const Tensor x = in.x + 1e5, want = x.to(kFloat64).var(0, 1);
  CHECK_THAT(batch_norm_train(x).var, is_close(want, 1e-5, 0));
}

TEST_CASE("batch norm 12.9: the mode reaches nested layers, and a batch of one works in evaluation") {
  nn::Sequential net{nn::Sequential{nn::BatchNorm1d(3)}, nn::Linear(3, 2)};
  net(randn({8, 3}));
  net.eval();
  const nn::StateDict before = net.state_dict().clone();
  CHECK_NOTHROW(net(randn({1, 3})));
  CHECK(net.state_dict() == before);
  net.train();
  CHECK_THROWS_WITH(net(randn({1, 3})), starts_with(kOneValue));
}

TEST_CASE("batch norm 12.10: the operation is pure: two calls give identical results") {
  const BatchNormInput in = batch_norm_input({8, 3, 4}, 9);
  const BatchNormResult a = batch_norm_train(in.x, in.weight, in.bias), b = batch_norm_train(in.x, in.weight, in.bias);
  CHECK(a.y.equal(b.y));
  CHECK(a.mean.equal(b.mean));
  CHECK(a.var.equal(b.var));
}

TEST_CASE("batch norm 12.11: the sum of a normalised output has no gradient, whatever the code does: tests need random cotangents") {
  nn::BatchNorm1d bn(3);
  const Tensor x = randn({8, 3}).requires_grad_();
  bn(x).sum().backward();
  CHECK(x.grad().abs().max().item<double>() < 1e-6);
  x.set_grad({});
  bn(x).backward(randn({8, 3}));
  CHECK(x.grad().abs().max().item<double>() > 1e-2);
}

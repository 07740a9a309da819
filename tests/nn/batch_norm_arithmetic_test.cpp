// Batch norm, section 5 of docs/batch_norm.md: the arithmetic, in PyTorch's order of roundings where that is defined.
#include <ember/ember.h>

#include <cmath>

#include "nn/batch_norm_vectors.h"
#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

/// Each value's channel has these statistics: PyTorch's last line, y = fma(x, alpha, beta), beta = fma(-mean, alpha, bias).
Tensor last_line(const Tensor& x, const Tensor& mean, const Tensor& invstd, const Tensor& weight, const Tensor& bias) {
  const Tensor in = x.contiguous(), y = empty(in.sizes());
  const int64_t channels = x.size(1), run = x.numel() / x.size(0) / channels;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const int64_t c = i / run % channels;
    const float alpha = invstd.data<float>()[c] * weight.data<float>()[c];
    const float beta = std::fmaf(-mean.data<float>()[c], alpha, bias.data<float>()[c]);
    y.data<float>()[i] = std::fmaf(in.data<float>()[i], alpha, beta);
  }
  return y;
}

/// mean and variance of each channel in float64, and y by the formula.
struct Exact {
  Tensor y, mean, biased, unbiased;
};
Exact exact(const BatchNormInput& in, double eps = 1e-5) {
  const std::vector<int64_t> others = in.x.dim() == 2   ? std::vector<int64_t>{0}
                                      : in.x.dim() == 3 ? std::vector<int64_t>{0, 2}
                                                        : std::vector<int64_t>{0, 2, 3};
  Shape one = Shape::filled(in.x.dim(), 1);
  one[1] = in.x.size(1);
  const Tensor x = in.x.to(kFloat64), mean = x.mean(others, true), biased = x.var(others, 0, true);
  const Tensor y = (x - mean) / (biased + eps).sqrt() * in.weight.to(kFloat64).view(one) + in.bias.to(kFloat64).view(one);
  return {y, mean.flatten(), biased.flatten(), x.var(others, 1)};
}

const std::vector<std::vector<int64_t>> kShapes = {{8, 5, 7}, {4, 6, 5, 5}, {32, 20}, {16, 19, 1}, {8, 33, 1, 1}, {2, 64, 3, 3}};

Tensor channels_last(const Tensor& x) {
  return x.dim() == 4 ? x.contiguous(MemoryFormat::ChannelsLast) : x.transpose(0, -1).contiguous().transpose(0, -1);
}

}  // namespace

TEST_CASE(
    "batch norm 5.1 and 5.2: the biased variance normalises, weight scales, bias shifts; float32 within PyTorch's error, float64 within 1e-12") {
  for (const auto& sizes : kShapes) {
    const BatchNormInput in = batch_norm_input(sizes, 11), wide = batch_norm_input(sizes, 11, kFloat64);
    for (const Tensor& x : {in.x, channels_last(in.x)}) {
      const Tensor y = batch_norm_train(x, in.weight, in.bias).y;
      CHECK_THAT(y, is_close(exact(in).y, 0, 4e-7 * exact(in).y.abs().max().item<double>() + 1e-6));
    }
    const BatchNormResult result = batch_norm_train(wide.x, wide.weight, wide.bias);
    CHECK_THAT(result.y, is_close(exact(wide).y, 1e-12, 1e-12));
    CHECK_THAT(result.var, is_close(exact(wide).unbiased, 1e-12, 0));
    CHECK_THAT(result.invstd, is_close(1 / (exact(wide).biased + 1e-5).sqrt(), 1e-12, 0));
  }
}

TEST_CASE("batch norm 5.3: the running mean moves towards the batch's, the running variance towards its unbiased one") {
  nn::BatchNorm1d bn(1);
  bn(tensor({{1.0}, {3.0}}));  // mean 2, biased variance 1, unbiased 2
  CHECK_THAT(bn.running_mean, is_close({0.1 * 2}));
  CHECK_THAT(bn.running_var, is_close({0.9 * 1 + 0.1 * 2}));
}

TEST_CASE("batch norm 5.3 and 5.4: running statistics after one and three steps are PyTorch's, with momentum 0.1, None and 0.9") {
  const std::pair<const char*, nn::Momentum> momenta[] = {{"0.1", 0.1}, {"None", None}, {"0.9", 0.9}};
  for (const auto& [name, momentum] : momenta)
    for (const int steps : {1, 3}) {
      nn::BatchNorm1d bn(3, {.momentum = momentum});
      for (int step = 0; step < steps; ++step) bn(batch_norm_input({6, 3}, std::uint64_t(step)).x);
      const Tensor want = batch_norm_vector(std::string("momentum ") + name + " steps " + std::to_string(steps), {6});
      CHECK_THAT(bn.running_mean, is_close(want.slice(0, 0, 3), 1e-6, 0));
      CHECK_THAT(bn.running_var, is_close(want.slice(0, 3, 6), 1e-6, 0));
      CHECK(bn.num_batches_tracked.item<int64_t>() == steps);
    }
}

TEST_CASE("batch norm 5.4: without momentum the factor is one over the number of batches, this one counted") {
  const Tensor x = tensor({{1.0}, {3.0}});
  nn::BatchNorm1d first(1, {.momentum = None}), tenth(1, {.momentum = None});
  first(x);
  CHECK_THAT(first.running_mean, is_close({2.0}));
  CHECK_THAT(first.running_var, is_close({2.0}));
  tenth.num_batches_tracked.fill_(9);
  tenth(x);
  CHECK_THAT(tenth.running_mean, is_close({0.2}));
  CHECK_THAT(tenth.running_var, is_close({0.9 + 0.2}));
  CHECK(tenth.num_batches_tracked.item<int64_t>() == 10);
}

TEST_CASE("batch norm 5.5: one move for each forward in training, also without gradients; none in evaluation") {
  const Tensor x = tensor({{1.0}, {3.0}});
  nn::BatchNorm1d bn(1);
  bn(x);
  {
    const NoGradGuard quiet;
    bn(x);
  }
  CHECK_THAT(bn.running_mean, is_close({0.9 * 0.2 + 0.2}));
  CHECK(bn.num_batches_tracked.item<int64_t>() == 2);
  bn.eval();
  const nn::StateDict before = bn.state_dict().clone();
  bn(x);
  CHECK(bn.state_dict() == before);
}

TEST_CASE("batch norm 5.6: row-major inputs give PyTorch's bits: y in both modes, running mean and variance") {
  struct Row {
    const char* name;
    std::vector<int64_t> sizes;
    double momentum, eps;
  };
  for (const Row& row : {Row{"8x5x7", {8, 5, 7}, 0.1, 1e-5},
                         {"2x3x3x4x5", {2, 3, 3, 4, 5}, 0.3, 1e-5},
                         {"4x6x5x5", {4, 6, 5, 5}, 0.37, 1e-3},
                         {"2x64x3x3", {2, 64, 3, 3}, 0.1, 1e-5},
                         {"3x512x1x2", {3, 512, 1, 2}, 0.3, 1e-5}}) {
    INFO(row.name);
    const BatchNormInput in = batch_norm_input(row.sizes, 7);
    const int64_t channels = row.sizes[1];
    const Tensor mean = rand({channels}), var = rand({channels}) + 0.5;
    const std::string name = row.name;
    CHECK(same_bits(batch_norm(in.x, mean, var, in.weight, in.bias, false, row.momentum, row.eps), batch_norm_vector(name + " eval", row.sizes)));
    CHECK(same_bits(batch_norm(in.x, mean, var, in.weight, in.bias, true, row.momentum, row.eps), batch_norm_vector(name + " train", row.sizes)));
    CHECK(same_bits(mean, batch_norm_vector(name + " mean", {channels})));
    CHECK(same_bits(var, batch_norm_vector(name + " var", {channels})));
  }
}

TEST_CASE("batch norm 5.6: given mean and invstd, the last line is exact in every layout and both modes") {
  for (const auto& sizes : kShapes) {
    const BatchNormInput in = batch_norm_input(sizes, 5);
    const Tensor mean = randn({sizes[1]}), var = rand({sizes[1]}) + 0.5;
    const Tensor invstd = 1 / (var + float(1e-5)).sqrt();
    for (const Tensor& x : {in.x, channels_last(in.x)}) {
      const BatchNormResult train = batch_norm_train(x, in.weight, in.bias);
      CHECK(same_bits(train.y, last_line(x, train.mean, train.invstd, in.weight, in.bias)));
      CHECK(same_bits(batch_norm(x, mean, var, in.weight, in.bias), last_line(x, mean, invstd, in.weight, in.bias)));
    }
    const BatchNormResult rows = batch_norm_train(in.x, in.weight, in.bias), last = batch_norm_train(channels_last(in.x), in.weight, in.bias);
    CHECK_THAT(last.mean, is_close(rows.mean, 1e-6, 1e-7));
    CHECK_THAT(last.invstd, is_close(rows.invstd, 1e-6, 0));
  }
}

TEST_CASE("batch norm 5.7: a mean of 1e4 with variance 1 loses less than in PyTorch, in every layout") {
  // PyTorch 2.13 gives means up to 1e-2 for (4096, 3), and 3e-4 for (8, 3, 16, 16), on such inputs.
  manual_seed(0);
  for (const auto& [sizes, bound] : {std::pair<std::vector<int64_t>, double>{{4096, 3}, 1e-3}, {{8, 3, 16, 16}, 3e-4}}) {
    BatchNormInput in = batch_norm_input(sizes, 1);
    in.x = in.x / 2 + 1e4;
    for (const Tensor& x : {in.x, channels_last(in.x)}) {
      nn::BatchNorm1d one(3);
      const BatchNormResult result = batch_norm_train(x);
      const Exact want = exact(in);
      CHECK_THAT(result.mean, is_close(want.mean, 6e-8, 0));  // half a unit in the last place
      CHECK_THAT(result.var, is_close(want.unbiased, bound, 0));
      const Tensor y = result.y.to(kFloat64);
      CHECK((sizes.size() == 2 ? y.mean(0) : y.mean({0, 2, 3})).abs().max().item<double>() < 1e-3);
    }
  }
}

TEST_CASE("batch norm 5.8: the number of threads changes no bit") {
  const int before = get_num_threads();
  for (const auto& sizes : {std::vector<int64_t>{512, 64}, {16, 32, 28, 28}}) {
    const BatchNormInput in = batch_norm_input(sizes, 3);
    for (const Tensor& given : {in.x, channels_last(in.x)}) {
      std::vector<Tensor> results[2];
      for (const int threads : {1, 2}) {
        set_num_threads(threads);
        const Tensor x = given.detach().requires_grad_(), weight = in.weight.detach().requires_grad_(), bias = in.bias.detach().requires_grad_();
        const BatchNormResult r = batch_norm_train(x, weight, bias);
        (r.y * r.y.detach()).sum().backward();
        results[threads - 1] = {r.y, r.mean, r.invstd, r.var, x.grad(), weight.grad(), bias.grad()};
      }
      for (std::size_t i = 0; i < results[0].size(); ++i) CHECK(results[0][i].equal(results[1][i]));
    }
  }
  set_num_threads(before);
}

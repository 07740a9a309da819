// Batch norm, section 8 of docs/batch_norm.md: gradients in both modes, by formula, by finite differences and as PyTorch's; gradients of
// gradients; what may and what may not be written between forward and backward. And section 9: its neighbours.
#include <ember/ember.h>
#include <ember/gradcheck.h>

#include "nn/batch_norm_vectors.h"
#include "support/catch.h"
#include "support/close.h"
#include "support/gradcheck_table.h"

using namespace ember;
using In = const std::vector<Tensor>&;

namespace {

struct Case {
  Tensor x, weight, bias, mean, var, dy;
};
Case make_case(IntArrayRef sizes) {
  BatchNormInput in = batch_norm_input(sizes, 5, kFloat64);
  const TensorOptions wide{.dtype = kFloat64};
  const Tensor mean = rand({sizes[1]}, wide), var = rand({sizes[1]}, wide) + 0.5, dy = randn(sizes, wide);
  return {in.x.requires_grad_(), in.weight.requires_grad_(), in.bias.requires_grad_(), mean, var, dy};
}

const std::vector<int64_t> kOthers = {0, 2, 3};
Tensor per_channel(const Tensor& t) { return t.detach().view({1, t.size(0), 1, 1}); }

}  // namespace

TEST_CASE("batch norm 8.1: training: dx = weight invstd / n (n g - sum g - xhat sum g xhat), dweight = sum g xhat, dbias = sum g") {
  const Case in = make_case({4, 3, 2, 2});
  batch_norm(in.x, {}, {}, in.weight, in.bias, true).backward(in.dy);
  const Tensor x = in.x.detach(), invstd = 1 / (x.var(kOthers, 0, true) + 1e-5).sqrt(), xhat = (x - x.mean(kOthers, true)) * invstd;
  const Tensor sum = in.dy.sum(kOthers, true), dot = (in.dy * xhat).sum(kOthers, true);
  const double n = 16;
  CHECK_THAT(in.x.grad(), is_close(per_channel(in.weight) * invstd / n * (n * in.dy - sum - xhat * dot), 1e-12, 1e-14));
  CHECK_THAT(in.weight.grad(), is_close(dot.flatten(), 1e-12, 1e-14));
  CHECK_THAT(in.bias.grad(), is_close(sum.flatten(), 1e-12, 1e-14));
  CHECK_THAT(cat({in.x.grad().flatten(), in.weight.grad(), in.bias.grad()}, 0),
             is_close(batch_norm_vector("gradients train", {54}, kFloat64), 1e-12, 1e-14));
}

TEST_CASE("batch norm 8.2: evaluation: dx = g weight invstd of the running variance, and nothing couples the samples") {
  const Case in = make_case({4, 3, 2, 2});
  batch_norm(in.x, in.mean, in.var, in.weight, in.bias).backward(in.dy);
  const Tensor invstd = 1 / (per_channel(in.var) + 1e-5).sqrt(), xhat = (in.x.detach() - per_channel(in.mean)) * invstd;
  CHECK_THAT(in.x.grad(), is_close(in.dy * per_channel(in.weight) * invstd, 1e-12, 1e-14));
  CHECK_THAT(in.weight.grad(), is_close((in.dy * xhat).sum(kOthers), 1e-12, 1e-14));
  CHECK_THAT(in.bias.grad(), is_close(in.dy.sum(kOthers), 1e-12, 1e-14));
  CHECK_THAT(cat({in.x.grad().flatten(), in.weight.grad(), in.bias.grad()}, 0),
             is_close(batch_norm_vector("gradients eval", {54}, kFloat64), 1e-12, 1e-14));

  const Case other = make_case({4, 3, 2, 2});
  other.x.detach()[1].fill_(100);
  batch_norm(other.x, other.mean, other.var, other.weight, other.bias).backward(other.dy);
  CHECK(other.x.grad()[0].equal(in.x.grad()[0]));
}

TEST_CASE("batch norm 8.3: evaluation without running statistics has the gradients of training") {
  const Case in = make_case({4, 3, 2, 2});
  nn::BatchNorm2d bn(3, {.track_running_stats = false});
  bn.to(kFloat64);
  bn.eval();
  const Tensor trained = autograd::grad({batch_norm_train(in.x, bn.weight, bn.bias).y}, {in.x}, {in.dy})[0];
  CHECK(autograd::grad({bn(in.x)}, {in.x}, {in.dy})[0].equal(trained));
}

TEST_CASE("batch norm 8.4: no gradient reaches the running statistics; without affine there are none for weight and bias") {
  nn::BatchNorm1d bn(3), plain(3, {.affine = false});
  const Tensor x = randn({4, 3}).requires_grad_(), dy = randn({4, 3});
  bn(x).backward(dy);
  CHECK_FALSE(bn.running_mean.requires_grad());
  CHECK_FALSE(bn.running_var.grad().defined());
  CHECK(bn.parameters().size() == 2);
  CHECK(plain.parameters().empty());
  const Tensor x2 = x.detach().requires_grad_();
  plain(x2).backward(dy);
  CHECK(x2.grad().equal(x.grad()));  // weight is 1
}

TEST_CASE("batch norm 8.5: gradcheck and gradgradcheck pass in both modes, in every rank and layout") {
  const Tensor mean = tensor({0.1, -0.2, 0.3}, kFloat64), var = tensor({0.5, 1.5, 2.0}, kFloat64);
  const auto train = [](In in) { return batch_norm(in[0], {}, {}, in[1], in[2], true); };
  const auto eval = [=](In in) { return batch_norm(in[0], mean, var, in[1], in[2]); };
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{4, 3}, {3, 3, 2}, {2, 3, 2, 2}, {2, 3, 1, 2, 2}, {1, 3, 2}, {3, 3, 1, 1}}) {
    run_gradcheck({"training", train, {sizes, {3}, {3}}});  // each in three memory layouts
    run_gradcheck({"evaluation", eval, {sizes, {3}, {3}}});
  }
  const auto last = [](const Tensor& x) { return x.contiguous(MemoryFormat::ChannelsLast); };
  run_gradcheck({"training, channels-last", [&](In in) { return train({last(in[0]), in[1], in[2]}); }, {{2, 3, 2, 2}, {3}, {3}}});
  run_gradcheck({"evaluation, channels-last", [&](In in) { return eval({last(in[0]), in[1], in[2]}); }, {{2, 3, 2, 2}, {3}, {3}}});
}

TEST_CASE("batch norm 8.6: a write to input, weight or statistics before backward is an error; one to the bias is not") {
  const auto backward_after = [](const auto& write) {
    const Case in = make_case({4, 3, 2, 2});
    const Tensor x = in.x * 1, y = batch_norm(x, in.mean, in.var, in.weight, in.bias);
    write(in, x);
    y.backward(in.dy);
  };
  const std::string start = "one of the variables needed for gradient computation has been modified by an inplace operation: ";
  const std::string end = " is at version 1; expected version 0 instead. Hint:";
  CHECK_THROWS_WITH(backward_after([](const Case& in, const Tensor&) { in.weight.detach().add_(1); }),
                    starts_with(start + "[torch.DoubleTensor [3]]" + end));
  CHECK_THROWS_WITH(backward_after([](const Case& in, const Tensor&) { in.mean.add_(1); }), starts_with(start + "[torch.DoubleTensor [3]]" + end));
  CHECK_THROWS_WITH(backward_after([](const Case& in, const Tensor&) { in.var.add_(1); }), starts_with(start + "[torch.DoubleTensor [3]]" + end));
  CHECK_THROWS_WITH(backward_after([](const Case&, const Tensor& x) { x.detach().add_(1); }),
                    starts_with(start + "[torch.DoubleTensor [4, 3, 2, 2]], which is output 0 of MulBackward0," + end));
  CHECK_NOTHROW(backward_after([](const Case& in, const Tensor&) { in.bias.detach().add_(1); }));
}

TEST_CASE("batch norm 8.7: forward in evaluation, forward in training, then backward of the first: it uses what it saw (PyTorch: the new)") {
  manual_seed(2);
  nn::BatchNorm1d bn(3);
  bn.to(kFloat64);
  const TensorOptions wide{.dtype = kFloat64};
  const Tensor x = randn({4, 3}, wide).requires_grad_(), dy = randn({4, 3}, wide);
  bn.eval();
  const Tensor first = bn(x);
  bn.train();
  const std::uint32_t version = bn.running_var.version();
  bn(randn({8, 3}, wide) * 5 + 3);
  CHECK(bn.running_var.version() == version);  // the move is no write that the first backward would refuse
  first.backward(dy);
  CHECK_THAT(x.grad(), is_close(dy / std::sqrt(1 + 1e-5), 1e-12, 1e-14));
  CHECK_THAT(bn.weight.grad(), is_close((dy * x.detach()).sum(0) / std::sqrt(1 + 1e-5), 1e-12, 1e-14));
}

TEST_CASE("batch norm 8.8: the bias of a layer before it gets no gradient in training") {
  manual_seed(4);
  nn::Linear linear(5, 3);
  nn::Conv2d conv(2, 3, 3);
  nn::BatchNorm1d one(3);
  nn::BatchNorm2d two(3);
  one(linear(randn({16, 5}))).backward(randn({16, 3}));
  two(conv(randn({4, 2, 6, 6}))).backward(randn({4, 3, 4, 4}));
  CHECK(linear.bias.grad().abs().max().item<double>() < 1e-5);
  CHECK(conv.bias.grad().abs().max().item<double>() < 1e-4);
  CHECK(linear.weight.grad().abs().max().item<double>() > 1e-2);
}

TEST_CASE("batch norm 9.1: kinks and ties of its neighbours") {
  const auto gradient = [](const auto& f, const Tensor& values) {
    const Tensor x = values.detach().requires_grad_();
    f(x).sum().backward();
    return x.grad();
  };
  const Tensor zero = tensor({0.0}), bounds = tensor({-1.0, 1.0}), ties = tensor({{2.0, 2.0, 1.0}});
  CHECK(gradient([](auto& x) { return relu(x); }, zero).item<double>() == 0);
  CHECK(gradient([](auto& x) { return abs(x); }, zero).item<double>() == 0);
  CHECK(gradient([](auto& x) { return clamp(x, -1, 1); }, bounds).equal(ones({2})));
  CHECK(gradient([](auto& x) { return max(x); }, ties).equal(tensor({{0.5, 0.5, 0.0}})));
  CHECK(gradient([](auto& x) { return max(x, 1).values; }, ties).equal(tensor({{1.0, 0.0, 0.0}})));
  CHECK(gradient([](auto& x) { return max_pool2d(x, 2); }, ones({1, 1, 2, 2})).equal(tensor({{{{1.0, 0.0}, {0.0, 0.0}}}})));
  CHECK(gradient([](auto& x) { return hardswish(x); }, tensor({-3.0, 3.0})).equal(tensor({0.0, 1.0})));
}

TEST_CASE("batch norm 9.2: dampening does not touch the first step of SGD") {
  const Tensor p = zeros({1}).requires_grad_();
  optim::SGD sgd({p}, {.lr = 1, .momentum = 0.9, .dampening = 0.5});
  std::vector<double> values;
  for (int step = 0; step < 2; ++step) {
    p.set_grad(ones({1}));
    sgd.step();
    values.push_back(p.item<double>());
  }
  CHECK(values[0] == -1.0);                           // the buffer is 1.0 after the first step
  CHECK(std::fabs(values[1] - (-1.0 - 1.4)) < 1e-6);  // and 0.9 + 0.5 after the second
}

TEST_CASE("batch norm 9.3: fuse_conv_bn: W weight / sqrt(var + eps) and (b - mean) weight / sqrt(var + eps) + bias, in evaluation") {
  manual_seed(6);
  nn::Conv2d conv(2, 3, 3);
  nn::BatchNorm2d bn(3);
  for (int step = 0; step < 5; ++step) bn(conv(randn({4, 2, 6, 6}) * 2 + 1));
  conv.eval();
  bn.eval();
  const NoGradGuard quiet;
  const Tensor x = randn({2, 2, 6, 6}), scale = bn.weight / (bn.running_var + bn.eps).sqrt();
  const Tensor fused = conv2d(x, conv.weight * scale.view({3, 1, 1, 1}), (conv.bias - bn.running_mean) * scale + bn.bias);
  CHECK_THAT(fused, is_close(bn(conv(x)), 1e-5, 1e-6));
  nn::Conv2d one = nn::utils::fuse_conv_bn_eval(conv, bn);
  CHECK_THAT(one(x), is_close(bn(conv(x)), 1e-5, 1e-6));
}

namespace {

/// A norm that has seen data, in evaluation.
template <class Norm>
Norm trained(Norm norm, const Tensor& like) {
  for (int step = 0; step < 5; ++step) norm(randn_like(like) * 3 - 1);
  nn::init::uniform_(norm.weight, 0.5, 2);
  nn::init::uniform_(norm.bias, -1, 1);
  norm.eval();
  return norm;
}

}  // namespace

TEST_CASE("layers fused with the batch norm behind them compute what both do, draw nothing and share nothing") {
  manual_seed(8);
  const NoGradGuard quiet;
  const auto check_conv = [](auto conv, auto norm, const Tensor& x) {
    conv.eval();
    const Tensor state = get_rng_state();
    auto fused = nn::utils::fuse_conv_bn_eval(conv, norm);
    CHECK(equal(state, get_rng_state()));
    CHECK_THAT(fused(x), is_close(norm(conv(x)), 1e-5, 1e-5));
    CHECK((fused.weight.requires_grad() && fused.bias.requires_grad() && !fused.is_training()));
    const Tensor before = conv.weight.clone();
    fused.weight.zero_();
    CHECK(equal(conv.weight, before));
  };
  check_conv(nn::Conv2d(4, 6, 3, {.stride = 2, .padding = 1, .groups = 2, .bias = false}), trained(nn::BatchNorm2d(6), ones({4, 6, 5, 5})),
             randn({3, 4, 7, 7}));
  check_conv(nn::Conv1d(4, 6, 3, {.padding = 2, .dilation = 2}), trained(nn::BatchNorm1d(6), ones({4, 6, 5})), randn({3, 4, 9}));
  check_conv(nn::ConvTranspose2d(4, 6, 3, {.stride = 2, .output_padding = 1}), trained(nn::BatchNorm2d(6), ones({4, 6, 5, 5})), randn({3, 4, 4, 4}));
  check_conv(nn::ConvTranspose1d(4, 6, 3, {.bias = false}), trained(nn::BatchNorm1d(6), ones({4, 6, 5})), randn({3, 4, 4}));
  check_conv(nn::Conv3d(4, 6, {3, 2, 1}, {.stride = {1, 2, 1}, .padding = 1, .groups = 2}), trained(nn::BatchNorm3d(6), ones({4, 6, 2, 3, 2})),
             randn({3, 4, 4, 5, 3}));
  check_conv(nn::ConvTranspose3d(4, 6, {3, 2, 1}, {.stride = 2, .groups = 2, .bias = false}), trained(nn::BatchNorm3d(6), ones({4, 6, 2, 3, 2})),
             randn({3, 4, 3, 2, 3}));

  nn::Linear linear(5, 6, {.bias = false});
  linear.eval();
  nn::BatchNorm1d norm = trained(nn::BatchNorm1d(6), ones({9, 6}));
  nn::Linear fused = nn::utils::fuse_linear_bn_eval(linear, norm);
  const Tensor x = randn({7, 5});
  CHECK_THAT(fused(x), is_close(norm(linear(x)), 1e-5, 1e-5));

  norm.train();
  CHECK_THROWS_WITH(nn::utils::fuse_linear_bn_eval(linear, norm), equals("Fusion only for eval!"));
  CHECK_THROWS_WITH(nn::utils::fuse_linear_bn_eval(linear, trained(nn::BatchNorm1d(5), ones({9, 5}))),
                    equals("To fuse, linear.out_features == bn.num_features or bn.num_features == 1"));
}

TEST_CASE("grouped transposed convolutions are fused, too: the channels of a group lie behind one another (PyTorch fails)") {
  manual_seed(7);
  const NoGradGuard quiet;
  for (const int64_t groups : {1, 2, 4}) {
    INFO(groups << " groups");
    nn::ConvTranspose2d planes(4, 8, 3, {.groups = groups});
    nn::ConvTranspose1d lines(4, 8, 3, {.groups = groups});
    planes.eval();
    lines.eval();
    const Tensor x = randn({2, 4, 5, 5}), u = randn({2, 4, 5});
    nn::BatchNorm2d bn = trained(nn::BatchNorm2d(8), planes(x));
    nn::BatchNorm1d bn1 = trained(nn::BatchNorm1d(8), lines(u));

    CHECK_THAT(nn::utils::fuse_conv_bn_eval(planes, bn)(x), is_close(bn(planes(x)), 1e-5, 1e-5));
    CHECK_THAT(nn::utils::fuse_conv_bn_eval(lines, bn1)(u), is_close(bn1(lines(u)), 1e-5, 1e-5));
  }
}

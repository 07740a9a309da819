// Sequential runs neighbouring modules as one operation where nobody can tell: same bits, same gradients, same hooks.
#include <ember/ember.h>

#include <array>

#include "support/catch.h"

using namespace ember;

namespace {

nn::Sequential make_net() {
  manual_seed(5);
  return {nn::Conv2d(2, 6, 3, {.padding = 1}),
          nn::BatchNorm2d(6),
          nn::ReLU(),
          nn::MaxPool2d(2),
          nn::Conv2d(6, 19, 3),
          nn::BatchNorm2d(19),
          nn::ReLU(),
          nn::Flatten(),
          nn::Linear(19 * 9, 12),
          nn::BatchNorm1d(12),
          nn::ReLU(),
          nn::Linear(12, 3)};
}

struct Outcome {
  Tensor y, dx;
  std::vector<Tensor> gradients, buffers;
};

/// Two steps in training or one in evaluation mode; `forward` is given the net and the input.
template <class Forward>
Outcome run(bool training, Forward forward) {
  nn::Sequential net = make_net();
  if (!training) {
    net(randn({7, 2, 10, 10}) * 2 + 1);  // moves the running statistics
    net.eval();
  }
  Outcome o;
  for (int step = 0; step < (training ? 2 : 1); ++step) {
    manual_seed(11 + step);
    const Tensor x = randn({5, 2, 10, 10}).requires_grad_();
    net.zero_grad();
    o.y = forward(net, x);
    o.y.backward(randn(o.y.sizes()));
    o.dx = x.grad();
  }
  for (const Tensor& p : net.parameters()) o.gradients.push_back(p.grad());
  o.buffers = net.buffers();
  return o;
}

void check_same(const Outcome& a, const Outcome& b) {
  CHECK(equal(a.y.detach(), b.y.detach()));
  CHECK(equal(a.dx, b.dx));
  for (std::size_t i = 0; i < a.gradients.size(); ++i) CHECK(equal(a.gradients[i], b.gradients[i]));
  for (std::size_t i = 0; i < a.buffers.size(); ++i) CHECK(equal(a.buffers[i], b.buffers[i]));
}

Tensor one_by_one(nn::Sequential& net, const Tensor& x) {
  Tensor y = x;
  for (int64_t i = 0; i < net.size(); ++i) y = net[i](y);
  return y;
}

}  // namespace

TEST_CASE("fused modules give the bits of single ones: results, gradients, running statistics") {
  for (const bool training : {true, false}) {
    const Outcome fused = run(training, [](nn::Sequential& net, const Tensor& x) { return net(x); });
    check_same(fused, run(training, one_by_one));
  }
}

TEST_CASE("linear with a ReLU behind it is linear and relu, bit for bit: few rows, long sums, no bias, no features, NaN, double backward") {
  manual_seed(3);
  for (const auto& [rows, in, out] :
       {std::array<int64_t, 3>{1, 7, 5}, {3, 600, 40}, {64, 784, 256}, {33, 2100, 3}, {5, 0, 4}, {0, 3, 2}, {17, 64, 10}})
    for (const bool with_bias : {true, false}) {
      const Tensor x = randn({rows, in}), w = randn({out, in}), b = with_bias ? randn({out}) : Tensor(), dy = randn({rows, out});
      if (rows * in > 0) x.index_put_({0, 0}, NAN);
      std::vector<Tensor> gradients[2];
      for (const bool fused : {false, true}) {
        std::vector<Tensor> leaves{x.clone().requires_grad_(), w.clone().requires_grad_()};
        if (with_bias) leaves.push_back(b.clone().requires_grad_());
        const Tensor bias = with_bias ? leaves[2] : Tensor();
        const Tensor y = fused ? linear(leaves[0], leaves[1], bias, {.relu = true}) : relu(linear(leaves[0], leaves[1], bias));
        gradients[fused] = autograd::grad({y}, leaves, {dy});
        gradients[fused].push_back(y.detach());
      }
      for (std::size_t i = 0; i < gradients[0].size(); ++i) CHECK(allclose(gradients[1][i], gradients[0][i], 0, 0, true));
    }
  const Tensor x = randn({4, 3}, {.dtype = kFloat64, .requires_grad = true}), w = randn({2, 3}, {.dtype = kFloat64, .requires_grad = true});
  const auto f = [](const std::vector<Tensor>& in) { return std::vector<Tensor>{linear(in[0], in[1], {}, {.relu = true})}; };
  CHECK(autograd::gradcheck(f, {x, w}));
  CHECK(autograd::gradgradcheck(f, {x, w}));
}

TEST_CASE("linear and ReLU in a Sequential run together, and step aside for a hook") {
  manual_seed(4);
  nn::Sequential net{nn::Linear(6, 8), nn::ReLU(), nn::Linear(8, 3), nn::ReLU()};
  const Tensor x = randn({5, 6}), y = net(x);
  CHECK(equal(y.detach(), one_by_one(net, x).detach()));
  CHECK(equal(y.detach(), relu(net[2](relu(net[0](x)))).detach()));
  Tensor seen;
  net[2].register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& out) {
    seen = out.detach();
    return Tensor();
  });
  CHECK(equal(net(x).detach(), y.detach()));
  CHECK((seen.defined() && (seen < 0).any().item<bool>()));
}

TEST_CASE("a hook on a module that would be fused sees its input and output, and nothing changes") {
  const Outcome fused = run(true, [](nn::Sequential& net, const Tensor& x) { return net(x); });
  for (const int64_t at : {1, 2, 3, 5, 6, 9, 10}) {
    Tensor seen;
    int calls = 0;
    const Outcome hooked = run(true, [&](nn::Sequential& net, const Tensor& x) {
      const int64_t handle = net[at].register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& output) {
        seen = output;
        ++calls;
        return Tensor();
      });
      const Tensor y = net(x);
      net[at].remove_hook(handle);
      return y;
    });
    check_same(fused, hooked);
    CHECK(calls == 2);
    if (at == 1 || at == 5 || at == 9) CHECK(seen.min().item<float>() < 0);  // before the ReLU
    else CHECK(seen.min().item<float>() >= 0);
  }
}

TEST_CASE("a replaced output of a batch norm reaches the ReLU behind it") {
  nn::Sequential net{nn::BatchNorm1d(3), nn::ReLU()};
  net[0].register_forward_hook([](nn::Module&, const Tensor&, const Tensor& output) { return output * 0 + 7; });
  CHECK(equal(net(randn({4, 3})).detach(), full({4, 3}, 7.0)));
}

TEST_CASE("gradients of gradients go through fused modules") {
  nn::Sequential net = make_net();
  const Tensor x = randn({5, 2, 10, 10}).requires_grad_();
  const auto second = [&](const Tensor& y) {
    const Tensor dx = autograd::grad({y.sum()}, {x}, {}, {.create_graph = true})[0];
    return autograd::grad({square(dx).sum()}, {net.parameters()[0]})[0];
  };
  CHECK(allclose(second(net(x)), second(one_by_one(net, x)), 1e-4, 1e-5));
}

namespace {

nn::Sequential inference_net() {
  manual_seed(3);
  nn::Sequential net{nn::Conv2d(3, 20, 3, {.padding = 1}),
                     nn::BatchNorm2d(20),
                     nn::ReLU(),
                     nn::MaxPool2d(2),
                     nn::Conv2d(20, 24, 3, {.padding = 1, .bias = false}),
                     nn::BatchNorm2d(24),
                     nn::Conv2d(24, 24, 3, {.groups = 24}),
                     nn::BatchNorm2d(24),
                     nn::ReLU(),
                     nn::Conv2d(24, 7, 1, {.stride = 2}),
                     nn::BatchNorm2d(7, {.affine = false}),
                     nn::ReLU(),
                     nn::Conv2d(7, 40, 3, {.stride = 2, .padding = 1, .padding_mode = nn::PaddingMode::Reflect}),
                     nn::ReLU(),
                     nn::MaxPool2d(2)};
  for (int i = 0; i < 3; ++i) net(randn({6, 3, 41, 38}) * 3 - 1);
  net.eval();
  return net;
}

}  // namespace

TEST_CASE("convolutions that apply the batch norm behind them give the bits of single modules") {
  nn::Sequential net = inference_net();
  const NoGradGuard no_grad;
  for (const int64_t batch : {1, 2, 9}) {
    const Tensor x = randn({batch, 3, 41, 38});
    CHECK(equal(net(x), one_by_one(net, x)));
  }
}

TEST_CASE("in evaluation, too, a hook sees the module that it waits for") {
  nn::Sequential net = inference_net();
  const NoGradGuard no_grad;
  const Tensor x = randn({2, 3, 41, 38}), y = net(x);
  for (int64_t at = 0; at < net.size(); ++at) {
    Tensor seen;
    const int64_t handle = net[at].register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& output) {
      seen = output;
      return Tensor();
    });
    CHECK(equal(net(x), y));
    CHECK(seen.defined());
    net[at].remove_hook(handle);
  }
}

TEST_CASE("together(conv, norm) and a tail are their modules one by one, in both modes, and step aside for a hook") {
  for (const bool training : {true, false}) {
    const auto make = [&] {
      manual_seed(1);
      nn::Sequential net{nn::Conv2d(16, 16, 3, {.padding = 1, .bias = false}), nn::BatchNorm2d(16)};
      net(randn({4, 16, 9, 7}) * 2);
      net.train(training);
      return net;
    };
    nn::Sequential fused = make(), plain = make();
    const auto parts = [](nn::Sequential& net) {
      return std::pair<nn::Conv2d&, nn::BatchNorm2d&>(static_cast<nn::Conv2d&>(net[0]), static_cast<nn::BatchNorm2d&>(net[1]));
    };
    auto [conv, norm] = parts(fused);
    const NoGradGuard no_grad;
    const Tensor x = randn({3, 16, 9, 7}), addend = randn({3, 16, 9, 7});
    CHECK(equal(nn::together(conv, norm)(x, {.relu = true}), relu(plain[1](plain[0](x)))));
    CHECK(equal(nn::together(conv, norm)(x, {.addend = addend, .relu = true}), relu(plain[1](plain[0](x)) + addend)));
    CHECK(equal(norm.running_var, parts(plain).second.running_var));
    int calls = 0;
    norm.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor&) { return ++calls, Tensor(); });
    CHECK(equal(nn::together(conv, norm)(x, {.addend = addend, .relu = true}), relu(plain[1](plain[0](x)) + addend)));
    CHECK(calls == 1);
  }
}

TEST_CASE("batch norm, ReLU and max pooling run in one pass: the bits of single modules at odd sizes, in either layout") {
  for (const std::vector<int64_t>& sizes :
       {std::vector<int64_t>{3, 5, 7, 9}, {2, 16, 4, 5}, {4, 40, 3, 2}, {33, 6, 28, 28}, {2, 3, 2, 2}, {1, 7, 21, 40}})
    for (const MemoryFormat format : {MemoryFormat::ChannelsLast, MemoryFormat::Contiguous})
      for (const DType dtype : {kFloat32, kFloat64}) {
        const auto outcome = [&](bool fused) {
          manual_seed(9);
          nn::Sequential net{nn::BatchNorm2d(sizes[1]), nn::ReLU(), nn::MaxPool2d(2)};
          net.to(dtype);
          net.parameters()[0].detach().copy_(randn({sizes[1]}));
          Outcome o;
          const Tensor x = (randn(sizes) * 2).to(dtype).contiguous(format).requires_grad_();
          o.y = fused ? net(x) : one_by_one(net, x);
          o.y.backward(randn(o.y.sizes()).to(dtype));
          o.dx = x.grad();
          for (const Tensor& p : net.parameters()) o.gradients.push_back(p.grad());
          o.buffers = net.buffers();
          return o;
        };
        check_same(outcome(true), outcome(false));
      }
}

TEST_CASE("max pooling of another kind stays a module of its own") {
  for (const bool wide : {false, true}) {
    nn::Sequential net{nn::BatchNorm2d(4), nn::ReLU(), wide ? nn::MaxPool2d(3, {.stride = 2, .padding = 1}) : nn::MaxPool2d(2, {.ceil_mode = true})};
    const Tensor x = randn({2, 4, 7, 7}).contiguous(MemoryFormat::ChannelsLast);
    CHECK(equal(net(x).detach(), one_by_one(net, x).detach()));
  }
}

TEST_CASE("max pooling without a ReLU before it, or behind another one, stays a module of its own") {
  nn::Sequential nets[] = {nn::Sequential{nn::BatchNorm2d(4), nn::MaxPool2d(2)}, nn::Sequential{nn::Conv2d(4, 6, 3), nn::MaxPool2d(2)},
                           nn::Sequential{nn::Conv2d(4, 6, 3), nn::BatchNorm2d(6), nn::MaxPool2d(2)},
                           nn::Sequential{nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2), nn::MaxPool2d(2)},
                           nn::Sequential{nn::Conv2d(4, 6, 3), nn::ReLU(), nn::MaxPool2d(2), nn::MaxPool2d(2)}};
  for (nn::Sequential& net : nets)
    for (const bool training : {true, false}) {
      net.train(training);
      const GradMode mode(training);
      const Tensor x = randn({2, 4, 10, 10}).contiguous(MemoryFormat::ChannelsLast);
      CHECK(equal(net(x).detach(), one_by_one(net, x).detach()));
    }
}

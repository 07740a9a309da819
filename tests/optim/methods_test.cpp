// Optimisers that see matrices, and L-BFGS: parameters as PyTorch has them after the same steps; states; what is refused.
#include <ember/ember.h>

#include <functional>
#include <memory>

#include "optim/vectors.h"
#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

Tensor matrix_of(int64_t rows, DType dtype) { return ((((arange(36) * 37 + 11).remainder(101) - 50).to(dtype)) / 64).view({rows, 36 / rows}); }
Tensor gradient_of(int64_t rows, int step, DType dtype) {
  return ((((arange(36) * 53 + step * 29).remainder(97) - 48).to(dtype)) / 32).view({rows, 36 / rows});
}

template <class O, class Options>
void check_matrices(const std::string& name, const Options& options, double rtol, double atol) {
  for (const int64_t rows : {4, 9})
    for (const DType dtype : {kFloat32, kFloat64}) {
      const Tensor p = matrix_of(rows, dtype).requires_grad_();
      O optimizer({p}, options);
      for (int step = 0; step < 6; ++step) {
        p.set_grad(gradient_of(rows, step, dtype));
        optimizer.step();
      }
      const std::string row = name + " " + std::to_string(rows) + " " + ember::name(dtype);
      INFO(row);
      const Tensor want = dtype == kFloat32 ? tensor(optim_vector<float, std::uint32_t>(row), dtype)
                                            : tensor(optim_vector<double, std::uint64_t>(row), dtype);
      CHECK(allclose(p.detach().flatten(), want, rtol, atol));
    }
}

/// Rosenbrock's function of (x, y), in four dimensions.
struct Valley {
  Tensor x = tensor({-1.2, 1.0}, kFloat64).requires_grad_(), y = tensor({{0.5}, {-0.7}}, kFloat64).requires_grad_();
  int calls = 0;
  Tensor loss() {
    ++calls;
    const Tensor z = cat({x, y.flatten()}), head = z.slice(0, 0, 3), tail = z.slice(0, 1, 4);
    return ((tail - head.square()).square() * 100 + (1 - head).square()).sum();
  }
  Tensor closure(optim::Optimizer& optimizer) {
    optimizer.zero_grad();
    const Tensor value = loss();
    value.backward();
    return value;
  }
  std::vector<double> place() const {
    const Tensor all = cat({x.detach(), y.detach().flatten()});
    return {all.data<double>(), all.data<double>() + 4};
  }
};

}  // namespace

TEST_CASE("Adafactor keeps means of rows and columns of a matrix") {
  check_matrices<optim::Adafactor>("adafactor matrix", optim::AdafactorOptions{.lr = 0.05, .weight_decay = 0.1}, 1e-6, 1e-7);
  const Tensor p = zeros({2, 3, 4}).requires_grad_();
  optim::Adafactor optimizer({p});
  p.set_grad(ones({2, 3, 4}));
  optimizer.step();
  const auto state = optimizer.state_dict().state.at(0);
  CHECK(state.values.at(1).first == "row_var");
  CHECK(state.values.at(1).second.sizes() == Shape{2, 3, 1});
  CHECK(state.values.at(2).second.sizes() == Shape{2, 1, 4});
}

TEST_CASE("Muon makes the step of a matrix nearly orthogonal, in bfloat16") {
  // An ulp of bfloat16 is 1/256: products that PyTorch sums in another order may round to the other side of one.
  check_matrices<optim::Muon>("muon", optim::MuonOptions{.lr = 0.02}, 1e-5, 1e-4);
  check_matrices<optim::Muon>(
      "muon plain",
      optim::MuonOptions{.lr = 0.05, .weight_decay = 0, .momentum = 0.8, .nesterov = false, .ns_steps = 3, .adjust_lr_fn = "match_rms_adamw"}, 1e-5,
      1e-3);

  const Tensor p = zeros({6, 3}).requires_grad_();
  optim::Muon optimizer({p}, {.lr = 1, .weight_decay = 0});
  p.set_grad(randn({6, 3}));
  optimizer.step();
  const Tensor step = p.detach() / std::sqrt(2.0), squares = matmul(step.t(), step);
  for (int i = 0; i < 3; ++i) CHECK(std::fabs(squares[i][i].item<double>() - 1) < 0.6);
}

TEST_CASE("L-BFGS follows PyTorch down Rosenbrock's valley") {
  const std::pair<const char*, optim::LBFGSOptions> rows[] = {
      {"lbfgs", {.lr = 0.002, .max_iter = 7}},
      {"lbfgs wolfe", {.max_iter = 6, .line_search_fn = "strong_wolfe"}},
      {"lbfgs wolfe short", {.lr = 0.5, .max_iter = 9, .max_eval = 12, .history_size = 2, .line_search_fn = "strong_wolfe"}}};
  for (const auto& [name, options] : rows) {
    INFO(name);
    Valley valley;
    optim::LBFGS optimizer({valley.x, valley.y}, options);
    const std::vector<double> want = optim_vector<double, std::uint64_t>(name);
    for (int step = 0; step < 3; ++step) {
      std::vector<double> got{optimizer.step([&] { return valley.closure(optimizer); }).item<double>()};
      for (const double x : valley.place()) got.push_back(x);
      for (int i = 0; i < 5; ++i) CHECK(std::fabs(got[i] - want[5 * step + i]) <= 1e-7 * std::max(1.0, std::fabs(want[5 * step + i])));
    }
  }
}

TEST_CASE("L-BFGS goes as far down a slope without end as its evaluations allow") {
  const Tensor x = tensor({1.0}, kFloat64).requires_grad_();
  optim::LBFGS optimizer({x}, {.lr = 1, .max_iter = 1, .max_eval = 5, .line_search_fn = "strong_wolfe"});
  int calls = 0;
  optimizer.step([&] {
    ++calls;
    optimizer.zero_grad();
    const Tensor loss = (x * 3).sum();
    loss.backward();
    return loss;
  });
  CHECK(calls == 6);  // and the place: PyTorch's
  CHECK_THAT(x.detach(), is_close(tensor({-3028.72725}, kFloat64)));
}

TEST_CASE("L-BFGS goes on over steps that do not change the loss, unless a tolerance ends it") {
  const Tensor x = tensor({1.0}, kFloat64).requires_grad_();
  optim::LBFGS optimizer({x}, {.lr = 2, .max_iter = 3, .tolerance_change = 0});
  int calls = 0;
  optimizer.step([&] {
    ++calls;
    optimizer.zero_grad();
    const Tensor loss = x.square().sum();
    loss.backward();
    return loss;
  });
  CHECK(calls == 3);  // from 1 to -1 and back, as PyTorch
  CHECK(x.item<double>() == 1);
}

TEST_CASE("L-BFGS reaches a minimum (there are two), by any optimiser's step(closure)") {
  Valley valley;
  optim::LBFGS lbfgs({valley.x, valley.y}, {.max_iter = 100, .line_search_fn = "strong_wolfe"});
  optim::Optimizer& optimizer = lbfgs;
  optimizer.step([&] { return valley.closure(optimizer); });
  CHECK(valley.x.grad().abs().max().item<double>() < 1e-4);
  CHECK(valley.y.grad().abs().max().item<double>() < 1e-4);
  CHECK(optimizer.steps() == 1);
  const int calls = valley.calls;
  optimizer.step([&] { return valley.closure(optimizer); });
  CHECK(valley.calls == calls + 1);  // at the minimum one look is enough
}

TEST_CASE("the state of L-BFGS, taken and loaded elsewhere, continues the same run") {
  Valley one, two;
  const optim::LBFGSOptions options{.max_iter = 4, .history_size = 3, .line_search_fn = "strong_wolfe"};
  optim::LBFGS first({one.x, one.y}, options), second({two.x, two.y}, {.max_iter = 9});
  for (int i = 0; i < 2; ++i) first.step([&] { return one.closure(first); });
  two.x.detach().copy_(one.x.detach());
  two.y.detach().copy_(one.y.detach());
  second.load_state_dict(first.state_dict());
  CHECK(second.param_groups[0].max_iter == 4);
  CHECK(second.param_groups[0].line_search_fn == "strong_wolfe");
  first.step([&] { return one.closure(first); });
  second.step([&] { return two.closure(second); });
  CHECK(one.place() == two.place());
}

TEST_CASE("an error in the closure leaves the parameters of L-BFGS where the iteration began") {
  Valley valley;
  optim::LBFGS optimizer({valley.x, valley.y}, {.line_search_fn = "strong_wolfe"});
  const std::vector<double> before = valley.place();
  CHECK_THROWS_WITH(optimizer.step([&] {
    if (valley.calls == 1) throw std::runtime_error("out of data");
    return valley.closure(optimizer);
  }),
                    equals("out of data"));
  CHECK(valley.place() == before);
}

TEST_CASE("the new methods refuse what PyTorch refuses, in its words") {
  const Tensor p = zeros({2, 3}).requires_grad_(), v = zeros({3}).requires_grad_();
  CHECK_THROWS_WITH(optim::Rprop({p}, {.etas = {0.5, 0.9}}), equals("Invalid eta values: 0.5, 0.9"));
  CHECK_THROWS_WITH(optim::ASGD({p}, {.weight_decay = -1}), equals("Invalid weight_decay value: -1.0"));
  CHECK_THROWS_WITH(optim::Adafactor({p}, {.lr = -1}), equals("Learning rate should be >= 0 but is: -1.0"));
  CHECK_THROWS_WITH(optim::Adafactor({p}, {.d = 0.5}), equals("Clipping threshold d should be >= 1 but is: 0.5"));
  CHECK_THROWS_WITH(optim::Muon({p, v}), equals("Muon only supports 2D parameters whereas we found a parameter with size: torch.Size([3])"));
  CHECK_THROWS_WITH(optim::Muon({p}, {.adjust_lr_fn = "none"}), equals("Adjust learning rate function none is not supported"));
  CHECK_THROWS_WITH(optim::LBFGS({{.params = {p}}, {.params = {v}}}), equals("LBFGS doesn't support per-parameter options (parameter groups)"));
  optim::LBFGS lbfgs({p});
  CHECK_THROWS_WITH(lbfgs.Optimizer::step(), equals("LBFGS.step() missing 1 required positional argument: 'closure'"));
  CHECK_THROWS_WITH(lbfgs.step([] { return Tensor(); }), starts_with("LBFGS: expected the closure to return the loss"));
  optim::LBFGS wrong({p}, {.line_search_fn = "armijo"});
  CHECK_THROWS_WITH(wrong.step([&] {
    p.set_grad(ones({2, 3}));
    return ones({});
  }),
                    equals("only 'strong_wolfe' is supported"));
}

TEST_CASE("new methods print as in PyTorch, and follow a module that changes its type") {
  const Tensor p = zeros({2, 3}).requires_grad_();
  CHECK(optim::Muon({p}).repr() ==
        "Muon (\nParameter Group 0\n    adjust_lr_fn: None\n    eps: 1e-07\n    lr: 0.001\n    momentum: 0.95\n    nesterov: True\n"
        "    ns_coefficients: (3.4445, -4.775, 2.0315)\n    ns_steps: 5\n    weight_decay: 0.1\n)");
  CHECK(optim::Adafactor({p}).repr().find("eps: (None, 0.001)\n") != std::string::npos);

  nn::Linear layer(3, 2);
  optim::Adafactor adafactor(layer, {.lr = 0.1});
  optim::ASGD asgd(layer, {.lr = 0.1, .t0 = 0});
  optim::Rprop rprop(layer);
  for (const DType dtype : {kFloat32, kFloat64}) {
    layer.to(dtype);
    layer(ones({4, 3}, dtype)).sum().backward();
    adafactor.step(), asgd.step(), rprop.step();
  }
  CHECK(layer.weight.dtype() == kFloat64);
}

TEST_CASE("chained schedulers take part one after the other, and refuse what PyTorch refuses") {
  const Tensor p = zeros({1}).requires_grad_();
  optim::SGD one({p}, {.lr = 1.0}), other({zeros({1}).requires_grad_()}, {.lr = 1.0});
  optim::ExponentialLR half(one, 0.5), foreign(other, 0.5);
  optim::ReduceLROnPlateau plateau(one);
  CHECK_THROWS_WITH(optim::ChainedScheduler({}), equals("ChainedScheduler expects at least one scheduler to be chained, but got no scheduler."));
  CHECK_THROWS_WITH(optim::ChainedScheduler({&half, &plateau}), starts_with("ChainedScheduler does not support `ReduceLROnPlateau` scheduler"));
  CHECK_THROWS_WITH(optim::ChainedScheduler({&half, &foreign}),
                    starts_with("ChainedScheduler expects all schedulers to belong to the same optimizer"));

  optim::ConstantLR tenth(one, 0.1, 2);
  optim::ChainedScheduler chain({&half, &tenth});
  one.step();
  chain.step();
  const auto state = chain.state_dict();
  CHECK(chain.get_last_lr()[0] == 0.05);
  one.step();
  chain.step();
  CHECK(one.param_groups[0].lr == 0.25);
  chain.load_state_dict(state);
  CHECK(half.last_epoch() == 1);
}

// Optimisers against PyTorch: the same parameters after six steps, and the manners around them.
#include <ember/ember.h>

#include <cmath>
#include <functional>
#include <memory>

#include "kernels/kernels.h"
#include "optim/vectors.h"
#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

using Make = std::function<std::unique_ptr<optim::Optimizer>(std::vector<Tensor>)>;
struct Row {
  const char* name;
  Make make;
  double ulps;  // PyTorch takes the root from a library that is not correctly rounded: 0 where it takes none or the exact one
};

template <class O, class Options>
Make with(Options options) {
  return [options](std::vector<Tensor> params) { return std::make_unique<O>(std::move(params), options); };
}

const std::vector<Row> kRows = {
    {"sgd", with<optim::SGD, optim::SGDOptions>({.lr = 0.1}), 0},
    {"sgd momentum", with<optim::SGD, optim::SGDOptions>({.lr = 0.1, .momentum = 0.9}), 0},
    {"sgd dampening", with<optim::SGD, optim::SGDOptions>({.lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.01}), 0},
    {"sgd nesterov", with<optim::SGD, optim::SGDOptions>({.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}), 0},
    {"sgd maximize", with<optim::SGD, optim::SGDOptions>({.lr = 0.1, .momentum = 0.5, .weight_decay = 0.1, .maximize = true}), 0},
    {"adam", with<optim::Adam, optim::AdamOptions>({.lr = 0.01}), 0},
    {"adam decay", with<optim::Adam, optim::AdamOptions>({.lr = 0.01, .betas = {0.4, 0.8}, .eps = 1e-3, .weight_decay = 0.1}), 0},
    {"adam amsgrad", with<optim::Adam, optim::AdamOptions>({.lr = 0.01, .amsgrad = true, .maximize = true}), 0},
    {"adamw", with<optim::AdamW, optim::AdamWOptions>({.lr = 0.01}), 0},
    {"adamw amsgrad", with<optim::AdamW, optim::AdamWOptions>({.lr = 0.05, .betas = {0.8, 0.9}, .weight_decay = 0.2, .amsgrad = true}), 0},
    {"adamax", with<optim::Adamax, optim::AdamaxOptions>({}), 0},
    {"adamax decay", with<optim::Adamax, optim::AdamaxOptions>({.lr = 0.05, .betas = {0.7, 0.8}, .weight_decay = 0.1, .maximize = true}), 0},
    {"nadam", with<optim::NAdam, optim::NAdamOptions>({}), 8},
    {"nadam decay", with<optim::NAdam, optim::NAdamOptions>({.lr = 0.05, .weight_decay = 0.1, .momentum_decay = 0.01}), 8},
    {"nadam decoupled", with<optim::NAdam, optim::NAdamOptions>({.lr = 0.05, .weight_decay = 0.1, .decoupled_weight_decay = true}), 8},
    {"radam", with<optim::RAdam, optim::RAdamOptions>({.lr = 0.05}), 8},
    {"radam rectified", with<optim::RAdam, optim::RAdamOptions>({.lr = 0.05, .betas = {0.5, 0.99}, .weight_decay = 0.1}), 8},
    {"radam decoupled",
     with<optim::RAdam, optim::RAdamOptions>({.lr = 0.05, .betas = {0.5, 0.9}, .weight_decay = 0.1, .decoupled_weight_decay = true}), 8},
    {"rmsprop", with<optim::RMSprop, optim::RMSpropOptions>({}), 8},
    {"rmsprop momentum", with<optim::RMSprop, optim::RMSpropOptions>({.lr = 0.05, .alpha = 0.8, .weight_decay = 0.1, .momentum = 0.9}), 8},
    {"rmsprop centered", with<optim::RMSprop, optim::RMSpropOptions>({.lr = 0.05, .alpha = 0.4, .momentum = 0.5, .centered = true}), 64},
    {"adagrad", with<optim::Adagrad, optim::AdagradOptions>({}), 8},
    {"adagrad decay",
     with<optim::Adagrad, optim::AdagradOptions>({.lr = 0.1, .lr_decay = 0.2, .weight_decay = 0.1, .initial_accumulator_value = 0.5}), 8},
    {"adadelta", with<optim::Adadelta, optim::AdadeltaOptions>({}), 8},
    {"adadelta decay", with<optim::Adadelta, optim::AdadeltaOptions>({.lr = 0.5, .rho = 0.7, .eps = 1e-3, .weight_decay = 0.1}), 8},
    {"rprop", with<optim::Rprop, optim::RpropOptions>({}), 0},
    {"rprop bounds", with<optim::Rprop, optim::RpropOptions>({.lr = 0.05, .etas = {0.3, 2.0}, .step_sizes = {0.02, 0.15}, .maximize = true}), 0},
    {"asgd", with<optim::ASGD, optim::ASGDOptions>({}), 0},
    {"asgd average", with<optim::ASGD, optim::ASGDOptions>({.lr = 0.1, .lambd = 0.02, .alpha = 0.6, .t0 = 2, .weight_decay = 0.1, .maximize = true}),
     0},
    {"adafactor", with<optim::Adafactor, optim::AdafactorOptions>({}), 8},
    {"adafactor decay",
     with<optim::Adafactor, optim::AdafactorOptions>(
         {.lr = 0.1, .beta2_decay = -0.5, .eps = {1e-4, 0.1}, .d = 1.5, .weight_decay = 0.1, .maximize = true}),
     8},
};

constexpr int kElements = 37;

Tensor start_value(DType dtype) { return ((arange(kElements) * 37 + 11).remainder(101) - 50).to(dtype) / 64; }
Tensor gradient_at(int step, DType dtype) { return ((arange(kElements) * 53 + step * 29).remainder(97) - 48).to(dtype) / 32; }

template <class T>
double worst_ulps(const Tensor& got, const std::vector<T>& want) {
  double worst = 0;
  for (int i = 0; i < kElements; ++i) {
    const T ulp = std::nextafter(std::fabs(want[i]), T(INFINITY)) - std::fabs(want[i]);
    // Beside zero, an error of the parameter's own size counts.
    worst = std::max(worst, double(std::fabs(got.data<T>()[i] - want[i]) / std::max(ulp, std::numeric_limits<T>::epsilon() / 16)));
  }
  return worst;
}

template <class T, class Bits>
void check_row(const Row& row, DType dtype) {
  const Tensor p = start_value(dtype).requires_grad_();
  const auto optimizer = row.make({p});
  for (int step = 0; step < 6; ++step) {
    p.set_grad(gradient_at(step, dtype));
    optimizer->step();
  }
  const bool fuses = kernels::instruction_set()[1] > '2';  // x86-64-v2 has no fused multiply-add
  INFO(row.name << " " << name(dtype));
  CHECK(worst_ulps<T>(p, optim_vector<T, Bits>(std::string(row.name) + " " + name(dtype))) <= (fuses ? row.ulps : 64));
}

std::vector<Tensor> two_parameters() { return {tensor({1.0, 2.0}).requires_grad_(), tensor({{3.0}}).requires_grad_()}; }

void give_gradients(const std::vector<Tensor>& params) {
  for (const Tensor& p : params) p.set_grad(full_like(p, 0.5));
}

}  // namespace

TEST_CASE("every optimiser follows PyTorch over six steps") {
  for (const Row& row : kRows) {
    check_row<float, std::uint32_t>(row, kFloat32);
    check_row<double, std::uint64_t>(row, kFloat64);
  }
}

TEST_CASE("a parameter without gradient is left alone, weight decay and state included") {
  const auto params = two_parameters();
  optim::Adam optimizer(params, {.lr = 0.1, .weight_decay = 0.5});
  params[0].set_grad(tensor({1.0, 1.0}));

  optimizer.step();

  CHECK_THAT(params[1], is_close({{3.0}}));
  CHECK(optimizer.state_dict().state.size() == 1);
}

TEST_CASE("one step is the same whatever the layout of parameter and gradient, and for any number of threads") {
  const Tensor value = arange(2 * 3 * 40 * 50).view({2, 3, 40, 50}).to(kFloat32) / 100;
  const Tensor gradient = value.sin();
  const auto run = [&](const Tensor& p, const Tensor& g) {
    p.requires_grad_();
    optim::Adam optimizer({p}, {.lr = 0.1, .weight_decay = 0.1});
    for (int i = 0; i < 3; ++i) {
      p.set_grad(g);
      optimizer.step();
    }
    return p.detach().contiguous();
  };
  const Tensor expected = run(value.clone(), gradient);
  const Tensor last = value.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2});
  CHECK(equal(run(last.clone(), gradient), expected));
  const Tensor strided = zeros({2, 3, 40, 100}).slice(3, 0, 100, 2);
  strided.copy_(value);
  CHECK(equal(run(strided, gradient), expected));
  const int threads = get_num_threads();
  set_num_threads(1);
  CHECK(equal(run(value.clone(), gradient), expected));
  set_num_threads(threads);
}

TEST_CASE("groups have their own settings, and the defaults for the rest") {
  const auto params = two_parameters();
  optim::SGD optimizer({{.params = {params[0]}}, {.params = {params[1]}, .lr = 0.01, .nesterov = true}}, {.lr = 0.1, .momentum = 0.9});
  CHECK(optimizer.param_groups[0].lr == 0.1);
  CHECK_FALSE(optimizer.param_groups[0].nesterov);
  CHECK(optimizer.param_groups[1].lr == 0.01);
  CHECK(optimizer.param_groups[1].momentum == 0.9);
  CHECK(optimizer.param_groups[1].nesterov);

  give_gradients(params);
  optimizer.step();
  CHECK_THAT(params[0], is_close({1 - 0.05, 2 - 0.05}));
  CHECK_THAT(params[1], is_close({{3 - 0.01 * (0.5 + 0.9 * 0.5)}}));
}

TEST_CASE("a group added later takes part") {
  const auto params = two_parameters();
  optim::SGD optimizer({params[0]}, {.lr = 0.1});
  optimizer.add_param_group({.params = {params[1]}, .lr = 1.0});
  give_gradients(params);
  optimizer.step();
  CHECK_THAT(params[1], is_close({{2.5}}));
}

TEST_CASE("zero_grad forgets gradients, or sets them to zero when asked") {
  const auto params = two_parameters();
  optim::SGD optimizer(params);
  give_gradients(params);
  optimizer.zero_grad(false);
  CHECK_THAT(params[0].grad(), is_close({0.0, 0.0}));
  optimizer.zero_grad();
  CHECK_FALSE(params[0].grad().defined());
}

TEST_CASE("a state taken and loaded elsewhere continues the same run") {
  const auto params = two_parameters();
  optim::AdamW first(params, {.lr = 0.1, .amsgrad = true});
  give_gradients(params);
  first.step();
  const optim::OptimizerState state = first.state_dict();

  REQUIRE(state.param_groups.size() == 1);
  CHECK(state.param_groups[0].params == std::vector<int64_t>{0, 1});
  CHECK(state.param_groups[0].settings[1].name == "betas");
  REQUIRE(state.state.size() == 2);
  CHECK(state.state[0].values[0].first == "step");
  CHECK(state.state[0].values[0].second.item<double>() == 1);
  CHECK(state.state[0].values[3].first == "max_exp_avg_sq");

  std::vector<Tensor> copies;
  for (const Tensor& p : params) copies.push_back(p.detach().clone().requires_grad_());
  optim::AdamW second(copies, {.lr = 0.5});
  second.load_state_dict(state);
  CHECK(second.param_groups[0].lr == 0.1);
  for (int i = 0; i < 3; ++i) {
    give_gradients(params), give_gradients(copies);
    first.step(), second.step();
  }
  CHECK(equal(params[0], copies[0]));
  CHECK(equal(params[1], copies[1]));
}

TEST_CASE("what changes between two steps reaches the next: another gradient, a loaded state, a setting") {
  const Tensor p = tensor({1.0, 2.0}).requires_grad_(), q = p.detach().clone().requires_grad_(), held = tensor({0.5, -0.5});
  optim::Adam optimizer({p}, {.lr = 0.1}), other({q}, {.lr = 0.1});
  const auto step = [&](optim::Adam& which, const Tensor& parameter, const Tensor& gradient) {
    parameter.set_grad(gradient);
    which.step();
  };
  for (int i = 0; i < 2; ++i) step(optimizer, p, held), step(other, q, held);
  const Tensor before = p.detach().clone();
  step(optimizer, p, held);  // everything lies where it lay
  const Tensor third = p.detach().clone();

  p.detach().copy_(before);
  optimizer.load_state_dict(other.state_dict());
  step(optimizer, p, held.clone());  // another tensor with the same numbers, after the same past
  CHECK(equal(p, third));

  optimizer.param_groups[0].amsgrad = true;  // a buffer more: the largest second moment, which small gradients do not lower
  step(optimizer, p, held);
  for (int i = 0; i < 50; ++i) step(optimizer, p, tensor({1e-3, -1e-3}));
  CHECK(optimizer.state_dict().state[0].values[3].second.flatten()[0].item<double>() > 9e-4);
}

TEST_CASE("a second moment that overflows stops the parameter, as a division by infinity does") {
  const Tensor p = tensor({1.0f, 1.0f}).requires_grad_();
  optim::Adam optimizer({p}, {.lr = 0.1});
  p.set_grad(tensor({1e25f, 1.0f}));
  optimizer.step();
  CHECK_THAT(p, is_close({1.0, 0.9}));
}

TEST_CASE("a state of other groups is refused") {
  const auto params = two_parameters();
  optim::SGD one(params), two({{.params = {params[0]}}, {.params = {params[1]}}});
  CHECK_THROWS_WITH(one.load_state_dict(two.state_dict()), equals("loaded state dict has a different number of parameter groups"));
  optim::SGD three({params[0]});
  CHECK_THROWS_WITH(one.load_state_dict(three.state_dict()),
                    equals("loaded state dict contains a parameter group that doesn't match the size of optimizer's group"));
}

TEST_CASE("optimisers refuse what PyTorch refuses, in its words") {
  const auto params = two_parameters();
  CHECK_THROWS_WITH(optim::SGD(std::vector<Tensor>{}), equals("optimizer got an empty parameter list"));
  CHECK_THROWS_WITH(optim::SGD(params, {.lr = -0.5}), equals("Invalid learning rate: -0.5"));
  CHECK_THROWS_WITH(optim::SGD(params, {.momentum = -1}), equals("Invalid momentum value: -1.0"));
  CHECK_THROWS_WITH(optim::SGD(params, {.nesterov = true}), equals("Nesterov momentum requires a momentum and zero dampening"));
  CHECK_THROWS_WITH(optim::Adam(params, {.betas = {1.0, 0.9}}), equals("Invalid beta parameter at index 0: 1.0"));
  CHECK_THROWS_WITH(optim::Adam(params, {.eps = -1e-8}), equals("Invalid epsilon value: -1e-08"));
  CHECK_THROWS_WITH(optim::Adadelta(params, {.rho = 1.5}), equals("Invalid rho value: 1.5"));
  CHECK_THROWS_WITH(optim::SGD({params[0] * 2}), equals("can't optimize a non-leaf Tensor"));
  CHECK_THROWS_WITH(optim::SGD({{.params = params}, {.params = {params[1]}}}), equals("some parameters appear in more than one parameter group"));
}

TEST_CASE("an optimiser prints as in PyTorch") {
  optim::SGD optimizer(two_parameters(), {.lr = 0.1, .momentum = 0.9});
  CHECK(optimizer.repr() ==
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n    lr: 0.1\n"
        "    maximize: False\n    momentum: 0.9\n    nesterov: False\n    weight_decay: 0\n)");
}

TEST_CASE("a step in the steady state asks the system for no memory") {
  const auto params = two_parameters();
  optim::Adam optimizer(params);
  give_gradients(params);
  optimizer.step();
  const int64_t before = memory_stats().system_calls;
  for (int i = 0; i < 100; ++i) optimizer.step();
  CHECK(memory_stats().system_calls == before);
}

TEST_CASE("the closure of a step runs with gradients on") {
  const Tensor p = tensor({2.0}).requires_grad_();
  optim::SGD optimizer({p}, {.lr = 0.25});
  NoGradGuard off;
  const Tensor loss = optimizer.step([&] {
    optimizer.zero_grad();
    const Tensor l = (p * p).sum();
    l.backward();
    return l;
  });
  CHECK(loss.item<double>() == 4);
  CHECK_THAT(p, is_close({1.0}));
}

TEST_CASE("a state or gradient of another shape than its parameter's is refused before anything moves") {
  const Tensor a = tensor({1.0f}, {.requires_grad = true}), b = tensor({1.0f, 2.0f}, {.requires_grad = true});
  optim::SGD optimizer({a, b}, {.lr = 0.5, .momentum = 0.5});
  const auto set_gradients = [&] {
    a.set_grad(ones_like(a));
    b.set_grad(ones_like(b));
  };
  set_gradients();
  optimizer.step();  // a: 1 - 0.5
  b.set_data(ones({3}));
  b.set_grad(ones({3}));
  CHECK_THROWS_WITH(optimizer.step(), starts_with("The size of tensor a must match the size of tensor b: SGD found a parameter of sizes [3] with "
                                                  "momentum_buffer of sizes [2]"));
  CHECK_THAT(a, is_close({0.5}));
  b.set_data(ones({2}));
  CHECK_THROWS_WITH(optimizer.step(), starts_with("The size of tensor a must match the size of tensor b"));
  set_gradients();
  optimizer.step();  // momentum 0.5 * 1 + 1
  CHECK_THAT(a, is_close({0.5 - 0.5 * 1.5}));
  CHECK_THAT(b, is_close({0.25, 0.25}));
}

TEST_CASE("what is switched off during a training leaves its buffer alone, as in PyTorch") {
  using optim::ParamGroup;
  struct Row {
    const char* what;
    std::function<std::unique_ptr<optim::Optimizer>(const Tensor&)> make;
    void (*set)(ParamGroup&, bool on);
    std::vector<float> gradients, parameters;  // on, on, off, off, on
  };
  const auto momentum = [](ParamGroup& group, bool on) { group.momentum = on ? 0.9 : 0; };
  const Row rows[] = {{"sgd momentum",
                       [](const Tensor& p) { return std::make_unique<optim::SGD>(std::vector{p}, optim::SGDOptions{.lr = 0.1, .momentum = 0.9}); },
                       momentum,
                       {2, 0.1f, 0.3f, 0.2f, 0.1f},
                       {0.8f, 0.61f, 0.58f, 0.56f, 0.379f}},
                      {"adam amsgrad",
                       [](const Tensor& p) { return std::make_unique<optim::Adam>(std::vector{p}, optim::AdamOptions{.lr = 0.1, .amsgrad = true}); },
                       [](ParamGroup& group, bool on) { group.amsgrad = on; },
                       {2, 0.1f, 0.1f, 0.1f, 0.1f},
                       {0.9f, 0.8293600f, 0.7716339f, 0.7215078f, 0.6764733f}},
                      {"rmsprop momentum",
                       [](const Tensor& p) {
                         return std::make_unique<optim::RMSprop>(std::vector{p}, optim::RMSpropOptions{.lr = 0.1, .alpha = 0.5, .momentum = 0.9});
                       },
                       momentum,
                       {2, 0.1f, 0.3f, 0.2f, 0.1f},
                       {0.8585786f, 0.7213243f, 0.6807801f, 0.6438788f, 0.4946899f}},
                      {"rmsprop centered",
                       [](const Tensor& p) {
                         return std::make_unique<optim::RMSprop>(std::vector{p}, optim::RMSpropOptions{.lr = 0.1, .alpha = 0.5, .centered = true});
                       },
                       [](ParamGroup& group, bool on) { group.centered = on; },
                       {2, 0.1f, 0.3f, 0.2f, 0.1f},
                       {0.8f, 0.7880690f, 0.7475247f, 0.7106235f, 0.6641244f}}};
  for (const Row& row : rows) {
    INFO(row.what);
    const Tensor p = tensor({1.0f}, {.requires_grad = true}), g = zeros({1});
    p.set_grad(g);
    const auto optimizer = row.make(p);
    for (std::size_t step = 0; step < 5; ++step) {
      row.set(optimizer->param_groups[0], step != 2 && step != 3);
      g.fill_(row.gradients[step]);  // in place, as a training's backward does: the step finds everything where it was
      optimizer->step();
      CHECK_THAT(p, is_close({row.parameters[step]}, 1e-6));
    }
  }
}

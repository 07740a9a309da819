// Optimisers and schedules: numbers that are none, groups that nobody told the optimiser of, states that do not fit.
#include <cmath>

#include "misuse/misuse.h"

namespace ember {
namespace {

using namespace optim;

Tensor parameter() { return ones({2}, {.requires_grad = true}); }
std::vector<Tensor> parameters() { return {parameter()}; }

TEST_CASE("misuse: settings of optimisers out of range") {
  refused<ValueError>("SGD lr -1", "Invalid learning rate: -1.0", [&] { SGD(parameters(), {.lr = -1}); });
  refused<ValueError>("SGD lr NaN", "Invalid learning rate: nan", [&] { SGD(parameters(), {.lr = NAN}); });
  refused<ValueError>("SGD momentum -1", "Invalid momentum value: -1.0", [&] { SGD(parameters(), {.momentum = -1}); });
  refused<ValueError>("SGD weight_decay NaN", "Invalid weight_decay value: nan", [&] { SGD(parameters(), {.weight_decay = NAN}); });
  refused<ValueError>("Adam(params, -1e-3)", "Invalid learning rate: -0.001", [&] { Adam(parameters(), -1e-3); });
  refused<ValueError>("Adam betas", "Invalid beta parameter at index 0: 1.0", [&] { Adam(parameters(), {.betas = {1.0, 0.9}}); });
  refused<ValueError>("Adam eps -1", "Invalid epsilon value: -1.0", [&] { Adam(parameters(), {.eps = -1}); });
  refused<ValueError>("RMSprop alpha NaN", "Invalid alpha value: nan", [&] { RMSprop(parameters(), {.alpha = NAN}); });
  refused<ValueError>("Adadelta rho 2", "Invalid rho value: 2.0", [&] { Adadelta(parameters(), {.rho = 2}); });
  refused<ValueError>("Nesterov", "Nesterov momentum requires a momentum and zero dampening", [&] { SGD(parameters(), {.nesterov = true}); });
  refused<ValueError>("no parameters", "optimizer got an empty parameter list", [&] { SGD(std::vector<Tensor>(), {.lr = 1}); });
  refused<TypeError>("undefined parameter", "optimizer can only optimize Tensors", [&] { SGD(std::vector<Tensor>{Tensor()}, {.lr = 1}); });
  refused<ValueError>("no leaf", "can't optimize a non-leaf Tensor", [&] { SGD(std::vector<Tensor>{parameter() * 2}, {.lr = 1}); });
}

TEST_CASE("misuse: groups and parameters that the optimiser was not told of") {
  const Tensor p = parameter(), q = parameter();
  SGD sgd(std::vector<Tensor>{p}, {.lr = 0.1, .momentum = 0.9});
  p.set_grad(ones({2}));
  q.set_grad(ones({2}));
  sgd.param_groups.push_back({.params = {q}});
  refused<RuntimeError>("param_groups.push_back(...)", "Add a group by add_param_group(...)", {p, q}, [&] { sgd.step(); });
  sgd.param_groups.pop_back();
  sgd.step();
  CHECK(p.detach().equal(tensor({0.9f, 0.9f})));
  sgd.param_groups[0].lr = NAN;
  refused<ValueError>("lr = NaN later", "Invalid learning rate", {p}, [&] { sgd.step(); });
  sgd.param_groups[0].lr = 0.1;
  sgd.param_groups[0].params.push_back(Tensor());
  refused<TypeError>("an undefined parameter later", "optimizer can only optimize Tensors", {p}, [&] { sgd.step(); });
  sgd.param_groups[0].params.pop_back();
  refused<ValueError>("the same parameter twice", "some parameters appear in more than one parameter group",
                      [&] { sgd.add_param_group({.params = {p}}); });
  refused<TypeError>("add_param_group with an undefined one", "optimizer can only optimize Tensors",
                     [&] { sgd.add_param_group({.params = {Tensor()}}); });
  OptimizerState other = SGD(std::vector<Tensor>{parameter(), parameter()}, {.lr = 1}).state_dict();
  refused<ValueError>("load_state_dict of another size",
                      "loaded state dict contains a parameter group that doesn't match the size of optimizer's group", {p},
                      [&] { sgd.load_state_dict(other); });
}

TEST_CASE("misuse: schedules that divide by nothing, or count in numbers that are none") {
  SGD sgd(parameters(), {.lr = 0.1});
  refused<ValueError>("StepLR(o, 0)", "StepLR: expected step_size to be 1 or more, got 0", [&] { StepLR(sgd, 0); });
  refused<ValueError>("StepLR(o, -1)", "StepLR: expected step_size to be 1 or more, got -1", [&] { StepLR(sgd, -1); });
  refused<ValueError>("StepLR gamma NaN", "StepLR: expected gamma to be a number, got nan", [&] { StepLR(sgd, 1, NAN); });
  refused<ValueError>("CosineAnnealingLR(o, 0)", "CosineAnnealingLR: expected T_max to be 1 or more, got 0", [&] { CosineAnnealingLR(sgd, 0); });
  refused<ValueError>("CosineAnnealingWarmRestarts(o, 0)", "Expected positive integer T_0, but got 0", [&] { CosineAnnealingWarmRestarts(sgd, 0); });
  refused<ValueError>("CyclicLR step_size_up 0", "CyclicLR: expected step_size_up to be 1 or more, got 0",
                      [&] { CyclicLR(sgd, {.base_lr = 0.1, .max_lr = 1, .step_size_up = 0, .cycle_momentum = false}); });
  refused<ValueError>("OneCycleLR total_steps 0", "Expected positive integer total_steps, but got 0",
                      [&] { OneCycleLR(sgd, {.max_lr = 1, .total_steps = 0}); });
  refused<ValueError>("LinearLR total_iters -1", "LinearLR: expected total_iters to be 0 or more, got -1", [&] { LinearLR(sgd, 0.5, 1, -1); });
  refused<ValueError>("PolynomialLR power NaN", "PolynomialLR: expected power to be a number, got nan", [&] { PolynomialLR(sgd, 5, NAN); });
  refused<ValueError>("ExponentialLR NaN", "ExponentialLR: expected gamma to be a number, got nan", [&] { ExponentialLR(sgd, NAN); });
  refused<ValueError>("ConstantLR factor NaN", "Constant multiplicative factor expected to be between 0 and 1.", [&] { ConstantLR(sgd, NAN); });
  refused<ValueError>("ReduceLROnPlateau factor 1", "Factor should be < 1.0.", [&] { ReduceLROnPlateau(sgd, {.factor = 1}); });
  refused<TypeError>("LambdaLR without a function", "LambdaLR: expected a function, got an empty one", [&] { LambdaLR(sgd, LambdaLR::Factor()); });
  refused<ValueError>("SequentialLR of nothing", "SequentialLR expects at least one scheduler", [&] { SequentialLR(sgd, {}, {}); });
  refused<ValueError>("SequentialLR with null", "got a null pointer at index 0", [&] { SequentialLR(sgd, {nullptr}, {}); });
  CHECK(sgd.param_groups[0].lr == 0.1);

  StepLR scheduler(sgd, 2);
  refused<ValueError>("load_state_dict without a number", "loaded state dict has 0 values under last_epoch",
                      [&] { scheduler.load_state_dict({{"last_epoch", {}}}); });
  refused<ValueError>("load_state_dict for other groups", "loaded state dict has base_lrs for 2 parameter groups, the optimizer has 1",
                      [&] { scheduler.load_state_dict({{"base_lrs", {1, 2}}}); });
  CHECK(scheduler.last_epoch() == 0);
  ReduceLROnPlateau plateau(sgd);
  refused<TypeError>("plateau.step()", "ReduceLROnPlateau.step() missing 1 required positional argument: 'metrics'", [&] { plateau.step(); });
  refused<ValueError>("SequentialLR of a plateau", "SequentialLR does not support `ReduceLROnPlateau`", [&] { SequentialLR(sgd, {&plateau}, {}); });
}

TEST_CASE("an optimiser takes parameters, a module, and its first options in PyTorch's order") {
  nn::Linear net(2, 2);
  CHECK(Adam(net.parameters(), 1e-2).param_groups[0].lr == 1e-2);
  CHECK(Adam(net, {.lr = 0.1}).param_groups[0].params.size() == 2);
  CHECK(SGD(net, 1).param_groups[0].lr == 1);
  const SGD sgd(net.parameters(), 0.1, 0.9);
  CHECK(sgd.param_groups[0].momentum == 0.9);
  CHECK(AdamW(net.parameters()).param_groups[0].weight_decay == 1e-2);
}

// Values: PyTorch 2.13.
TEST_CASE("milestones come as a list, by name, or as a vector") {
  SGD sgd(parameters(), {.lr = 1});
  MultiStepLR(sgd, {1, 150});
  MultiStepLR(sgd, std::vector<int64_t>{1, 150}, 0.5);
  MultiStepLR scheduler(sgd, {.milestones = {1, 150}});
  sgd.step();
  scheduler.step();
  CHECK(scheduler.get_last_lr()[0] == 0.1);
}

TEST_CASE("a schedule that listens to a metric goes into checkpoints as the others do") {
  SGD sgd(parameters(), {.lr = 1}), again(parameters(), {.lr = 1});
  ReduceLROnPlateau plateau(sgd, {.patience = 0}), other(again, {.patience = 0});
  plateau.step(1);
  plateau.step(2);
  LRScheduler& from = plateau;
  LRScheduler& to = other;
  to.load_state_dict(from.state_dict());
  CHECK(sgd.param_groups[0].lr == 0.1);
  CHECK(to.last_epoch() == 2);
}

TEST_CASE("misuse: sizes of layers of 0 or less, probabilities and epsilons that are none") {
  refused<RuntimeError>("Conv2d kernel 0", "kernel size should be greater than zero", [&] { nn::Conv2d(1, 2, 0); });
  refused<RuntimeError>("Conv2d stride 0", "non-positive stride is not supported", [&] { nn::Conv2d(1, 2, 3, 0); });
  refused<RuntimeError>("Conv2d stride -1", "non-positive stride is not supported", [&] { nn::Conv2d(1, 2, 3, {.stride = -1}); });
  refused<RuntimeError>("Conv2d padding -1", "negative padding is not supported", [&] { nn::Conv2d(1, 2, 3, {.padding = -1}); });
  refused<RuntimeError>("Conv1d dilation 0", "dilation should be greater than zero", [&] { nn::Conv1d(1, 2, 3, {.dilation = 0}); });
  refused<RuntimeError>("ConvTranspose2d stride 0", "non-positive stride is not supported", [&] { nn::ConvTranspose2d(1, 2, 3, 0); });
  refused<ValueError>("Conv2d padding_mode",
                      "padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got padding_mode='mirror'",
                      [&] { nn::Conv2d(1, 2, 3, {.padding_mode = "mirror"}); });
  refused<ValueError>("Conv2d groups 0", "groups must be a positive integer", [&] { nn::Conv2d(1, 2, 3, {.groups = 0}); });
  refused<RuntimeError>("MaxPool2d(0)", "kernel size should be greater than zero", [&] { nn::MaxPool2d(0); });
  refused<RuntimeError>("MaxPool2d stride 0", "stride should be greater than zero", [&] { nn::MaxPool2d(2, 0); });
  refused<RuntimeError>("MaxPool2d padding 2 of 2", "pad should be at most half of effective kernel size", [&] { nn::MaxPool2d(2, 2, 2); });
  refused<RuntimeError>("AvgPool1d stride -2", "stride should be greater than zero", [&] { nn::AvgPool1d(2, {.stride = -2}); });
  refused<ValueError>("Dropout NaN", "dropout probability has to be between 0 and 1, but got nan", [&] { nn::Dropout{NAN}; });
  refused<ValueError>("Dropout 1.5", "dropout probability has to be between 0 and 1, but got 1.5", [&] { nn::Dropout{1.5}; });
  refused<ValueError>("BatchNorm eps NaN", "expected eps to be a number, got nan", [&] { nn::BatchNorm1d(2, {.eps = NAN}); });
  refused<ValueError>("BatchNorm momentum NaN", "expected momentum to be a number, got nan", [&] { nn::BatchNorm1d(2, {.momentum = NAN}); });
  refused<RuntimeError>("Linear(-1, 2)", "Trying to create tensor with negative dimension -1", [&] { nn::Linear(-1, 2); });
}

}  // namespace
}  // namespace ember

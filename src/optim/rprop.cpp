// Rprop and ASGD: their steps, rounded as the tensor operations of torch.optim.
#include <ember/optim/rprop.h>

#include <ember/ops/elementwise.h>

#include <algorithm>
#include <cmath>

#include "optim/method.h"

namespace ember::optim {

namespace {

// --- Rprop. Buffers: the last gradient, step sizes.

void begin_rprop(const ParamGroup& group, const Tensor& p, ParamState& state) {
  state.buffers[0] = full_like(p.detach(), 0);
  state.buffers[1] = full_like(p.detach(), group.lr);
}

void rprop(const ParamGroup& group, const Tensor& p, const Tensor& given, ParamState& state) {
  const auto& [before, step_size, none] = state.buffers;
  const Tensor gradient = group.maximize ? neg(given) : given.clone();
  const Tensor agreement = gradient * before;
  const Tensor factor = sign(agreement);  // a NaN stays one
  factor.masked_fill_(agreement > 0, group.etas.second);
  factor.masked_fill_(agreement < 0, group.etas.first);
  factor.masked_fill_(agreement == 0, 1);
  step_size.mul_(factor).clamp_(group.step_sizes.first, group.step_sizes.second);
  gradient.masked_fill_(agreement < 0, 0);
  p.addcmul_(sign(gradient), step_size, -1);
  before.copy_(gradient);
}

const Method kRprop{
    .name = "Rprop",
    .settings = {"lr", "etas", "step_sizes", "foreach", "maximize", "differentiable", "capturable"},
    .buffers = {"prev", "step_size"},
    .wanted = [](const ParamGroup&) { return 3u; },
    .begin = begin_rprop,
    .formula = rprop,
};

ParamGroup defaults_of(const RpropOptions& options) {
  check_not_negative("learning rate", options.lr);
  check<ValueError>(options.etas.first > 0 && options.etas.first < 1 && options.etas.second > 1, "Invalid eta values: {}, {}",
                    python_repr(options.etas.first), python_repr(options.etas.second));
  check<ValueError>(is_set(options.step_sizes.first) && is_set(options.step_sizes.second), "Rprop: expected step_sizes to be two numbers, got nan");
  return {.lr = options.lr, .weight_decay = 0, .maximize = options.maximize, .etas = options.etas, .step_sizes = options.step_sizes};
}

// --- ASGD. Buffers: the rate and the weight of the average, each a float32 number as in PyTorch; the average.

void begin_asgd(const ParamGroup& group, const Tensor& p, ParamState& state) {
  state.buffers[0] = full({}, group.lr, kFloat32);
  state.buffers[1] = full({}, 1.0, kFloat32);
  state.buffers[2] = full_like(p.detach(), 0);
}

void asgd(const ParamGroup& group, const Tensor& p, const Tensor& given, ParamState& state) {
  const auto& [rate, weight, average] = state.buffers;
  Tensor gradient = group.maximize ? neg(given) : given;
  if (group.weight_decay != 0) gradient = add(gradient, p.detach(), group.weight_decay);

  const double eta = rate.item<double>(), mu = weight.item<double>();
  p.mul_(1 - group.lambd * eta).add_(gradient, -eta);
  if (mu != 1) average.add_(sub(p.detach(), average).mul_(mu));
  else average.copy_(p.detach());

  rate.fill_(group.lr / std::pow(1 + group.lambd * group.lr * state.step, group.alpha));
  weight.fill_(1 / std::max(1.0, state.step - group.t0));
}

const Method kASGD{
    .name = "ASGD",
    .settings = {"lr", "lambd", "alpha", "t0", "weight_decay", "foreach", "maximize", "differentiable", "capturable"},
    .buffers = {"eta", "mu", "ax"},
    .wanted = [](const ParamGroup&) { return 4u; },
    .begin = begin_asgd,
    .formula = asgd,
};

ParamGroup defaults_of(const ASGDOptions& options) {
  check_not_negative("learning rate", options.lr);
  check_not_negative("weight_decay value", options.weight_decay);
  return {.lr = options.lr,
          .alpha = options.alpha,
          .weight_decay = options.weight_decay,
          .maximize = options.maximize,
          .lambd = options.lambd,
          .t0 = options.t0};
}

}  // namespace

template <>
OptimizerWith<RpropOptions>::OptimizerWith(std::vector<ParamGroup> groups, RpropOptions options)
    : Optimizer(kRprop, std::move(groups), defaults_of(options)) {}
template <>
OptimizerWith<ASGDOptions>::OptimizerWith(std::vector<ParamGroup> groups, ASGDOptions options)
    : Optimizer(kASGD, std::move(groups), defaults_of(options)) {}

}  // namespace ember::optim

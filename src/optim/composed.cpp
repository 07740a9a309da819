// The rarer optimisers, written with tensor operations in PyTorch's order.
#include <ember/autograd.h>
#include <ember/ops/elementwise.h>
#include <ember/optim/adam.h>
#include <ember/optim/rmsprop.h>

#include <cmath>

#include "error_format.h"
#include "python_repr.h"

namespace ember::optim {
namespace {

std::string as_written(double value) { return value == std::floor(value) ? fmt::format("{}", value) : python_repr(value); }

void check_common(double lr, double eps, double weight_decay) {
  check<ValueError>(lr >= 0, "Invalid learning rate: {}", as_written(lr));
  check<ValueError>(eps >= 0, "Invalid epsilon value: {}", as_written(eps));
  check<ValueError>(weight_decay >= 0, "Invalid weight_decay value: {}", as_written(weight_decay));
}
void check_betas(const Betas& betas) {
  check<ValueError>(betas.first >= 0 && betas.first < 1, "Invalid beta parameter at index 0: {}", python_repr(betas.first));
  check<ValueError>(betas.second >= 0 && betas.second < 1, "Invalid beta parameter at index 1: {}", python_repr(betas.second));
}

/// The gradient upwards or downwards, with weight decay in it.
Tensor prepared(const Tensor& gradient, const Tensor& p, bool maximize, double weight_decay) {
  const Tensor g = maximize ? neg(gradient) : gradient.detach();
  return weight_decay != 0 ? add(g, p, weight_decay) : g;
}

void start(ParamState& state, const Tensor& p, int slots) {
  if (state.exists) return;
  state.exists = true;
  for (int k = 0; k < slots; ++k) state.slots[k] = zeros(p.sizes(), p.dtype());
}

}  // namespace

void AdamaxOptions::check(const AdamaxOptions& o) {
  check_common(o.lr, o.eps, o.weight_decay);
  check_betas(o.betas);
}
void Adamax::update(int64_t group, const Tensor& param, const Tensor& gradient, ParamState& state) {
  const AdamaxOptions& o = options_[std::size_t(group)];
  const Tensor p = param.detach();
  start(state, p, 2);
  ++state.step;
  const Tensor g = prepared(gradient, p, o.maximize, o.weight_decay);
  state.slots[0].lerp_(g, 1 - o.betas.first);
  state.slots[1].copy_(maximum(state.slots[1] * o.betas.second, abs(g) + o.eps));
  p.addcdiv_(state.slots[0], state.slots[1], -(o.lr / (1 - std::pow(o.betas.first, double(state.step)))));
}

void NAdamOptions::check(const NAdamOptions& o) {
  check_common(o.lr, o.eps, o.weight_decay);
  check_betas(o.betas);
  ember::check<ValueError>(o.momentum_decay >= 0, "Invalid momentum_decay value: {}", as_written(o.momentum_decay));
}
void NAdam::update(int64_t group, const Tensor& param, const Tensor& gradient, ParamState& state) {
  const NAdamOptions& o = options_[std::size_t(group)];
  const Tensor p = param.detach();
  if (!state.exists) {
    state.exists = true;
    state.slots[0] = ones({}, kFloat32);
    state.slots[1] = zeros(p.sizes(), p.dtype());
    state.slots[2] = zeros(p.sizes(), p.dtype());
  }
  const double t = double(++state.step);
  const Tensor g = prepared(gradient, p, o.maximize, o.decoupled_weight_decay ? 0 : o.weight_decay);
  if (o.decoupled_weight_decay && o.weight_decay != 0) p.mul_(1 - o.lr * o.weight_decay);
  const double mu = o.betas.first * (1 - 0.5 * std::pow(0.96, t * o.momentum_decay));
  const double mu_next = o.betas.first * (1 - 0.5 * std::pow(0.96, (t + 1) * o.momentum_decay));
  state.slots[0].mul_(mu);
  const double product = state.slots[0].item<double>();
  state.slots[1].lerp_(g, 1 - o.betas.first);
  state.slots[2].mul_(o.betas.second).addcmul_(g, g, 1 - o.betas.second);
  const Tensor denominator = sqrt(state.slots[2] / (1 - std::pow(o.betas.second, t))) + o.eps;
  p.addcdiv_(g, denominator, -o.lr * (1 - mu) / (1 - product));
  p.addcdiv_(state.slots[1], denominator, (-o.lr * mu_next) / (1 - product * mu_next));
}

void RAdamOptions::check(const RAdamOptions& o) {
  check_common(o.lr, o.eps, o.weight_decay);
  check_betas(o.betas);
}
void RAdam::update(int64_t group, const Tensor& param, const Tensor& gradient, ParamState& state) {
  const RAdamOptions& o = options_[std::size_t(group)];
  const Tensor p = param.detach();
  start(state, p, 2);
  const double t = double(++state.step);
  const Tensor g = prepared(gradient, p, o.maximize, o.decoupled_weight_decay ? 0 : o.weight_decay);
  if (o.decoupled_weight_decay && o.weight_decay != 0) p.mul_(1 - o.lr * o.weight_decay);
  state.slots[0].lerp_(g, 1 - o.betas.first);
  state.slots[1].mul_(o.betas.second).addcmul_(g, g, 1 - o.betas.second);
  const double correction1 = 1 - std::pow(o.betas.first, t), correction2 = 1 - std::pow(o.betas.second, t);
  const Tensor mean = state.slots[0] / correction1;
  const double rho_inf = 2 / (1 - o.betas.second) - 1, rho = rho_inf - 2 * t * std::pow(o.betas.second, t) / correction2;
  if (rho <= 5) {
    p.add_(mean * o.lr, -1.0);
    return;
  }
  const double rectified = std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
  const Tensor adaptive = std::sqrt(correction2) / (sqrt(state.slots[1]) + o.eps);
  p.add_(mean * o.lr * adaptive * rectified, -1.0);
}

void RMSpropOptions::check(const RMSpropOptions& o) {
  check_common(o.lr, o.eps, o.weight_decay);
  ember::check<ValueError>(o.momentum >= 0, "Invalid momentum value: {}", as_written(o.momentum));
  ember::check<ValueError>(o.alpha >= 0, "Invalid alpha value: {}", as_written(o.alpha));
}
void RMSprop::update(int64_t group, const Tensor& param, const Tensor& gradient, ParamState& state) {
  const RMSpropOptions& o = options_[std::size_t(group)];
  const Tensor p = param.detach();
  if (!state.exists) {
    state.exists = true;
    state.slots[0] = zeros(p.sizes(), p.dtype());
    if (o.momentum > 0) state.slots[1] = zeros(p.sizes(), p.dtype());
    if (o.centered) state.slots[2] = zeros(p.sizes(), p.dtype());
  }
  ++state.step;
  const Tensor g = prepared(gradient, p, o.maximize, o.weight_decay);
  state.slots[0].mul_(o.alpha).addcmul_(g, g, 1 - o.alpha);
  Tensor average;
  if (o.centered) {
    state.slots[2].lerp_(g, 1 - o.alpha);
    average = sqrt(addcmul(state.slots[0], state.slots[2], state.slots[2], -1));
  } else {
    average = sqrt(state.slots[0]);
  }
  average.add_(o.eps);
  if (o.momentum > 0) {
    state.slots[1].mul_(o.momentum).addcdiv_(g, average);
    p.add_(state.slots[1], -o.lr);
  } else {
    p.addcdiv_(g, average, -o.lr);
  }
}

void AdagradOptions::check(const AdagradOptions& o) {
  check_common(o.lr, o.eps, o.weight_decay);
  ember::check<ValueError>(o.lr_decay >= 0, "Invalid lr_decay value: {}", as_written(o.lr_decay));
  ember::check<ValueError>(o.initial_accumulator_value >= 0, "Invalid initial_accumulator_value value: {}", as_written(o.initial_accumulator_value));
}
Adagrad::Adagrad(std::vector<Tensor> params, AdagradOptions options) : OptimizerOf("Adagrad", std::move(params), options) { fill_accumulators(); }
Adagrad::Adagrad(std::vector<ParamGroup<AdagradOptions>> groups) : OptimizerOf("Adagrad", std::move(groups)) { fill_accumulators(); }
void Adagrad::fill_accumulators() {
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (std::size_t i = 0; i < groups_[g].params.size(); ++i) {
      const Tensor& p = groups_[g].params[i];
      groups_[g].states[i].exists = true;
      groups_[g].states[i].slots[0] = full(p.sizes(), options_[g].initial_accumulator_value, p.dtype());
    }
}
void Adagrad::update(int64_t group, const Tensor& param, const Tensor& gradient, ParamState& state) {
  const AdagradOptions& o = options_[std::size_t(group)];
  const Tensor p = param.detach();
  if (!state.exists) {
    state.exists = true;
    state.slots[0] = full(p.sizes(), o.initial_accumulator_value, p.dtype());
  }
  ++state.step;
  const Tensor g = prepared(gradient, p, o.maximize, o.weight_decay);
  state.slots[0].addcmul_(g, g, 1);
  p.addcdiv_(g, sqrt(state.slots[0]) + o.eps, -(o.lr / (1 + double(state.step - 1) * o.lr_decay)));
}

void AdadeltaOptions::check(const AdadeltaOptions& o) {
  check_common(o.lr, o.eps, o.weight_decay);
  ember::check<ValueError>(o.rho >= 0 && o.rho <= 1, "Invalid rho value: {}", as_written(o.rho));
}
void Adadelta::update(int64_t group, const Tensor& param, const Tensor& gradient, ParamState& state) {
  const AdadeltaOptions& o = options_[std::size_t(group)];
  const Tensor p = param.detach();
  start(state, p, 2);
  ++state.step;
  const Tensor g = prepared(gradient, p, o.maximize, o.weight_decay);
  state.slots[0].mul_(o.rho).addcmul_(g, g, 1 - o.rho);
  const Tensor delta = sqrt(state.slots[1] + o.eps) / sqrt(state.slots[0] + o.eps) * g;
  state.slots[1].mul_(o.rho).addcmul_(delta, delta, 1 - o.rho);
  p.add_(delta, -o.lr);
}

}  // namespace ember::optim

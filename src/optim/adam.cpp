// Adam, AdamW, Adamax, NAdam, RAdam: the numbers of each step. The formulas are in kernels/optim/optim.isa.cpp.
#include <ember/optim/adam.h>

#include <cmath>

#include "optim/method.h"

namespace ember::optim {

namespace {

constexpr unsigned kTwoMoments = 3, kThreeMoments = 7;

/// What the family has in common: the two rates, and weight decay that shrinks the parameter where it is decoupled.
void common_rule(const ParamGroup& group, OptimRule& rule) {
  rule.lr = group.lr;
  rule.beta1 = group.betas.first;
  rule.beta2 = group.betas.second;
  if (group.decoupled_weight_decay) {
    rule.weight_decay = 0;
    rule.shrink = 1 - group.lr * group.weight_decay;
  }
}

void adam_rule(const ParamGroup& group, Clock& clock, OptimRule& rule) {
  common_rule(group, rule);
  rule.lr = group.lr / (1 - std::pow(rule.beta1, clock.step));
  rule.correction2 = std::sqrt(1 - std::pow(rule.beta2, clock.step));
  rule.extra = group.amsgrad;
}

void adamax_rule(const ParamGroup& group, Clock& clock, OptimRule& rule) {
  common_rule(group, rule);
  rule.lr = group.lr / (1 - std::pow(rule.beta1, clock.step));
}

void nadam_rule(const ParamGroup& group, Clock& clock, OptimRule& rule) {
  common_rule(group, rule);
  rule.correction2 = 1 - std::pow(rule.beta2, clock.step);
  const auto momentum_at = [&](double step) { return rule.beta1 * (1. - 0.5 * std::pow(0.96, step * group.momentum_decay)); };
  const double momentum = momentum_at(clock.step), next = momentum_at(clock.step + 1);
  clock.mu_product *= float(momentum);
  const double product = clock.mu_product;
  rule.lr = group.lr * (1. - momentum) / (1. - product);
  rule.lr_momentum = group.lr * next / (1. - product * next);
}

void radam_rule(const ParamGroup& group, Clock& clock, OptimRule& rule) {
  common_rule(group, rule);
  const double power = std::pow(rule.beta2, clock.step), correction2 = 1 - power;
  rule.correction1 = 1 - std::pow(rule.beta1, clock.step);
  rule.correction2 = std::sqrt(correction2);
  // The length of the simple moving average that the second moment amounts to, at infinity and now.
  const double at_infinity = 2 / (1 - rule.beta2) - 1;
  const double now = at_infinity - 2 * clock.step * power / correction2;
  if (now > 5) rule.rectification = std::sqrt((now - 4) * (now - 2) * at_infinity / ((at_infinity - 4) * (at_infinity - 2) * now));
}

const Method kAdam{
    .name = "Adam",
    .loop = OptimMethod::Adam,
    .settings = {"lr", "betas", "eps", "weight_decay", "amsgrad", "maximize", "foreach", "capturable", "differentiable", "fused",
                 "decoupled_weight_decay"},
    .buffers = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    .wanted = [](const ParamGroup& group) { return group.amsgrad ? kThreeMoments : kTwoMoments; },
    .rule = adam_rule,
};

const Method kAdamW{
    .name = "AdamW",
    .loop = OptimMethod::Adam,
    .settings = kAdam.settings,
    .buffers = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    .wanted = kAdam.wanted,
    .rule = adam_rule,
};

const Method kAdamax{
    .name = "Adamax",
    .loop = OptimMethod::Adamax,
    .settings = {"lr", "betas", "eps", "weight_decay", "foreach", "maximize", "differentiable", "capturable"},
    .buffers = {"exp_avg", "exp_inf"},
    .wanted = [](const ParamGroup&) { return kTwoMoments; },
    .rule = adamax_rule,
};

const Method kNAdam{
    .name = "NAdam",
    .loop = OptimMethod::NAdam,
    .settings = {"lr", "betas", "eps", "weight_decay", "momentum_decay", "decoupled_weight_decay", "maximize", "foreach", "capturable",
                 "differentiable"},
    .buffers = {"exp_avg", "exp_avg_sq"},
    .wanted = [](const ParamGroup&) { return kTwoMoments; },
    .rule = nadam_rule,
};

const Method kRAdam{
    .name = "RAdam",
    .loop = OptimMethod::RAdam,
    .settings = {"lr", "betas", "eps", "weight_decay", "maximize", "foreach", "capturable", "decoupled_weight_decay", "differentiable"},
    .buffers = {"exp_avg", "exp_avg_sq"},
    .wanted = [](const ParamGroup&) { return kTwoMoments; },
    .rule = radam_rule,
};

template <class Options>
ParamGroup common_defaults(const Options& options) {
  check_not_negative("learning rate", options.lr);
  check_not_negative("epsilon value", options.eps);
  check_betas(options.betas);
  check_not_negative("weight_decay value", options.weight_decay);
  return {.lr = options.lr, .betas = options.betas, .eps = options.eps, .weight_decay = options.weight_decay, .maximize = options.maximize};
}

ParamGroup defaults_of(const AdamOptions& options) {
  ParamGroup defaults = common_defaults(options);
  defaults.amsgrad = options.amsgrad;
  defaults.decoupled_weight_decay = options.decoupled_weight_decay;
  return defaults;
}

ParamGroup defaults_of(const AdamWOptions& options) {
  ParamGroup defaults = common_defaults(options);
  defaults.amsgrad = options.amsgrad;
  defaults.decoupled_weight_decay = true;
  return defaults;
}

ParamGroup defaults_of(const NAdamOptions& options) {
  ParamGroup defaults = common_defaults(options);
  check_not_negative("momentum_decay value", options.momentum_decay);
  defaults.momentum_decay = options.momentum_decay;
  defaults.decoupled_weight_decay = options.decoupled_weight_decay;
  return defaults;
}

ParamGroup defaults_of(const RAdamOptions& options) {
  ParamGroup defaults = common_defaults(options);
  defaults.decoupled_weight_decay = options.decoupled_weight_decay;
  return defaults;
}

}  // namespace

template <>
OptimizerWith<AdamOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdamOptions options)
    : Optimizer(kAdam, std::move(groups), defaults_of(options)) {}
template <>
OptimizerWith<AdamWOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdamWOptions options)
    : Optimizer(kAdamW, std::move(groups), defaults_of(options)) {}
template <>
OptimizerWith<AdamaxOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdamaxOptions options)
    : Optimizer(kAdamax, std::move(groups), common_defaults(options)) {}
template <>
OptimizerWith<NAdamOptions>::OptimizerWith(std::vector<ParamGroup> groups, NAdamOptions options)
    : Optimizer(kNAdam, std::move(groups), defaults_of(options)) {}
template <>
OptimizerWith<RAdamOptions>::OptimizerWith(std::vector<ParamGroup> groups, RAdamOptions options)
    : Optimizer(kRAdam, std::move(groups), defaults_of(options)) {}

}  // namespace ember::optim

// RMSprop, Adagrad, Adadelta: the numbers of each step. The formulas are in kernels/optim/optim.isa.cpp.
#include <ember/optim/adagrad.h>

#include "optim/method.h"

namespace ember::optim {

namespace {

const Method kRMSprop{
    .name = "RMSprop",
    .loop = OptimMethod::RMSprop,
    .settings = {"lr", "momentum", "alpha", "eps", "centered", "weight_decay", "capturable", "foreach", "maximize", "differentiable"},
    .buffers = {"square_avg", "momentum_buffer", "grad_avg"},
    .wanted = [](const ParamGroup& group) { return 1u | (group.momentum > 0 ? 2u : 0u) | (group.centered ? 4u : 0u); },
    .rule =
        [](const ParamGroup& group, Clock&, OptimRule& rule) {
          rule.lr = group.lr;
          rule.beta2 = group.alpha;
          rule.momentum = group.momentum;
        },
};

const Method kAdagrad{
    .name = "Adagrad",
    .loop = OptimMethod::Adagrad,
    .settings = {"lr", "lr_decay", "eps", "weight_decay", "initial_accumulator_value", "foreach", "maximize", "differentiable", "fused"},
    .buffers = {"sum"},
    .wanted = [](const ParamGroup&) { return 1u; },
    .rule = [](const ParamGroup& group, Clock& clock, OptimRule& rule) { rule.lr = group.lr / (1 + (clock.step - 1) * group.lr_decay); },
};

const Method kAdadelta{
    .name = "Adadelta",
    .loop = OptimMethod::Adadelta,
    .settings = {"lr", "rho", "eps", "weight_decay", "maximize", "capturable", "foreach", "differentiable"},
    .buffers = {"square_avg", "acc_delta"},
    .wanted = [](const ParamGroup&) { return 3u; },
    .rule =
        [](const ParamGroup& group, Clock&, OptimRule& rule) {
          rule.lr = group.lr;
          rule.beta2 = group.rho;
        },
};

ParamGroup defaults_of(const RMSpropOptions& options) {
  check_not_negative("learning rate", options.lr);
  check_not_negative("epsilon value", options.eps);
  check_not_negative("momentum value", options.momentum);
  check_not_negative("weight_decay value", options.weight_decay);
  check_not_negative("alpha value", options.alpha);
  return {.lr = options.lr,
          .alpha = options.alpha,
          .eps = options.eps,
          .momentum = options.momentum,
          .weight_decay = options.weight_decay,
          .centered = options.centered,
          .maximize = options.maximize};
}

ParamGroup defaults_of(const AdagradOptions& options) {
  check_not_negative("learning rate", options.lr);
  check_not_negative("lr_decay value", options.lr_decay);
  check_not_negative("weight_decay value", options.weight_decay);
  check_not_negative("initial_accumulator_value value", options.initial_accumulator_value);
  check_not_negative("epsilon value", options.eps);
  return {.lr = options.lr,
          .eps = options.eps,
          .lr_decay = options.lr_decay,
          .weight_decay = options.weight_decay,
          .initial_accumulator_value = options.initial_accumulator_value,
          .maximize = options.maximize};
}

ParamGroup defaults_of(const AdadeltaOptions& options) {
  check_not_negative("learning rate", options.lr);
  check<ValueError>(options.rho >= 0 && options.rho <= 1, "Invalid rho value: {}", python_repr(options.rho));
  check_not_negative("epsilon value", options.eps);
  check_not_negative("weight_decay value", options.weight_decay);
  return {.lr = options.lr, .rho = options.rho, .eps = options.eps, .weight_decay = options.weight_decay, .maximize = options.maximize};
}

}  // namespace

template <>
OptimizerWith<RMSpropOptions>::OptimizerWith(std::vector<ParamGroup> groups, RMSpropOptions options)
    : Optimizer(kRMSprop, std::move(groups), defaults_of(options)) {}
template <>
OptimizerWith<AdagradOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdagradOptions options)
    : Optimizer(kAdagrad, std::move(groups), defaults_of(options)) {}
template <>
OptimizerWith<AdadeltaOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdadeltaOptions options)
    : Optimizer(kAdadelta, std::move(groups), defaults_of(options)) {}

}  // namespace ember::optim

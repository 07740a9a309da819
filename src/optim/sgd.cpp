// SGD: what its step is made of. The formula is in kernels/optim/optim.isa.cpp.
#include <ember/optim/sgd.h>

#include "optim/method.h"

namespace ember::optim {

static const Method kSgd{
    .name = "SGD",
    .loop = OptimMethod::Sgd,
    .settings = {"lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize", "foreach", "differentiable", "fused"},
    .buffers = {"momentum_buffer"},
    .has_step = false,
    .wanted = [](const ParamGroup& group) { return group.momentum != 0 ? 1u : 0u; },
    .rule =
        [](const ParamGroup& group, Clock&, OptimRule& rule) {
          rule.lr = group.lr;
          rule.momentum = group.momentum;
          rule.dampening = group.dampening;
          rule.nesterov = group.nesterov;
        },
};

static ParamGroup defaults_of(const SGDOptions& options) {
  check_not_negative("learning rate", options.lr);
  check_not_negative("momentum value", options.momentum);
  check_not_negative("weight_decay value", options.weight_decay);
  check<ValueError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
                    "Nesterov momentum requires a momentum and zero dampening");
  return {.lr = options.lr,
          .momentum = options.momentum,
          .dampening = options.dampening,
          .weight_decay = options.weight_decay,
          .nesterov = options.nesterov,
          .maximize = options.maximize};
}

template <>
OptimizerWith<SGDOptions>::OptimizerWith(std::vector<ParamGroup> groups, SGDOptions options)
    : Optimizer(kSgd, std::move(groups), defaults_of(options)) {}

}  // namespace ember::optim

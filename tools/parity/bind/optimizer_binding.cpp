// One row for each optimiser and scheduler: PyTorch's signature, and how Ember's is made of its arguments.
#include "bind/optimizer_binding.h"

#include "runner/cases.h"

#include <ember/optim/adafactor.h>
#include <ember/optim/adagrad.h>
#include <ember/optim/adam.h>
#include <ember/optim/lbfgs.h>
#include <ember/optim/rprop.h>
#include <ember/optim/sgd.h>

namespace ember::parity {
namespace {

using Groups = std::vector<optim::ParamGroup>;
using optim::lr_scheduler::LRScheduler;

optim::Betas betas_of(const Argument& betas) {
  const std::vector<double> pair = betas.reals();
  if (pair.size() != 2) throw TypeError("betas: expected two numbers");
  return {pair[0], pair[1]};
}

/// Adafactor's eps, whose first number may be None.
optim::Pair epsilons_of(const Argument& eps) {
  const auto* list = eps.value().as<List>();
  if (!list || list->size() != 2) throw TypeError("eps: expected two numbers");
  const Argument first((*list)[0], "eps[0]"), second((*list)[1], "eps[1]");
  return {first.is_none() ? optim::kDefault : first.real(), second.real()};
}

optim::Triple triple_of(const Argument& given) {
  const std::vector<double> triple = given.reals();
  if (triple.size() != 3) throw ValueError("Coefficients must be a tuple of exactly 3 values");
  return {triple[0], triple[1], triple[2]};
}

std::string text_or_none(const Argument& given) { return given.is_none() ? std::string() : given.text(); }

template <class O, class Options>
std::unique_ptr<optim::Optimizer> made(Groups groups, const Options& options) {
  return std::make_unique<O>(std::move(groups), options);
}
template <class S, class... Settings>
std::unique_ptr<LRScheduler> over(optim::Optimizer& optimizer, const Settings&... settings) {
  return std::make_unique<S>(optimizer, settings...);
}

struct OptimizerRow {
  const char* name;
  const char* signature;
  std::unique_ptr<optim::Optimizer> (*make)(Groups groups, Args& a);
};

const std::vector<OptimizerRow>& optimizers() {
  static const std::vector<OptimizerRow> rows = {
      {"SGD", "lr=1e-3 momentum=0 dampening=0 weight_decay=0 nesterov=False * maximize=False foreach=None differentiable=~False fused=None",
       [](Groups g, Args& a) {
         return made<optim::SGD>(
             std::move(g),
             optim::SGDOptions{.lr = a[0], .momentum = a[1], .dampening = a[2], .weight_decay = a[3], .nesterov = a[4], .maximize = a[5]});
       }},
      {"Adam",
       "lr=1e-3 betas=[0.9,0.999] eps=1e-8 weight_decay=0 amsgrad=False * foreach=None maximize=False capturable=~False "
       "differentiable=~False fused=None decoupled_weight_decay=False",
       [](Groups g, Args& a) {
         return made<optim::Adam>(std::move(g), optim::AdamOptions{.lr = a[0],
                                                                   .betas = betas_of(a[1]),
                                                                   .eps = a[2],
                                                                   .weight_decay = a[3],
                                                                   .amsgrad = a[4],
                                                                   .maximize = a[6],
                                                                   .decoupled_weight_decay = a[10]});
       }},
      {"AdamW",
       "lr=1e-3 betas=[0.9,0.999] eps=1e-8 weight_decay=1e-2 amsgrad=False * maximize=False foreach=None capturable=~False "
       "differentiable=~False fused=None",
       [](Groups g, Args& a) {
         return made<optim::AdamW>(
             std::move(g),
             optim::AdamWOptions{.lr = a[0], .betas = betas_of(a[1]), .eps = a[2], .weight_decay = a[3], .amsgrad = a[4], .maximize = a[5]});
       }},
      {"Adamax", "lr=2e-3 betas=[0.9,0.999] eps=1e-8 weight_decay=0 foreach=None * maximize=False differentiable=~False capturable=~False",
       [](Groups g, Args& a) {
         return made<optim::Adamax>(std::move(g),
                                    optim::AdamaxOptions{.lr = a[0], .betas = betas_of(a[1]), .eps = a[2], .weight_decay = a[3], .maximize = a[5]});
       }},
      {"NAdam",
       "lr=2e-3 betas=[0.9,0.999] eps=1e-8 weight_decay=0 momentum_decay=4e-3 decoupled_weight_decay=False * foreach=None maximize=False "
       "capturable=~False differentiable=~False",
       [](Groups g, Args& a) {
         return made<optim::NAdam>(std::move(g), optim::NAdamOptions{.lr = a[0],
                                                                     .betas = betas_of(a[1]),
                                                                     .eps = a[2],
                                                                     .weight_decay = a[3],
                                                                     .momentum_decay = a[4],
                                                                     .decoupled_weight_decay = a[5],
                                                                     .maximize = a[7]});
       }},
      {"RAdam",
       "lr=1e-3 betas=[0.9,0.999] eps=1e-8 weight_decay=0 decoupled_weight_decay=False * foreach=None maximize=False capturable=~False "
       "differentiable=~False",
       [](Groups g, Args& a) {
         return made<optim::RAdam>(
             std::move(g),
             optim::RAdamOptions{
                 .lr = a[0], .betas = betas_of(a[1]), .eps = a[2], .weight_decay = a[3], .decoupled_weight_decay = a[4], .maximize = a[6]});
       }},
      {"RMSprop",
       "lr=1e-2 alpha=0.99 eps=1e-8 weight_decay=0 momentum=0 centered=False capturable=~False foreach=None maximize=False differentiable=~False",
       [](Groups g, Args& a) {
         return made<optim::RMSprop>(
             std::move(g), optim::RMSpropOptions{
                               .lr = a[0], .alpha = a[1], .eps = a[2], .weight_decay = a[3], .momentum = a[4], .centered = a[5], .maximize = a[8]});
       }},
      {"Adagrad",
       "lr=1e-2 lr_decay=0 weight_decay=0 initial_accumulator_value=0 eps=1e-10 foreach=None * maximize=False differentiable=~False fused=None",
       [](Groups g, Args& a) {
         return made<optim::Adagrad>(
             std::move(g), optim::AdagradOptions{
                               .lr = a[0], .lr_decay = a[1], .weight_decay = a[2], .initial_accumulator_value = a[3], .eps = a[4], .maximize = a[6]});
       }},
      {"Adadelta", "lr=1.0 rho=0.9 eps=1e-6 weight_decay=0 foreach=None * capturable=~False maximize=False differentiable=~False",
       [](Groups g, Args& a) {
         return made<optim::Adadelta>(std::move(g),
                                      optim::AdadeltaOptions{.lr = a[0], .rho = a[1], .eps = a[2], .weight_decay = a[3], .maximize = a[6]});
       }},
      {"Rprop", "lr=1e-2 etas=[0.5,1.2] step_sizes=[1e-6,50] * capturable=~False foreach=None maximize=False differentiable=~False",
       [](Groups g, Args& a) {
         return made<optim::Rprop>(std::move(g),
                                   optim::RpropOptions{.lr = a[0], .etas = betas_of(a[1]), .step_sizes = betas_of(a[2]), .maximize = a[5]});
       }},
      {"ASGD", "lr=1e-2 lambd=1e-4 alpha=0.75 t0=1e6 weight_decay=0 foreach=None maximize=False differentiable=~False capturable=~False",
       [](Groups g, Args& a) {
         return made<optim::ASGD>(std::move(g),
                                  optim::ASGDOptions{.lr = a[0], .lambd = a[1], .alpha = a[2], .t0 = a[3], .weight_decay = a[4], .maximize = a[6]});
       }},
      {"Adafactor", "lr=1e-2 beta2_decay=-0.8 eps=[None,1e-3] d=1.0 weight_decay=0.0 * foreach=None maximize=False",
       [](Groups g, Args& a) {
         return made<optim::Adafactor>(
             std::move(g),
             optim::AdafactorOptions{.lr = a[0], .beta2_decay = a[1], .eps = epsilons_of(a[2]), .d = a[3], .weight_decay = a[4], .maximize = a[6]});
       }},
      {"Muon", "lr=1e-3 weight_decay=0.1 momentum=0.95 nesterov=True ns_coefficients=[3.4445,-4.775,2.0315] eps=1e-7 ns_steps=5 adjust_lr_fn=None",
       [](Groups g, Args& a) {
         return made<optim::Muon>(std::move(g), optim::MuonOptions{.lr = a[0],
                                                                   .weight_decay = a[1],
                                                                   .momentum = a[2],
                                                                   .nesterov = a[3],
                                                                   .ns_coefficients = triple_of(a[4]),
                                                                   .eps = a[5],
                                                                   .ns_steps = a[6],
                                                                   .adjust_lr_fn = text_or_none(a[7])});
       }},
      {"LBFGS", "lr=1 max_iter=20 max_eval=None tolerance_grad=1e-7 tolerance_change=1e-9 history_size=100 line_search_fn=None",
       [](Groups g, Args& a) {
         return made<optim::LBFGS>(std::move(g), optim::LBFGSOptions{.lr = a[0],
                                                                     .max_iter = a[1],
                                                                     .max_eval = a[2].integer_or(-1),
                                                                     .tolerance_grad = a[3],
                                                                     .tolerance_change = a[4],
                                                                     .history_size = a[5],
                                                                     .line_search_fn = text_or_none(a[6])});
       }},
  };
  return rows;
}

struct SchedulerRow {
  const char* name;
  const char* signature;
  std::unique_ptr<LRScheduler> (*make)(optim::Optimizer& o, Args& a);
};

const std::vector<SchedulerRow>& schedulers() {
  namespace lr = optim::lr_scheduler;
  static const std::vector<SchedulerRow> rows = {
      {"StepLR", "step_size gamma=0.1 last_epoch=~-1", [](optim::Optimizer& o, Args& a) { return over<lr::StepLR>(o, a[0], a[1]); }},
      {"MultiStepLR", "milestones gamma=0.1 last_epoch=~-1",
       [](optim::Optimizer& o, Args& a) { return over<lr::MultiStepLR>(o, a[0].ints(), a[1]); }},
      {"ConstantLR", "factor=0.3333333333333333 total_iters=5 last_epoch=~-1",
       [](optim::Optimizer& o, Args& a) { return over<lr::ConstantLR>(o, a[0], a[1]); }},
      {"LinearLR", "start_factor=0.3333333333333333 end_factor=1.0 total_iters=5 last_epoch=~-1",
       [](optim::Optimizer& o, Args& a) { return over<lr::LinearLR>(o, a[0], a[1], a[2]); }},
      {"ExponentialLR", "gamma last_epoch=~-1", [](optim::Optimizer& o, Args& a) { return over<lr::ExponentialLR>(o, a[0].real()); }},
      {"PolynomialLR", "total_iters=5 power=1.0 last_epoch=~-1", [](optim::Optimizer& o, Args& a) { return over<lr::PolynomialLR>(o, a[0], a[1]); }},
      {"CosineAnnealingLR", "T_max eta_min=0.0 last_epoch=~-1",
       [](optim::Optimizer& o, Args& a) { return over<lr::CosineAnnealingLR>(o, a[0], a[1]); }},
      {"CosineAnnealingWarmRestarts", "T_0 T_mult=1 eta_min=0.0 last_epoch=~-1",
       [](optim::Optimizer& o, Args& a) { return over<lr::CosineAnnealingWarmRestarts>(o, a[0], a[1], a[2]); }},
      {"CyclicLR",
       "base_lr max_lr step_size_up=2000 step_size_down=None mode='triangular' gamma=1.0 scale_fn=~None scale_mode='cycle' "
       "cycle_momentum=True base_momentum=0.8 max_momentum=0.9 last_epoch=~-1",
       [](optim::Optimizer& o, Args& a) {
         return over<lr::CyclicLR>(o, lr::CyclicOptions{.base_lr = a[0],
                                                        .max_lr = a[1],
                                                        .step_size_up = a[2],
                                                        .step_size_down = a[3].integer_or(-1),
                                                        .mode = a[4],
                                                        .gamma = a[5],
                                                        .scale_mode = a[7],
                                                        .cycle_momentum = a[8],
                                                        .base_momentum = a[9],
                                                        .max_momentum = a[10]});
       }},
      {"OneCycleLR",
       "max_lr total_steps=None epochs=None steps_per_epoch=None pct_start=0.3 anneal_strategy='cos' cycle_momentum=True base_momentum=0.85 "
       "max_momentum=0.95 div_factor=25.0 final_div_factor=10000.0 three_phase=False last_epoch=~-1",
       [](optim::Optimizer& o, Args& a) {
         return over<lr::OneCycleLR>(o, lr::OneCycleOptions{.max_lr = a[0],
                                                            .total_steps = a[1].integer_or(-1),
                                                            .epochs = a[2].integer_or(-1),
                                                            .steps_per_epoch = a[3].integer_or(-1),
                                                            .pct_start = a[4],
                                                            .anneal_strategy = a[5],
                                                            .cycle_momentum = a[6],
                                                            .base_momentum = a[7],
                                                            .max_momentum = a[8],
                                                            .div_factor = a[9],
                                                            .final_div_factor = a[10],
                                                            .three_phase = a[11]});
       }},
  };
  return rows;
}

}  // namespace

namespace {

/// What PyTorch refuses of settings that are tensors.
void check_tensor_settings(const std::string& name, const Keywords& keywords) {
  const bool takes_foreach = name == "Adam" || name == "AdamW";
  bool foreach = false;
  for (const auto& [key, value] : keywords)
    if (const auto* flag = value.as<bool>(); flag && key == "foreach")
      foreach
        = *flag;
  for (const auto& [key, value] : keywords) {
    if (const auto* lr = value.as<Tensor>(); lr && key == "lr") {
      if (lr->numel() != 1) throw ValueError("Tensor lr must be 1-element");
      if (foreach && takes_foreach) throw ValueError("lr as a Tensor is not supported for capturable=False and foreach=True");
    }
    const auto* betas = value.as<List>();
    if (!betas || key != "betas" || betas->size() != 2) continue;
    const auto *first = (*betas)[0].as<Tensor>(), *second = (*betas)[1].as<Tensor>();
    if (!first && !second) continue;
    if (!first || !second) throw ValueError("betas must be either both floats or both Tensors");
    for (std::size_t i : {0u, 1u}) {
      if (foreach) throw ValueError("betas[" + std::to_string(i) + "] as a Tensor is not supported for capturable=False and foreach=True");
      if ((*betas)[i].as<Tensor>()->numel() != 1) throw ValueError("Tensor betas[" + std::to_string(i) + "] must be 1-element");
    }
  }
}

}  // namespace

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, Groups groups, const Keywords& keywords) {
  check_tensor_settings(name, keywords);
  for (const OptimizerRow& row : optimizers()) {
    if (name != row.name) continue;
    const Signature signature(row.signature);
    Args args(signature, signature.bind("optim." + name, {}, keywords));
    return row.make(std::move(groups), args);
  }
  throw Unsupported("optimizer " + name);
}

BoundScheduler make_scheduler(const Json& json, optim::Optimizer& optimizer, Inputs& inputs) {
  const std::string name = json["scheduler"];
  const Keywords keywords = keywords_of(json, inputs);
  BoundScheduler result;
  if (name == "SequentialLR" || name == "ChainedScheduler") {
    const bool is_sequence = name == "SequentialLR";
    const Signature signature(is_sequence ? "milestones last_epoch=~-1" : "");
    Args args(signature, signature.bind(name, {}, keywords));
    std::vector<LRScheduler*> parts;
    for (const Json& part : json["schedulers"]) {
      result.parts.push_back(make_scheduler(part, optimizer, inputs));
      if (!result.parts.back().plain) throw Unsupported("ReduceLROnPlateau in a " + name);
      parts.push_back(result.parts.back().plain.get());
    }
    if (is_sequence) result.plain = std::make_unique<optim::lr_scheduler::SequentialLR>(optimizer, parts, args[0].ints());
    else result.plain = std::make_unique<optim::lr_scheduler::ChainedScheduler>(parts, optimizer);
    return result;
  }
  if (name == "ReduceLROnPlateau") {
    const Signature signature("mode='min' factor=0.1 patience=10 threshold=1e-4 threshold_mode='rel' cooldown=0 min_lr=0.0 eps=1e-8");
    Args a(signature, signature.bind(name, {}, keywords));
    optim::lr_scheduler::PlateauOptions options{
        .mode = a[0], .factor = a[1], .patience = a[2], .threshold = a[3], .threshold_mode = a[4], .cooldown = a[5], .eps = a[7]};
    if (a[6].is_list()) options.min_lrs = a[6].reals();
    else options.min_lr = a[6];
    result.plateau = std::make_unique<optim::lr_scheduler::ReduceLROnPlateau>(optimizer, options);
    return result;
  }
  for (const SchedulerRow& row : schedulers()) {
    if (name != row.name) continue;
    const Signature signature(row.signature);
    Args args(signature, signature.bind("optim.lr_scheduler." + name, {}, keywords));
    result.plain = row.make(optimizer, args);
    return result;
  }
  throw Unsupported("scheduler " + name);
}

}  // namespace ember::parity

// Cases about optimisers and schedulers.
#include "bind/optimizer_binding.h"
#include "error_format.h"
#include "runner/cases.h"

#include <ember/ops/elementwise.h>

#include <cmath>

namespace ember::parity {
namespace {

double number(const Json& json) {
  if (json.is_number()) return json;
  const std::string word = json["float"];
  return word == "nan" ? NAN : word == "inf" ? INFINITY : -INFINITY;
}

/// A group's own settings beside its parameters.
void set_field(optim::ParamGroup& g, const std::string& key, const Value& v) {
  struct Real {
    const char* name;
    double optim::ParamGroup::* field;
  };
  struct Flag {
    const char* name;
    optim::Flag optim::ParamGroup::* field;
  };
  using G = optim::ParamGroup;
  const Argument a(v, key);
  for (const Real& f :
       {Real{"lr", &G::lr}, Real{"alpha", &G::alpha}, Real{"rho", &G::rho}, Real{"eps", &G::eps}, Real{"momentum", &G::momentum},
        Real{"dampening", &G::dampening}, Real{"lr_decay", &G::lr_decay}, Real{"weight_decay", &G::weight_decay},
        Real{"momentum_decay", &G::momentum_decay}, Real{"initial_accumulator_value", &G::initial_accumulator_value}, Real{"lambd", &G::lambd},
        Real{"t0", &G::t0}, Real{"beta2_decay", &G::beta2_decay}, Real{"d", &G::d}, Real{"ns_steps", &G::ns_steps}})
    if (key == f.name) return void(g.*f.field = a.real());
  for (const Flag& f : {Flag{"nesterov", &G::nesterov}, Flag{"amsgrad", &G::amsgrad}, Flag{"centered", &G::centered},
                        Flag{"decoupled_weight_decay", &G::decoupled_weight_decay}, Flag{"maximize", &G::maximize}})
    if (key == f.name) return void(g.*f.field = a.boolean());
  if (key == "foreach" || key == "fused" || key == "differentiable" || key == "capturable") return;
  optim::Pair* const target = key == "betas" ? &g.betas : key == "etas" ? &g.etas : key == "step_sizes" ? &g.step_sizes : nullptr;
  if (!target) throw Unsupported("setting " + key + " of a parameter group");
  const std::vector<double> pair = a.reals();
  *target = {pair.at(0), pair.at(1)};
}

/// What a closure computes: objective() of tools/parity/cases/optim.py.
Tensor objective(const std::vector<Tensor>& params, const std::vector<Tensor>& targets) {
  Tensor bowl = zeros({}, params[0].dtype()), sum = bowl;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Tensor off = params[i] - targets[i];
    bowl = bowl + pow(off, 2).sum() + 0.25 * pow(off, 4).sum();
    sum = sum + params[i].sum();
  }
  return bowl + pow(sum, 2);
}

}  // namespace

void run_optimizer(const Suite& suite, const Json& json, Findings& findings) {
  Inputs inputs(suite, nullptr, nullptr);
  std::vector<Tensor> params;
  for (const Json& p : json["params"]) params.push_back(suite.tensor(p["tensor"]).requires_grad_());
  std::vector<Tensor> targets;
  if (json.contains("objective"))
    for (const Json& t : json["objective"]) targets.push_back(suite.tensor(t["tensor"]));
  std::vector<optim::ParamGroup> groups;
  if (!json.contains("groups")) {
    if (!params.empty()) groups.push_back({.params = params});
  } else {
    for (const Json& given : json["groups"]) {
      optim::ParamGroup group;
      for (const auto& [key, value] : given.items()) {
        if (key != "params") set_field(group, key, inputs.value(value));
        else
          for (const Json& i : value) group.params.push_back(params.at(i));
      }
      groups.push_back(std::move(group));
    }
  }
  const auto optimizer = make_optimizer(json["optimizer"], std::move(groups), keywords_of(json, inputs));
  const Tolerance tolerance = Tolerance::of_case(json);
  for (std::size_t s = 0; s < json["steps"].size(); ++s) {
    const Json& step = json["steps"][s];
    for (std::size_t i = 0; i < params.size(); ++i) {
      const bool has = i < step["grads"].size() && !step["grads"][i].is_null();
      params[i].set_grad(has ? suite.tensor(step["grads"][i]["tensor"]) : Tensor());
    }
    if (json.contains("objective")) {
      optimizer->step([&] {
        optimizer->zero_grad();
        const Tensor loss = objective(params, targets);
        loss.backward();
        return loss;
      });
    } else if (json["optimizer"] == "LBFGS") {
      optimizer->step([] { return ones({}); });  // the case gives gradients, which no evaluation changes
    } else {
      optimizer->step();
    }
    if (!step.contains("params_after")) continue;
    for (std::size_t i = 0; i < params.size() && i < step["params_after"].size(); ++i)
      if (!step["params_after"][i].is_null())
        compare_tensors(findings, fmt::format("step {}: parameter {}", s, i), params[i].detach(), suite.tensor(step["params_after"][i]["tensor"]),
                        tolerance);
  }
}

void run_scheduler(const Suite& suite, const Json& json, Findings& findings) {
  Inputs inputs(suite, nullptr, nullptr);
  const Tensor parameter = ones({1}).requires_grad_();
  Keywords keywords;
  std::string name = "SGD";
  if (json.contains("with")) {
    name = json["with"]["optimizer"];
    keywords = keywords_of(json["with"], inputs);
  }
  keywords.emplace_back("lr", Value(number(json["base_lr"])));
  const auto optimizer = make_optimizer(name, {optim::ParamGroup{.params = {parameter}}}, keywords);
  const BoundScheduler scheduler = make_scheduler(json, *optimizer, inputs);
  const auto check = [&](const char* what, std::size_t i, double got, double want) {
    const double error = std::fabs(got - want), allowed = 1e-12 + 1e-9 * std::fabs(want);
    findings.worst = std::max(findings.worst, error / allowed);
    if (!(error <= allowed)) findings.add(fmt::format("{} at {}: got {:.17g}, want {:.17g}", what, i, got, want));
  };
  const Json empty = Json::array();
  const Json& rates = json.contains("lrs") ? json["lrs"] : empty;
  const Json& momentums = json.contains("momentums") ? json["momentums"] : empty;
  const std::size_t moments = std::max({rates.size(), momentums.size(), json.contains("metrics") ? json["metrics"].size() + 1 : std::size_t(0)});
  for (std::size_t i = 0; i < moments; ++i) {
    const optim::ParamGroup& group = optimizer->param_groups[0];
    if (i < rates.size()) check("lr", i, group.lr, number(rates[i]));
    if (i < momentums.size()) check("momentum", i, optimizer->has_betas() ? group.betas.first : group.momentum, number(momentums[i]));
    if (i + 1 == moments) break;
    parameter.set_grad(ones({1}));
    optimizer->step();
    if (scheduler.plateau) scheduler.plateau->step(number(json["metrics"][i]));
    else scheduler.plain->step();
  }
}

}  // namespace ember::parity

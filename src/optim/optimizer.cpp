#include <ember/autograd.h>
#include <ember/optim/optimizer.h>

#include <unordered_set>

#include "error_format.h"

namespace ember::optim {

void Optimizer::add_group(std::vector<Tensor> params) {
  check<ValueError>(!params.empty(), "optimizer got an empty parameter list");
  std::unordered_set<TensorImpl*> seen;
  for (const Group& g : groups_)
    for (const Tensor& p : g.params) seen.insert(p.impl());
  for (const Tensor& p : params) {
    check<ValueError>(p.defined(), "{}: expected parameters, got an undefined tensor", name_);
    check<ValueError>(p.is_leaf(), "can't optimize a non-leaf Tensor");
    check<ValueError>(seen.insert(p.impl()).second, "some parameters appear in more than one parameter group");
  }
  Group group;
  group.states.resize(params.size());
  group.params = std::move(params);
  groups_.push_back(std::move(group));
}

void Optimizer::step() {
  NoGradGuard no_grad;
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (std::size_t i = 0; i < groups_[g].params.size(); ++i) {
      const Tensor& p = groups_[g].params[i];
      const Tensor gradient = p.grad();
      if (!gradient.defined()) continue;
      ParamState& state = groups_[g].states[i];
      update(int64_t(g), p, gradient, state);
    }
}

void Optimizer::zero_grad(bool set_to_none) const {
  for (const Group& g : groups_)
    for (const Tensor& p : g.params) {
      if (set_to_none) p.set_grad({});
      else if (const Tensor gradient = p.grad(); gradient.defined()) gradient.detach().zero_();
    }
}

double Optimizer::initial_lr(int64_t group) {
  double& initial = groups_[std::size_t(group)].initial_lr;
  if (initial < 0) initial = lr(group);
  return initial;
}

OptimizerState Optimizer::state_dict() const {
  OptimizerState result;
  int64_t index = 0;
  const std::vector<const char*> names = slot_names();
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    OptimizerState::Group group;
    group.settings = settings(int64_t(g));
    if (groups_[g].initial_lr >= 0) group.settings.push_back({"initial_lr", Setting::Real, groups_[g].initial_lr});
    for (const ParamState& s : groups_[g].states) {
      group.params.push_back(index++);
      if (!s.exists) continue;
      OptimizerState::Param entry{index - 1, {}};
      if (counts_steps()) entry.values.emplace_back("step", full({}, double(s.step), kFloat32));
      for (std::size_t k = 0; k < names.size(); ++k)
        if (s.slots[k].defined()) entry.values.emplace_back(names[k], s.slots[k]);
      result.state.push_back(std::move(entry));
    }
    result.param_groups.push_back(std::move(group));
  }
  return result;
}

void Optimizer::load_state_dict(const OptimizerState& state) {
  check<ValueError>(state.param_groups.size() == groups_.size(), "loaded state dict has a different number of parameter groups");
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    check<ValueError>(state.param_groups[g].params.size() == groups_[g].params.size(),
                      "loaded state dict contains a parameter group that doesn't match the size of optimizer's group");
    for (std::size_t i = 0; i < groups_[g].params.size(); ++i) places.emplace_back(g, i);
  }
  // The files number parameters; the order of the groups' lists says which is which.
  std::vector<int64_t> numbers;
  for (const OptimizerState::Group& g : state.param_groups) numbers.insert(numbers.end(), g.params.begin(), g.params.end());
  const std::vector<const char*> names = slot_names();
  std::vector<std::vector<ParamState>> fresh;
  for (const Group& g : groups_) fresh.emplace_back(g.params.size());
  for (const OptimizerState::Param& entry : state.state) {
    std::size_t at = 0;
    while (at < numbers.size() && numbers[at] != entry.index) ++at;
    check<ValueError>(at < numbers.size(), "{}: the state names parameter {}, which no group has", name_, entry.index);
    const auto [g, i] = places[at];
    const Tensor& p = groups_[g].params[i];
    ParamState& s = fresh[g][i];
    s.exists = true;
    for (const auto& [name, value] : entry.values) {
      if (name == "step") s.step = int64_t(value.item<double>());
      for (std::size_t k = 0; k < names.size(); ++k) {
        if (name != names[k]) continue;
        check<ValueError>(value.numel() == p.numel() || value.numel() == 1, "{}: {} of parameter {} has shape {}, expected {}", name_, name,
                          entry.index, value.sizes(), p.sizes());
        s.slots[k] = value.detach().to(is_floating_point(value.dtype()) ? p.dtype() : value.dtype(), true).contiguous();
      }
    }
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    groups_[g].states = std::move(fresh[g]);
    for (const Setting& s : state.param_groups[g].settings) {
      if (s.name == "initial_lr") groups_[g].initial_lr = s.first;
      else set_setting(int64_t(g), s);
    }
  }
}

}  // namespace ember::optim

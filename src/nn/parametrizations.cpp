// A parametrized parameter is moved out of its module into a list below "parametrizations", with what it is computed from; a hook computes
// it before each forward. Members of a layer that refer to it still do.
#include <ember/nn/parametrizations.h>

#include <ember/nn/conv.h>
#include <ember/nn/sequential.h>
#include <ember/ops/elementwise.h>
#include <ember/ops/linalg.h>
#include <ember/ops/norm.h>
#include <ember/ops/reduce.h>
#include <ember/ops/shape.h>
#include <ember/random.h>

#include <algorithm>
#include <memory>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn::utils {

namespace {

using Originals = std::vector<Tensor>;

/// What computes a parameter from its originals, and the originals of a value.
class Parametrization : public Module {
 public:
  virtual Tensor value_of(const Originals& originals) = 0;
  virtual Originals originals_of(const Tensor& value) = 0;
};

class WeightNorm final : public Parametrization {
 public:
  WeightNorm(const Tensor& weight, int64_t dim) {
    const int at = dim == -1 ? -1 : wrap_dim(dim, int(weight.dim()));
    for (int d = 0; d < weight.dim(); ++d)
      if (d != at) reduced_.push_back(d);
    all_ = at < 0;
  }
  std::string type_name() const override { return "_WeightNorm"; }
  Tensor value_of(const Originals& o) override { return o[1] * (o[0] / length(o[1])); }
  Originals originals_of(const Tensor& value) override { return {length(value), value}; }

 private:
  Tensor length(const Tensor& v) const {
    if (all_) return norm(v);
    return reduced_.empty() ? v.abs() : norm(v, 2, reduced_, true);
  }
  std::vector<int64_t> reduced_;
  bool all_ = false;
};

class SpectralNorm final : public Parametrization {
 public:
  SpectralNorm(const Tensor& weight, const parametrizations::SpectralNormOptions& o) : iterations_(o.n_power_iterations), eps_(o.eps) {
    check<IndexError>(o.dim >= -weight.dim() && o.dim < weight.dim(), "Dimension out of range (expected to be in range of [{}, {}] but got {})",
                      -weight.dim(), weight.dim() - 1, o.dim);
    check<ValueError>(iterations_ > 0, "Expected n_power_iterations to be positive, but got n_power_iterations={}", iterations_);
    dim_ = o.dim < 0 ? o.dim + weight.dim() : o.dim;
    if (weight.dim() == 1) return;
    const NoGradGuard no_grad;
    const Tensor w = matrix(weight.detach());
    Tensor u = empty({w.size(0)}, w.dtype()).normal_(), v = empty({w.size(1)}, w.dtype()).normal_();
    u_ = &add_buffer("_u", normalize(u, 2, 0, eps_));
    v_ = &add_buffer("_v", normalize(v, 2, 0, eps_));
    iterate(w, 15);
  }
  std::string type_name() const override { return "_SpectralNorm"; }
  Tensor value_of(const Originals& o) override {
    const Tensor& weight = o[0];
    if (weight.dim() == 1) return normalize(weight, 2, 0, eps_);
    const Tensor w = matrix(weight);
    if (is_training()) iterate(w.detach(), iterations_);
    // Copies: the next call moves the vectors, while the backward of this one may still need them.
    return weight / dot(u_->clone(), mv(w, v_->clone()));
  }
  Originals originals_of(const Tensor& value) override { return {value}; }

 private:
  Tensor matrix(const Tensor& weight) const { return weight.movedim(dim_, 0).flatten(1); }
  void iterate(const Tensor& w, int64_t times) {
    const NoGradGuard no_grad;
    for (int64_t i = 0; i < times; ++i) {
      u_->copy_(normalize(mv(w, *v_), 2, 0, eps_));
      v_->copy_(normalize(mv(w.t(), *u_), 2, 0, eps_));
    }
  }
  int64_t iterations_, dim_ = 0;
  double eps_;
  Tensor *u_ = nullptr, *v_ = nullptr;
};

/// The originals of one parameter as its own parameters, and what computes it.
class ParametrizationList final : public Module {
 public:
  ParametrizationList(std::unique_ptr<NamedTensor> computed, std::unique_ptr<Parametrization> by) : computed_(std::move(computed)), by_(*by) {
    const Originals originals = [&] {
      const NoGradGuard no_grad;
      return by->originals_of(computed_->value.detach());
    }();
    for (std::size_t i = 0; i < originals.size(); ++i) {
      Tensor& original = add_parameter(originals.size() == 1 ? "original" : "original" + std::to_string(i));
      // The one that is as it was stays the same tensor, so that an optimiser which has it goes on with it.
      const bool same = originals[i].data_ptr() == computed_->value.data_ptr();
      if (same) original = computed_->value;
      else set_parameter(original, originals[i].clone());
      original.requires_grad_(computed_->value.requires_grad());
      originals_.push_back(&original);
    }
    add_child("0", std::move(by));
    update();
  }
  std::string type_name() const override { return "ParametrizationList"; }

  void update() { computed_->value = value(); }
  Tensor value() {
    Originals originals;
    for (const Tensor* o : originals_) originals.push_back(*o);
    return by_.value_of(originals);
  }
  std::size_t originals() const { return originals_.size(); }

  /// The parameter as it was before; this list is of no use after.
  std::unique_ptr<NamedTensor> take(bool leave_parametrized) {
    const Tensor now = [&] {
      const NoGradGuard no_grad;
      return leave_parametrized ? value() : *originals_[0];
    }();
    const bool trained = originals_[0]->requires_grad();
    if (originals_.size() == 1) {  // the same tensor again
      computed_->value = *originals_[0];
      if (leave_parametrized) computed_->value.set_data(now.detach());
    } else {
      set_parameter(computed_->value, now.detach().clone());
      computed_->value.requires_grad_(trained);
    }
    return std::move(computed_);
  }

  int64_t hook = 0;

 protected:
  /// torch.nn.utils.weight_norm before parametrizations: "weight_g" and "weight_v" beside the layer's bias.
  void prepare_load(StateDict& state, const std::string& prefix, int64_t) const override {
    const std::string mine = "parametrizations." + computed_->name + ".";
    if (!prefix.ends_with(mine)) return;
    const std::string layer = prefix.substr(0, prefix.size() - mine.size()) + computed_->name, g = layer + "_g", v = layer + "_v";
    if (!state.contains(g) || !state.contains(v)) return;
    state.set(prefix + "original0", state.at(g));
    state.set(prefix + "original1", state.at(v));
    state.erase(g);
    state.erase(v);
  }

 private:
  std::unique_ptr<NamedTensor> computed_;
  Parametrization& by_;
  std::vector<Tensor*> originals_;
};

auto child_at(ModuleState& state, const std::string& name) {
  return std::find_if(state.children.begin(), state.children.end(), [&](const auto& child) { return child.first == name; });
}

ParametrizationList* list_of(const Module& module, const std::string& name) {
  const Module* const all = ModuleState::of(module).child("parametrizations");
  const Module* const list = all ? ModuleState::of(*all).child(name) : nullptr;
  return dynamic_cast<ParametrizationList*>(const_cast<Module*>(list));
}

const Tensor& parameter_of(const Module& module, const std::string& name) {
  check<ValueError>(!list_of(module, name), "Module '{}' has '{}' parametrized already: remove_parametrizations(module, \"{}\") first",
                    module.type_name(), name, name);
  for (const auto& p : ModuleState::of(module).parameters)
    if (p->name == name && p->value.defined()) return p->value;
  fail<ValueError>("Module '{}' has no parameter or buffer with name '{}'", module.repr(), name);
}

Module& parametrize_by(Module& module, const std::string& name, std::unique_ptr<Parametrization> by) {
  ModuleState& state = ModuleState::of(module);
  by->train(module.is_training());
  const auto at = std::find_if(state.parameters.begin(), state.parameters.end(), [&](const auto& p) { return p->name == name; });
  auto list = std::make_unique<ParametrizationList>(std::move(*at), std::move(by));
  state.parameters.erase(at);
  ParametrizationList& made = *list;
  if (child_at(state, "parametrizations") == state.children.end()) state.adopt("parametrizations", std::make_unique<ModuleDict>());
  ModuleState::of(*child_at(state, "parametrizations")->second).adopt(name, std::move(list));
  made.train(module.is_training());
  made.hook = module.register_forward_pre_hook([&made](Module&, const Tensor&) {
    made.update();
    return Tensor();
  });
  return module;
}

bool is_transposed_convolution(const Module& module) {
  return dynamic_cast<const ConvTranspose1d*>(&module) || dynamic_cast<const ConvTranspose2d*>(&module);
}

}  // namespace

Module& parametrizations::weight_norm(Module& module, const std::string& name, int64_t dim) {
  return parametrize_by(module, name, std::make_unique<WeightNorm>(parameter_of(module, name), dim));
}

Module& parametrizations::spectral_norm(Module& module, const std::string& name, SpectralNormOptions options) {
  if (options.dim == INT64_MIN) options.dim = is_transposed_convolution(module) ? 1 : 0;
  return parametrize_by(module, name, std::make_unique<SpectralNorm>(parameter_of(module, name), options));
}

bool parametrize::is_parametrized(const Module& module, const std::string& name) {
  const Module* const all = ModuleState::of(module).child("parametrizations");
  return name.empty() ? all && !ModuleState::of(*all).children.empty() : list_of(module, name) != nullptr;
}

void parametrize::remove_parametrizations(Module& module, const std::string& name, bool leave_parametrized) {
  ParametrizationList* const list = list_of(module, name);
  check<ValueError>(list, "Module {} does not have a parametrization on {}", module.repr(), name);
  check<ValueError>(leave_parametrized || list->originals() == 1,
                    "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of tensors.");
  ModuleState& state = ModuleState::of(module);
  module.remove_hook(list->hook);
  state.parameters.push_back(list->take(leave_parametrized));
  const auto all = child_at(state, "parametrizations");
  ModuleState& lists = ModuleState::of(*all->second);
  lists.children.erase(child_at(lists, name));
  if (lists.children.empty()) state.children.erase(all);
}

}  // namespace ember::nn::utils

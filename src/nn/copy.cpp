// A second module with the state of the first.
#include <ember/nn/sequential.h>
#include <ember/random.h>

#include <algorithm>
#include <unordered_map>

#include "error_format.h"
#include "nn/layers.h"
#include "nn/module_state.h"

namespace ember::nn {

detail::DrawsApart::DrawsApart() : own_(Owned<Generator>::make()), before_(exchange_default_generator(own_.get())) {}
detail::DrawsApart::~DrawsApart() { exchange_default_generator(before_); }

void detail::remember_type(Module& module, const std::type_info& type, const Copier& copier) {
  ModuleState& state = ModuleState::of(module);
  if (typeid(module) != type)
    fail<TypeError>("add: this would cut a {} down to its base class. Hand it over as what it is, or in a std::unique_ptr", module.type_name());
  state.type = &type;
  state.copier = &copier;
}

const detail::Copier* (*copier_of_layer)(const std::type_info& type) = nullptr;

namespace {

/// How the module is copied; null when nobody knows.
const detail::Copier* known_copier(const Module& module) {
  const ModuleState& state = ModuleState::of(module);
  const detail::Copier* const found = state.type && *state.type == typeid(module) ? state.copier
                                      : copier_of_layer                           ? copier_of_layer(typeid(module))
                                                                                  : nullptr;
  return found && found->create ? found : nullptr;
}

/// Tensors that several modules share are shared by their copies as well.
using Copies = std::unordered_map<const TensorImpl*, Tensor>;

Tensor copy_of(const Tensor& t, Copies& copies) {
  Tensor& copy = copies[t.impl()];
  if (copy.defined()) return copy;
  copy = t.detach().clone();
  if (t.requires_grad()) copy.requires_grad_();
  copy.impl()->is_parameter = t.impl()->is_parameter;
  return copy;
}

void copy_tensors(std::vector<std::unique_ptr<NamedTensor>>& to, const std::vector<std::unique_ptr<NamedTensor>>& from, const Module& module,
                  Copies& copies) {
  const bool alike = std::equal(to.begin(), to.end(), from.begin(), from.end(), [](const auto& a, const auto& b) { return a->name == b->name; });
  check<RuntimeError>(alike, "deep_copy: another {} has other parameters or buffers than this one", module.type_name());
  for (std::size_t i = 0; i < to.size(); ++i) to[i]->value = from[i]->value.defined() ? copy_of(from[i]->value, copies) : Tensor();
}

void copy_below(Module& to, const Module& from, Copies& copies) {
  ModuleState& target = ModuleState::of(to);
  const ModuleState& source = ModuleState::of(from);
  target.training = source.training;
  copy_tensors(target.parameters, source.parameters, from, copies);
  copy_tensors(target.buffers, source.buffers, from, copies);
  for (const auto& [name, child] : source.children) {
    const auto at = std::find_if(target.children.begin(), target.children.end(), [&](const auto& c) { return c.first == name; });
    if (at == target.children.end()) {
      target.adopt(name, detail::new_copy(*child));
    } else {
      check<RuntimeError>(typeid(*at->second) == typeid(*child), "deep_copy: another {} has another module under \"{}\" than this one",
                          from.type_name(), name);
      // A layer has options besides its state. What has modules below it, and is named by references to it, is copied where it is.
      const detail::Copier* const copier = ModuleState::of(*child).children.empty() ? known_copier(*child) : nullptr;
      if (copier) {
        copier->replace(*child, *at->second);
        ModuleState::of(*at->second).parent = &target;
      }
    }
    copy_below(const_cast<Module&>(*target.child(name)), *child, copies);
  }
  check<RuntimeError>(target.children.size() == source.children.size(), "deep_copy: another {} has other modules than this one", from.type_name());
}

}  // namespace

Owned<Module> detail::new_copy(const Module& module) {
  const Copier* const copier = known_copier(module);
  check<RuntimeError>(
      copier,
      "deep_copy: how another {0} is made is not known. Call nn::deep_copy with the class itself, not with a Module&, and give the class "
      "a default constructor or {0} clone() const {{ return copy_of([&] {{ return {0}(arguments); }}); }}",
      module.type_name());
  return copier->create(module);
}

void detail::copy_state(Module& to, const Module& from) {
  check<TypeError>(typeid(to) == typeid(from), "clone: this would cut a {} down to a {}; call nn::deep_copy", from.type_name(), to.type_name());
  Copies copies;
  copy_below(to, from, copies);
}

}  // namespace ember::nn

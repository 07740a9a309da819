// Sequential, ModuleList and ModuleDict.
#include <ember/nn/activation.h>
#include <ember/nn/batch_norm.h>
#include <ember/nn/sequential.h>

#include <typeinfo>

#include "error_format.h"
#include "nn/module_state.h"

namespace ember::nn {
namespace {

using Children = std::vector<std::pair<std::string, std::unique_ptr<Module>>>;

Module& child_at(const Module& container, int64_t index) {
  Children& children = ModuleState::of(container).children;
  const int64_t size = int64_t(children.size());
  check<IndexError>(index >= -size && index < size, "index {} is out of range", index);
  return *children[std::size_t(index < 0 ? index + size : index)].second;
}

int64_t count(const Module& container) { return int64_t(ModuleState::of(container).children.size()); }

std::string name_of(const ModuleEntry& entry, std::size_t index) {
  return entry.name() ? entry.name() : std::to_string(index);
}

/// Nobody waits for this module's call.
bool is_unwatched(const Module& module) {
  const auto& hooks = ModuleState::of(module).hooks;
  return !hooks || (hooks->before.empty() && hooks->after.empty());
}

/// The batch norm, where `first` and `second` may run as one operation: the result has the same bits.
BatchNormBase* batch_norm_before_relu(Module& first, Module& second) {
  if (typeid(second) != typeid(ReLU) || !is_unwatched(first) || !is_unwatched(second)) return nullptr;
  return dynamic_cast<BatchNormBase*>(&first);
}

}  // namespace

Sequential::Sequential(std::initializer_list<ModuleEntry> modules) {
  for (const ModuleEntry& entry : modules) add_child(name_of(entry, std::size_t(size())), entry.take());
}
int64_t Sequential::size() const { return count(*this); }
Module& Sequential::operator[](int64_t index) { return child_at(*this, index); }

Tensor Sequential::forward(const Tensor& x) {
  const Children& children = ModuleState::of(*this).children;
  // Observers see every module, and anomaly mode names the operation that went wrong: then each runs by itself.
  const bool may_fuse = !forward_observer() && !detail::anomaly_mode;
  Tensor y = x;
  for (std::size_t i = 0; i < children.size(); ++i) {
    Module& module = *children[i].second;
    BatchNormBase* const norm = may_fuse && i + 1 < children.size() ? batch_norm_before_relu(module, *children[i + 1].second) : nullptr;
    y = norm ? norm->forward_relu(y) : module(y);
    if (norm) ++i;
  }
  return y;
}

ModuleList::ModuleList(std::initializer_list<ModuleEntry> modules) {
  for (const ModuleEntry& entry : modules) add_child(name_of(entry, std::size_t(size())), entry.take());
}
int64_t ModuleList::size() const { return count(*this); }
Module& ModuleList::operator[](int64_t index) { return child_at(*this, index); }

ModuleDict::ModuleDict(std::initializer_list<ModuleEntry> modules) {
  for (const ModuleEntry& entry : modules) add_child(name_of(entry, std::size_t(size())), entry.take());
}
int64_t ModuleDict::size() const { return count(*this); }
bool ModuleDict::contains(const std::string& name) const {
  for (const auto& [key, module] : ModuleState::of(*this).children)
    if (key == name) return true;
  return false;
}
Module& ModuleDict::operator[](const std::string& name) { return get_submodule(name); }

}  // namespace ember::nn

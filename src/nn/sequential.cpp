// Sequential, ModuleList and ModuleDict.
#include <ember/nn/sequential.h>

#include "error_format.h"
#include "nn/fused.h"
#include "nn/module_state.h"

namespace ember::nn {
namespace {

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

}  // namespace

Sequential::Sequential(std::initializer_list<ModuleEntry> modules) {
  for (const ModuleEntry& entry : modules) add_child(name_of(entry, std::size_t(size())), entry.take());
}
int64_t Sequential::size() const { return count(*this); }
Module& Sequential::operator[](int64_t index) { return child_at(*this, index); }

Tensor Sequential::forward(const Tensor& x) {
  const Children& children = ModuleState::of(*this).children;
  Tensor y = x;
  for (std::size_t i = 0; i < children.size();) i = run_together(children, i, y);
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

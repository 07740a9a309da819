// Sequential, ModuleList and ModuleDict.
#include <ember/nn/sequential.h>

#include "error_format.h"
#include "nn/passes.h"

namespace ember::nn {
namespace {

Module& child_at(const Module& container, int64_t index) {
  auto& children = ModuleState::of(container).children;
  const int64_t size = int64_t(children.size());
  check<IndexError>(index >= -size && index < size, "index {} is out of range", index);
  return *children[std::size_t(index < 0 ? index + size : index)].second;
}

int64_t count(const Module& container) { return int64_t(ModuleState::of(container).children.size()); }

std::string name_of(const ModuleEntry& entry, std::size_t index) { return entry.name() ? entry.name() : std::to_string(index); }

}  // namespace

void throw_from_one_of(const std::vector<Module*>& modules, const Tensor& x) {
  struct Restore {
    std::vector<std::pair<Tensor*, Tensor>> buffers;
    ~Restore() {
      for (auto& [buffer, before] : buffers) *buffer = before;
    }
  } restore;
  const NoGradGuard quiet;
  for (Module* const module : modules)
    for (const auto& buffer : ModuleState::of(*module).buffers) {
      if (!buffer->value.defined()) continue;
      restore.buffers.emplace_back(&buffer->value, buffer->value);
      buffer->value = buffer->value.clone();
    }
  Tensor y = x.clone();
  for (Module* const module : modules) y = (*module)(y);
}

Sequential::Sequential(std::initializer_list<ModuleEntry> modules) {
  for (const ModuleEntry& entry : modules) add_child(name_of(entry, std::size_t(size())), entry.take());
}
int64_t Sequential::size() const { return count(*this); }
Module& Sequential::operator[](int64_t index) { return child_at(*this, index); }
const Module& Sequential::operator[](int64_t index) const { return child_at(*this, index); }

Tensor Sequential::forward(const Tensor& x) { return forward_then(x, {}); }
Tensor Sequential::forward_then(const Tensor& x, const Then& then) {
  const auto& children = ModuleState::of(*this).children;
  return run_in_passes(children.size(), [&](std::size_t i) -> Module& { return *children[i].second; }, x, then);
}

ModuleList::ModuleList(std::initializer_list<ModuleEntry> modules) {
  for (const ModuleEntry& entry : modules) add_child(name_of(entry, std::size_t(size())), entry.take());
}
int64_t ModuleList::size() const { return count(*this); }
Module& ModuleList::operator[](int64_t index) { return child_at(*this, index); }
const Module& ModuleList::operator[](int64_t index) const { return child_at(*this, index); }

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
const Module& ModuleDict::operator[](const std::string& name) const { return get_submodule(name); }

}  // namespace ember::nn

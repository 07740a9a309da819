// Containers: modules one after the other, in a list, or under names.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

/// A module on its way into a container, perhaps with a name.
class ModuleEntry {
 public:
  template <class M>
    requires std::is_base_of_v<Module, M>
  ModuleEntry(M&& module) : module_(new M(static_cast<M&&>(module))) {}
  template <class M>
    requires std::is_base_of_v<Module, M>
  ModuleEntry(const char* name, M&& module) : name_(name), module_(new M(static_cast<M&&>(module))) {}
  ModuleEntry(const ModuleEntry&) = delete;
  ~ModuleEntry() { delete module_; }

  const char* name() const { return name_; }                                     ///< null when it has none
  Module* take() const { return std::exchange(module_, nullptr); }

 private:
  const char* name_ = nullptr;
  mutable Module* module_;  // an initializer_list hands its elements out as const
};

/// Runs its modules one after the other. As torch.nn.Sequential; names are "0", "1", ... unless given:
///   nn::Sequential{nn::Linear(784, 256), nn::ReLU()}
///   nn::Sequential{{"fc", nn::Linear(784, 256)}, {"act", nn::ReLU()}}
class Sequential final : public Module {
 public:
  Sequential() = default;
  Sequential(std::initializer_list<ModuleEntry> modules);
  Sequential(Sequential&&) = default;

  Tensor forward(const Tensor& x) override;
  Tensor forward_then(const Tensor& x, const Then& then) override;
  template <class M>
  M& append(M&& module) {
    return add(std::to_string(size()), static_cast<M&&>(module));
  }
  template <class M>
  M& append(const std::string& name, M&& module) {
    return add(name, static_cast<M&&>(module));
  }
  int64_t size() const;
  Module& operator[](int64_t index);  ///< negative counts from the end; throws IndexError
};

/// Modules by index, without a forward of its own. As torch.nn.ModuleList.
class ModuleList final : public Module {
 public:
  ModuleList() = default;
  ModuleList(std::initializer_list<ModuleEntry> modules);
  ModuleList(ModuleList&&) = default;

  template <class M>
  M& append(M&& module) {
    return add(std::to_string(size()), static_cast<M&&>(module));
  }
  int64_t size() const;
  Module& operator[](int64_t index);
};

/// Modules by name, without a forward of its own. As torch.nn.ModuleDict.
class ModuleDict final : public Module {
 public:
  ModuleDict() = default;
  ModuleDict(std::initializer_list<ModuleEntry> modules);
  ModuleDict(ModuleDict&&) = default;

  template <class M>
  M& insert(const std::string& name, M&& module) {
    return add(name, static_cast<M&&>(module));
  }
  int64_t size() const;
  bool contains(const std::string& name) const;
  Module& operator[](const std::string& name);  ///< throws RuntimeError when there is none
};

}  // namespace ember::nn

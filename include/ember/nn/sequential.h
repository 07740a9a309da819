// Containers: modules one after the other, in a list, or under names.
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

/// Runs its modules one after the other. As torch.nn.Sequential; names are "0", "1", ... unless given:
///   nn::Sequential{nn::Linear(784, 256), nn::ReLU()}
///   nn::Sequential{{"fc", nn::Linear(784, 256)}, {"act", nn::ReLU()}}
class Sequential final : public Module {
 public:
  Sequential() = default;
  Sequential(std::initializer_list<ModuleEntry> modules);
  template <class First, class Second, class... More>
    requires(std::is_constructible_v<ModuleEntry, First &&> && std::is_constructible_v<ModuleEntry, Second &&>)
  Sequential(First&& first, Second&& second, More&&... more)
      : Sequential(
            {ModuleEntry(static_cast<First&&>(first)), ModuleEntry(static_cast<Second&&>(second)), ModuleEntry(static_cast<More&&>(more))...}) {}

  Tensor forward(const Tensor& x) override;
  Tensor forward_then(const Tensor& x, const Then& then) override;
  Sequential clone() const;
  /// A layer, or the std::unique_ptr of one; returns it.
  template <class M>
  auto& append(M&& module) {
    return add(std::to_string(size()), static_cast<M&&>(module));
  }
  template <class M>
  auto& append(const std::string& name, M&& module) {
    return add(name, static_cast<M&&>(module));
  }
  int64_t size() const;
  Module& operator[](int64_t index);  ///< negative counts from the end; throws IndexError
  const Module& operator[](int64_t index) const;
};

/// Modules by index, without a forward of its own. As torch.nn.ModuleList.
class ModuleList final : public Module {
 public:
  ModuleList() = default;
  ModuleList clone() const;
  ModuleList(std::initializer_list<ModuleEntry> modules);

  template <class M>
  auto& append(M&& module) {
    return add(std::to_string(size()), static_cast<M&&>(module));
  }
  int64_t size() const;
  Module& operator[](int64_t index);
  const Module& operator[](int64_t index) const;
};

/// Modules by name, without a forward of its own. As torch.nn.ModuleDict.
class ModuleDict final : public Module {
 public:
  ModuleDict() = default;
  ModuleDict clone() const;
  ModuleDict(std::initializer_list<ModuleEntry> modules);

  template <class M>
  auto& insert(const std::string& name, M&& module) {
    return add(name, static_cast<M&&>(module));
  }
  int64_t size() const;
  bool contains(const std::string& name) const;
  Module& operator[](const std::string& name);  ///< throws RuntimeError when there is none
  const Module& operator[](const std::string& name) const;
};

}  // namespace ember::nn

// What a module keeps behind its pointer, so that references to it survive when the module moves.
#pragma once

#include <ember/nn/module.h>

#include <memory>

namespace ember::nn {

struct NamedTensor {
  std::string name;
  Tensor value;
  bool persistent;
};

struct ModuleHooks {
  std::vector<std::pair<int64_t, ForwardPreHook>> before;
  std::vector<std::pair<int64_t, ForwardHook>> after;
  int64_t last = 0;
};

struct ModuleState {
  bool training = true;
  std::vector<std::unique_ptr<NamedTensor>> parameters, buffers;
  std::vector<std::pair<std::string, std::unique_ptr<Module>>> children;
  std::unique_ptr<ModuleHooks> hooks;

  bool has(const std::string& name) const;
  static ModuleState& of(const Module& module) { return *module.state_; }
  static void prepare_load(const Module& module, StateDict& state, const std::string& prefix) {
    module.prepare_load(state, prefix, state.version(prefix.empty() ? prefix : prefix.substr(0, prefix.size() - 1)));
  }
};

}  // namespace ember::nn

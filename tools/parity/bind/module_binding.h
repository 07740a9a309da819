// Modules by their PyTorch names: how each is built, and which arguments its forward takes.
#pragma once

#include "bind/binding.h"

namespace ember::parity {

struct BoundModule {
  std::unique_ptr<nn::Module> module;
  const char* forward_signature = "input";
  std::function<Result(Args&)> forward;

  Result operator()(const List& positional, const Keywords& keywords) const {
    const Signature signature(forward_signature);
    Args args(signature, signature.bind("forward", positional, keywords));
    return forward(args);
  }
};

/// Binds a module whose forward takes one to three tensors.
template <class M>
BoundModule bound(M&& module) {
  BoundModule result;
  auto own = std::make_unique<std::remove_cvref_t<M>>(static_cast<M&&>(module));
  auto* const m = own.get();
  result.module = std::move(own);
  if constexpr (std::is_invocable_v<M&, Tensor>) {
    result.forward = [m](Args& a) { return Result((*m)(a[0].tensor())); };
  } else if constexpr (std::is_invocable_v<M&, Tensor, Tensor>) {
    result.forward_signature = "input target";
    result.forward = [m](Args& a) { return Result((*m)(a[0].tensor(), a[1].tensor())); };
  } else {
    result.forward_signature = "input target third";
    result.forward = [m](Args& a) { return Result((*m)(a[0].tensor(), a[1].tensor(), a[2].tensor())); };
  }
  return result;
}

struct ModuleRow {
  const char* name;
  const char* signature;
  BoundModule (*make)(Args& a);
};
using ModuleTable = std::vector<ModuleRow>;

/// Builds the module of this name. Throws Unsupported when there is none.
BoundModule make_module(const std::string& name, const List& positional, const Keywords& keywords);
std::vector<std::string> bound_modules();

ModuleTable layer_modules();
ModuleTable activation_modules();
ModuleTable loss_modules();
ModuleTable sequence_modules();

}  // namespace ember::parity

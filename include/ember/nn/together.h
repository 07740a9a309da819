// Neighbouring modules in as few passes over memory as they allow. nn::Sequential does this by itself; a network with a forward of its own
// says together(conv, norm)(x, {.relu = true}) for relu(norm(conv(x))).
#pragma once

#include <ember/nn/module.h>

namespace ember::nn {

/// The modules one after the other, then the tail. Each module says what it adds to the tail of the one before (Module::join); they are called
/// one by one where somebody watches: a hook on one of them, a ForwardObserver, anomaly mode. The bits are the same.
Tensor run_together(Module* const* modules, std::size_t count, const Tensor& x, const Then& then);

template <std::size_t N>
struct Together {
  Module* modules[N];
  Tensor operator()(const Tensor& x, const Then& then = {}) const { return run_together(modules, N, x, then); }
};

/// For one expression: refers to the modules.
///   relu(norm(conv(x)))              together(conv, norm)(x, {.relu = true})
///   relu(norm(conv(x)) + shortcut)   together(conv, norm)(x, {.addend = shortcut, .relu = true})     the end of a residual block
template <class... M>
Together<sizeof...(M)> together(M&... modules) {
  return {{&modules...}};
}

}  // namespace ember::nn

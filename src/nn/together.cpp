// Collects the tail as nn::Sequential does.
#include <ember/nn/together.h>

#include "nn/passes.h"

namespace ember::nn {

Tensor run_together(Module* const* modules, std::size_t count, const Tensor& x, const Then& then) {
  return run_in_passes(count, [=](std::size_t i) -> Module& { return *modules[i]; }, x, then);
}

}  // namespace ember::nn

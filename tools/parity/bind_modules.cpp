// Layers by PyTorch's names.
#include "module_binding.h"

#include <ember/nn/dropout.h>
#include <ember/nn/linear.h>

namespace ember::parity {

ModuleTable layer_modules() {
  return {
      {"nn.Identity", "*args", [](Args&) { return bound(nn::Identity()); }},
      {"nn.Linear", "in_features out_features bias=True", [](Args& a) { return bound(nn::Linear(a[0], a[1], {.bias = a[2]})); }},
      {"nn.Dropout", "p=0.5 inplace=False", [](Args& a) { return bound(nn::Dropout(a[0], a[1])); }},
      {"nn.Dropout1d", "p=0.5 inplace=False", [](Args& a) { return bound(nn::Dropout1d(a[0], a[1])); }},
      {"nn.Dropout2d", "p=0.5 inplace=False", [](Args& a) { return bound(nn::Dropout2d(a[0], a[1])); }},
      {"nn.AlphaDropout", "p=0.5 inplace=False", [](Args& a) { return bound(nn::AlphaDropout(a[0], a[1])); }},
  };
}

ModuleTable activation_modules() { return {}; }
ModuleTable loss_modules() { return {}; }

}  // namespace ember::parity

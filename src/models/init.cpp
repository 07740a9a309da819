// As the loops over modules() in torchvision's constructors: modules in order, so that equal seeds give equal numbers.
#include "models/init.h"

#include <ember/nn/conv.h>
#include <ember/nn/init.h>
#include <ember/nn/linear.h>

namespace ember::models {

void init_convolutions(nn::Module& model) {
  for (const auto& [path, module] : model.named_modules())
    if (auto* const conv = dynamic_cast<nn::Conv2d*>(module)) {
      nn::init::kaiming_normal_(conv->weight, 0, nn::init::FanMode::FanOut, "relu");
      if (conv->bias.defined()) nn::init::zeros_(conv->bias);
    }
}

void init_linears(nn::Module& model, double std) {
  for (const auto& [path, module] : model.named_modules())
    if (auto* const linear = dynamic_cast<nn::Linear*>(module)) {
      nn::init::normal_(linear->weight, 0, std);
      if (linear->bias.defined()) nn::init::zeros_(linear->bias);
    }
}

}  // namespace ember::models

// The initial values that torchvision gives its networks.
#pragma once

#include <ember/nn/module.h>

namespace ember::models {

/// Convolutions: He's normal numbers for the fan out, bias 0. Batch norms stay as they are: weight 1, bias 0.
void init_convolutions(nn::Module& model);
/// Linear layers: normal numbers of this deviation, bias 0.
void init_linears(nn::Module& model, double std);

}  // namespace ember::models

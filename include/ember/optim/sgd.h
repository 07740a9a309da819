// Stochastic gradient descent, as torch.optim.SGD.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct SGDOptions {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, maximize = false;
};

template <>
OptimizerWith<SGDOptions>::OptimizerWith(std::vector<ParamGroup> groups, SGDOptions options);
/// buffer = momentum * buffer + (1 - dampening) * (gradient + weight_decay * p); p -= lr * buffer. The first step takes the gradient
/// as the buffer, without dampening. Throws ValueError for negative numbers, and for nesterov without momentum or with dampening.
class SGD : public OptimizerWith<SGDOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

}  // namespace ember::optim

// Rprop and ASGD: rates of each parameter's own, and averages of the parameters. As torch.optim.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct RpropOptions {
  double lr = 1e-2;                ///< the first step size
  Pair etas = {0.5, 1.2};          ///< by which a step size shrinks and grows
  Pair step_sizes = {1e-6, 50.0};  ///< the smallest and the largest one
  bool maximize = false;
};

template <>
OptimizerWith<RpropOptions>::OptimizerWith(std::vector<ParamGroup> groups, RpropOptions options);
/// Riedmiller, Braun 1993: each element has a step size that grows while its gradient keeps the sign and shrinks when it changes; where it
/// changes the element stays. For gradients of the whole data set. Throws ValueError unless 0 < etas.first < 1 < etas.second.
class Rprop : public OptimizerWith<RpropOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct ASGDOptions {
  double lr = 1e-2, lambd = 1e-4, alpha = 0.75, t0 = 1e6, weight_decay = 0;
  bool maximize = false;
};

template <>
OptimizerWith<ASGDOptions>::OptimizerWith(std::vector<ParamGroup> groups, ASGDOptions options);
/// Polyak, Juditsky 1992: gradient descent whose rate falls as lr / (1 + lambd * lr * t)^alpha; the state "ax" has the average of the
/// parameters from step t0 on, and the parameters themselves before.
class ASGD : public OptimizerWith<ASGDOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

}  // namespace ember::optim

// RMSprop, Adagrad and Adadelta: rates from the history of squared gradients. As torch.optim.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct RMSpropOptions {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
  bool centered = false, maximize = false;
};

template <>
OptimizerWith<RMSpropOptions>::OptimizerWith(std::vector<ParamGroup> groups, RMSpropOptions options);
/// Hinton 2012: p -= lr * gradient / (sqrt(v) + eps), v a moving average of squares; centered takes the variance instead.
class RMSprop : public OptimizerWith<RMSpropOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct AdagradOptions {
  double lr = 1e-2, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10;
  bool maximize = false;
};

template <>
OptimizerWith<AdagradOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdagradOptions options);
/// Duchi, Hazan, Singer 2011: p -= lr / (1 + (t - 1) * lr_decay) * gradient / (sqrt(sum of squares) + eps).
class Adagrad : public OptimizerWith<AdagradOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct AdadeltaOptions {
  double lr = 1.0, rho = 0.9, eps = 1e-6, weight_decay = 0;
  bool maximize = false;
};

template <>
OptimizerWith<AdadeltaOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdadeltaOptions options);
/// Zeiler 2012: changes are scaled by the ratio of the moving averages of squared changes and squared gradients.
class Adadelta : public OptimizerWith<AdadeltaOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

}  // namespace ember::optim

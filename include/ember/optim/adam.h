// Adam and its relatives: rates from moving averages of the gradient and of its square. As torch.optim.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct AdamOptions {
  double lr = 1e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0;
  bool amsgrad = false, maximize = false, decoupled_weight_decay = false;
};

template <>
OptimizerWith<AdamOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdamOptions options);
/// Kingma, Ba 2014. p -= lr * m / (sqrt(v) + eps) with m and v corrected for their start at zero; eps is added after the
/// correction. amsgrad uses the largest v so far. Throws ValueError for settings out of range, as all here.
class Adam : public OptimizerWith<AdamOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct AdamWOptions {
  double lr = 1e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 1e-2;
  bool amsgrad = false, maximize = false;
};

template <>
OptimizerWith<AdamWOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdamWOptions options);
/// Loshchilov, Hutter 2017: Adam whose weight decay shrinks the parameter by lr * weight_decay instead of joining the gradient.
class AdamW : public OptimizerWith<AdamWOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct AdamaxOptions {
  double lr = 2e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0;
  bool maximize = false;
};

template <>
OptimizerWith<AdamaxOptions>::OptimizerWith(std::vector<ParamGroup> groups, AdamaxOptions options);
/// Adam with the infinity norm in place of the second moment.
class Adamax : public OptimizerWith<AdamaxOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct NAdamOptions {
  double lr = 2e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;
  bool decoupled_weight_decay = false, maximize = false;
};

template <>
OptimizerWith<NAdamOptions>::OptimizerWith(std::vector<ParamGroup> groups, NAdamOptions options);
/// Dozat 2016: Adam with Nesterov momentum.
class NAdam : public OptimizerWith<NAdamOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

struct RAdamOptions {
  double lr = 1e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0;
  bool decoupled_weight_decay = false, maximize = false;
};

template <>
OptimizerWith<RAdamOptions>::OptimizerWith(std::vector<ParamGroup> groups, RAdamOptions options);
/// Liu et al. 2019: Adam that waits with its second moment until its variance is tractable.
class RAdam : public OptimizerWith<RAdamOptions> {
 public:
  using OptimizerWith::OptimizerWith;
};

}  // namespace ember::optim

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

/// Kingma, Ba 2014. p -= lr * m / (sqrt(v) + eps) with m and v corrected for their start at zero; eps is added after the
/// correction. amsgrad uses the largest v so far. Throws ValueError for settings out of range, as all here.
class Adam : public Optimizer {
 public:
  explicit Adam(std::vector<Tensor> params, AdamOptions options = {}) : Adam(one_group(std::move(params)), options) {}
  explicit Adam(std::vector<ParamGroup> groups, AdamOptions options = {});
};

struct AdamWOptions {
  double lr = 1e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 1e-2;
  bool amsgrad = false, maximize = false;
};

/// Loshchilov, Hutter 2017: Adam whose weight decay shrinks the parameter by lr * weight_decay instead of joining the gradient.
class AdamW : public Optimizer {
 public:
  explicit AdamW(std::vector<Tensor> params, AdamWOptions options = {}) : AdamW(one_group(std::move(params)), options) {}
  explicit AdamW(std::vector<ParamGroup> groups, AdamWOptions options = {});
};

struct AdamaxOptions {
  double lr = 2e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0;
  bool maximize = false;
};

/// Adam with the infinity norm in place of the second moment.
class Adamax : public Optimizer {
 public:
  explicit Adamax(std::vector<Tensor> params, AdamaxOptions options = {}) : Adamax(one_group(std::move(params)), options) {}
  explicit Adamax(std::vector<ParamGroup> groups, AdamaxOptions options = {});
};

struct NAdamOptions {
  double lr = 2e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;
  bool decoupled_weight_decay = false, maximize = false;
};

/// Dozat 2016: Adam with Nesterov momentum.
class NAdam : public Optimizer {
 public:
  explicit NAdam(std::vector<Tensor> params, NAdamOptions options = {}) : NAdam(one_group(std::move(params)), options) {}
  explicit NAdam(std::vector<ParamGroup> groups, NAdamOptions options = {});
};

struct RAdamOptions {
  double lr = 1e-3;
  Betas betas = {0.9, 0.999};
  double eps = 1e-8, weight_decay = 0;
  bool decoupled_weight_decay = false, maximize = false;
};

/// Liu et al. 2019: Adam that waits with its second moment until its variance is tractable.
class RAdam : public Optimizer {
 public:
  explicit RAdam(std::vector<Tensor> params, RAdamOptions options = {}) : RAdam(one_group(std::move(params)), options) {}
  explicit RAdam(std::vector<ParamGroup> groups, RAdamOptions options = {});
};

}  // namespace ember::optim

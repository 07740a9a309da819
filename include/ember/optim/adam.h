// Adam and its relatives: rates of their own for each parameter, from running means of gradients and their squares. As torch.optim.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct AdamOptions {
  double lr = 1e-3;
  Betas betas = {};
  double eps = 1e-8, weight_decay = 0;
  bool amsgrad = false, maximize = false;
  bool decoupled_weight_decay = false;  ///< as AdamW

  static void check(const AdamOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("betas", betas);
    f("eps", eps);
    f("weight_decay", weight_decay);
    f("amsgrad", amsgrad);
    f("maximize", maximize);
    f("foreach", none);
    f("capturable", no);
    f("differentiable", no);
    f("fused", none);
    f("decoupled_weight_decay", decoupled_weight_decay);
  }
};

/// What all with betas share.
template <class Options>
class BetasOptimizer : public OptimizerOf<Options> {
 public:
  using OptimizerOf<Options>::OptimizerOf;
  bool has_momentum() const override { return true; }
  double momentum(int64_t group) const override { return this->options_[std::size_t(group)].betas.first; }
  void set_momentum(int64_t group, double beta) override { this->options_[std::size_t(group)].betas.first = beta; }
};

/// Kingma & Ba 2014. With decoupled weight decay: Loshchilov & Hutter 2017.
class Adam : public BetasOptimizer<AdamOptions> {
 public:
  explicit Adam(std::vector<Tensor> params, AdamOptions options = {}) : BetasOptimizer("Adam", std::move(params), options) {}
  explicit Adam(std::vector<ParamGroup<AdamOptions>> groups) : BetasOptimizer("Adam", std::move(groups)) {}

 private:
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}; }
};

/// Adam with decoupled weight decay, 1e-2 unless said otherwise.
class AdamW final : public Adam {
 public:
  struct Options {
    double lr = 1e-3;
    Betas betas = {};
    double eps = 1e-8, weight_decay = 1e-2;
    bool amsgrad = false, maximize = false;
    operator AdamOptions() const { return {lr, betas, eps, weight_decay, amsgrad, maximize, true}; }
  };
  explicit AdamW(std::vector<Tensor> params) : AdamW(std::move(params), Options()) {}
  AdamW(std::vector<Tensor> params, Options options) : Adam(std::move(params), options) {}
  explicit AdamW(const std::vector<ParamGroup<Options>>& groups) : Adam(decoupled(groups)) {}

 private:
  static std::vector<ParamGroup<AdamOptions>> decoupled(const std::vector<ParamGroup<Options>>& groups);
};

struct AdamaxOptions {
  double lr = 2e-3;
  Betas betas = {};
  double eps = 1e-8, weight_decay = 0;
  bool maximize = false;
  static void check(const AdamaxOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("betas", betas);
    f("eps", eps);
    f("weight_decay", weight_decay);
    f("foreach", none);
    f("maximize", maximize);
    f("differentiable", no);
    f("capturable", no);
  }
};
/// Adam with the largest gradient in place of the mean square. Kingma & Ba 2014.
class Adamax final : public BetasOptimizer<AdamaxOptions> {
 public:
  explicit Adamax(std::vector<Tensor> params, AdamaxOptions options = {}) : BetasOptimizer("Adamax", std::move(params), options) {}
  explicit Adamax(std::vector<ParamGroup<AdamaxOptions>> groups) : BetasOptimizer("Adamax", std::move(groups)) {}

 private:
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"exp_avg", "exp_inf"}; }
};

struct NAdamOptions {
  double lr = 2e-3;
  Betas betas = {};
  double eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3;
  bool decoupled_weight_decay = false, maximize = false;
  static void check(const NAdamOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("betas", betas);
    f("eps", eps);
    f("weight_decay", weight_decay);
    f("momentum_decay", momentum_decay);
    f("decoupled_weight_decay", decoupled_weight_decay);
    f("maximize", maximize);
    f("foreach", none);
    f("capturable", no);
    f("differentiable", no);
  }
};
/// Adam with Nesterov's momentum. Dozat 2016.
class NAdam final : public BetasOptimizer<NAdamOptions> {
 public:
  explicit NAdam(std::vector<Tensor> params, NAdamOptions options = {}) : BetasOptimizer("NAdam", std::move(params), options) {}
  explicit NAdam(std::vector<ParamGroup<NAdamOptions>> groups) : BetasOptimizer("NAdam", std::move(groups)) {}

 private:
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"mu_product", "exp_avg", "exp_avg_sq"}; }
};

struct RAdamOptions {
  double lr = 1e-3;
  Betas betas = {};
  double eps = 1e-8, weight_decay = 0;
  bool decoupled_weight_decay = false, maximize = false;
  static void check(const RAdamOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("betas", betas);
    f("eps", eps);
    f("weight_decay", weight_decay);
    f("maximize", maximize);
    f("foreach", none);
    f("capturable", no);
    f("decoupled_weight_decay", decoupled_weight_decay);
    f("differentiable", no);
  }
};
/// Adam whose first steps wait until the variance of its rate is known. Liu et al. 2019.
class RAdam final : public BetasOptimizer<RAdamOptions> {
 public:
  explicit RAdam(std::vector<Tensor> params, RAdamOptions options = {}) : BetasOptimizer("RAdam", std::move(params), options) {}
  explicit RAdam(std::vector<ParamGroup<RAdamOptions>> groups) : BetasOptimizer("RAdam", std::move(groups)) {}

 private:
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"exp_avg", "exp_avg_sq"}; }
};

}  // namespace ember::optim

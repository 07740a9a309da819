// Optimisers that scale by running squares of gradients: RMSprop, Adagrad, Adadelta. As torch.optim.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct RMSpropOptions {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
  bool centered = false, maximize = false;
  static void check(const RMSpropOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("momentum", momentum);
    f("alpha", alpha);
    f("eps", eps);
    f("centered", centered);
    f("weight_decay", weight_decay);
    f("capturable", no);
    f("foreach", none);
    f("maximize", maximize);
    f("differentiable", no);
  }
};
/// Hinton's lecture 6e; `centered` divides by the variance: Graves 2013.
class RMSprop final : public OptimizerOf<RMSpropOptions> {
 public:
  explicit RMSprop(std::vector<Tensor> params, RMSpropOptions options = {}) : OptimizerOf("RMSprop", std::move(params), options) {}
  explicit RMSprop(std::vector<ParamGroup<RMSpropOptions>> groups) : OptimizerOf("RMSprop", std::move(groups)) {}
  bool has_momentum() const override { return true; }
  double momentum(int64_t group) const override { return options_[std::size_t(group)].momentum; }
  void set_momentum(int64_t group, double momentum) override { options_[std::size_t(group)].momentum = momentum; }

 private:
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"square_avg", "momentum_buffer", "grad_avg"}; }
};

struct AdagradOptions {
  double lr = 1e-2, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10;
  bool maximize = false;
  static void check(const AdagradOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("lr_decay", lr_decay);
    f("eps", eps);
    f("weight_decay", weight_decay);
    f("initial_accumulator_value", initial_accumulator_value);
    f("foreach", none);
    f("maximize", maximize);
    f("differentiable", no);
    f("fused", none);
  }
};
/// Duchi et al. 2011.
class Adagrad final : public OptimizerOf<AdagradOptions> {
 public:
  explicit Adagrad(std::vector<Tensor> params, AdagradOptions options = {});
  explicit Adagrad(std::vector<ParamGroup<AdagradOptions>> groups);

 private:
  void fill_accumulators();
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"sum"}; }
};

struct AdadeltaOptions {
  double lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0;
  bool maximize = false;
  static void check(const AdadeltaOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("rho", rho);
    f("eps", eps);
    f("weight_decay", weight_decay);
    f("maximize", maximize);
    f("capturable", no);
    f("foreach", none);
    f("differentiable", no);
  }
};
/// Zeiler 2012.
class Adadelta final : public OptimizerOf<AdadeltaOptions> {
 public:
  explicit Adadelta(std::vector<Tensor> params, AdadeltaOptions options = {}) : OptimizerOf("Adadelta", std::move(params), options) {}
  explicit Adadelta(std::vector<ParamGroup<AdadeltaOptions>> groups) : OptimizerOf("Adadelta", std::move(groups)) {}

 private:
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"square_avg", "acc_delta"}; }
};

}  // namespace ember::optim

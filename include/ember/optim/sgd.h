// Stochastic gradient descent. As torch.optim.SGD.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct SGDOptions {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, maximize = false;

  static void check(const SGDOptions& options);
  template <class F>
  void visit(F f) {
    std::nullptr_t none = nullptr;
    bool no = false;
    f("lr", lr);
    f("momentum", momentum);
    f("dampening", dampening);
    f("weight_decay", weight_decay);
    f("nesterov", nesterov);
    f("maximize", maximize);
    f("foreach", none);
    f("differentiable", no);
    f("fused", none);
  }
};

/// p -= lr * buf with buf = momentum * buf + (1 - dampening) * g, g the gradient plus weight_decay * p; the first buf is g itself.
class SGD final : public OptimizerOf<SGDOptions> {
 public:
  explicit SGD(std::vector<Tensor> params, SGDOptions options = {}) : OptimizerOf("SGD", std::move(params), options) {}
  explicit SGD(std::vector<ParamGroup<SGDOptions>> groups) : OptimizerOf("SGD", std::move(groups)) {}
  bool has_momentum() const override { return true; }
  double momentum(int64_t group) const override { return options_[std::size_t(group)].momentum; }
  void set_momentum(int64_t group, double momentum) override { options_[std::size_t(group)].momentum = momentum; }

 private:
  void update(int64_t group, const Tensor& p, const Tensor& gradient, ParamState& state) override;
  std::vector<const char*> slot_names() const override { return {"momentum_buffer"}; }
  bool counts_steps() const override { return false; }
};

}  // namespace ember::optim

// L-BFGS: a quasi-Newton method that evaluates the loss at several places in a step. As torch.optim.LBFGS.
#pragma once

#include <ember/optim/optimizer.h>

namespace ember::optim {

struct LBFGSOptions {
  double lr = 1;
  int64_t max_iter = 20;  ///< iterations in one step
  int64_t max_eval = -1;  ///< evaluations of the loss in one step; -1: max_iter * 5 / 4
  double tolerance_grad = 1e-7, tolerance_change = 1e-9;
  int64_t history_size = 100;
  std::string line_search_fn = {};  ///< "strong_wolfe", or nothing for steps of length lr
};

template <>
OptimizerWith<LBFGSOptions>::OptimizerWith(std::vector<ParamGroup> groups, LBFGSOptions options);
/// Liu, Nocedal 1989; the line search is that of Nocedal, Wright 2006, algorithms 3.5 and 3.6, with cubic interpolation.
///   optim::LBFGS optimizer(model.parameters(), {.line_search_fn = "strong_wolfe"});
///   optimizer.step([&] {
///     optimizer.zero_grad();
///     Tensor loss = mse_loss(model(x), y);
///     loss.backward();
///     return loss;
///   });
/// step(closure) gives the loss that the step began with. Throws ValueError for more than one group, TypeError for step() without closure,
/// RuntimeError "only 'strong_wolfe' is supported" for another line search. An error in the closure leaves the parameters where the
/// iteration began.
class LBFGS : public OptimizerWith<LBFGSOptions> {
 public:
  using OptimizerWith::OptimizerWith;
  OptimizerState state_dict() const override;
  void load_state_dict(const OptimizerState& state) override;

 protected:
  Tensor step_with(const Callback<Tensor()>& closure) override;

 private:
  struct Iteration;
  /// What one iteration leaves for the next, over all parameters as one vector.
  struct Memory {
    Tensor direction, gradient;               // PyTorch's d and prev_flat_grad
    std::vector<Tensor> differences, moves;   // of gradients and of parameters, the newest last: old_dirs and old_stps
    std::vector<double> inverse_products;     // 1 / (difference . move): ro
    double scale = 1, length = 0, loss = 0;   // H_diag, t, prev_loss
    int64_t evaluations = 0, iterations = 0;  // func_evals, n_iter
  } memory_;
};

}  // namespace ember::optim

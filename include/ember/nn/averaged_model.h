// Averages of a model's weights over its training, and the batch-norm statistics that belong to them: torch.optim.swa_utils.
//
//   optim::swa_utils::AveragedModel average(Net(), net);
//   for (...) { ...; optimizer.step(); average.update_parameters(net); }
//   optim::swa_utils::update_bn(loader, average);
#pragma once

#include <ember/nn/batch_norm.h>
#include <ember/nn/module.h>
#include <ember/owned.h>

namespace ember::optim::swa_utils {

/// The new average from the old one, the current value and how many values the old one holds (at least 1).
using AverageFunction = Callback<Tensor(const Tensor& average, const Tensor& current, int64_t count)>;

/// The mean of all: average + (current - average) / (count + 1).
AverageFunction get_swa_avg_fn();
/// Exponential: decay * average + (1 - decay) * current. Throws ValueError when decay is not in [0, 1].
AverageFunction get_ema_avg_fn(double decay = 0.999);

struct AveragedModelOptions {
  AverageFunction avg_fn = {};  ///< the mean of all when left out
  bool use_buffers = false;     ///< average buffers too; otherwise they are the model's latest
};

namespace detail {
/// What update_parameters does, on the module that holds the average.
void update_average(const nn::Module& average, const nn::Module& model, const Tensor& n_averaged, const AveragedModelOptions& options);
}  // namespace detail

/// A module of the same kind whose parameters are the average of a model's. `fresh` is another instance (modules do not copy); it takes
/// over the model's state. State: n_averaged, then the module's under "module.".
template <class M>
class AveragedModel : public nn::Module {
 public:
  AveragedModel(M&& fresh, const nn::Module& model, AveragedModelOptions options = {})
      : module(add("module", static_cast<M&&>(fresh))), options_(static_cast<AveragedModelOptions&&>(options)) {
    module.load_state_dict(model.state_dict());
    n_averaged = zeros({}, kInt64);
  }
  Tensor forward(const Tensor& x) override { return module(x); }
  std::string type_name() const override { return "AveragedModel"; }

  /// Takes the model's current parameters into the average; the first ones are the average.
  void update_parameters(const nn::Module& model) { detail::update_average(module, model, n_averaged, options_); }

  Tensor& n_averaged = add_buffer("n_averaged");
  M& module;

 private:
  AveragedModelOptions options_;
};

namespace detail {
/// Resets the running statistics of every batch norm below and makes them cumulative while it lives; then all is as before.
class CumulativeStatistics {
 public:
  explicit CumulativeStatistics(nn::Module& model);
  ~CumulativeStatistics();
  CumulativeStatistics(const CumulativeStatistics&) = delete;
  bool any() const;

 private:
  nn::Module& model_;
  bool was_training_;
  Boxed<std::vector<std::pair<nn::BatchNormBase*, nn::Momentum>>> layers_;
};
inline const Tensor& input_of(const Tensor& batch) { return batch; }
template <class Batch>
const Tensor& input_of(const Batch& batch) {
  const auto& [x, y] = batch;
  (void)y;
  return x;
}
}  // namespace detail

/// Computes the running statistics of all batch norms anew from one pass over the loader's batches (tensors, or pairs with the input
/// first).
template <class Loader>
void update_bn(Loader& loader, nn::Module& model) {
  NoGradGuard no_grad;
  const detail::CumulativeStatistics statistics(model);
  if (!statistics.any()) return;
  for (const auto& batch : loader) model(detail::input_of(batch));
}

}  // namespace ember::optim::swa_utils

// Averages of weights, and the statistics of batch norm for them.
#include <ember/nn/averaged_model.h>

#include <ember/ops/elementwise.h>

#include "error_format.h"

namespace ember::optim::swa_utils {

AverageFunction get_swa_avg_fn() {
  return [](const Tensor& average, const Tensor& current, int64_t count) { return average + (current - average) / (count + 1); };
}

AverageFunction get_ema_avg_fn(double decay) {
  check<ValueError>(decay >= 0 && decay <= 1, "Invalid decay value {} provided. Please provide a value in [0,1] range.", decay);
  return [decay](const Tensor& average, const Tensor& current, int64_t) { return average * decay + current * (1 - decay); };
}

namespace detail {

void update_average(const nn::Module& average, const nn::Module& model, const Tensor& n_averaged, const AveragedModelOptions& options) {
  NoGradGuard no_grad;
  const int64_t count = n_averaged.item<int64_t>();
  const AverageFunction next = options.avg_fn ? options.avg_fn : get_swa_avg_fn();
  std::vector<Tensor> to = average.parameters(), from = model.parameters();
  std::vector<Tensor> buffers_to = average.buffers(), buffers_from = model.buffers();
  check<ValueError>(to.size() == from.size() && buffers_to.size() == buffers_from.size(),
                    "AveragedModel: the model has {} parameters and {} buffers, the average {} and {}", from.size(), buffers_from.size(), to.size(),
                    buffers_to.size());
  const auto check_alike = [](const std::vector<std::pair<std::string, Tensor>>& a, const std::vector<std::pair<std::string, Tensor>>& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      check<ValueError>(a[i].second.sizes() == b[i].second.sizes(), "AveragedModel: the model has {} of shape {}, the average has {} of shape {}",
                        b[i].first, b[i].second.sizes(), a[i].first, a[i].second.sizes());
  };
  check_alike(average.named_parameters(), model.named_parameters());
  check_alike(average.named_buffers(), model.named_buffers());
  if (options.use_buffers) {
    to.insert(to.end(), buffers_to.begin(), buffers_to.end());
    from.insert(from.end(), buffers_from.begin(), buffers_from.end());
  } else {
    for (std::size_t i = 0; i < buffers_to.size(); ++i) buffers_to[i].detach().copy_(buffers_from[i].detach());
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    const Tensor current = from[i].detach(), old = to[i].detach();
    old.copy_(count == 0 ? current : next(old, current, count));
  }
  n_averaged.fill_(count + 1);
}

CumulativeStatistics::CumulativeStatistics(nn::Module& model) : model_(model), was_training_(model.is_training()) {
  for (const auto& [name, module] : model.named_modules())
    if (auto* layer = dynamic_cast<nn::BatchNormBase*>(module)) {
      layers_->emplace_back(layer, layer->momentum);
      layer->reset_running_stats();
      layer->momentum = None;
    }
  if (any()) model_.train();
}

bool CumulativeStatistics::any() const { return !layers_->empty(); }
CumulativeStatistics::~CumulativeStatistics() {
  for (const auto& [layer, momentum] : *layers_) layer->momentum = momentum;
  if (any()) model_.train(was_training_);
}

}  // namespace detail

}  // namespace ember::optim::swa_utils

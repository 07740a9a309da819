// Trial runs that leave no trace: everything that a step changes is put back.
#include <ember/random.h>
#include <ember/train/check.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "error_format.h"

namespace ember::train {

namespace {

/// What training steps change, to be put back at the end, whether it comes by return or by an error.
class Restore {
 public:
  Restore(nn::Module& model, optim::Optimizer& optimizer) : optimizer_(optimizer), state_(optimizer.state_dict()), random_(get_rng_state()) {
    NoGradGuard no_grad;
    std::vector<Tensor> all = model.parameters();
    const std::vector<Tensor> buffers = model.buffers();
    all.insert(all.end(), buffers.begin(), buffers.end());
    for (const auto& group : optimizer.param_groups)  // what the optimiser trains besides the model
      for (const Tensor& p : group.params)
        if (std::none_of(all.begin(), all.end(), [&](const Tensor& t) { return t.is_same(p); })) all.push_back(p);
    for (const Tensor& t : all) tensors_.push_back({t, t.detach().clone(), t.grad().defined() ? t.grad().clone() : Tensor()});
    for (auto& entry : state_.state)
      for (auto& [name, value] : entry.values) value = value.clone();
    for (const auto& group : optimizer.param_groups) settings_.push_back(group);
    for (const auto& [path, module] : model.named_modules()) modes_.emplace_back(module, module->is_training());
  }
  ~Restore() {
    NoGradGuard no_grad;
    for (const auto& [tensor, value, gradient] : tensors_) {
      tensor.detach().copy_(value);
      tensor.set_grad(gradient);
    }
    optimizer_.load_state_dict(state_);
    optimizer_.param_groups = settings_;
    set_rng_state(random_);
    for (const auto& [module, training] : modes_) module->train(training);  // parents first, so that each has its own at the end
  }
  Restore(const Restore&) = delete;

 private:
  struct Kept {
    Tensor tensor, value, gradient;
  };
  optim::Optimizer& optimizer_;
  optim::OptimizerState state_;
  Tensor random_;
  std::vector<Kept> tensors_;
  std::vector<optim::ParamGroup> settings_;
  std::vector<std::pair<nn::Module*, bool>> modes_;
};

double one_step(optim::Optimizer& optimizer, const Callback<Tensor()>& loss, const char* who) {
  optimizer.zero_grad();
  const Tensor value = loss();
  check<ValueError>(value.defined() && value.numel() == 1, "{}: expected the loss to be one number, got {}", who,
                    value.defined() ? fmt::format("shape {}", value.sizes()) : "an undefined tensor");
  const double number = value.item<double>();
  if (!std::isfinite(number)) return number;
  value.backward();
  optimizer.step();
  return number;
}

}  // namespace

OverfitResult overfit_one_batch(nn::Module& model, optim::Optimizer& optimizer, const Callback<Tensor()>& loss, const OverfitOptions& options) {
  check<ValueError>(options.steps >= 1, "overfit_one_batch: expected 1 step or more, got {}", options.steps);
  const Restore restore(model, optimizer);
  OverfitResult result;
  while (int64_t(result.losses.size()) < options.steps && !result.passed) {
    result.losses.push_back(one_step(optimizer, loss, "overfit_one_batch"));
    result.passed = result.losses.back() < options.loss_below;
    if (!std::isfinite(result.losses.back())) break;
  }
  const double first = result.losses.front(), last = result.losses.back();
  result.report = fmt::format("one batch: loss {:.4g} -> {:.4g} in {} steps: ", first, last, result.losses.size());
  if (result.passed) result.report += "the network can learn it by heart";
  else if (!std::isfinite(last)) result.report += "not finite any more; lower the learning rate, look for a logarithm or division of 0";
  else if (last > 0.9 * first)
    result.report += "it hardly falls; are all parameters in the optimiser, is the rate right (find_lr), do targets belong to inputs?";
  else
    result.report += fmt::format("not below {:g} yet; more steps or a larger rate may do, dropout and weight decay hold it back", options.loss_below);
  return result;
}

FindLrResult find_lr(nn::Module& model, optim::Optimizer& optimizer, const Callback<Tensor()>& loss, const FindLrOptions& options) {
  check<ValueError>(options.from > 0 && options.to > options.from, "find_lr: expected 0 < from < to, got {} and {}", options.from, options.to);
  check<ValueError>(options.steps >= 10, "find_lr: expected 10 steps or more, got {}", options.steps);
  check<ValueError>(options.smoothing >= 0 && options.smoothing < 1, "find_lr: expected a smoothing of at least 0 and below 1, got {}",
                    options.smoothing);
  const Restore restore(model, optimizer);
  FindLrResult result;
  double best = INFINITY;
  for (int64_t step = 0; step < options.steps; ++step) {
    const double rate = options.from * std::pow(options.to / options.from, double(step) / double(options.steps - 1));
    for (auto& group : optimizer.param_groups) group.lr = rate;
    result.rates.push_back(rate);
    result.losses.push_back(one_step(optimizer, loss, "find_lr"));
    const double smoothed = smooth(result.losses, options.smoothing).back();
    if (!std::isfinite(result.losses.back()) || smoothed > options.diverged * best) break;
    best = std::min(best, smoothed);
  }
  // The steepest descent per decade, over a few steps so that noise does not decide; rates beyond the minimum do not count.
  const std::vector<double> smoothed = smooth(result.losses, options.smoothing);
  const auto lowest = std::size_t(std::min_element(smoothed.begin(), smoothed.end(), [](double a, double b) { return a < b || std::isnan(b); }) -
                                  smoothed.begin());
  const std::size_t apart = std::max<std::size_t>(1, std::size_t(options.steps) / 20);
  double steepest = 0;
  result.suggestion = __builtin_nan("");
  for (std::size_t i = apart; i <= lowest && i < smoothed.size(); ++i)
    if (const double slope = smoothed[i] - smoothed[i - apart]; slope < steepest) {
      steepest = slope;
      result.suggestion = result.rates[i - apart / 2];
    }
  return result;
}

Plot FindLrResult::plot() const {
  Plot plot("Loss by learning rate", {.label = "learning rate", .log = true}, {.label = "loss"});
  double top = 0, bottom = INFINITY;  // what diverges would press the rest to the ground
  for (const double loss : losses)
    if (std::isfinite(loss)) bottom = std::min(bottom, loss);
  for (const double loss : losses)
    if (std::isfinite(loss)) top = std::max(top, std::min(loss, bottom + 2 * std::max(losses[0] - bottom, 1e-12)));
  if (losses.size() > 1 && top > bottom)
    plot = Plot("Loss by learning rate", {.label = "learning rate", .log = true},
                {.label = "loss", .from = bottom - (top - bottom) * 0.03, .to = top * 1.03});
  plot.add({.name = "loss", .x = rates, .y = losses, .smoothing = 0.9});
  if (std::isfinite(suggestion))
    plot.add({.name = fmt::format("steepest: {:.2g}", suggestion), .x = {suggestion, suggestion}, .y = {bottom, top}, .style = "dashed"});
  return plot;
}

FastDevRun::FastDevRun(int64_t batches) : batches_(batches) {
  if (batches_ >= 0) return;
  batches_ = 0;
  const char* const text = std::getenv("EMBER_FAST_DEV_RUN");
  if (!text || !*text) return;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, batches_);
  check<ValueError>(error == std::errc() && stop == end && batches_ >= 0, "EMBER_FAST_DEV_RUN: expected a number of batches, got {}", text);
}

}  // namespace ember::train

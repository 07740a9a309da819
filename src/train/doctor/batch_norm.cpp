// What can go wrong with batch norm: the wrong mode, too few values, statistics that do not fit, momentum read the other way round.
#include <algorithm>
#include <cmath>

#include "error_format.h"
#include "train/doctor/session.h"

namespace ember::doctor {

Tensor per_channel(const Tensor& x, Tensor (*holds)(const Tensor& channels)) {
  const Tensor some = holds(by_channel(x.detach().narrow(0, 0, std::min<int64_t>(x.size(0), 8))));
  return some.any().item<bool>() ? holds(by_channel(x)) : some;
}

Tensor by_channel(const Tensor& x) { return x.detach().transpose(0, 1).reshape({x.size(1), -1}); }

namespace {

/// How far `mean` is from `running_mean`, in units of the running standard deviation: the middle one of all channels.
double distance(const Tensor& mean, const Tensor& running_mean, const Tensor& running_var, double eps) {
  return ((mean - running_mean).abs() / sqrt(running_var + eps)).median().item<double>();
}

std::string shown(const Place& place) { return place.path == "(root)" ? place.type : fmt::format("{} ({})", place.path, place.type); }

constexpr int64_t kFewValues = 4;          // per channel
constexpr double kReversedMomentum = 0.8;  // 0.9 and more is what other libraries call the weight of the past
constexpr double kFar = 1.0;               // standard deviations
constexpr int64_t kSettled = 200;          // batches

}  // namespace

void Session::before_norm(const nn::BatchNormBase& norm, Place& place, const Tensor& x) {
  if (!x.is_floating_point() || x.dim() < 2 || x.size(1) == 0 || x.numel() == 0) return;
  const int64_t samples = x.size(0), values = x.numel() / x.size(1);
  if (biased_ && biased_ == x.impl())
    say("bias_before_batch_norm", biased_path_, fmt::format("its bias is taken away again by the mean of {}: it gets no gradient", shown(place)),
        ".bias = false", true);
  if (!norm.is_training()) return check_evaluation(norm, place, x);

  if (!grad_was_on) {
    // Statistics are being recomputed, as by update_bn: of a model that was trained with a momentum, or is an average of trained ones.
    if (!norm.momentum.given() && (place.averages_by_momentum || place.trained == 0)) return;
    if (norm.running_mean.defined()) place.mean_before = norm.running_mean.detach().clone();
    evaluations_.push_back({shown(place), place.type, "", samples, root_});
    return;
  }
  const std::string usual = place.largest_batch > samples
                                ? fmt::format("; the batches before had {}, so this may be the last one of an epoch", place.largest_batch)
                                : "";
  if (values == 1) {
    say("one_value_per_channel", shown(place), fmt::format("a batch of {} leaves one value in each channel (input {}){}", samples, x.sizes(), usual),
        place.largest_batch > samples ? ".drop_last = true in the DataLoader; if this is a prediction, model.eval() first"
                                      : "larger batches; if this is a prediction, model.eval() first");
  } else {
    if (values <= kFewValues) few_.push_back({shown(place), values, place.largest_batch, samples == 1, root_});
    if (samples == 1) predictions_.push_back(shown(place));
  }
  ++place.trained;
  place.largest_batch = std::max(place.largest_batch, samples);
  place.averages_by_momentum = place.averages_by_momentum || norm.momentum.given();
  if (norm.momentum.given() && norm.momentum.value() >= kReversedMomentum) momenta_.push_back({shown(place), norm.momentum.value(), root_});

  // A channel without variation, again and again. Not where the input is the data: the rim of a picture may be black.
  if (!x.requires_grad() || values < 8) return;
  const Tensor constant = per_channel(x, [](const Tensor& channels) { return channels.amax(1).eq(channels.amin(1)); });
  place.constant.resize(std::size_t(x.size(1)));
  int64_t dead = 0, first = -1;
  for (int64_t c = 0; c < x.size(1); ++c) {
    int& looks = place.constant[std::size_t(c)];
    looks = constant[c].item<bool>() ? looks + 1 : 0;
    if (looks < 3) continue;
    ++dead;
    if (first < 0) first = c;
  }
  if (dead > 0)
    say("dead_channel", shown(place),
        fmt::format("{} of {} channels have had the same value everywhere in the last batches, the first of them is {}", dead, x.size(1), first),
        "a smaller learning rate, or other initial weights for the layer before; if the channel is meant to be constant, leave it out");
}

void Session::after_norm(const nn::BatchNormBase& norm, Place& place, const Tensor&) {
  if (!place.mean_before.defined()) return;
  const double moved = distance(norm.running_mean.detach(), place.mean_before, norm.running_var.detach(), norm.eps);
  place.mean_before = {};
  if (!evaluations_.empty() && norm.track_running_stats) evaluations_.back().moved = fmt::format("{:.2g}", moved);
}

void Session::check_evaluation(const nn::BatchNormBase& norm, Place& place, const Tensor& x) {
  if (!norm.running_mean.defined() || !norm.running_var.defined() || norm.running_mean.numel() != x.size(1)) return;
  if (grad_was_on && (!norm.weight.defined() || norm.weight.requires_grad()))
    fixed_.push_back({shown(place), norm.weight.defined() ? norm.weight.impl() : nullptr, root_});
  const Tensor mean = norm.running_mean.detach(), variance = norm.running_var.detach();
  const Tensor channels = by_channel(x);
  const Tensor batch_mean = channels.mean(1);
  const Tensor batch_variance = (channels - batch_mean.unsqueeze(1)).square().mean(1);
  const bool untouched = mean.eq(0).all().item<bool>() && variance.eq(1).all().item<bool>();
  if (untouched && norm.num_batches_tracked.defined() && norm.num_batches_tracked.item<int64_t>() == 0) {
    // A look at the shapes with zeros, as a summary takes, is no evaluation.
    if (channels.amax().item<double>() != channels.amin().item<double>())
      say("statistics_never_saw_a_batch", shown(place),
          "evaluation with running statistics that never saw a batch: mean 0 and variance 1 normalise nothing",
          "train first, or load the state with its buffers (load_state_dict), before eval()");
    return;
  }
  const int64_t values = channels.size(1);
  if (values < 16) return;
  // What they began with must have faded; early in training they lag behind weights that change fast.
  const int64_t batches = norm.num_batches_tracked.defined() ? norm.num_batches_tracked.item<int64_t>() : kSettled;
  if (norm.momentum.given() && batches < kSettled && std::pow(1 - norm.momentum.value(), double(batches)) > 0.01) return;
  const double allowed = (batches < kSettled ? 3 : 1) * kFar + 4 / std::sqrt(double(values)), factor = batches < kSettled ? 25 : 9;
  const double mean_off = distance(batch_mean, mean, variance, norm.eps);
  const double ratio = ((batch_variance + norm.eps) / (variance + norm.eps)).median().item<double>();
  if (!(mean_off > allowed || ratio > factor || ratio < 1 / factor)) return;
  say("statistics_far_from_batch", shown(place),
      fmt::format("running statistics are far from the batch that is evaluated: means differ by {:.2g} standard deviations, the batch's variance is "
                  "{:.2g} times the running one",
                  mean_off, ratio),
      "evaluate data prepared as the training data were; or recompute the statistics: optim::swa_utils::update_bn(loader, model)");
}

/// One sample in training mode, and no backward came of it.
void Session::settle_prediction() {
  for (const std::string& path : predictions_)
    say("one_sample_without_eval", path, "a prediction of one sample in training mode: it is normalised by itself, which erases what made it special",
        "model.eval() first");
  predictions_.clear();
}

/// Calls in training mode without gradients. Another model that goes on with the result, recorded, is an adversarial training; else it is
/// an evaluation.
void Session::settle_evaluation(bool other_model_goes_on) {
  std::vector<Evaluation> all;
  all.swap(evaluations_);
  if (other_model_goes_on) return;
  for (const Evaluation& e : all) {
    if (e.root->generates) continue;
    if (e.samples == 1)
      say("one_sample_without_eval", e.path,
          "a prediction of one sample in training mode: it is normalised by itself, which erases what made it special", "model.eval() first");
    say("evaluation_in_training_mode", e.path, "evaluation without gradients while in training mode: predictions depend on what else is in the batch",
        "model.eval() before evaluating, model.train() afterwards; NoGradGuard does not change the mode");
    if (!e.moved.empty() && e.moved != "0")
      say("statistics_moved_by_evaluation", e.path,
          fmt::format("that evaluation moved the running statistics: the mean by {} standard deviations in one batch", e.moved),
          "load the last state from before it, or optim::swa_utils::update_bn(loader, model) with training data");
  }
}

/// What was seen since the last step belonged to a training, if it is of a model that the optimiser has something of.
void Session::norms_at_step(const optim::Optimizer& optimizer) {
  const auto trains = [&](const Root* root) {
    for (const optim::ParamGroup& group : optimizer.param_groups)
      for (const Tensor& p : group.params)
        for (const auto& [name, own] : root->parameters)
          if (own.is_same(p)) return true;
    return false;
  };
  for (const Few& f : few_)
    if (trains(f.root))
      say("few_values", f.path,
          fmt::format("statistics over {} values a channel{}: with so few, noise is all that is left", f.values,
                      f.usual > 0 && !f.one_sample ? fmt::format(" (the largest batch so far has {} samples)", f.usual) : ""),
          "larger batches (.drop_last = true where only the last one is small), or nn::GroupNorm or nn::LayerNorm");
  for (const auto& [path, momentum, root] : momenta_)
    if (trains(root))
      say("momentum_reversed", path,
          fmt::format("momentum {} is the weight of the newest batch: the running statistics follow the last batch", momentum),
          fmt::format("momentum {:.3g}: other libraries name the weight of the past", momentum < 1 ? 1 - momentum : 0.1));
  for (const Fixed& f : fixed_) {
    if (const nn::Module* model = f.root->called.module(); model && model->is_training()) continue;  // frozen on purpose, one by one
    bool trained = !f.weight && trains(f.root);
    for (const optim::ParamGroup& group : optimizer.param_groups)
      for (const Tensor& p : group.params) trained = trained || p.impl() == f.weight;
    if (trained)
      say("training_in_evaluation_mode", f.path,
          "trained while in evaluation mode: the batch's statistics are not used, the running ones stand still",
          "model.train() after each evaluation; to freeze it on purpose, requires_grad_(false) or eval() on the batch norm alone");
  }
  few_.clear();
  fixed_.clear();
  momenta_.clear();
}

}  // namespace ember::doctor

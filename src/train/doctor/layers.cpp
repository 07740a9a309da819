// Inputs, dead units, gradients by layer, and which parameters the optimiser has.
#include <algorithm>
#include <cmath>

#include "error_format.h"
#include "train/doctor/session.h"

namespace ember::doctor {

namespace {

constexpr int kLooksUntilDead = 4;
constexpr double kVanished = 1e-5, kExploded = 1e3;  // root mean square of a layer's gradient, against the largest or the last

/// Does the parameter belong to one of the groups?
bool has(const optim::Optimizer& optimizer, const Tensor& parameter) {
  for (const optim::ParamGroup& group : optimizer.param_groups)
    for (const Tensor& p : group.params)
      if (p.is_same(parameter)) return true;
  return false;
}

}  // namespace

/// Whole numbers up to 255, in many columns: pictures as they come from a file.
void Session::check_input(Root& root, const Tensor& x) {
  if (!x.is_floating_point() || x.dim() < 2 || x.size(0) == 0 || x.numel() / x.size(0) < 64) return;
  const Tensor some = x.detach().narrow(0, 0, std::min<int64_t>(x.size(0), 8)).contiguous();
  if (!all_finite(some)) return;
  const double largest = some.amax().item<double>(), smallest = some.amin().item<double>();
  if (smallest < 0 || largest <= 64 || largest > 255 || !some.eq(some.round()).all().item<bool>()) return;
  say("input_0_to_255", root.type, fmt::format("the input goes from {} to {} in whole numbers: pixels as they come from a file", smallest, largest),
      "x / 255, better (x / 255 - mean) / std of the training data");
}

/// Features that are 0 for every sample, look after look: of a ReLU's output, or of what a layer gets.
void Session::check_dead(Place& place, const Tensor& x, bool is_output) {
  if (is_output) last_relu_ = x.impl();
  else if (last_relu_ == x.impl()) return;
  if (x.dim() < 2 || x.size(0) < 2 || x.size(1) < 1) return;
  const Tensor zero = per_channel(x, [](const Tensor& channels) { return channels.eq(0).all(1); });
  place.zero.resize(std::size_t(x.size(1)));
  int64_t dead = 0;
  for (int64_t c = 0; c < x.size(1); ++c) {
    int& looks = place.zero[std::size_t(c)];
    looks = zero[c].item<bool>() ? looks + 1 : 0;
    dead += looks >= kLooksUntilDead;
  }
  if (4 * dead <= 3 * x.size(1)) return;
  if (!is_output && lines_["dead_relu"] > 0) return;
  say("dead_relu", fmt::format("{} ({})", place.path, place.type),
      fmt::format("{} of {} {} have been 0 for every sample in the last batches: nothing is learned there any more", dead, x.size(1),
                  is_output ? "outputs" : "inputs"),
      "a smaller learning rate, weights of nn::init::kaiming_normal_, nn::LeakyReLU, or batch norm in front");
}

void Session::check_twice(const optim::Optimizer& optimizer, const Watched& watched) {
  if (watched.steps == 0) {
    std::unordered_set<const TensorImpl*> seen;
    int64_t twice = 0;
    for (const optim::ParamGroup& group : optimizer.param_groups)
      for (const Tensor& p : group.params) twice += !seen.insert(p.impl()).second;
    if (twice > 0)
      say("parameter_twice", "optimizer", fmt::format("{} parameters are in it twice: each is moved twice a step", twice),
          "list each parameter once");
  }
  for (const auto& [other, theirs] : optimizers_) {  // two optimisers that both step, on the same parameters
    if (other == &optimizer || watched.steps < 2 || watched.steps > 3 || theirs.steps < 2) continue;
    for (auto& [state, root] : roots_)
      for (const auto& [name, p] : root.parameters)
        if (has(optimizer, p) && has(*other, p) && theirs.dirty && std::abs(theirs.steps - watched.steps) <= 1)
          say("parameter_twice", name, "two optimisers have it, and both move it in every step", "list each parameter in one optimiser");
  }
}

/// Parameters that no gradient reaches. Branches may take turns (one head for each task): what is said waits for 16 steps, or for the end.
void Session::check_reached(const optim::Optimizer& optimizer, Watched& watched) {
  if (watched.steps == 0)
    for (auto& [state, root] : roots_) {
      if (std::none_of(root.parameters.begin(), root.parameters.end(), [&](const auto& named) { return has(optimizer, named.second); })) continue;
      for (const auto& named : root.parameters)
        if (named.second.requires_grad()) watched.unreached.push_back(named);
    }
  std::erase_if(watched.unreached, [](const auto& named) { return named.second.grad().defined(); });
  if (watched.steps + 1 == kStepsUntilReached) settle_reached(watched);
}

void Session::settle_reached(Watched& watched) {
  if (watched.steps < 2) return;
  for (const auto& [name, p] : watched.unreached) {
    if (!p.requires_grad()) continue;
    if (watched.cleared)
      say("parameter_without_gradient", name, "never has a gradient when a step is taken: zero_grad() is called between backward() and step()",
          "zero_grad() first, then backward(), then step()");
    else
      say("parameter_without_gradient", name,
          "never got a gradient: nothing that reaches the loss uses it, or its history was cut (detach, item, NoGradGuard)",
          "use it in forward, leave it out, or requires_grad_(false)");
  }
  watched.unreached.clear();
}

/// Parameters with a gradient that no optimiser has: in the first steps and now and then, since layers are added and unfrozen later, too. Of
/// models that the optimiser has something of, or that are in training mode: others pass gradients on to what is trained.
void Session::check_membership(const optim::Optimizer& optimizer, Watched& watched) {
  watched.look_again = false;
  const bool knows_all = everything || (watched_.size() == 1 && optimizers_.size() == 1);
  for (auto& [state, root] : roots_) {
    const nn::Module* const model = root.called.module();
    if (!root.recorded || !model) continue;
    const bool ours = std::any_of(root.parameters.begin(), root.parameters.end(), [&](const auto& named) { return has(optimizer, named.second); });
    if (!ours && !(knows_all && model->is_training())) continue;
    for (const auto& [name, p] : root.parameters) {
      if (!p.requires_grad() || !p.grad().defined()) continue;
      const bool anywhere = std::any_of(optimizers_.begin(), optimizers_.end(), [&](const auto& other) { return has(*other.first, p); });
      if (anywhere) continue;
      const int times = ++watched.outside[p.impl()];
      watched.look_again |= times < 3;
      if (times == 3)
        say("parameter_not_in_optimizer", name, "gets a gradient, but no optimiser has it: it stays as it is",
            "pass model.parameters() to the optimiser, made after all layers are there, or optimizer.add_param_group(); to freeze it, "
            "requires_grad_(false)");
    }
  }
}

/// Root mean squares of the gradients of all weights, in the order of the layers.
void Session::check_gradients(const optim::Optimizer& optimizer, Watched& watched) {
  for (auto& [state, root] : roots_) {
    std::vector<std::pair<std::string, double>> layers;
    for (const auto& [name, p] : root.parameters) {
      if (p.dim() < 2 || !p.grad().defined() || !has(optimizer, p)) continue;
      const double rms = p.grad().detach().norm().item<double>() / std::sqrt(double(p.numel()));
      if (rms > 0 && std::isfinite(rms)) layers.emplace_back(name, rms);  // exactly 0: a block that starts as the identity
    }
    if (layers.size() < 3) continue;
    const auto by_size = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto smallest = std::min_element(layers.begin(), layers.end(), by_size), largest = std::max_element(layers.begin(), layers.end(), by_size);
    watched.vanishing = smallest->second < kVanished * largest->second && smallest < largest ? watched.vanishing + 1 : 0;
    watched.exploding = (largest->second > kExploded * layers.back().second && largest < layers.end() - 1) || largest->second > 1e4
                            ? watched.exploding + 1
                            : 0;
    if (watched.vanishing >= 2)
      say("vanishing_gradients", smallest->first,
          fmt::format("gradients vanish: {:.1e} here, {:.1e} at {} (root mean square)", smallest->second, largest->second, largest->first),
          "batch norm, ReLU in place of sigmoid or tanh, initial weights by nn::init, or residual connections");
    else if (watched.exploding >= 2)
      say("exploding_gradients", largest->first,
          fmt::format("gradients explode: {:.1e} here, {:.1e} at {} (root mean square)", largest->second, layers.back().second, layers.back().first),
          "smaller initial weights (nn::init), a smaller learning rate with warm-up, residual connections, or nn::utils::clip_grad_norm_");
  }
}

void Session::note_weight_decay(const optim::Optimizer& optimizer) {
  for (const auto& [state, root] : roots_)
    for (const optim::ParamGroup& group : optimizer.param_groups) {
      if (!(group.weight_decay > 0)) continue;
      for (const Tensor& p : group.params)
        for (const auto& [name, own] : root.parameters)
          if (own.is_same(p) && root.of_norms.count(p.impl()))
            say("weight_decay_on_batch_norm", name,
                fmt::format("weight decay {} pulls gamma and beta to 0, which makes no function simpler", group.weight_decay),
                "put weights and biases of batch norms into a group with .weight_decay = 0", true);
    }
}

}  // namespace ember::doctor

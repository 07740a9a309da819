#include <ember/optim/lr_scheduler.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "error_format.h"
#include "python_repr.h"

namespace ember::optim {

LRScheduler::LRScheduler(Optimizer& optimizer) : optimizer_(optimizer) {
  for (int64_t g = 0; g < optimizer.num_groups(); ++g) base_lrs_.push_back(optimizer.initial_lr(g));
}

std::vector<double> LRScheduler::get_last_lr() const {
  std::vector<double> rates;
  for (int64_t g = 0; g < optimizer_.num_groups(); ++g) rates.push_back(optimizer_.lr(g));
  return rates;
}

void LRScheduler::move() {
  for (int64_t g = 0; g < optimizer_.num_groups(); ++g)
    optimizer_.set_lr(g, next(optimizer_.lr(g), base_lrs_[std::size_t(g)], g));
}

void LRScheduler::step() {
  ++last_epoch_;
  move();
}

void LRScheduler::restart() {
  last_epoch_ = 0;
  for (int64_t g = 0; g < optimizer_.num_groups(); ++g) optimizer_.set_lr(g, base_lrs_[std::size_t(g)]);
  move();
}

void LRScheduler::load_state_dict(const std::vector<std::pair<std::string, double>>& state) {
  for (const auto& [name, value] : state)
    if (name == "last_epoch") last_epoch_ = int64_t(value);
}

double StepLR::next(double lr, double, int64_t) { return last_epoch_ == 0 || last_epoch_ % o_.step_size != 0 ? lr : lr * o_.gamma; }

double MultiStepLR::next(double lr, double, int64_t) {
  const auto times = std::count(o_.milestones.begin(), o_.milestones.end(), last_epoch_);
  return times == 0 ? lr : lr * std::pow(o_.gamma, double(times));
}

ConstantLR::ConstantLR(Optimizer& optimizer, ConstantLROptions options) : LRScheduler(optimizer), o_(options) {
  check<ValueError>(o_.factor <= 1 && o_.factor >= 0, "Constant multiplicative factor expected to be between 0 and 1.");
  start();
}
double ConstantLR::next(double lr, double, int64_t) {
  return last_epoch_ == 0 ? lr * o_.factor : last_epoch_ == o_.total_iters ? lr * (1.0 / o_.factor) : lr;
}

LinearLR::LinearLR(Optimizer& optimizer, LinearLROptions options) : LRScheduler(optimizer), o_(options) {
  check<ValueError>(o_.start_factor <= 1 && o_.start_factor > 0, "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.");
  check<ValueError>(o_.end_factor <= 1 && o_.end_factor >= 0, "Ending multiplicative factor expected to be between 0 and 1.");
  start();
}
double LinearLR::next(double lr, double, int64_t) {
  if (last_epoch_ == 0) return lr * o_.start_factor;
  if (last_epoch_ > o_.total_iters) return lr;
  const double rise = o_.end_factor - o_.start_factor;
  return lr * (1.0 + rise / (double(o_.total_iters) * o_.start_factor + double(last_epoch_ - 1) * rise));
}

double ExponentialLR::next(double lr, double, int64_t) { return last_epoch_ == 0 ? lr : lr * gamma_; }

double PolynomialLR::next(double lr, double, int64_t) {
  if (last_epoch_ == 0 || last_epoch_ > o_.total_iters) return lr;
  const double total = double(o_.total_iters), t = double(last_epoch_);
  return lr * std::pow((1.0 - t / total) / (1.0 - (t - 1) / total), o_.power);
}

double CosineAnnealingLR::next(double lr, double base, int64_t) {
  if (last_epoch_ == 0) return lr;
  const int64_t T = o_.T_max;
  if ((last_epoch_ - 1 - T) % (2 * T) == 0) return lr + (base - o_.eta_min) * (1 - std::cos(M_PI / double(T))) / 2;
  return (1 + std::cos(M_PI * double(last_epoch_) / double(T))) / (1 + std::cos(M_PI * double(last_epoch_ - 1) / double(T))) * (lr - o_.eta_min) + o_.eta_min;
}

// --- warm restarts

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, CosineAnnealingWarmRestartsOptions options)
    : LRScheduler(optimizer), o_(options), T_i_(options.T_0) {
  check<ValueError>(o_.T_0 > 0, "Expected positive integer T_0, but got {}", o_.T_0);
  check<ValueError>(o_.T_mult >= 1, "Expected integer T_mult >= 1, but got {}", o_.T_mult);
  start();
}
void CosineAnnealingWarmRestarts::step() {
  ++last_epoch_;
  if (++T_cur_ >= T_i_) {
    T_cur_ -= T_i_;
    T_i_ *= o_.T_mult;
  }
  move();
}
void CosineAnnealingWarmRestarts::restart() {
  T_cur_ = 0;
  T_i_ = o_.T_0;
  LRScheduler::restart();
}
double CosineAnnealingWarmRestarts::next(double, double base, int64_t) {
  return o_.eta_min + (base - o_.eta_min) * (1 + std::cos(M_PI * double(T_cur_) / double(T_i_))) / 2;
}
std::vector<std::pair<std::string, double>> CosineAnnealingWarmRestarts::state_dict() const {
  return {{"last_epoch", double(last_epoch_)}, {"T_cur", double(T_cur_)}, {"T_i", double(T_i_)}};
}
void CosineAnnealingWarmRestarts::load_state_dict(const std::vector<std::pair<std::string, double>>& state) {
  LRScheduler::load_state_dict(state);
  for (const auto& [name, value] : state) {
    if (name == "T_cur") T_cur_ = int64_t(value);
    if (name == "T_i") T_i_ = int64_t(value);
  }
}

// --- cycles

CyclicLR::CyclicLR(Optimizer& optimizer, CyclicLROptions options) : LRScheduler(optimizer), o_(options) {
  const std::string_view mode = o_.mode;
  check<ValueError>(mode == "triangular" || mode == "triangular2" || mode == "exp_range", "mode is invalid and scale_fn is None");
  check<ValueError>(!o_.cycle_momentum || optimizer.has_momentum(), "optimizer must support momentum or beta1 with `cycle_momentum` option enabled");
  if (o_.step_size_down == 0) o_.step_size_down = o_.step_size_up;
  for (double& base : base_lrs_) base = o_.base_lr;
  start();
}
double CyclicLR::next(double, double base, int64_t group) {
  const double total = double(o_.step_size_up + o_.step_size_down), ratio = double(o_.step_size_up) / total, t = double(last_epoch_);
  const double cycle = std::floor(1 + t / total), x = 1.0 + t / total - cycle;
  const double height = x <= ratio ? x / ratio : (x - 1) / (ratio - 1);
  const std::string_view mode = o_.mode;
  const double scale = mode == "triangular" ? 1.0 : mode == "triangular2" ? 1 / std::pow(2.0, cycle - 1) : std::pow(o_.gamma, t);
  if (o_.cycle_momentum) optimizer_.set_momentum(group, o_.max_momentum - (o_.max_momentum - o_.base_momentum) * height * scale);
  return base + (o_.max_lr - base) * height * scale;
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, OneCycleLROptions options) : LRScheduler(optimizer), o_(options) {
  check<ValueError>(o_.total_steps >= 0 && (o_.total_steps > 0 || (o_.epochs > 0 && o_.steps_per_epoch > 0)),
                    "You must define either total_steps OR (epochs AND steps_per_epoch)");
  if (o_.total_steps == 0) o_.total_steps = o_.epochs * o_.steps_per_epoch;
  check<ValueError>(o_.pct_start >= 0 && o_.pct_start <= 1, "Expected float between 0 and 1 pct_start, but got {}", python_repr(o_.pct_start));
  const std::string_view strategy = o_.anneal_strategy;
  check<ValueError>(strategy == "cos" || strategy == "linear", "anneal_strategy must be one of 'cos' or 'linear', instead got {}", o_.anneal_strategy);
  check<ValueError>(!o_.cycle_momentum || optimizer.has_momentum(), "optimizer must support momentum or beta1 with `cycle_momentum` option enabled");
  for (double& base : base_lrs_) base = o_.max_lr / o_.div_factor;
  start();
}
void OneCycleLR::move() {
  if (last_epoch_ > o_.total_steps) {
    const int64_t tried = last_epoch_--;
    fail<ValueError>("Tried to step {} times. The specified number of total steps is {}", tried, o_.total_steps);
  }
  LRScheduler::move();
}
double OneCycleLR::next(double, double initial, int64_t group) {
  struct Phase {
    double end, from, to, momentum_from, momentum_to;
  };
  const double total = double(o_.total_steps), lowest = initial / o_.final_div_factor, rise = o_.pct_start * total - 1;
  std::vector<Phase> phases{{rise, initial, o_.max_lr, o_.max_momentum, o_.base_momentum}};
  if (o_.three_phase) {
    phases.push_back({2 * o_.pct_start * total - 2, o_.max_lr, initial, o_.base_momentum, o_.max_momentum});
    phases.push_back({total - 1, initial, lowest, o_.max_momentum, o_.max_momentum});
  } else {
    phases.push_back({total - 1, o_.max_lr, lowest, o_.base_momentum, o_.max_momentum});
  }
  const bool cosine = std::string_view(o_.anneal_strategy) == "cos";
  const auto anneal = [cosine](double from, double to, double share) {
    return cosine ? to + (from - to) / 2.0 * (std::cos(M_PI * share) + 1) : (to - from) * share + from;
  };
  double start = 0;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const Phase& p = phases[i];
    if (double(last_epoch_) <= p.end || i + 1 == phases.size()) {
      const double share = (double(last_epoch_) - start) / (p.end - start);
      if (o_.cycle_momentum) optimizer_.set_momentum(group, anneal(p.momentum_from, p.momentum_to, share));
      return anneal(p.from, p.to, share);
    }
    start = p.end;
  }
  return initial;
}

double LambdaLR::next(double, double base, int64_t) { return base * factor_(last_epoch_); }

// --- plateau

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, ReduceLROnPlateauOptions options) : LRScheduler(optimizer), o_(options) {
  check<ValueError>(o_.factor < 1, "Factor should be < 1.0.");
  const std::string_view mode = o_.mode, threshold_mode = o_.threshold_mode;
  check<ValueError>(mode == "min" || mode == "max", "mode {} is unknown!", o_.mode);
  check<ValueError>(threshold_mode == "rel" || threshold_mode == "abs", "threshold mode {} is unknown!", o_.threshold_mode);
  best_ = mode == "min" ? INFINITY : -INFINITY;
}
bool ReduceLROnPlateau::better(double metric) const {
  const bool min = std::string_view(o_.mode) == "min", relative = std::string_view(o_.threshold_mode) == "rel";
  if (min) return metric < (relative ? best_ * (1.0 - o_.threshold) : best_ - o_.threshold);
  return metric > (relative ? best_ * (o_.threshold + 1.0) : best_ + o_.threshold);
}
void ReduceLROnPlateau::step() { fail<TypeError>("ReduceLROnPlateau.step() missing 1 required positional argument: 'metrics'"); }
void ReduceLROnPlateau::step(double metric) {
  ++last_epoch_;
  if (better(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_ > 0) {
    --cooldown_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ <= o_.patience) return;
  for (int64_t g = 0; g < optimizer_.num_groups(); ++g) {
    const double now = optimizer_.lr(g), lower = std::max(now * o_.factor, o_.min_lr);
    if (now - lower > o_.eps) optimizer_.set_lr(g, lower);
  }
  cooldown_ = o_.cooldown;
  bad_epochs_ = 0;
}
std::vector<std::pair<std::string, double>> ReduceLROnPlateau::state_dict() const {
  return {{"last_epoch", double(last_epoch_)}, {"best", best_}, {"num_bad_epochs", double(bad_epochs_)}, {"cooldown_counter", double(cooldown_)}};
}
void ReduceLROnPlateau::load_state_dict(const std::vector<std::pair<std::string, double>>& state) {
  LRScheduler::load_state_dict(state);
  for (const auto& [name, value] : state) {
    if (name == "best") best_ = value;
    if (name == "num_bad_epochs") bad_epochs_ = int64_t(value);
    if (name == "cooldown_counter") cooldown_ = int64_t(value);
  }
}

// --- one after the other

SequentialLR::SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<int64_t> milestones)
    : LRScheduler(optimizer), schedulers_(std::move(schedulers)), milestones_(std::move(milestones)) {
  check<ValueError>(!schedulers_.empty(), "SequentialLR expects at least one scheduler to be chained, but got no scheduler.");
  check<ValueError>(milestones_.size() + 1 == schedulers_.size(),
                    "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got number of schedulers {} and the number of milestones to be equal to {}",
                    schedulers_.size(), milestones_.size());
  schedulers_[0]->restart();
}
void SequentialLR::step() {
  ++last_epoch_;
  const auto past = std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch_) - milestones_.begin();
  LRScheduler& current = *schedulers_[std::size_t(past)];
  if (past > 0 && milestones_[std::size_t(past - 1)] == last_epoch_) current.restart();
  else current.step();
}

}  // namespace ember::optim

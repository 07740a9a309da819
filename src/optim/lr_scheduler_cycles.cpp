// Schedules that come round again, and the one that listens to a metric.
#include <ember/optim/lr_scheduler.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "optim/method.h"

namespace ember::optim::lr_scheduler {

using std::numbers::pi;

// --- CosineAnnealingWarmRestarts

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, int64_t T_0, int64_t T_mult, double eta_min, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), T_i_(T_0), T_mult_(T_mult), T_cur_(last_epoch), eta_min_(eta_min) {
  check<ValueError>(T_0 > 0, "Expected positive integer T_0, but got {}", T_0);
  check<ValueError>(T_mult >= 1, "Expected integer T_mult >= 1, but got {}", T_mult);
  check_number("CosineAnnealingWarmRestarts", "eta_min", eta_min);
  initial_step();
}

void CosineAnnealingWarmRestarts::step() {
  if (last_epoch_ < 0) {
    T_cur_ = 0;
  } else if (++T_cur_ >= T_i_) {
    T_cur_ %= T_i_;
    T_i_ *= T_mult_;
  }
  LRScheduler::step();
}

double CosineAnnealingWarmRestarts::rate(const ParamGroup&, double base_lr) const {
  return eta_min_ + (base_lr - eta_min_) * (1 + std::cos(pi * double(T_cur_) / double(T_i_))) / 2;
}

SchedulerState CosineAnnealingWarmRestarts::state_dict() const {
  SchedulerState state = LRScheduler::state_dict();
  state.push_back({"T_cur", {double(T_cur_)}});
  state.push_back({"T_i", {double(T_i_)}});
  return state;
}

void CosineAnnealingWarmRestarts::load_state_dict(const SchedulerState& state) {
  LRScheduler::load_state_dict(state);
  for (const auto& [name, values] : state) {
    if (name == "T_cur") T_cur_ = int64_t(number_of(name, values));
    if (name == "T_i") T_i_ = int64_t(number_of(name, values));
  }
}

// --- momentum: SGD's, or Adam's first beta

static void check_momentum(const Optimizer& optimizer) {
  check<ValueError>(optimizer.has_momentum() || optimizer.has_betas(),
                    "optimizer must support momentum or beta1 with `cycle_momentum` option enabled");
}

static void set_momentum(const Optimizer& optimizer, ParamGroup& group, double momentum) {
  (optimizer.has_betas() ? group.betas.first : group.momentum) = momentum;
}

// --- CyclicLR

CyclicLR::CyclicLR(Optimizer& optimizer, CyclicOptions options) : LRScheduler(optimizer, options.last_epoch), options_(std::move(options)) {
  const std::string& mode = options_.mode;
  check<ValueError>(is_set(options_.base_lr) && is_set(options_.max_lr), "CyclicLR needs base_lr and max_lr");
  check<ValueError>(mode == "triangular" || mode == "triangular2" || mode == "exp_range" || options_.scale_fn,
                    "mode is invalid and scale_fn is None");
  check<ValueError>(options_.step_size_up > 0, "CyclicLR: expected step_size_up to be 1 or more, got {}", options_.step_size_up);
  check_number("CyclicLR", "gamma", options_.gamma);
  if (options_.cycle_momentum) check_momentum(optimizer);
  const double up = double(options_.step_size_up), down = options_.step_size_down < 0 ? up : double(options_.step_size_down);
  total_size_ = up + down;
  step_ratio_ = up / total_size_;
  base_lrs_.assign(groups().size(), options_.base_lr);
  if (options_.last_epoch == -1)
    for (ParamGroup& group : groups()) {
      group.lr = options_.base_lr;
      if (options_.cycle_momentum) {
        group.max_momentum = options_.max_momentum;
        group.base_momentum = options_.base_momentum;
      }
    }
  initial_step();
}

double CyclicLR::scale(double cycle) const {
  const double t = double(last_epoch_);
  if (options_.scale_fn) return options_.scale_fn(options_.scale_mode == "cycle" ? cycle : t);
  if (options_.mode == "triangular2") return 1 / std::pow(2.0, cycle - 1);
  return options_.mode == "exp_range" ? std::pow(options_.gamma, t) : 1.0;
}

void CyclicLR::before_rates() {
  const double t = double(last_epoch_);
  cycle_ = std::floor(1 + t / total_size_);
  const double x = 1.0 + t / total_size_ - cycle_;
  height_ = x <= step_ratio_ ? x / step_ratio_ : (x - 1) / (step_ratio_ - 1);
  if (!options_.cycle_momentum) return;
  const double height = (options_.max_momentum - options_.base_momentum) * height_;
  for (ParamGroup& group : groups()) set_momentum(optimizer_, group, options_.max_momentum - height * scale(cycle_));
}

double CyclicLR::rate(const ParamGroup&, double base_lr) const { return base_lr + (options_.max_lr - base_lr) * height_ * scale(cycle_); }

// --- OneCycleLR

OneCycleLR::OneCycleLR(Optimizer& optimizer, OneCycleOptions options) : LRScheduler(optimizer, options.last_epoch), options_(std::move(options)) {
  OneCycleOptions& o = options_;
  if (o.total_steps == -1) {
    check<ValueError>(o.epochs != -1 && o.steps_per_epoch != -1, "You must define either total_steps OR (epochs AND steps_per_epoch)");
    check<ValueError>(o.epochs > 0, "Expected positive integer epochs, but got {}", o.epochs);
    check<ValueError>(o.steps_per_epoch > 0, "Expected positive integer steps_per_epoch, but got {}", o.steps_per_epoch);
    o.total_steps = o.epochs * o.steps_per_epoch;
  }
  check<ValueError>(o.total_steps > 0, "Expected positive integer total_steps, but got {}", o.total_steps);
  check<ValueError>(o.pct_start >= 0 && o.pct_start <= 1, "Expected float between 0 and 1 pct_start, but got {}", python_repr(o.pct_start));
  check<ValueError>(o.anneal_strategy == "cos" || o.anneal_strategy == "linear", "anneal_strategy must be one of 'cos' or 'linear', instead got {}",
                    o.anneal_strategy);
  if (o.max_lrs.empty()) o.max_lrs.assign(groups().size(), o.max_lr);
  check<ValueError>(o.max_lrs.size() == groups().size(), "max_lr must have {} elements, got {}", groups().size(), o.max_lrs.size());
  check<ValueError>(is_set(o.max_lrs.at(0)), "OneCycleLR needs max_lr");
  if (o.cycle_momentum) check_momentum(optimizer);

  const auto initial = &ParamGroup::initial_lr, top = &ParamGroup::max_lr, bottom = &ParamGroup::min_lr;
  const auto heavy = &ParamGroup::max_momentum, light = &ParamGroup::base_momentum;
  const double total = double(o.total_steps);
  *phases_ = {{o.pct_start * total - 1, initial, top, heavy, light}};
  if (o.three_phase) {
    phases_->push_back({2 * o.pct_start * total - 2, top, initial, light, heavy});
    phases_->push_back({total - 1, initial, bottom, heavy, heavy});
  } else {
    phases_->push_back({total - 1, top, bottom, light, heavy});
  }
  if (o.last_epoch == -1)
    for (std::size_t i = 0; i < groups().size(); ++i) {
      ParamGroup& group = groups()[i];
      group.initial_lr = o.max_lrs[i] / o.div_factor;
      group.max_lr = o.max_lrs[i];
      group.min_lr = group.initial_lr / o.final_div_factor;
      if (o.cycle_momentum) {
        group.max_momentum = o.max_momentum;
        group.base_momentum = o.base_momentum;
      }
      base_lrs_[i] = group.initial_lr;
    }
  initial_step();
}

double OneCycleLR::anneal(double from, double to, double fraction) const {
  if (options_.anneal_strategy == "linear") return (to - from) * fraction + from;
  return to + (from - to) / 2.0 * (std::cos(pi * fraction) + 1);
}

void OneCycleLR::before_rates() {
  check<ValueError>(last_epoch_ <= options_.total_steps, "Tried to step {} times. The specified number of total steps is {}", last_epoch_,
                    options_.total_steps);
  double start = 0;
  for (const Phase& phase : *phases_) {
    phase_ = &phase;
    fraction_ = (double(last_epoch_) - start) / (phase.end - start);
    if (double(last_epoch_) <= phase.end) break;
    if (&phase != &phases_->back()) start = phase.end;
  }
  if (!options_.cycle_momentum) return;
  for (ParamGroup& group : groups()) set_momentum(optimizer_, group, anneal(group.*phase_->momentum_from, group.*phase_->momentum_to, fraction_));
}

double OneCycleLR::rate(const ParamGroup& group, double) const { return anneal(group.*phase_->from, group.*phase_->to, fraction_); }

// --- ReduceLROnPlateau

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, PlateauOptions options) : LRScheduler(optimizer), options_(std::move(options)) {
  const PlateauOptions& o = options_;
  check<ValueError>(o.factor < 1, "Factor should be < 1.0.");
  check_number("ReduceLROnPlateau", "threshold", o.threshold);
  check<ValueError>(o.mode == "min" || o.mode == "max", "mode {} is unknown!", o.mode);
  check<ValueError>(o.threshold_mode == "rel" || o.threshold_mode == "abs", "threshold mode {} is unknown!", o.threshold_mode);
  const std::size_t groups = optimizer.param_groups.size();
  check<ValueError>(o.min_lrs.empty() || o.min_lrs.size() == groups, "expected {} min_lrs, got {}", groups, o.min_lrs.size());
  best_ = (o.mode == "min" ? 1 : -1) * std::numeric_limits<double>::infinity();
}

bool ReduceLROnPlateau::is_better(double metric) const {
  const double threshold = options_.threshold;
  if (options_.threshold_mode == "rel") return options_.mode == "min" ? metric < best_ * (1.0 - threshold) : metric > best_ * (threshold + 1.0);
  return options_.mode == "min" ? metric < best_ - threshold : metric > best_ + threshold;
}

void ReduceLROnPlateau::step() { fail<TypeError>("ReduceLROnPlateau.step() missing 1 required positional argument: 'metrics'"); }

void ReduceLROnPlateau::step(double metric) {
  ++last_epoch_;
  if (is_better(metric)) {
    best_ = metric;
    bad_epochs_ = 0;
  } else {
    ++bad_epochs_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_epochs_ = 0;
  }
  if (bad_epochs_ <= options_.patience) return;
  for (std::size_t i = 0; i < optimizer_.param_groups.size(); ++i) {
    double& lr = optimizer_.param_groups[i].lr;
    const double lowest = i < options_.min_lrs.size() ? options_.min_lrs[i] : options_.min_lr;
    const double reduced = std::max(lr * options_.factor, lowest);
    if (lr - reduced > options_.eps) lr = reduced;
  }
  cooldown_left_ = options_.cooldown;
  bad_epochs_ = 0;
}

std::vector<double> ReduceLROnPlateau::get_last_lr() const {
  std::vector<double> rates;
  for (const ParamGroup& group : optimizer_.param_groups) rates.push_back(group.lr);
  return rates;
}

SchedulerState ReduceLROnPlateau::state_dict() const {
  return {{"best", {best_}},
          {"cooldown_counter", {double(cooldown_left_)}},
          {"num_bad_epochs", {double(bad_epochs_)}},
          {"last_epoch", {double(last_epoch_)}}};
}

void ReduceLROnPlateau::load_state_dict(const SchedulerState& state) {
  for (const auto& [name, values] : state) {
    if (name == "best") best_ = number_of(name, values);
    if (name == "cooldown_counter") cooldown_left_ = int64_t(number_of(name, values));
    if (name == "num_bad_epochs") bad_epochs_ = int64_t(number_of(name, values));
    if (name == "last_epoch") last_epoch_ = int64_t(number_of(name, values));
  }
}

}  // namespace ember::optim::lr_scheduler

// The steps that all schedulers share, and those that follow the epoch by a short recursion on the current rate.
#include <ember/optim/lr_scheduler.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "optim/method.h"

namespace ember::optim::lr_scheduler {

using std::numbers::pi;

std::vector<double> LRScheduler::get_last_lr() const { return last_lr_; }
LRScheduler::LRScheduler(Optimizer& optimizer, int64_t last_epoch) : optimizer_(optimizer), last_epoch_(last_epoch) {
  for (std::size_t i = 0; i < groups().size(); ++i) {
    ParamGroup& group = groups()[i];
    if (last_epoch == -1 && !is_set(group.initial_lr)) group.initial_lr = group.lr;
    check<ValueError>(is_set(group.initial_lr),
                      "param 'initial_lr' is not specified in param_groups[{}] when resuming scheduler with last_epoch >= 0.\n"
                      "Load the optimizer's state before the scheduler is made.",
                      i);
    base_lrs_.push_back(group.initial_lr);
  }
}

template <class Rate>
void LRScheduler::set_rates(Rate&& rate_of) {
  before_rates();
  check<ValueError>(base_lrs_.size() == groups().size(), "the optimizer got a parameter group after the scheduler was made");
  last_lr_.clear();
  for (std::size_t i = 0; i < groups().size(); ++i) {
    group_index_ = int(i);
    last_lr_.push_back(rate_of(groups()[i], base_lrs_[i]));
  }
  for (std::size_t i = 0; i < groups().size(); ++i) groups()[i].lr = last_lr_[i];
}

void LRScheduler::initial_step() {
  step_count_ = 0;
  initial_ = true;
  step();
  initial_ = false;
}

void LRScheduler::step() {
  if (step_count_ == 1 && optimizer_.steps() == 0)
    warn(
        "Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call them in "
        "the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in PyTorch "
        "skipping the first value of the learning rate schedule.");
  ++step_count_;
  ++last_epoch_;
  set_rates([this](const ParamGroup& group, double base_lr) { return rate(group, base_lr); });
}

void LRScheduler::restart() {
  last_epoch_ = 0;
  set_rates([this](const ParamGroup& group, double base_lr) { return closed_form(group, base_lr); });
}

SchedulerState LRScheduler::state_dict() const {
  return {{"base_lrs", base_lrs_}, {"last_epoch", {double(last_epoch_)}}, {"_step_count", {double(step_count_)}}, {"_last_lr", last_lr_}};
}

void LRScheduler::load_state_dict(const SchedulerState& state) {
  for (const auto& [name, values] : state)
    if (name == "base_lrs" || name == "_last_lr")
      check<ValueError>(values.size() == groups().size(), "loaded state dict has {} for {} parameter groups, the optimizer has {}", name,
                        values.size(), groups().size());
  for (const auto& [name, values] : state) {
    if (name == "base_lrs") base_lrs_ = values;
    if (name == "last_epoch") last_epoch_ = int64_t(number_of(name, values));
    if (name == "_step_count") step_count_ = int64_t(number_of(name, values));
    if (name == "_last_lr") last_lr_ = values;
  }
}

// --- StepLR

StepLR::StepLR(Optimizer& optimizer, int64_t step_size, double gamma, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), step_size_(step_size), gamma_(gamma) {
  check<ValueError>(step_size > 0, "StepLR: expected step_size to be 1 or more, got {}", step_size);
  check_number("StepLR", "gamma", gamma);
  initial_step();
}

double StepLR::rate(const ParamGroup& group, double) const {
  return last_epoch_ == 0 || last_epoch_ % step_size_ != 0 ? group.lr : group.lr * gamma_;
}

double StepLR::closed_form(const ParamGroup&, double base_lr) const { return base_lr * std::pow(gamma_, double(last_epoch_ / step_size_)); }

// --- MultiStepLR

MultiStepLR::MultiStepLR(Optimizer& optimizer, const MultiStepLROptions& options)
    : LRScheduler(optimizer, options.last_epoch), milestones_(options.milestones), gamma_(options.gamma) {
  check_number("MultiStepLR", "gamma", gamma_);
  initial_step();
}

double MultiStepLR::rate(const ParamGroup& group, double) const {
  const auto times = std::count(milestones_.begin(), milestones_.end(), last_epoch_);
  return times ? group.lr * std::pow(gamma_, double(times)) : group.lr;
}

double MultiStepLR::closed_form(const ParamGroup&, double base_lr) const {
  const auto passed = std::count_if(milestones_.begin(), milestones_.end(), [this](int64_t m) { return m <= last_epoch_; });
  return base_lr * std::pow(gamma_, double(passed));
}

// --- ConstantLR

ConstantLR::ConstantLR(Optimizer& optimizer, double factor, int64_t total_iters, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), factor_(factor), total_iters_(total_iters) {
  check<ValueError>(factor >= 0 && factor <= 1, "Constant multiplicative factor expected to be between 0 and 1.");
  check_not_negative("ConstantLR", "total_iters", total_iters);
  initial_step();
}

double ConstantLR::rate(const ParamGroup& group, double) const {
  if (last_epoch_ == 0) return group.lr * factor_;
  return last_epoch_ == total_iters_ ? group.lr * (1.0 / factor_) : group.lr;
}

double ConstantLR::closed_form(const ParamGroup&, double base_lr) const {
  return base_lr * (factor_ + (last_epoch_ >= total_iters_ ? 1 - factor_ : 0.0));
}

// --- LinearLR

LinearLR::LinearLR(Optimizer& optimizer, double start_factor, double end_factor, int64_t total_iters, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), start_(start_factor), end_(end_factor), total_iters_(total_iters) {
  check<ValueError>(start_factor > 0 && start_factor <= 1, "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.");
  check<ValueError>(end_factor >= 0 && end_factor <= 1, "Ending multiplicative factor expected to be between 0 and 1.");
  check_not_negative("LinearLR", "total_iters", total_iters);
  initial_step();
}

double LinearLR::rate(const ParamGroup& group, double) const {
  if (last_epoch_ == 0) return group.lr * start_;
  if (is_initial() || last_epoch_ > total_iters_) return group.lr;
  return group.lr * (1.0 + (end_ - start_) / (double(total_iters_) * start_ + double(last_epoch_ - 1) * (end_ - start_)));
}

double LinearLR::closed_form(const ParamGroup&, double base_lr) const {
  return base_lr * (start_ + (end_ - start_) * double(std::min(total_iters_, last_epoch_)) / double(total_iters_));
}

// --- ExponentialLR

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma, int64_t last_epoch) : LRScheduler(optimizer, last_epoch), gamma_(gamma) {
  check_number("ExponentialLR", "gamma", gamma);
  initial_step();
}

double ExponentialLR::rate(const ParamGroup& group, double) const { return is_initial() ? group.lr : group.lr * gamma_; }

double ExponentialLR::closed_form(const ParamGroup&, double base_lr) const { return base_lr * std::pow(gamma_, double(last_epoch_)); }

// --- PolynomialLR

PolynomialLR::PolynomialLR(Optimizer& optimizer, int64_t total_iters, double power, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), total_iters_(total_iters), power_(power) {
  check_not_negative("PolynomialLR", "total_iters", total_iters);
  check_number("PolynomialLR", "power", power);
  initial_step();
}

double PolynomialLR::rate(const ParamGroup& group, double) const {
  if (is_initial() || last_epoch_ > total_iters_) return group.lr;
  const double total = double(total_iters_), t = double(last_epoch_);
  return group.lr * std::pow((1.0 - t / total) / (1.0 - (t - 1) / total), power_);
}

double PolynomialLR::closed_form(const ParamGroup&, double base_lr) const {
  return base_lr * std::pow(1.0 - double(std::min(total_iters_, last_epoch_)) / double(total_iters_), power_);
}

// --- CosineAnnealingLR

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, int64_t T_max, double eta_min, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), T_max_(T_max), eta_min_(eta_min) {
  check<ValueError>(T_max > 0, "CosineAnnealingLR: expected T_max to be 1 or more, got {}", T_max);
  check_number("CosineAnnealingLR", "eta_min", eta_min);
  initial_step();
}

double CosineAnnealingLR::rate(const ParamGroup& group, double base_lr) const {
  const double T = double(T_max_), t = double(last_epoch_);
  if (is_initial()) return group.lr;
  if (step_count_ == 1 && last_epoch_ > 0) return eta_min_ + (base_lr - eta_min_) * (1 + std::cos(t * pi / T)) / 2;
  // The recursion divides by zero right after the bottom.
  if ((last_epoch_ - 1 - T_max_) % (2 * T_max_) == 0) return group.lr + (base_lr - eta_min_) * (1 - std::cos(pi / T)) / 2;
  return (1 + std::cos(pi * t / T)) / (1 + std::cos(pi * (t - 1) / T)) * (group.lr - eta_min_) + eta_min_;
}

double CosineAnnealingLR::closed_form(const ParamGroup&, double base_lr) const {
  return eta_min_ + (base_lr - eta_min_) * (1 + std::cos(pi * double(last_epoch_) / double(T_max_))) / 2;
}

// --- LambdaLR

LambdaLR::LambdaLR(Optimizer& optimizer, Factor factor, int64_t last_epoch)
    : LambdaLR(optimizer, std::vector<Factor>(optimizer.param_groups.size(), factor), last_epoch) {}

static void check_factors(const char* scheduler, const std::vector<LambdaLR::Factor>& factors, std::size_t groups) {
  check<ValueError>(factors.size() == groups, "Expected {} lr_lambdas, but got {}", groups, factors.size());
  for (const LambdaLR::Factor& factor : factors) check<TypeError>(bool(factor), "{}: expected a function, got an empty one", scheduler);
}

LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<Factor> factors, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), factors_(std::move(factors)) {
  check_factors("LambdaLR", *factors_, groups().size());
  initial_step();
}

double LambdaLR::rate(const ParamGroup&, double base_lr) const { return base_lr * factors_[std::size_t(group_index_)](last_epoch_); }

// --- MultiplicativeLR

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, Factor factor, int64_t last_epoch)
    : MultiplicativeLR(optimizer, std::vector<Factor>(optimizer.param_groups.size(), factor), last_epoch) {}

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::vector<Factor> factors, int64_t last_epoch)
    : LRScheduler(optimizer, last_epoch), factors_(std::move(factors)) {
  check_factors("MultiplicativeLR", *factors_, groups().size());
  initial_step();
}

double MultiplicativeLR::rate(const ParamGroup& group, double) const {
  return is_initial() ? group.lr : group.lr * factors_[std::size_t(group_index_)](last_epoch_);
}

StepLR::StepLR(Optimizer& optimizer, const StepLROptions& options) : StepLR(optimizer, options.step_size, options.gamma, options.last_epoch) {}
ConstantLR::ConstantLR(Optimizer& optimizer, const ConstantLROptions& options)
    : ConstantLR(optimizer, options.factor, options.total_iters, options.last_epoch) {}
LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options)
    : LinearLR(optimizer, options.start_factor, options.end_factor, options.total_iters, options.last_epoch) {}
ExponentialLR::ExponentialLR(Optimizer& optimizer, const ExponentialLROptions& options)
    : ExponentialLR(optimizer, options.gamma, options.last_epoch) {}
PolynomialLR::PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options)
    : PolynomialLR(optimizer, options.total_iters, options.power, options.last_epoch) {}
CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, const CosineAnnealingLROptions& options)
    : CosineAnnealingLR(optimizer, options.T_max, options.eta_min, options.last_epoch) {}
CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, const WarmRestartsOptions& options)
    : CosineAnnealingWarmRestarts(optimizer, options.T_0, options.T_mult, options.eta_min, options.last_epoch) {}
CyclicLR::CyclicLR(Optimizer& optimizer, double base_lr, double max_lr, int64_t step_size_up)
    : CyclicLR(optimizer, CyclicOptions{.base_lr = base_lr, .max_lr = max_lr, .step_size_up = step_size_up}) {}
OneCycleLR::OneCycleLR(Optimizer& optimizer, double max_lr, int64_t total_steps)
    : OneCycleLR(optimizer, OneCycleOptions{.max_lr = max_lr, .total_steps = total_steps}) {}

}  // namespace ember::optim::lr_scheduler

// Schedules of the learning rate, as torch.optim.lr_scheduler: the same doubles, since they are computed by the same recursions.
//
//   optim::SGD optimizer(model.parameters(), {.lr = 0.1});
//   optim::lr_scheduler::CosineAnnealingLR scheduler(optimizer, epochs);
//   for each epoch: { ...; scheduler.step(); }
//
// Arguments in PyTorch's order, or by name: CosineAnnealingLR(optimizer, {.T_max = 15}).
//
// A scheduler sets the rate of epoch 0 when it is made. step() comes after the optimiser's: once an epoch, once a batch for
// OneCycleLR and CyclicLR. The optimiser has to outlive its schedulers.
#pragma once

#include <ember/optim/optimizer.h>
#include <ember/owned.h>

namespace ember::optim::lr_scheduler {

/// What a scheduler knows, for checkpoints: named lists of numbers.
using SchedulerState = std::vector<std::pair<std::string, std::vector<double>>>;

class LRScheduler {
 public:
  virtual ~LRScheduler() = default;
  LRScheduler(const LRScheduler&) = delete;

  virtual void step();
  virtual std::vector<double> get_last_lr() const;  ///< one for each group
  int64_t last_epoch() const { return last_epoch_; }

  virtual SchedulerState state_dict() const;
  virtual void load_state_dict(const SchedulerState& state);

 protected:
  /// last_epoch >= 0 resumes: the groups need the initial_lr that an earlier scheduler left there. Throws KeyError's text as
  /// ValueError when they have none.
  LRScheduler(Optimizer& optimizer, int64_t last_epoch);
  explicit LRScheduler(Optimizer& optimizer) : optimizer_(optimizer), last_epoch_(0) {}  ///< without an initial_lr
  void initial_step();

  /// The rate of a group at last_epoch(), from its current one (group.lr) or from the one it began with.
  virtual double rate(const ParamGroup& group, double base_lr) const = 0;
  /// Where rate() builds on the current rate: the same without it, for a start in the middle.
  virtual double closed_form(const ParamGroup& group, double base_lr) const { return rate(group, base_lr); }
  virtual void before_rates() {}  ///< for schedules of the momentum

  bool is_initial() const { return initial_; }
  std::vector<ParamGroup>& groups() const { return optimizer_.param_groups; }

  Optimizer& optimizer_;
  std::vector<double> base_lrs_;
  int64_t last_epoch_ = -1, step_count_ = 0;
  int group_index_ = 0;  // of the group whose rate is computed

 private:
  friend class SequentialLR;
  friend class ChainedScheduler;
  void restart();  // as PyTorch's _update_lr(0)
  void undo_initial_step() { --last_epoch_; }
  template <class Rate>
  void set_rates(Rate&& rate);

  std::vector<double> last_lr_;
  bool initial_ = false;
};

struct StepLROptions {
  int64_t step_size;
  double gamma = 0.1;
  int64_t last_epoch = -1;
};

/// lr *= gamma every step_size epochs.
class StepLR : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, int64_t step_size, double gamma = 0.1, int64_t last_epoch = -1);
  StepLR(Optimizer& optimizer, const StepLROptions& options);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  double closed_form(const ParamGroup& group, double base_lr) const override;

 private:
  int64_t step_size_;
  double gamma_;
};

struct MultiStepLROptions {
  std::vector<int64_t> milestones;
  double gamma = 0.1;
  int64_t last_epoch = -1;
};

/// lr *= gamma at each milestone; one that is named twice counts twice.
class MultiStepLR : public LRScheduler {
 public:
  template <class Milestones>  // {.milestones = ...} is no list of numbers
    requires std::is_same_v<Milestones, std::vector<int64_t>>
  MultiStepLR(Optimizer& optimizer, Milestones milestones, double gamma = 0.1, int64_t last_epoch = -1)
      : MultiStepLR(optimizer, MultiStepLROptions{std::move(milestones), gamma, last_epoch}) {}
  template <class T>
    requires std::is_integral_v<T>
  MultiStepLR(Optimizer& optimizer, std::initializer_list<T> milestones, double gamma = 0.1, int64_t last_epoch = -1)
      : MultiStepLR(optimizer, MultiStepLROptions{{milestones.begin(), milestones.end()}, gamma, last_epoch}) {}
  MultiStepLR(Optimizer& optimizer, const MultiStepLROptions& options);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  double closed_form(const ParamGroup& group, double base_lr) const override;

 private:
  std::vector<int64_t> milestones_;
  double gamma_;
};

struct ConstantLROptions {
  double factor = 1.0 / 3;
  int64_t total_iters = 5;
  int64_t last_epoch = -1;
};

/// lr * factor for total_iters epochs.
class ConstantLR : public LRScheduler {
 public:
  ConstantLR(Optimizer& optimizer, double factor = 1.0 / 3, int64_t total_iters = 5, int64_t last_epoch = -1);
  ConstantLR(Optimizer& optimizer, const ConstantLROptions& options);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  double closed_form(const ParamGroup& group, double base_lr) const override;

 private:
  double factor_;
  int64_t total_iters_;
};

struct LinearLROptions {
  double start_factor = 1.0 / 3, end_factor = 1;
  int64_t total_iters = 5;
  int64_t last_epoch = -1;
};

/// From lr * start_factor to lr * end_factor in total_iters equal steps.
class LinearLR : public LRScheduler {
 public:
  LinearLR(Optimizer& optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0, int64_t total_iters = 5, int64_t last_epoch = -1);
  LinearLR(Optimizer& optimizer, const LinearLROptions& options);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  double closed_form(const ParamGroup& group, double base_lr) const override;

 private:
  double start_, end_;
  int64_t total_iters_;
};

struct ExponentialLROptions {
  double gamma;
  int64_t last_epoch = -1;
};

/// lr *= gamma every epoch.
class ExponentialLR : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma, int64_t last_epoch = -1);
  ExponentialLR(Optimizer& optimizer, const ExponentialLROptions& options);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  double closed_form(const ParamGroup& group, double base_lr) const override;

 private:
  double gamma_;
};

struct PolynomialLROptions {
  int64_t total_iters = 5;
  double power = 1;
  int64_t last_epoch = -1;
};

/// lr * (1 - t / total_iters) ^ power.
class PolynomialLR : public LRScheduler {
 public:
  PolynomialLR(Optimizer& optimizer, int64_t total_iters = 5, double power = 1.0, int64_t last_epoch = -1);
  PolynomialLR(Optimizer& optimizer, const PolynomialLROptions& options);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  double closed_form(const ParamGroup& group, double base_lr) const override;

 private:
  int64_t total_iters_;
  double power_;
};

struct CosineAnnealingLROptions {
  int64_t T_max;
  double eta_min = 0;
  int64_t last_epoch = -1;
};

/// Half a cosine from lr to eta_min in T_max epochs; it goes up again after that.
class CosineAnnealingLR : public LRScheduler {
 public:
  CosineAnnealingLR(Optimizer& optimizer, int64_t T_max, double eta_min = 0, int64_t last_epoch = -1);
  CosineAnnealingLR(Optimizer& optimizer, const CosineAnnealingLROptions& options);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  double closed_form(const ParamGroup& group, double base_lr) const override;

 private:
  int64_t T_max_;
  double eta_min_;
};

struct WarmRestartsOptions {
  int64_t T_0, T_mult = 1;
  double eta_min = 0;
  int64_t last_epoch = -1;
};

/// Half a cosine over T_0 epochs, then from the start again, each time T_mult times as long. Loshchilov, Hutter 2016.
class CosineAnnealingWarmRestarts : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(Optimizer& optimizer, int64_t T_0, int64_t T_mult = 1, double eta_min = 0, int64_t last_epoch = -1);
  CosineAnnealingWarmRestarts(Optimizer& optimizer, const WarmRestartsOptions& options);
  void step() override;
  SchedulerState state_dict() const override;
  void load_state_dict(const SchedulerState& state) override;

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;

 private:
  int64_t T_i_, T_mult_, T_cur_;
  double eta_min_;
};

struct CyclicOptions {
  double base_lr = kDefault, max_lr = kDefault;
  int64_t step_size_up = 2000, step_size_down = -1;  ///< -1: as many as up
  std::string mode = "triangular";                   ///< or "triangular2", "exp_range"
  double gamma = 1.0;
  Callback<double(double)> scale_fn = {};  ///< in place of a mode
  std::string scale_mode = "cycle";        ///< or "iterations": what scale_fn gets
  bool cycle_momentum = true;
  double base_momentum = 0.8, max_momentum = 0.9;
  int64_t last_epoch = -1;
};

/// Up and down between base_lr and max_lr, the momentum the other way. Smith 2015.
class CyclicLR : public LRScheduler {
 public:
  CyclicLR(Optimizer& optimizer, CyclicOptions options);
  CyclicLR(Optimizer& optimizer, double base_lr, double max_lr, int64_t step_size_up = 2000);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  void before_rates() override;

 private:
  double scale(double cycle) const;
  CyclicOptions options_;
  double total_size_, step_ratio_;
  double cycle_ = 1, height_ = 0;
};

struct OneCycleOptions {
  double max_lr = kDefault;
  int64_t total_steps = -1, epochs = -1, steps_per_epoch = -1;  ///< total_steps, or the other two
  double pct_start = 0.3;
  std::string anneal_strategy = "cos";  ///< or "linear"
  bool cycle_momentum = true;
  double base_momentum = 0.85, max_momentum = 0.95, div_factor = 25, final_div_factor = 1e4;
  bool three_phase = false;
  int64_t last_epoch = -1;
  std::vector<double> max_lrs = {};  ///< one for each group, in place of max_lr
};

/// Up to max_lr and far down again, the momentum the other way. Smith, Topin 2017. step() throws beyond total_steps.
class OneCycleLR : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, OneCycleOptions options);
  OneCycleLR(Optimizer& optimizer, double max_lr, int64_t total_steps);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;
  void before_rates() override;

 private:
  struct Phase {
    double end;
    double ParamGroup::* from;
    double ParamGroup::* to;
    double ParamGroup::* momentum_from;
    double ParamGroup::* momentum_to;
  };
  double anneal(double from, double to, double fraction) const;
  OneCycleOptions options_;
  Boxed<std::vector<Phase>> phases_;
  const Phase* phase_ = nullptr;
  double fraction_ = 0;
};

/// lr * f(epoch), one f for all groups or one for each.
class LambdaLR : public LRScheduler {
 public:
  using Factor = Callback<double(int64_t)>;
  LambdaLR(Optimizer& optimizer, Factor factor, int64_t last_epoch = -1);
  LambdaLR(Optimizer& optimizer, std::vector<Factor> factors, int64_t last_epoch = -1);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;

 private:
  Boxed<std::vector<Factor>> factors_;
};

/// lr *= f(epoch) from epoch 1 on, one f for all groups or one for each.
class MultiplicativeLR : public LRScheduler {
 public:
  using Factor = Callback<double(int64_t)>;
  MultiplicativeLR(Optimizer& optimizer, Factor factor, int64_t last_epoch = -1);
  MultiplicativeLR(Optimizer& optimizer, std::vector<Factor> factors, int64_t last_epoch = -1);

 protected:
  double rate(const ParamGroup& group, double base_lr) const override;

 private:
  Boxed<std::vector<Factor>> factors_;
};

struct PlateauOptions {
  std::string mode = "min";  ///< or "max": what is better
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;
  std::string threshold_mode = "rel";  ///< or "abs"
  int64_t cooldown = 0;
  double min_lr = 0, eps = 1e-8;
  std::vector<double> min_lrs = {};  ///< one for each group, in place of min_lr
};

/// lr *= factor when the metric has not become better for more than `patience` epochs.
class ReduceLROnPlateau : public LRScheduler {
 public:
  explicit ReduceLROnPlateau(Optimizer& optimizer, PlateauOptions options = {});
  void step(double metric);
  void step() override;  ///< throws TypeError: it needs the metric
  std::vector<double> get_last_lr() const override;
  int64_t num_bad_epochs() const { return bad_epochs_; }
  SchedulerState state_dict() const override;
  void load_state_dict(const SchedulerState& state) override;

 protected:
  double rate(const ParamGroup& group, double) const override { return group.lr; }

 private:
  bool is_better(double metric) const;
  PlateauOptions options_;
  double best_;
  int64_t cooldown_left_ = 0, bad_epochs_ = 0;
};

}  // namespace ember::optim::lr_scheduler

namespace ember::optim {
using namespace lr_scheduler;
}

#include <ember/optim/lr_scheduler_chains.h>

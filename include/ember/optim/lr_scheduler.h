// Learning rates that change: each scheduler moves the rate of every group of an optimiser. As torch.optim.lr_scheduler; the numbers
// are PyTorch's to the last digit, chained recursions included.
//
//   optim::StepLR scheduler(optimizer, {.step_size = 10});
//   for (...) { ...; optimizer.step(); scheduler.step(); }
#pragma once

#include <ember/autograd.h>
#include <ember/optim/optimizer.h>

namespace ember::optim {

class LRScheduler {
 public:
  LRScheduler(const LRScheduler&) = delete;
  virtual ~LRScheduler() = default;

  virtual void step();      ///< to the next epoch (for OneCycleLR and CyclicLR: the next batch)
  virtual void restart();   ///< to epoch 0
  std::vector<double> get_last_lr() const;
  int64_t last_epoch() const { return last_epoch_; }

  /// What a resumed run needs: named numbers.
  virtual std::vector<std::pair<std::string, double>> state_dict() const { return {{"last_epoch", double(last_epoch_)}}; }
  virtual void load_state_dict(const std::vector<std::pair<std::string, double>>& state);

 protected:
  explicit LRScheduler(Optimizer& optimizer);
  void start() { restart(); }  ///< the first rates: called at the end of every constructor
  /// The rate of a group at last_epoch_, from the current one and the one it began with.
  virtual double next(double lr, double base, int64_t group) = 0;
  virtual void move();

  Optimizer& optimizer_;
  std::vector<double> base_lrs_;
  int64_t last_epoch_ = 0;
};

struct StepLROptions {
  int64_t step_size;
  double gamma = 0.1;
};
/// Times gamma every step_size epochs.
class StepLR final : public LRScheduler {
 public:
  StepLR(Optimizer& optimizer, StepLROptions options) : LRScheduler(optimizer), o_(options) { start(); }

 private:
  double next(double lr, double base, int64_t group) override;
  StepLROptions o_;
};

struct MultiStepLROptions {
  std::vector<int64_t> milestones;
  double gamma = 0.1;
};
/// Times gamma at each milestone.
class MultiStepLR final : public LRScheduler {
 public:
  MultiStepLR(Optimizer& optimizer, MultiStepLROptions options) : LRScheduler(optimizer), o_(std::move(options)) { start(); }

 private:
  double next(double lr, double base, int64_t group) override;
  MultiStepLROptions o_;
};

struct ConstantLROptions {
  double factor = 1.0 / 3;
  int64_t total_iters = 5;
};
class ConstantLR final : public LRScheduler {
 public:
  explicit ConstantLR(Optimizer& optimizer, ConstantLROptions options = {});

 private:
  double next(double lr, double base, int64_t group) override;
  ConstantLROptions o_;
};

struct LinearLROptions {
  double start_factor = 1.0 / 3, end_factor = 1;
  int64_t total_iters = 5;
};
class LinearLR final : public LRScheduler {
 public:
  explicit LinearLR(Optimizer& optimizer, LinearLROptions options = {});

 private:
  double next(double lr, double base, int64_t group) override;
  LinearLROptions o_;
};

class ExponentialLR final : public LRScheduler {
 public:
  ExponentialLR(Optimizer& optimizer, double gamma) : LRScheduler(optimizer), gamma_(gamma) { start(); }

 private:
  double next(double lr, double base, int64_t group) override;
  double gamma_;
};

struct PolynomialLROptions {
  int64_t total_iters = 5;
  double power = 1;
};
class PolynomialLR final : public LRScheduler {
 public:
  explicit PolynomialLR(Optimizer& optimizer, PolynomialLROptions options = {}) : LRScheduler(optimizer), o_(options) { start(); }

 private:
  double next(double lr, double base, int64_t group) override;
  PolynomialLROptions o_;
};

struct CosineAnnealingLROptions {
  int64_t T_max;
  double eta_min = 0;
};
/// Half a cosine from the rate it began with down to eta_min after T_max epochs. Loshchilov & Hutter 2016.
class CosineAnnealingLR final : public LRScheduler {
 public:
  CosineAnnealingLR(Optimizer& optimizer, CosineAnnealingLROptions options) : LRScheduler(optimizer), o_(options) { start(); }

 private:
  double next(double lr, double base, int64_t group) override;
  CosineAnnealingLROptions o_;
};

struct CosineAnnealingWarmRestartsOptions {
  int64_t T_0, T_mult = 1;
  double eta_min = 0;
};
class CosineAnnealingWarmRestarts final : public LRScheduler {
 public:
  CosineAnnealingWarmRestarts(Optimizer& optimizer, CosineAnnealingWarmRestartsOptions options);
  void step() override;
  void restart() override;
  std::vector<std::pair<std::string, double>> state_dict() const override;
  void load_state_dict(const std::vector<std::pair<std::string, double>>& state) override;

 private:
  double next(double lr, double base, int64_t group) override;
  CosineAnnealingWarmRestartsOptions o_;
  int64_t T_cur_ = 0, T_i_;
};

struct CyclicLROptions {
  double base_lr, max_lr;
  int64_t step_size_up = 2000, step_size_down = 0;  ///< down 0: as up
  const char* mode = "triangular";                  ///< "triangular", "triangular2", "exp_range"
  double gamma = 1;
  bool cycle_momentum = true;
  double base_momentum = 0.8, max_momentum = 0.9;
};
/// Up and down between two rates. Smith 2017.
class CyclicLR final : public LRScheduler {
 public:
  CyclicLR(Optimizer& optimizer, CyclicLROptions options);

 private:
  double next(double lr, double base, int64_t group) override;
  CyclicLROptions o_;
};

struct OneCycleLROptions {
  double max_lr;
  int64_t total_steps = 0;  ///< or epochs and steps_per_epoch
  int64_t epochs = 0, steps_per_epoch = 0;
  double pct_start = 0.3;
  const char* anneal_strategy = "cos";  ///< or "linear"
  bool cycle_momentum = true;
  double base_momentum = 0.85, max_momentum = 0.95, div_factor = 25, final_div_factor = 1e4;
  bool three_phase = false;
};
/// Once up and once down, past where it began. Smith & Topin 2017. Throws ValueError "Tried to step 3 times. ..." at the end.
class OneCycleLR final : public LRScheduler {
 public:
  OneCycleLR(Optimizer& optimizer, OneCycleLROptions options);

 private:
  void move() override;
  double next(double lr, double base, int64_t group) override;
  OneCycleLROptions o_;
};

class LambdaLR final : public LRScheduler {
 public:
  LambdaLR(Optimizer& optimizer, Callback<double(int64_t)> factor) : LRScheduler(optimizer), factor_(std::move(factor)) { start(); }

 private:
  double next(double lr, double base, int64_t group) override;
  Callback<double(int64_t)> factor_;
};

struct ReduceLROnPlateauOptions {
  const char* mode = "min";  ///< or "max"
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;
  const char* threshold_mode = "rel";  ///< or "abs"
  int64_t cooldown = 0;
  double min_lr = 0, eps = 1e-8;
};
/// Times factor when the metric has not become better for `patience` epochs.
class ReduceLROnPlateau final : public LRScheduler {
 public:
  explicit ReduceLROnPlateau(Optimizer& optimizer, ReduceLROnPlateauOptions options = {});
  void step() override;  ///< throws: the metric is needed
  void step(double metric);
  std::vector<std::pair<std::string, double>> state_dict() const override;
  void load_state_dict(const std::vector<std::pair<std::string, double>>& state) override;

 private:
  double next(double lr, double, int64_t) override { return lr; }
  bool better(double metric) const;
  ReduceLROnPlateauOptions o_;
  double best_;
  int64_t bad_epochs_ = 0, cooldown_ = 0;
};

/// One scheduler after the other: the next takes over at each milestone.
class SequentialLR final : public LRScheduler {
 public:
  SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<int64_t> milestones);
  void step() override;

 private:
  double next(double lr, double, int64_t) override { return lr; }
  std::vector<LRScheduler*> schedulers_;
  std::vector<int64_t> milestones_;
};

}  // namespace ember::optim

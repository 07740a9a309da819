// Schedulers made of others: one after the other, or all at once. Comes with <ember/optim/lr_scheduler.h>.
#pragma once

#include <ember/optim/lr_scheduler.h>

namespace ember::optim::lr_scheduler {

/// One scheduler after the other: the next one begins, from its own epoch 0, at each milestone. The schedulers are made before, in this
/// order and on the same optimiser, and have to outlive this one.
class SequentialLR : public LRScheduler {
 public:
  SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<int64_t> milestones);
  void step() override;
  SchedulerState state_dict() const override;
  void load_state_dict(const SchedulerState& state) override;

 protected:
  double rate(const ParamGroup& group, double) const override { return group.lr; }

 private:
  void undo(LRScheduler& scheduler);
  std::size_t current() const;
  Boxed<std::vector<LRScheduler*>> schedulers_;
  std::vector<int64_t> milestones_;
};

/// All schedulers at once: each step is one of each, in this order, on the rate that the others leave. They are made before, on the same
/// optimiser, and have to outlive this one. Throws ValueError without schedulers, for a ReduceLROnPlateau, and for several optimisers.
class ChainedScheduler : public LRScheduler {
 public:
  explicit ChainedScheduler(std::vector<LRScheduler*> schedulers);
  ChainedScheduler(std::vector<LRScheduler*> schedulers, Optimizer& optimizer);
  void step() override;
  std::vector<double> get_last_lr() const override { return last_rates_; }
  SchedulerState state_dict() const override;
  void load_state_dict(const SchedulerState& state) override;

 protected:
  double rate(const ParamGroup& group, double) const override { return group.lr; }

 private:
  friend class SequentialLR;
  void remember_rates();
  Boxed<std::vector<LRScheduler*>> schedulers_;
  std::vector<double> last_rates_;
};

}  // namespace ember::optim::lr_scheduler

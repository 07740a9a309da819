// Schedulers made of others.
#include <ember/optim/lr_scheduler_chains.h>

#include <algorithm>

#include "optim/method.h"

namespace ember::optim::lr_scheduler {

namespace {

using Parts = std::vector<LRScheduler*>;

void check_parts(const char* name, const char* purpose, const Parts& parts) {
  check<ValueError>(!parts.empty(), "{} expects at least one scheduler{}, but got no scheduler.", name, purpose);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    check<ValueError>(parts[i], "{} expects schedulers, but got a null pointer at index {}", name, i);
    check<ValueError>(
        !dynamic_cast<ReduceLROnPlateau*>(parts[i]),
        "{} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be specified when calling `step`, but got "
        "one at index {} in the given schedulers sequence.",
        name, i);
  }
}

void check_same_optimizer(const char* name, const Optimizer& of_part, const Optimizer& optimizer, std::size_t index) {
  check<ValueError>(&of_part == &optimizer,
                    "{} expects all schedulers to belong to the same optimizer, but got scheduler at index {} with another one.", name, index);
}

void add_states(const Parts& parts, SchedulerState& state) {
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (auto& [name, values] : parts[i]->state_dict()) state.push_back({fmt::format("_schedulers.{}.{}", i, name), values});
}

void load_states(const Parts& parts, const SchedulerState& state) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string prefix = fmt::format("_schedulers.{}.", i);
    SchedulerState part;
    for (const auto& [name, values] : state)
      if (name.starts_with(prefix)) part.push_back({name.substr(prefix.size()), values});
    parts[i]->load_state_dict(part);
  }
}

LRScheduler& first_of(const Parts& parts) {
  check_parts("ChainedScheduler", " to be chained", parts);
  return *parts[0];
}

}  // namespace

// --- SequentialLR

SequentialLR::SequentialLR(Optimizer& optimizer, std::vector<LRScheduler*> schedulers, std::vector<int64_t> milestones)
    : LRScheduler(optimizer, -1), schedulers_(std::move(schedulers)), milestones_(std::move(milestones)) {
  check_parts("SequentialLR", "", *schedulers_);
  for (std::size_t i = 0; i < schedulers_->size(); ++i) check_same_optimizer("SequentialLR", schedulers_[i]->optimizer_, optimizer, i);
  check<ValueError>(milestones_.size() + 1 == schedulers_->size(),
                    "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone "
                    "points, but got number of schedulers {} and the number of milestones to be equal to {}",
                    schedulers_->size(), milestones_.size());
  // Each scheduler took its step 0 when it was made: take that back, and let the one that is first do it again.
  last_epoch_ = 0;
  for (ParamGroup& group : groups()) group.lr = group.initial_lr;
  for (LRScheduler* scheduler : *schedulers_) undo(*scheduler);
  LRScheduler& first = *schedulers_[current()];
  first.initial_step();
  last_lr_ = first.get_last_lr();
}

void SequentialLR::undo(LRScheduler& scheduler) {
  if (auto* sequence = dynamic_cast<SequentialLR*>(&scheduler))
    for (LRScheduler* inner : *sequence->schedulers_) undo(*inner);
  else if (auto* chain = dynamic_cast<ChainedScheduler*>(&scheduler))
    for (LRScheduler* inner : *chain->schedulers_) undo(*inner);
  else scheduler.undo_initial_step();
}

std::size_t SequentialLR::current() const {
  return std::size_t(std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch_) - milestones_.begin());
}

void SequentialLR::step() {
  ++last_epoch_;
  const std::size_t index = current();
  LRScheduler& scheduler = *schedulers_[index];
  if (index > 0 && milestones_[index - 1] == last_epoch_) scheduler.restart();
  else scheduler.step();
  last_lr_ = scheduler.get_last_lr();
}

SchedulerState SequentialLR::state_dict() const {
  SchedulerState state = LRScheduler::state_dict();
  add_states(*schedulers_, state);
  return state;
}

void SequentialLR::load_state_dict(const SchedulerState& state) {
  LRScheduler::load_state_dict(state);
  load_states(*schedulers_, state);
}

// --- ChainedScheduler

ChainedScheduler::ChainedScheduler(std::vector<LRScheduler*> schedulers) : ChainedScheduler(schedulers, first_of(schedulers).optimizer_) {}

ChainedScheduler::ChainedScheduler(std::vector<LRScheduler*> schedulers, Optimizer& optimizer)
    : LRScheduler(optimizer), schedulers_(std::move(schedulers)) {
  check_parts("ChainedScheduler", " to be chained", *schedulers_);
  for (std::size_t i = 0; i < schedulers_->size(); ++i) check_same_optimizer("ChainedScheduler", schedulers_[i]->optimizer_, optimizer, i);
  remember_rates();
}

void ChainedScheduler::remember_rates() {
  last_rates_.clear();
  for (const ParamGroup& group : groups()) last_rates_.push_back(group.lr);
}

void ChainedScheduler::step() {
  ++last_epoch_;
  for (LRScheduler* scheduler : *schedulers_) scheduler->step();
  remember_rates();
}

SchedulerState ChainedScheduler::state_dict() const {
  SchedulerState state{{"_last_lr", last_rates_}};
  add_states(*schedulers_, state);
  return state;
}

void ChainedScheduler::load_state_dict(const SchedulerState& state) {
  for (const auto& [name, values] : state)
    if (name == "_last_lr") {
      check<ValueError>(values.size() == groups().size(), "loaded state dict has {} for {} parameter groups, the optimizer has {}", name,
                        values.size(), groups().size());
      last_rates_ = values;
    }
  load_states(*schedulers_, state);
}

}  // namespace ember::optim::lr_scheduler

// Optimisers and schedulers by their PyTorch names.
#pragma once

#include "bind/binding.h"
#include "runner/suite.h"

#include <ember/optim/lr_scheduler.h>

namespace ember::parity {

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, std::vector<optim::ParamGroup> groups, const Keywords& keywords);

/// A scheduler; those that take a metric have `plateau`, the others `plain`.
struct BoundScheduler {
  std::unique_ptr<optim::lr_scheduler::LRScheduler> plain;
  std::unique_ptr<optim::lr_scheduler::ReduceLROnPlateau> plateau;
  std::vector<BoundScheduler> parts;  ///< of a SequentialLR
};
/// json holds "scheduler", "kwargs" and, for SequentialLR, "schedulers".
BoundScheduler make_scheduler(const Json& json, optim::Optimizer& optimizer, Inputs& inputs);

}  // namespace ember::parity

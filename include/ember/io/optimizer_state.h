// The state of an optimiser as a value for files, in the layout that torch.save(optimizer.state_dict()) has.
//
//   save(to_value(optimizer.state_dict()), "optimizer.pt");
//   optimizer.load_state_dict(to_optimizer_state(load("optimizer.pt")));
#pragma once

#include <ember/io/value.h>
#include <ember/optim/optimizer.h>

namespace ember {

Value to_value(const optim::OptimizerState& state);  ///< as a dict with PyTorch's keys, for a .pt file

/// Settings and values that Ember has no use for are kept out. Throws RuntimeError or TypeError when `value` is laid out otherwise.
optim::OptimizerState to_optimizer_state(const Value& value);

}  // namespace ember

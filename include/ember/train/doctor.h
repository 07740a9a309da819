// Doctor: watches a training and says once, on one line, what is wrong with it and the cure: a forgotten eval() or zero_grad(), batches too
// small for batch norm, NaN, dead units, parameters that the optimiser does not have, ... docs/doctor.md lists what it finds.
//
//   doctor::watch(model, optimizer);
//   for (...) { ... training as ever ... }
//   fmt::print("{}", doctor::report());
//
// Or without a change to the program: EMBER_DOCTOR=1 ./program. EMBER_DOCTOR=FOLDER writes FOLDER/doctor.jsonl besides, which `ember report` shows.
#pragma once

#include <ember/nn/module.h>
#include <ember/optim/optimizer.h>

namespace ember::doctor {

struct Finding {
  int64_t step = 0;     ///< optimiser steps taken before it was seen
  std::string module;   ///< path, with how many others are concerned
  std::string finding;  ///< its name in docs/doctor.md: "evaluation_in_training_mode"
  std::string text;     ///< what is wrong, with the numbers
  std::string cure;
  bool note = false;  ///< worth knowing, no fault: only the report has it
};

struct Options {
  std::string folder = "";   ///< of a run: findings are appended to doctor.jsonl there
  bool accumulates = false;  ///< gradients are kept from step to step on purpose: no word about zero_grad
};

/// Begins to watch. Faults go to the warning handler as they are found. The numbers of the run stay what they are; both may end before the
/// watch does. A second call adds to what is watched.
void watch(nn::Module& model, const Options& options = {});
void watch(nn::Module& model, const optim::Optimizer& optimizer, const Options& options = {});
/// Watches no longer; what was found stays until the next watch. What EMBER_DOCTOR began goes on.
void stop();

/// Everything so far, faults and notes, in the order in which it was found.
std::vector<Finding> findings();
/// A table of all findings, or one line that says that there are none.
std::string report();

namespace detail {
bool watch_as_environment_asks();
/// Every program that includes this header looks into its environment before main.
inline const bool environment_was_asked = watch_as_environment_asks();
}  // namespace detail

}  // namespace ember::doctor

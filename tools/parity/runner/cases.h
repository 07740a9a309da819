// Running one case: what each kind of case does, and what came of it.
#pragma once

#include "bind/binding.h"
#include "bind/module_binding.h"
#include "runner/compare.h"

namespace ember::parity {

struct Outcome {
  enum Kind : char { Passed = 'P', Failed = 'F', Skipped = 'S' };
  Kind kind = Passed;
  std::string name;                   ///< the PyTorch name that the case is about
  std::vector<std::string> messages;  ///< what differed, or what is unsupported
  double worst = 0;                   ///< error in units of the tolerance
};

/// Runs a case of any kind. Never throws.
Outcome run_case(const Suite& suite, const Json& json);
std::string case_name(const Json& json);

Keywords keywords_of(const Json& json, Inputs& inputs);

/// Backward from the outputs with the case's cotangents, then the gradients that `find` gives against the expected ones.
void check_gradients(Findings& findings, const std::string& what, const List& outputs, const Json& json, const Suite& suite,
                     const std::function<Tensor(const std::string&)>& find, Tolerance tolerance);

void run_call(const Suite& suite, const Json& json, Findings& findings);
void run_module(const Suite& suite, const Json& json, Findings& findings);
void run_optimizer(const Suite& suite, const Json& json, Findings& findings);
void run_scheduler(const Suite& suite, const Json& json, Findings& findings);
void run_random(const Suite& suite, const Json& json, Findings& findings);
void run_train(const Suite& suite, const Json& json, Findings& findings);

/// The module of a case: constructed, converted, loaded.
BoundModule module_of(const Suite& suite, const Json& json);
/// The "steps" of a case, then its "state_after".
void run_steps(const BoundModule& bound, const Suite& suite, const Json& json, Findings& findings, Tolerance tolerance);
void compare_state(Findings& findings, const std::string& what, const nn::Module& module, const Json& expected, const Suite& suite,
                   Tolerance tolerance);

}  // namespace ember::parity

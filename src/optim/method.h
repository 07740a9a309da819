// What one optimiser is made of, besides the machinery that all share.
#pragma once

#include <ember/optim/optimizer.h>

#include <initializer_list>

#include "error_format.h"
#include "kernels/optim/optim.h"
#include "python_repr.h"

namespace ember::optim {

using kernels::OptimMethod;
using kernels::OptimRule;

/// What of a parameter's past goes into the numbers of its next step.
struct Clock {
  bool started = false;
  double step = 0;
  float mu_product = 1;  // NAdam's, a float32 tensor in PyTorch
  bool operator==(const Clock&) const = default;
};

struct ParamState : Clock {
  Tensor buffers[3];
  kernels::OptimRange memory{};  // of the last step, if nothing had to be copied
  bool as_before = false;        // everything is where the last step found it
};

/// A method is a loop of kernels/optim with the numbers of its rule; or, where a step is rare or costs a matrix product anyhow, a formula of
/// tensor operations, parameter by parameter.
struct Method {
  const char* name;
  OptimMethod loop = OptimMethod::Count;                                             // Count: there is a formula, or a step of the class's own
  std::initializer_list<const char*> settings;                                       // of a group, in PyTorch's order
  const char* buffers[3];                                                            // names in the state, in the kernel's order; null: unused
  bool has_step = true;                                                              // the state knows how many steps it has seen
  unsigned (*wanted)(const ParamGroup&);                                             // bit b: buffer b is needed, and has the parameter's sizes
  void (*rule)(const ParamGroup&, Clock&, OptimRule&) = nullptr;                     // called after step went up
  void (*begin)(const ParamGroup&, const Tensor& parameter, ParamState&) = nullptr;  // makes the formula's buffers
  void (*formula)(const ParamGroup&, const Tensor& parameter, const Tensor& gradient, ParamState&) = nullptr;  // called after step went up
};

/// One setting of a group by its PyTorch name; nothing of it is set for a name that Ember has no use for ("foreach").
struct Field {
  const char* name;
  double ParamGroup::* real = nullptr;
  Flag ParamGroup::* flag = nullptr;
  Betas ParamGroup::* betas = nullptr;
  Triple ParamGroup::* triple = nullptr;
  std::string ParamGroup::* text = nullptr;
  bool is_whole = false;      // a number without fraction, an int in files
  bool of_scheduler = false;  // a scheduler remembers it there: no optimiser has a default for it
};
const Field* find_field(const std::string& name);
void fill_defaults(ParamGroup& group, const ParamGroup& defaults);

inline bool is_set(double x) { return x == x; }
inline bool is_set(Triple x) { return is_set(x.first); }
inline bool is_set(const std::string& x) { return !x.empty(); }
inline bool is_set(Betas x) { return is_set(x.first); }
inline bool is_set(Flag x) { return x.is_set(); }

inline void check_not_negative(const char* what, double value) { check<ValueError>(value >= 0, "Invalid {}: {}", what, python_repr(value)); }
/// Of a scheduler.
inline void check_number(const char* scheduler, const char* what, double value) {
  check<ValueError>(is_set(value), "{}: expected {} to be a number, got nan", scheduler, what);
}
inline void check_not_negative(const char* scheduler, const char* what, int64_t value) {
  check<ValueError>(value >= 0, "{}: expected {} to be 0 or more, got {}", scheduler, what, value);
}
/// The number under a name in the state of a scheduler.
inline double number_of(const std::string& name, const std::vector<double>& values) {
  check<ValueError>(values.size() == 1 && is_set(values[0]), "loaded state dict has {} values under {}, expected one number", values.size(), name);
  return values[0];
}
inline void check_betas(Betas betas) {
  check<ValueError>(betas.first >= 0 && betas.first < 1, "Invalid beta parameter at index 0: {}", python_repr(betas.first));
  check<ValueError>(betas.second >= 0 && betas.second < 1, "Invalid beta parameter at index 1: {}", python_repr(betas.second));
}

}  // namespace ember::optim

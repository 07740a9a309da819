// Which optimiser makes these updates of these gradients: each kind is run again on the recorded gradients, and its settings are searched until its
// updates are those of the run.
#pragma once

#include <vector>

namespace fit {

using Values = std::vector<double>;

/// What one run did to some parameters, in consecutive steps: gradients and weights before, updates behind.
struct Record {
  std::vector<Values> gradients, weights, updates;
  Values lengths;       // of the gradients of all parameters of the run, by step
  double rounding = 0;  // mean square of what an update carries of it
  std::size_t size() const { return gradients.empty() ? 0 : gradients[0].size(); }
};

struct Setting {
  const char* name;
  double usual;
  Values tried;  // before it is refined between two of these
};

struct Kind {
  const char* name;
  std::vector<Setting> settings;
  /// The directions of all steps for these settings, in the order of `settings`.
  std::vector<Values> (*directions)(const Record& r, const Values& s);
  bool decays = false;  // the weights themselves shrink beside it: AdamW
};

struct Fit {
  const Kind* kind = nullptr;
  bool scheduled = false;  // a rate for each step, else one for all
  Values settings = {}, rates = {};
  double decay = 0;  // AdamW's
  double rest = 1;   // what of the updates it does not explain
};

/// Finds rates (and AdamW's decay) of a fit whose settings are given, and what it leaves.
void measure(const Record& r, Fit& fit);
/// The simplest kind that explains the updates.
Fit best(const Record& r);

}  // namespace fit

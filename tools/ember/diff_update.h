// What an optimiser did to a parameter, p[t + 1] - p[t], held against its own size.
//
// An update follows from gradients that the runs computed a little differently, and the sum p + u is rounded. So two right ones may differ
// by the rounding of p and by the same part of themselves as the gradients did, element by element. Weight decay, another moment or
// another rate are far above that, long before they show in p.
#pragma once

#include <map>
#include <string>
#include <vector>

class Updates {
 public:
  using Values = std::vector<double>;

  /// The gradient of a parameter in a step, as both runs have it. `rounding`: of its terms, the least by which it may differ.
  void see_gradient(const std::string& parameter, const Values& a, const Values& b, double rounding);

  struct Result {
    double ratio = 0;     ///< root mean square of the differences in units of what is allowed for each element
    double apart = 0;     ///< the same, relative to the update
    double allowed = 0;   ///< root mean square of what is allowed, relative to the update
    std::size_t at = 0;   ///< the element that is farthest off
    double a = 0, b = 0;  ///< its updates
    std::int64_t past = 0;
  };
  /// The parameter before and behind the update, and how many training steps lie between, 1 when none was left out.
  Result judge(const std::string& parameter, const Values& before_a, const Values& before_b, const Values& a, const Values& b, double epsilon,
               double steps);

 private:
  struct History {
    Values error, size;  ///< squares, of late: the largest difference of the gradient, the mean gradient
    Values update;       ///< the largest of late
  };
  std::map<std::string, History> histories_;
};

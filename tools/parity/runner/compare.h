// Does a value equal the one that PyTorch gave, within the tolerance of its dtype?
#pragma once

#include "runner/suite.h"

namespace ember::parity {

struct Tolerance {
  double rtol = -1, atol = -1;  ///< negative: that of the dtype
  static Tolerance of_case(const Json& json);
};

/// What the comparisons of one case found.
struct Findings {
  std::vector<std::string> problems;
  double worst = 0;  ///< the largest error in units of its tolerance

  bool ok() const { return problems.empty(); }
  void add(std::string problem) { problems.push_back(std::move(problem)); }
};

void compare_tensors(Findings& findings, const std::string& what, const Tensor& got, const Tensor& want, Tolerance tolerance);
void compare_values(Findings& findings, const std::string& what, const Value& got, const Value& want, Tolerance tolerance);

/// got, flattened, against the list of `outputs`.
void compare_outputs(Findings& findings, const std::string& what, const List& got, const Json& outputs, const Suite& suite, Tolerance tolerance);

List flatten_values(const List& values);

}  // namespace ember::parity

// A line search for the strong Wolfe conditions.
#pragma once

#include <ember/autograd.h>

namespace ember::optim {

/// The loss at a point of the line, its gradient, and the slope of the loss along the line there.
struct LinePoint {
  double at = 0, loss = 0;
  Tensor gradient;
  double slope = 0;
};

struct LineSearch {
  LinePoint found;
  int64_t evaluations = 0;
};

/// A length t with loss(t) <= loss(0) + 1e-4 t slope(0) and |slope(t)| <= 0.9 |slope(0)|, begun at `first`; the best one so far after
/// `most` evaluations, or when the bracket times `reach`, the largest element of the direction, is below `tolerance`.
LineSearch strong_wolfe(const LinePoint& start, double first, double reach, double tolerance, int64_t most,
                        const Callback<LinePoint(double)>& evaluate);

}  // namespace ember::optim

// Updates of two runs against each other.
#include "diff_update.h"

#include <algorithm>
#include <cmath>

namespace {

constexpr double kMemory = 0.98;    // of moments and momentum, from one step to the next
constexpr double kRounding = 3e-6;  // of an update that is computed from the same numbers in another order, in float32
constexpr double kGain = 8;         // from the error of a gradient, relative to it, to that of the update: moments, momentum

}  // namespace

void Updates::see_gradient(const std::string& parameter, const Values& a, const Values& b, double rounding) {
  History& h = histories_[parameter];
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::isfinite(a[i] - b[i])) squares += (a[i] - b[i]) * (a[i] - b[i]);
  const double typical = std::max(std::sqrt(squares / double(std::max<std::size_t>(a.size(), 1))), rounding);
  const bool fresh = h.size.size() != a.size();
  if (fresh) h = {Values(a.size()), Values(a.size()), Values(a.size())};
  const double old = fresh ? 0 : kMemory, now = 1 - old;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double error = std::max(std::fabs(a[i] - b[i]), typical), size = std::max(std::fabs(a[i]), std::fabs(b[i]));
    h.error[i] = std::max(error * error, old * h.error[i]);  // one large error is in the next update already
    h.size[i] = old * h.size[i] + now * size * size;
  }
}

Updates::Result Updates::judge(const std::string& parameter, const Values& before_a, const Values& before_b, const Values& a, const Values& b,
                               double epsilon, double steps) {
  Result r;
  History& h = histories_[parameter];
  const std::size_t n = a.size();
  if (h.update.size() != n) h.update.assign(n, 0);
  const bool known = h.size.size() == n;
  const double gain = kGain * (1 + 10 * (steps - 1)), rounding = kRounding * epsilon / 1.2e-7;
  double squares = 0, differences = 0, allowance = 0, updates = 0, worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = a[i] - before_a[i], v = b[i] - before_b[i];
    const double update = std::max(std::fabs(u), std::fabs(v));
    const double part = !known || h.error[i] == 0 ? 0 : h.size[i] > 0 ? std::min(std::sqrt(h.error[i] / h.size[i]), 1.0) : 1;
    const double reach = std::max(update, h.update[i]);
    h.update[i] = std::max(update, 0.95 * h.update[i]);
    const double value = std::max({std::fabs(a[i]), std::fabs(before_a[i]), std::fabs(b[i])});
    const double allowed = 1.2 * epsilon * value + reach * (rounding + gain * part) + 0.01 * steps * std::fabs(before_a[i] - before_b[i]) + 1e-30;
    const double error = std::isfinite(u - v) ? std::fabs(u - v) : (std::isnan(u) == std::isnan(v) ? 0 : INFINITY);
    const double ratio = error / allowed;
    if (ratio > 1) ++r.past;
    if (ratio > worst) worst = ratio, r.at = i, r.a = u, r.b = v;
    squares += ratio * ratio;
    differences += error * error;
    allowance += allowed * allowed;
    updates += update * update;
  }
  const double count = double(std::max<std::size_t>(n, 1)), size = std::sqrt(updates / count);
  r.ratio = std::sqrt(squares / count);
  r.apart = size > 0 ? std::sqrt(differences / count) / size : 0;
  r.allowed = size > 0 ? std::sqrt(allowance / count) / size : 0;
  return r;
}

// Distances of arrays: the largest, the mean square, where it is.
#include "diff_measure.h"

#include <ember/dtype.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace ember;

std::vector<double> numbers(const Tensor& t) {
  const Tensor x = t.to(kFloat64).contiguous();
  return {x.data<double>(), x.data<double>() + x.numel()};
}

Distance distance(const Tensor& a, const Tensor& b, double slack) {
  const std::vector<double> u = numbers(a), v = numbers(b);
  Distance d;
  d.count = std::int64_t(u.size());
  double squares_a = 0, squares_b = 0, differences = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    if (std::isfinite(u[i])) squares_a += u[i] * u[i];
    if (std::isfinite(v[i])) squares_b += v[i] * v[i];
    for (const double e : {u[i], v[i]})
      if (std::isfinite(e)) d.maximum = std::max(d.maximum, std::fabs(e));
  }
  const double n = double(std::max<std::int64_t>(d.count, 1));
  d.size = std::sqrt(std::max(squares_a, squares_b) / n);
  double worst = -1;
  for (std::size_t i = 0; i < u.size(); ++i) {
    if (u[i] == v[i] || (std::isnan(u[i]) && std::isnan(v[i]))) continue;
    ++d.differing;
    const double error = std::isfinite(u[i] - v[i]) ? std::max(std::fabs(u[i] - v[i]) - slack, 0.0) : std::numeric_limits<double>::infinity();
    differences += error * error;
    d.largest = std::max(d.largest, error);
    const double relative = error / (std::max(std::fabs(u[i]), std::fabs(v[i])) + d.size);
    if (!(relative > worst) && std::isfinite(error)) continue;
    worst = std::isfinite(error) ? relative : error;
    d.at = std::int64_t(i), d.error = error, d.a = u[i], d.b = v[i];
  }
  d.apart = std::sqrt(differences / n);
  return d;
}

namespace {

/// Is one of the values within `near` of a kink at zero or at a whole number, or on the other side of it than its partner?
bool at_kink(double x, double y, double near) {
  if (std::signbit(x) != std::signbit(y) || std::min(std::fabs(x), std::fabs(y)) <= near) return true;
  return std::fabs(x) < 6.5 && std::fabs(x - std::round(x)) <= near;
}

}  // namespace

std::int64_t ties(const Tensor& a, const Tensor& b, const Tensor* output_a, const Tensor* output_b, double tolerance, double closeness,
                  double& apart) {
  const std::vector<double> u = numbers(a), v = numbers(b);
  const std::size_t n = u.size();
  if (n < 64) return 0;
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) squares += std::max(u[i] * u[i], v[i] * v[i]);
  const double size = std::sqrt(squares / double(n));
  std::vector<std::size_t> off;
  double rest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double error = std::fabs(u[i] - v[i]);
    if (!std::isfinite(error)) return 0;
    if (error > 2 * tolerance * (std::max(std::fabs(u[i]), std::fabs(v[i])) + size)) off.push_back(i);
    else rest += error * error;
  }
  if (off.empty() || off.size() > n / 8) return 0;
  // So many may happen to be close enough to a kink, wherever it is: their density there is about one for the size of the values.
  std::size_t unexplained = off.size();
  if (output_a && output_b && output_a->sizes() == a.sizes() && output_b->sizes() == b.sizes()) {
    const std::vector<double> x = numbers(*output_a), y = numbers(*output_b);
    double values = 0;
    for (const double e : x) values += e * e;
    const double near = 10 * closeness * std::sqrt(values / double(n));
    const auto moved = [&](std::size_t i) {  // to or from one that is as large: a maximum
      return std::any_of(off.begin(), off.end(), [&](std::size_t j) { return j != i && std::fabs(x[i] - x[j]) <= near; });
    };
    unexplained = 0;
    for (const std::size_t i : off) unexplained += !at_kink(x[i], y[i], near) && (off.size() > 400 || !moved(i));
  }
  if (double(unexplained) > std::max(3.0, double(n) * (2e-4 + 3 * closeness))) return 0;
  apart = std::sqrt(rest / double(n));
  return std::int64_t(off.size());
}

std::vector<std::int64_t> position(const Tensor& t, std::int64_t flat) {
  std::vector<std::int64_t> index(std::size_t(t.dim()));
  for (int d = t.dim(); d-- > 0;) {
    index[std::size_t(d)] = t.size(d) ? flat % t.size(d) : 0;
    flat /= std::max<std::int64_t>(t.size(d), 1);
  }
  return index;
}

std::string shape_text(const Tensor& t) { return fmt::format("{} ({})", name(t.dtype()), fmt::join(t.sizes().begin(), t.sizes().end(), ", ")); }

bool equal_bits(const Tensor& a, const Tensor& b) { return a.dtype() == b.dtype() && a.sizes() == b.sizes() && a.equal(b); }

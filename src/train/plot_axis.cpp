// Ranges that hold the data with a little room, and marks at round numbers.
#include "train/plot_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ember::train {

namespace {

/// The smallest of 1, 2, 5 times a power of ten that is not below.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double digit : {1.0, 2.0, 5.0})
    if (step <= digit * power * (1 + 1e-9)) return digit * power;
  return 10 * power;
}

std::string number(double value, double step) {
  if (std::abs(value) < step * 1e-6) return "0";
  if (std::abs(value) >= 1e6 || (step < 1e-4 && std::abs(value) < 1e-2)) return fmt::format("{:.6g}", value);
  const int decimals = std::max(0, int(-std::floor(std::log10(step) + 1e-9)));
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

bool Scale::shows(double value) const { return std::isfinite(value) && (!axis_.log || value > 0); }

double Scale::operator()(double value) const {
  const double part = axis_.log ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return first_ + std::clamp(part, -10.0, 11.0) * (last_ - first_);
}

Scale::Scale(const Axis& axis, const std::vector<double>& values, bool from_zero) : axis_(axis) {
  bool any = false;
  for (const double value : values) {
    if (!shows(value)) continue;
    low_ = any ? std::min(low_, value) : value;
    high_ = any ? std::max(high_, value) : value;
    any = true;
  }
  if (!any) low_ = axis_.log ? 0.1 : 0, high_ = 1;
  if (axis_.log) {
    if (low_ == high_) low_ /= 2, high_ *= 2;
    const double room = std::pow(high_ / low_, 0.03);
    low_ /= room, high_ *= room;
  } else if (!axis_.categories.empty()) {
    low_ = -0.5, high_ = double(axis_.categories.size()) - 0.5;
  } else {
    if (from_zero) low_ = std::min(low_, 0.0), high_ = std::max(high_, 0.0);
    if (!(high_ - low_ > std::abs(high_) * 1e-12)) low_ -= std::abs(low_) / 2 + 1e-9, high_ += std::abs(high_) / 2 + 1e-9;
    const double room = 0.03 * (high_ - low_);
    if (!(from_zero && low_ == 0)) low_ -= room;
    if (!(from_zero && high_ == 0)) high_ += room;
  }
  if (std::isfinite(axis_.from) && (!axis_.log || axis_.from > 0)) low_ = axis_.from;
  if (std::isfinite(axis_.to) && (!axis_.log || axis_.to > 0)) high_ = axis_.to;
  if (!(high_ > low_)) high_ = axis_.log ? low_ * 10 : low_ + 1;
}

std::vector<Scale::Tick> Scale::ticks(int at_most) const {
  at_most = std::max(at_most, 2);
  std::vector<Tick> result;
  if (!axis_.categories.empty()) {
    const int every = int(axis_.categories.size() - 1) / at_most + 1;
    for (std::size_t i = 0; i < axis_.categories.size(); i += std::size_t(every)) result.push_back({double(i), axis_.categories[i]});
    return result;
  }
  if (axis_.log && high_ / low_ > 5) return decades(at_most);
  const double step = round_step((high_ - low_) / at_most);
  const double first = std::ceil(low_ / step - 1e-9);
  for (int i = 0; (first + i) * step <= high_ + step * 1e-9 && i < 100; ++i) result.push_back({(first + i) * step, number((first + i) * step, step)});
  return result;
}

std::vector<Scale::Tick> Scale::decades(int at_most) const {
  std::vector<Tick> result;
  const int first = int(std::floor(std::log10(low_))), last = int(std::ceil(std::log10(high_)));
  const int every = (last - first - 1) / at_most + 1;
  const bool wide = last - first > 2;  // else 2 and 5 get numbers, too
  for (int power = first; power <= last; ++power)
    for (int digit = 1; digit < 10; ++digit) {
      const double value = digit * std::pow(10.0, power);
      if (value < low_ * (1 - 1e-9) || value > high_ * (1 + 1e-9)) continue;
      const bool named = digit == 1 ? (power - first) % every == 0 : !wide && (digit == 2 || digit == 5);
      if (named || (every == 1 && last - first < 6)) result.push_back({value, named ? fmt::format("{:g}", value) : ""});
    }
  return result;
}

}  // namespace ember::train

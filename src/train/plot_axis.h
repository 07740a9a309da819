// An axis of a plot: its range, where its marks stand and what they say.
#pragma once

#include <ember/train/plot.h>

namespace ember::train {

/// The range of one axis, and the way from values to pixels.
class Scale {
 public:
  /// From what is drawn. Values that cannot be shown (not finite; not positive on a logarithmic axis) do not count.
  Scale(const Axis& axis, const std::vector<double>& values, bool from_zero);

  struct Tick {
    double value;
    std::string text;  // empty: a line of the grid without a number
  };
  std::vector<Tick> ticks(int at_most) const;

  void place(double first_pixel, double last_pixel) {
    first_ = first_pixel;
    last_ = last_pixel;
  }
  bool shows(double value) const;
  double operator()(double value) const;  ///< a pixel
  double low() const { return low_; }

 private:
  std::vector<Tick> decades(int at_most) const;

  const Axis& axis_;
  double low_ = 0, high_ = 1;
  double first_ = 0, last_ = 1;
};

}  // namespace ember::train

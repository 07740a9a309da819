// Plot: a picture of curves as one SVG file, with axes, units and a legend. It reads on light and dark screens and in print.
//
//   train::Plot plot("Loss", {.label = "epoch"}, {.label = "cross entropy", .log = true});
//   plot.add({.name = "training", .x = epochs, .y = losses, .smoothing = 0.6}).save("loss.svg");
#pragma once

#include <string>
#include <vector>

namespace ember::train {

/// One series of points. A value that is not finite, or not positive on a logarithmic axis, leaves a gap.
struct Curve {
  std::string name = {};       ///< in the legend; without one the curve is not listed
  std::vector<double> x = {};  ///< empty: 0, 1, 2, ...
  std::vector<double> y = {};
  std::string style = "line";  ///< line, dashed, points, bars (bars of several curves stand side by side)
  double smoothing = 0;        ///< weight of the past in [0, 1), as TensorBoard's: the curve itself is drawn faintly behind
};

/// What is written along an axis, and its range: from the data unless given.
struct Axis {
  std::string label = {};  ///< with the unit: "time (s)"
  bool log = false;
  double from = __builtin_nan(""), to = __builtin_nan("");
  std::vector<std::string> categories = {};  ///< names of 0, 1, 2, ... in place of numbers
};

class Plot {
 public:
  explicit Plot(std::string title, Axis x = {}, Axis y = {});

  /// Throws ValueError when x and y have different lengths, for a style that does not exist, for a smoothing outside of [0, 1).
  Plot& add(Curve curve);
  /// The area between two curves, behind everything: percentiles, minimum and maximum of several runs. Lengths as above.
  Plot& band(std::string name, std::vector<double> x, std::vector<double> low, std::vector<double> high);

  /// Sizes in pixels. Colours follow the reader's scheme, and are those for paper in print.
  std::string svg(int width = 720, int height = 440) const;
  /// The file appears whole or not at all. Throws RuntimeError when it cannot be written.
  void save(const std::string& path, int width = 720, int height = 440) const;

 private:
  struct Band {
    std::string name;
    std::vector<double> x, low, high;
  };
  friend class Drawing;
  std::string title_;
  Axis x_, y_;
  std::vector<Curve> curves_;
  std::vector<Band> bands_;
};

/// Several plots in one picture, row by row; columns = 0 puts all into one row. Sizes are those of one plot.
std::string side_by_side(const std::vector<Plot>& plots, int columns = 0, int width = 480, int height = 360);

/// Writes a picture made by svg() or side_by_side(), whole or not at all. Throws RuntimeError when it cannot be written.
void save_svg(const std::string& path, const std::string& svg);

/// y smoothed by an exponential moving average whose start is corrected, as TensorBoard draws it. Values that are not finite stay.
std::vector<double> smooth(const std::vector<double>& y, double weight);

}  // namespace ember::train

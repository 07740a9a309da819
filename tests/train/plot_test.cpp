// What a plot's SVG says: its texts, its marks, where gaps are. Smoothing by TensorBoard's formula.
#include <ember/error.h>
#include <ember/train/plot.h>

#include <cmath>

#include "support/catch.h"
#include "support/folder.h"

using namespace ember;
using train::Plot;

namespace {

int64_t count(const std::string& text, const std::string& part) {
  int64_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The path of the only curve: "M10.0 20.0L..."
std::string path_of(const std::string& svg) {
  const std::size_t from = svg.find(" d=\"") + 4;
  return svg.substr(from, svg.find('"', from) - from);
}

}  // namespace

TEST_CASE("a plot names its axes, its curves and itself, and escapes what XML would take for marks") {
  Plot plot("Loss <A & B>", {.label = "epoch"}, {.label = "loss \"x\""});
  plot.add({.name = "training", .y = {3, 2, 1}}).add({.name = "validation", .y = {3, 2.5, 2}, .style = "dashed"});
  const std::string svg = plot.svg();
  for (const char* text :
       {"Loss &lt;A &amp; B&gt;", ">epoch<", "loss &quot;x&quot;", ">training<", ">validation<", "prefers-color-scheme:dark", "@media print"})
    CHECK_THAT(svg, contains(text));
  CHECK(count(svg, "<svg") == count(svg, "</svg>"));
  CHECK(count(svg, "<path") == 2);
  CHECK(count(svg, "stroke-dasharray=\"6 4\"") == 2);  // the curve and its entry in the legend
}

TEST_CASE("values that cannot be shown leave a gap, and a value between two gaps is a dot") {
  const std::string svg = Plot("p").add({.y = {1, 2, NAN, 3, INFINITY, 2, 1}}).svg();
  CHECK(count(path_of(svg), "M") == 3);
  CHECK(count(svg, "<circle") == 1);
  CHECK(count(Plot("p", {}, {.log = true}).add({.y = {1, 10, 0, -1, 10, 100}}).svg(), "nan") == 0);
  CHECK(count(path_of(Plot("p", {}, {.log = true}).add({.y = {1, 10, 0, -1, 10, 100}}).svg()), "M") == 2);
}

TEST_CASE("marks of an axis stand at round numbers, those of a logarithmic one at powers of ten") {
  const std::string svg = Plot("p", {.label = "step"}, {}).add({.x = {0, 1000}, .y = {0, 0.5}}).svg();
  for (const char* mark : {">0<", ">200<", ">1000<", ">0.1<", ">0.5<"}) CHECK_THAT(svg, contains(mark));
  const std::string logarithmic = Plot("p", {}, {.log = true}).add({.x = {0, 1}, .y = {1e-4, 10}}).svg();
  for (const char* mark : {">0.0001<", ">0.001<", ">1<", ">10<"}) CHECK_THAT(logarithmic, contains(mark));
  const std::string named = Plot("p", {.categories = {"cat", "dog"}}).add({.y = {1, 2}, .style = "bars"}).svg();
  for (const char* mark : {">cat<", ">dog<", ">0<"}) CHECK_THAT(named, contains(mark));
}

TEST_CASE("a plot of nothing, of one point and of a constant is drawn") {
  for (const auto& y : std::vector<std::vector<double>>{{}, {5}, {0.5, 0.5}, {0, 0}, {NAN}, {1e300, -1e300}, {1e-310, 2e-310}}) {
    const std::string svg = Plot("p", {}, {}).add({.name = "c", .y = y}).svg();
    CHECK(count(svg, "nan") == 0);
    CHECK(count(svg, "inf") == 0);
    CHECK(svg.size() < 20000);
  }
}

TEST_CASE("a curve of a hundred thousand points keeps its highest and lowest value in a small file") {
  std::vector<double> y(100000, 0.0);
  y[54321] = 7;
  y[54322] = -3;
  const std::string svg = Plot("p").add({.y = y}).svg();
  CHECK(svg.size() < 60000);
  const std::string path = path_of(svg);
  double lowest = 1e9, highest = -1e9;
  for (std::size_t at = 0; (at = path.find(' ', at)) != std::string::npos; ++at) {
    const double pixel = std::stod(path.substr(at + 1));
    lowest = std::min(lowest, pixel);
    highest = std::max(highest, pixel);
  }
  CHECK(highest - lowest > 300);  // 10 units of 10.6 in about 376 pixels
}

TEST_CASE("smoothing is TensorBoard's: a moving average whose start is corrected") {
  // last = 0.6 last + 0.4 y; shown = last / (1 - 0.6^n), as tf_line_chart's resmoothDataset
  const std::vector<double> smoothed = train::smooth({1, 2, NAN, 4}, 0.6);
  CHECK(smoothed[0] == Approx(1.0));
  CHECK(smoothed[1] == Approx((0.6 * 0.4 * 1 + 0.4 * 2) / (1 - 0.36)));
  CHECK(std::isnan(smoothed[2]));
  CHECK(smoothed[3] == Approx((0.36 * 0.4 * 1 + 0.6 * 0.4 * 2 + 0.4 * 4) / (1 - 0.216)));
  CHECK(train::smooth({1, 2}, 0) == std::vector<double>{1, 2});
}

TEST_CASE("a plot refuses what it cannot draw") {
  Plot plot("p");
  CHECK_THROWS_WITH(plot.add({.name = "a", .x = {1}, .y = {1, 2}}), "Plot: expected x and y of the same length, got 1 and 2 for 'a'");
  CHECK_THROWS_WITH(plot.add({.y = {1}, .style = "dots"}), "Plot: expected the style line, dashed, points or bars, got 'dots'");
  CHECK_THROWS_WITH(plot.add({.y = {1}, .smoothing = 1}), "Plot: expected a smoothing of at least 0 and below 1, got 1");
  CHECK_THROWS_AS(plot.band("b", {}, {1}, {}), ValueError);
  CHECK_THROWS_AS(plot.svg(0, 100), ValueError);
  CHECK_THROWS_AS(train::side_by_side({}), ValueError);
  CHECK_THROWS_AS(plot.save("/nowhere/at/all.svg"), RuntimeError);
}

TEST_CASE("plots side by side are one picture, and a file holds it") {
  const std::string svg = train::side_by_side({Plot("one"), Plot("two"), Plot("three")}, 2, 300, 200);
  CHECK_THAT(svg, contains("width=\"600\" height=\"400\""));
  CHECK_THAT(svg, contains("<svg x=\"300\" y=\"0\"") && contains("<svg x=\"0\" y=\"200\""));
  const Folder folder;
  train::save_svg(folder / "p.svg", svg);
  CHECK(bytes_of(folder / "p.svg") == svg);
}

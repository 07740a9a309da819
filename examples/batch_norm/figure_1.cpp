// Figure 1 of Ioffe & Szegedy 2015: test accuracy over the steps of training, with and without batch norm, and how the input of one
// sigmoid is spread (15th, 50th and 85th percentile) as training goes on.
#include "laboratory.h"

using namespace lab;

/// Percentiles of what unit 4 of the third sigmoid gets, over 2,000 test images in evaluation.
static std::vector<double> percentiles(nn::Sequential& net, const Images& images) {
  NoGradGuard no_grad;
  net.eval();
  Tensor x = images.x;
  for (int64_t i = 0; i < net.size() - 2; ++i) x = net[i](x);  // all but the last sigmoid and the last layer
  net.train();
  const Tensor sorted = x.select(1, 4).sort().values;
  std::vector<double> result;
  for (const double p : {0.15, 0.5, 0.85}) result.push_back(sorted[int64_t(p * double(sorted.size(0)))].item<double>());
  return result;
}

static int figure_1(Experiment& e) {
  const std::vector<int64_t> shown = {100, 500, 1000, 2000, 5000, 10000};
  const std::vector<double> torch[2] = {{.114, .098, .114, .096, .740, .920}, {.837, .910, .922, .938, .960, .974}};
  const double torch_width[2] = {.02, 2.62};
  ember::train::Plot curves("Test accuracy", {.label = "steps of 60 images"}, {.label = "accuracy", .from = 0, .to = 1});
  std::vector<ember::train::Plot> panels;
  const Images some = first(e.test(), 2000);
  for (const bool norm : {true, false}) {
    const std::string name = norm ? "with batch norm" : "without";
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net = mlp({.activation = "sigmoid", .norm = norm ? "batch" : "none"});
    std::vector<double> steps, accuracies, steps_of_spread, spread[3];
    double width = 0;
    const auto after = [&](int64_t step, double) {
      const int64_t at = place(shown, step);
      if (step % 500 == 0 || at >= 0) {
        steps.push_back(double(step));
        accuracies.push_back(accuracy(net, e.test()));
      }
      if (at >= 0) {
        Band band = kAny;
        if (step == 1000 && norm) band = at_least(.9);
        if (step == 2000 && !norm) band = at_most(.2);
        e.row(fmt::format("{}, accuracy at {} steps", name, with_commas(step)), torch[norm][std::size_t(at)], accuracies.back(), band);
      }
      if (step % 250 == 0) {
        const std::vector<double> p = percentiles(net, some);
        steps_of_spread.push_back(double(step));
        for (std::size_t i = 0; i < 3; ++i) spread[i].push_back(p[i]);
        if (step == 2000) width = p[2] - p[0];
      }
    };
    lab::train(net, e, {.rate = 0.1, .steps = 10000, .after = after});
    e.row(name + ", 15th to 85th percentile at 2,000", torch_width[norm], width, norm ? at_least(2) : at_most(.05));
    curves.add({.name = name, .x = steps, .y = accuracies, .style = norm ? "line" : "dashed"});
    ember::train::Plot panel("Input of a sigmoid, " + name, {.label = "steps of 60 images"}, {.label = "value", .from = -4, .to = 4});
    panel.band("15th to 85th percentile", steps_of_spread, spread[0], spread[2]);
    panel.add({.name = "median", .x = steps_of_spread, .y = spread[1]});
    panels.push_back(panel);
  }
  panels.insert(panels.begin(), curves);
  e.figure(ember::train::side_by_side(panels));
  return e.conclude(
      "With batch norm the net learns from the first steps on; without it every image gives the sigmoids nearly the same input, and nothing "
      "is learned until that spreads after some thousand steps.",
      "Which of the two medians moves less, and which spread stays wide? What would Figure 1 look like with ReLU?");
}

int main(int argc, char** argv) {
  return run({"figure_1", "Figure 1 of Ioffe & Szegedy: a net of sigmoids with and without batch norm",
              "784-100-100-100-10, sigmoid, weights N(0, 0.05), SGD at rate 0.1, batches of 60, 10,000 steps",
              "accuracy over steps, and the percentiles of one sigmoid's input with and without batch norm"},
             argc, argv, figure_1);
}

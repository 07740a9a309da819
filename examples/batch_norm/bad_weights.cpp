// Bad initial weights: standard deviations of 0.005 to 5, with and without batch norm.
#include "laboratory.h"

using namespace lab;

static int bad_weights(Experiment& e) {
  const std::vector<double> stds = {.005, .05, .5, 5};
  const std::vector<double> torch[2] = {{.114, .937, .114, .098}, {.966, .966, .899, .577}};
  ember::train::Plot plot("Test accuracy after 1,000 steps", {.label = "standard deviation of the initial weights", .log = true},
                          {.label = "accuracy", .from = 0, .to = 1});
  for (const bool norm : {true, false}) {
    std::vector<double> accuracies;
    for (std::size_t i = 0; i < stds.size(); ++i) {
      manual_seed(std::uint64_t(e.seed()));
      nn::Sequential net = mlp({.norm = norm ? "batch" : "none", .std = stds[i]});
      lab::train(net, e, {});
      accuracies.push_back(accuracy(net, e.test()));
      e.row(fmt::format("{}, N(0, {})", norm ? "with batch norm" : "without", stds[i]), torch[norm][i], accuracies.back(),
            norm && stds[i] <= .5 ? at_least(.85) : kAny);
    }
    plot.add({.name = norm ? "with batch norm" : "without", .x = stds, .y = accuracies, .style = norm ? "line" : "dashed"});
  }
  e.figure(plot.svg());
  return e.conclude("Without batch norm one of four scales trains; with it a range of a hundred does, because a layer's scale is divided away again.",
                    "Why is 5 still too much with batch norm? (scale_invariance)");
}

int main(int argc, char** argv) {
  return run({"bad_weights", "Bad initial weights", "784-100-100-100-10, ReLU, SGD at rate 0.1, batches of 60, 1,000 steps",
              "accuracy over the scale of the initial weights, with and without batch norm"},
             argc, argv, bad_weights);
}

// Which learning rates survive: the same net at six rates, with and without batch norm.
#include "laboratory.h"

using namespace lab;

static int which_rates(Experiment& e) {
  const std::vector<double> rates = {0.01, 0.1, 0.3, 1, 3, 10};
  const std::vector<double> torch[2] = {{.447, .937, .958, .920, .114, .098}, {.934, .966, .965, .965, .962, .103}};
  ember::train::Plot plot("Test accuracy after 1,000 steps", {.label = "learning rate", .log = true}, {.label = "accuracy", .from = 0, .to = 1});
  for (const bool norm : {true, false}) {
    std::vector<double> accuracies;
    for (std::size_t i = 0; i < rates.size(); ++i) {
      manual_seed(std::uint64_t(e.seed()));
      nn::Sequential net = mlp({.norm = norm ? "batch" : "none"});
      lab::train(net, e, {.rate = rates[i]});
      accuracies.push_back(accuracy(net, e.test()));
      Band band = kAny;
      if (norm && rates[i] >= .1 && rates[i] <= 3) band = at_least(rates[i] < 3 ? .95 : .93);
      if (!norm && rates[i] == 3) band = at_most(.2);
      e.row(fmt::format("{}, rate {}", norm ? "with batch norm" : "without", rates[i]), torch[norm][i], accuracies.back(), band);
    }
    plot.add({.name = norm ? "with batch norm" : "without", .x = rates, .y = accuracies, .style = norm ? "line" : "dashed"});
  }
  e.figure(plot.svg());
  return e.conclude("With batch norm every rate from 0.1 to 3 works, a range of thirty; without it a rate of 3 is the end.",
                    "The weights of a layer under batch norm grow with the rate. Why does that make the next steps smaller? (scale_invariance)");
}

int main(int argc, char** argv) {
  return run({"which_rates", "Which learning rates survive", "784-100-100-100-10, ReLU, weights N(0, 0.05), SGD, batches of 60, 1,000 steps",
              "accuracy over learning rate, with and without batch norm"},
             argc, argv, which_rates);
}

// What momentum does: the same training, evaluated by running statistics that follow the newest batch more or less closely.
#include "laboratory.h"

using namespace lab;

static int momentum(Experiment& e) {
  struct Setting {
    std::string name;
    nn::Momentum value;
    double torch_50, torch_1000;
  };
  const std::vector<Setting> settings = {
      {"0.001", 0.001, .489, .929}, {"0.01", 0.01, .631, .944}, {"0.1 (the default)", 0.1, .817, .944},    {"0.5", 0.5, .784, .936},
      {"0.9", 0.9, .757, .918},     {"1", 1.0, .755, .914},     {"None (plain average)", None, .804, .908}};
  std::vector<double> early, late;
  std::vector<std::string> names;
  double by_batch = 0, best = 0;
  for (const Setting& setting : settings) {
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net = mlp({.std = 0, .momentum = setting.value});
    lab::train(net, e, {.batch = 16, .after = [&](int64_t step, double) {
                          if (step == 50) early.push_back(accuracy(net, e.test()));
                        }});
    late.push_back(accuracy(net, e.test()));
    names.push_back(setting.name.substr(0, setting.name.find(' ')));
    best = std::max(best, late.back());
    e.row(setting.name + ", after 50 steps", setting.torch_50, early.back());
    e.row(setting.name + ", after 1,000 steps", setting.torch_1000, late.back());
    if (setting.name == "1") by_batch = accuracy_as_it_is(net, e.test(), 10000);  // what is learned is the same in all of them
  }
  e.row("by the statistics of the test batch", .942, by_batch);
  e.row("0.1 less the best", 0, late[2] - best, at_least(-.005));
  e.row("None less 0.1", .908 - .944, late.back() - late[2], at_most(0));
  ember::train::Plot plot("Test accuracy by momentum", {.label = "momentum", .categories = names}, {.label = "accuracy", .from = 0, .to = 1});
  plot.add({.name = "after 50 steps", .y = early, .style = "bars"}).add({.name = "after 1,000 steps", .y = late, .style = "bars"});
  e.figure(plot.svg());
  return e.conclude(
      "Momentum is the weight of the newest batch. Small ones are late, large ones follow one batch; None still averages the first, untrained "
      "batches after 1,000 steps: it is for update_bn, not for training.",
      "Training itself does not depend on momentum. Which of the accuracies above would you have to repeat to see that?");
}

int main(int argc, char** argv) {
  return run({"momentum", "Momentum, the weight of the newest batch",
              "784-100-100-100-10, ReLU, PyTorch's initialisation, SGD at rate 0.1, batches of 16, 1,000 steps",
              "accuracy by momentum after 50 and 1,000 steps"},
             argc, argv, momentum);
}

// Zero gamma (Goyal et al. 2017): residual blocks whose last batch norm starts with weight 0, so that the net starts as the identity.
#include "laboratory.h"

using namespace lab;

/// relu(x + norm2(fc2(relu(norm1(fc1(x)))))).
struct Block : nn::Module {
  nn::Linear& fc1 = add("fc1", nn::Linear(100, 100, {.bias = false}));
  nn::BatchNorm1d& norm1 = add("norm1", nn::BatchNorm1d(100));
  nn::Linear& fc2 = add("fc2", nn::Linear(100, 100, {.bias = false}));
  nn::BatchNorm1d& norm2 = add("norm2", nn::BatchNorm1d(100));
  explicit Block(double gamma) { nn::init::constant_(norm2.weight, gamma); }
  Tensor forward(const Tensor& x) override { return relu(x + norm2(fc2(relu(norm1(fc1(x)))))); }
};

static int zero_gamma(Experiment& e) {
  const std::vector<int64_t> shown = {20, 50, 100, 300};
  const double torch[2][2][4] = {{{.71, .86, .91, .94}, {.85, .88, .90, .94}}, {{.42, .57, .73, .86}, {.80, .85, .90, .95}}};
  ember::train::Plot plot("Ten residual blocks", {.label = "steps of 60 images"}, {.label = "test accuracy", .from = 0, .to = 1});
  for (const double rate : {0.1, 1.0})
    for (const double gamma : {1.0, 0.0}) {
      static double with_one_at_100 = 0;
      manual_seed(std::uint64_t(e.seed()));
      nn::Sequential net{nn::Linear(784, 100, {.bias = false}), nn::BatchNorm1d(100), nn::ReLU()};
      for (int block = 0; block < 10; ++block) net.append(Block(gamma));
      net.append(nn::Linear(100, 10));
      std::vector<double> steps, accuracies;
      lab::train(net, e, {.rate = rate, .steps = 300, .after = [&](int64_t step, double) {
                            const int64_t at = place(shown, step);
                            if (step % 20 == 0 || at >= 0) {
                              steps.push_back(double(step));
                              accuracies.push_back(accuracy(net, first(e.test(), at >= 0 ? e.test().x.size(0) : 2000)));
                            }
                            if (at < 0) return;
                            if (step == 100 && gamma == 1) with_one_at_100 = accuracies.back();
                            e.row(fmt::format("rate {}, gamma {}, {} steps", rate, gamma, step), torch[rate == 1][gamma == 0][at], accuracies.back(),
                                  rate == 1 && gamma == 0 && step == 100 ? at_least(with_one_at_100 + .1) : kAny);
                          }});
      plot.add({.name = fmt::format("rate {}, gamma {}", rate, gamma), .x = steps, .y = accuracies, .style = gamma == 0 ? "line" : "dashed"});
    }
  e.figure(plot.svg());
  return e.conclude(
      "A net whose blocks start as the identity learns at once and at ten times the rate; with gamma 1 the gradient explodes through ten blocks "
      "(depth) and the first hundred steps go to repairing that.",
      "The layers inside a block with gamma 0 get no gradient in the first step. Why do they get one in the second?");
}

int main(int argc, char** argv) {
  return run({"zero_gamma", "Zero gamma",
              "784-100, batch norm, ten residual blocks of 100 units, 10; ReLU, PyTorch's initialisation, SGD, batches of 60, 300 steps",
              "accuracy over steps at two rates with gamma 1 and gamma 0"},
             argc, argv, zero_gamma);
}

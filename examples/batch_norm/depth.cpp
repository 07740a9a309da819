// Gradients at depth 20, before any training: what reaches the first layer, with and without batch norm.
#include "laboratory.h"

using namespace lab;

static int depth(Experiment& e) {
  struct Case {
    const char* activation;
    bool norm;
    double first, tenth, last;
  };
  const std::vector<Case> cases = {{"sigmoid", false, 1.4e-17, 1.9e-10, 7.6e-2}, {"sigmoid", true, 1.15, .37, .27},
                                   {"tanh", false, 1.8e-5, 1.1e-4, 2.4e-2},      {"tanh", true, 7.8, 1.2, .66},
                                   {"relu", false, 1.5e-8, 7e-7, 8.5e-3},        {"relu", true, 46.7, 2.8, .47}};
  const Images batch = first(e.train(), 256);
  ember::train::Plot plot("Gradient of each layer's weights at depth 20", {.label = "hidden layer"}, {.label = "norm of the gradient", .log = true});
  for (const Case& c : cases) {
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net = mlp({.activation = c.activation, .norm = c.norm ? "batch" : "none", .std = 0, .layers = 20});
    cross_entropy(net(batch.x), batch.y).backward();
    std::vector<double> norms;
    for (const Tensor& p : net.parameters())
      if (p.dim() == 2) norms.push_back(p.grad().norm().item<double>());
    norms.pop_back();  // the last layer is no hidden one
    const std::string name = fmt::format("{} {}", c.activation, c.norm ? "with batch norm" : "without");
    e.row(name + ": first layer", c.first, norms.front());
    e.row(name + ": 10th", c.tenth, norms[9]);
    e.row(name + ": last", c.last, norms.back());
    if (c.activation == std::string("sigmoid") && !c.norm) e.row("  last / first", c.last / c.first, norms.back() / norms.front(), at_least(1e12));
    if (c.activation == std::string("relu") && c.norm) e.row("  first / last", c.first / c.last, norms.front() / norms.back(), {30, 300});
    plot.add({.name = name, .y = norms, .style = c.norm ? "line" : "dashed"});
  }
  e.figure(plot.svg());
  return e.conclude(
      "Batch norm cures gradients that vanish, and at initialisation it makes them explode: about 1.27 times larger with each layer of ReLU. "
      "That is why deep nets have residual connections and warm-up besides.",
      "How large would the ratio of first to last be at 50 layers?");
}

int main(int argc, char** argv) {
  return run({"depth", "Gradients at depth 20", "784-100-...-100-10 with 20 hidden layers, PyTorch's initialisation, 256 images, before any step",
              "norm of the gradient by layer for three activations with and without batch norm"},
             argc, argv, depth);
}

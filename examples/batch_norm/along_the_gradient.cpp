// How smooth the loss is: from where training stands, the loss along the gradient, with and without batch norm (Santurkar et al. 2018).
#include "laboratory.h"

using namespace lab;

constexpr int kBatches = 10;  // one batch of 60 says little

/// From where the net stands, on one batch: the losses after steps of these lengths over the loss here, and the largest change of the gradient
/// on the way over its norm here.
struct Along {
  std::vector<double> ratios;
  double change = 0;
};
static Along walk(nn::Sequential& net, const Images& batch, const std::vector<double>& lengths) {
  const std::vector<Tensor> parameters = net.parameters();
  const auto gradients = [&] {
    net.zero_grad();
    const Tensor loss = cross_entropy(net(batch.x), batch.y);
    loss.backward();
    std::vector<Tensor> flat;
    for (const Tensor& p : parameters) flat.push_back(p.grad().reshape({-1}).clone());
    return std::pair{loss.item<double>(), cat(flat)};
  };
  const auto [here, gradient] = gradients();
  std::vector<Tensor> start, direction;
  for (const Tensor& p : parameters) {
    start.push_back(p.detach().clone());
    direction.push_back(p.grad().clone());
  }
  const auto go = [&](double length) {
    NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].copy_(start[i] - length * direction[i]);
  };
  Along along;
  for (const double length : lengths) {
    go(length);
    const auto [there, changed] = gradients();
    along.ratios.push_back(there / here);
    along.change = std::max(along.change, ((changed - gradient).norm() / gradient.norm()).item<double>());
  }
  go(0);
  return along;
}

static int along_the_gradient(Experiment& e) {
  const std::vector<double> lengths = {.0125, .025, .05, .1, .2, .4};
  const double torch_largest[2] = {13.7 / 2.126, .169 / .177}, torch_change[2] = {41 / 7.2, .9};
  ember::train::Plot plot("Loss along the gradient after 1,000 steps", {.label = "length of the step, in learning rates", .log = true},
                          {.label = "loss / loss without a step", .log = true});
  for (const bool norm : {true, false}) {
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net = mlp({.norm = norm ? "batch" : "none", .std = 0, .layers = 6});
    lab::train(net, e, {});
    Generator generator(std::uint64_t(e.seed() + 3));
    std::vector<double> ratios(lengths.size());
    double change = 0;
    for (int k = 0; k < kBatches; ++k) {
      const Tensor chosen = randint(0, e.train().x.size(0), {60}, {}, &generator);
      const Along along = walk(net, {e.train().x.index_select(0, chosen), e.train().y.index_select(0, chosen)}, lengths);
      for (std::size_t i = 0; i < lengths.size(); ++i) ratios[i] += along.ratios[i] / kBatches;
      change += along.change / kBatches;
    }
    const std::string name = norm ? "with batch norm" : "without";
    const double largest = *std::max_element(ratios.begin(), ratios.end());
    e.row(name + ": largest loss on the way / loss", torch_largest[norm], largest, norm ? at_most(1) : at_least(3));
    e.row(name + ": change of the gradient / its norm", torch_change[norm], change);
    plot.add({.name = name, .x = lengths, .y = ratios, .style = norm ? "line" : "dashed"});
  }
  e.figure(plot.svg());
  return e.conclude(
      "With batch norm the gradient still points downhill after a step of four learning rates; without it the loss along the same line shoots up. "
      "The gradient is worth more: that is why larger steps are possible.",
      "At which step length would you stop without batch norm?");
}

int main(int argc, char** argv) {
  return run({"along_the_gradient", "Loss along the gradient",
              "784-100-...-100-10 with 6 hidden layers, ReLU, PyTorch's initialisation, SGD at rate 0.1, batches of 60, after 1,000 steps",
              "loss along the gradient with and without batch norm"},
             argc, argv, along_the_gradient);
}

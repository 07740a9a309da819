// Scale invariance: ten times larger weights in front of batch norm give the same output and a tenth of the gradient.
#include "laboratory.h"

using namespace lab;

static int scale_invariance(Experiment& e) {
  double loss[2], gradient[2];
  for (const bool large : {false, true}) {
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net = mlp();
    const Tensor weight = net.parameters()[0];
    if (large) {
      NoGradGuard no_grad;
      weight.mul_(10);
    }
    const Tensor result = cross_entropy(net(e.train().x.narrow(0, 0, 60)), e.train().y.narrow(0, 0, 60));
    result.backward();
    loss[large] = result.item<double>();
    gradient[large] = weight.grad().norm().item<double>();
    e.row(fmt::format("loss with {}", large ? "10 W" : "W"), large ? 2.48584 : 2.48577, loss[large]);
    e.row("  norm of the gradient of the first weight", large ? .34699 : 3.4689, gradient[large]);
  }
  e.row("ratio of the gradients", 3.4689 / .34699, gradient[0] / gradient[1], {9.9, 10.1});
  e.row("difference of the losses", .00007, std::abs(loss[1] - loss[0]), at_most(.001));
  return e.conclude(
      "What batch norm divides away cannot matter: the output stays, and the gradient shrinks as the weight grows. Weight decay under batch norm "
      "does "
      "not make the function simpler; it keeps the effective learning rate, rate / |W|^2, from falling.",
      "The two losses differ in the fifth digit. Which term of the formula does that come from?");
}

int main(int argc, char** argv) {
  return run(
      {"scale_invariance", "Scale invariance", "784-100-100-100-10, ReLU, weights N(0, 0.05) and ten times that in the first layer, 60 images", ""},
      argc, argv, scale_invariance);
}

// The forgotten eval(): the same trained net, left in training mode, on shuffled and on sorted test images; and what it leaves behind.
#include "laboratory.h"

using namespace lab;

static int forgotten_eval(Experiment& e) {
  manual_seed(std::uint64_t(e.seed()));
  nn::Sequential net = mlp();
  lab::train(net, e, {.steps = 2000});
  const double right = accuracy(net, e.test());
  e.row("eval()", .9736, right, at_least(.965));

  // In training mode every batch is normalised by itself, so what else is in it decides.
  const auto trained = net.state_dict().clone();
  const std::vector<int64_t> sizes = {2, 4, 8, 16, 32, 100, 1000, 10000};
  const std::vector<double> torch[2] = {{.434, .719, .871, .932, .956, .965, .971, .973}, {.113, .119, .126, .131, .140, .147, .200, .973}};
  const Images orders[2] = {e.test(), sorted_by_class(e.test())};
  ember::train::Plot plot("The forgotten eval()", {.label = "images in a batch of the test", .log = true}, {.label = "accuracy", .from = 0, .to = 1});
  plot.add({.name = "eval()", .x = {2, 10000}, .y = {right, right}, .style = "dashed"});
  for (const bool sorted : {false, true}) {
    std::vector<double> x, accuracies;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      x.push_back(double(sizes[i]));
      accuracies.push_back(accuracy_as_it_is(net, orders[sorted], sizes[i]));
      e.row(fmt::format("forgotten, {}, batches of {}", sorted ? "sorted by class" : "shuffled", with_commas(sizes[i])), torch[sorted][i],
            accuracies.back(), sorted && sizes[i] == 100 ? at_most(.2) : kAny);
    }
    plot.add({.name = sorted ? "training mode, sorted by class" : "training mode, shuffled", .x = x, .y = accuracies});
  }

  // Those passes moved the running statistics, though no gradient was recorded: eval() comes too late.
  net.load_state_dict(trained);
  accuracy_as_it_is(net, orders[1], 100);
  const double leaked = accuracy(net, e.test());
  e.row("eval() after a sorted pass in training mode", .844, leaked, at_most(right - .05));
  net.load_state_dict(trained);
  accuracy_as_it_is(net, {1 - e.test().x, e.test().y}, 100);
  e.row("eval() after 100 batches of inverted images", .274, accuracy(net, e.test()), at_most(right - .05));
  e.figure(plot.svg());
  return e.conclude(
      "Without eval() the answer for an image depends on the images beside it: sorted by class, which no shuffled test would show, the net "
      "is nearly as bad as guessing. And the pass moves the running statistics, so that a later eval() is wrong, too.",
      "Why is the whole test set as one batch harmless, even sorted?");
}

int main(int argc, char** argv) {
  return run({"forgotten_eval", "The forgotten eval()", "784-100-100-100-10, ReLU, weights N(0, 0.05), SGD at rate 0.1, batches of 60, 2,000 steps",
              "accuracy over the size of the test's batches: shuffled, sorted by class, and with eval()"},
             argc, argv, forgotten_eval);
}

// Is it the distribution? Santurkar et al. 2018: noise behind batch norm that shifts and scales every unit anew in each step.
#include "laboratory.h"

using namespace lab;

/// x a + b with a in 1..2.25 and b in -0.5..0.5 for each unit, drawn anew for every batch of the training.
struct UnstableDistribution : nn::Module {
  Generator* generator;
  explicit UnstableDistribution(Generator* from) : generator(from) {}
  Tensor forward(const Tensor& x) override {
    if (!is_training()) return x;
    const Tensor scale = 1 + 1.25 * rand({x.size(1)}, {}, generator), shift = rand({x.size(1)}, {}, generator) - 0.5;
    return x * scale + shift;
  }
};

static int distribution(Experiment& e) {
  const std::vector<int64_t> shown = {200, 500, 1000};
  const std::vector<std::string> kinds = {"no batch norm", "batch norm", "batch norm and noise behind it"};
  const std::vector<std::vector<double>> torch = {{2.298, 2.264, 2.126}, {.198, .152, .177}, {.205, .150, .196}};
  ember::train::Plot plot("Training loss", {.label = "steps of 60 images"}, {.label = "cross entropy", .from = 0, .to = 2.5});
  double with_norm = 0;
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    Generator generator(std::uint64_t(e.seed() + 2));
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net = mlp_with({.norm = kind == 0 ? "none" : "batch", .std = 0, .layers = 6}, [&](nn::Sequential& layers) {
      if (kind >= 1) layers.append(nn::BatchNorm1d(100));
      if (kind == 2) layers.append(UnstableDistribution(&generator));
    });
    std::vector<double> losses;
    Generator fresh(std::uint64_t(e.seed() + 3));
    lab::train(net, e, {.after = [&](int64_t step, double loss) {
                 losses.push_back(loss);
                 const int64_t at = place(shown, step);
                 if (at < 0) return;
                 double sum = 0;  // one batch of 60 says little: the mean of a hundred, with the weights as they are
                 for (int k = 0; k < 100; ++k) {
                   const Tensor chosen = randint(0, e.train().x.size(0), {60}, {}, &fresh);
                   sum += cross_entropy(net(e.train().x.index_select(0, chosen)), e.train().y.index_select(0, chosen)).item<double>() / 100;
                 }
                 if (step == 500 && kind == 1) with_norm = sum;
                 e.row(fmt::format("{}: loss after {} steps", kinds[kind], with_commas(step)), torch[kind][std::size_t(at)], sum,
                       step == 500 && kind == 2 ? Band{with_norm - .08, with_norm + .08} : kAny);
               }});
    plot.add({.name = kinds[kind], .y = losses, .style = kind == 0 ? "dashed" : "line", .smoothing = 0.95});
  }
  e.figure(plot.svg());
  return e.conclude(
      "Noise that makes every layer's input distribution jump from step to step costs the training little (0.03 to 0.06, where the net without batch "
      "norm has learned nothing yet): batch norm does not help by keeping "
      "distributions stable (\"internal covariate shift\"). Look at along_the_gradient for what it does.",
      "In evaluation this noisy net is useless. What is missing there?");
}

int main(int argc, char** argv) {
  return run({"distribution", "Is it the distribution?",
              "784-100-...-100-10 with 6 hidden layers, ReLU, PyTorch's initialisation, SGD at rate 0.1, batches of 60, 1,000 steps",
              "training loss without batch norm, with it, and with noise behind it"},
             argc, argv, distribution);
}

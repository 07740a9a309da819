// Other light: test images whose contrast, brightness, noise or sign changed, and what statistics recomputed on them repair.
#include "laboratory.h"

using namespace lab;

static int other_light(Experiment& e) {
  manual_seed(std::uint64_t(e.seed()));
  nn::Sequential plain = mlp({.norm = "none"});
  lab::train(plain, e, {.steps = 2000});
  manual_seed(std::uint64_t(e.seed()));
  nn::Sequential normed = mlp();
  lab::train(normed, e, {.steps = 2000});
  const auto trained = normed.state_dict().clone();
  const double as_trained = accuracy(normed, e.test());

  Generator generator(std::uint64_t(e.seed() + 2));
  struct Light {
    const char* name;
    Tensor x;
    double torch[3];
    bool repaired;
  };
  const Tensor& x = e.test().x;
  const std::vector<Light> lights = {{"contrast x 0.3", x * 0.3, {.904, .796, .972}, true},
                                     {"brightness + 0.5", x + 0.5, {.433, .517, .972}, true},
                                     {"noise of 0.3", x + 0.3 * randn(x.sizes(), {}, &generator), {.909, .895, .904}, false},
                                     {"inverted", 1 - x, {.019, .034, .026}, false}};
  std::vector<std::string> names;
  std::vector<double> ours[3];
  for (const Light& light : lights) {
    const Images changed{light.x, e.test().y};
    names.push_back(light.name);
    ours[0].push_back(accuracy(plain, changed));
    normed.load_state_dict(trained);
    ours[1].push_back(accuracy(normed, changed));
    data::TensorDataset images({changed.x, changed.y});
    data::DataLoader loader(images, {.batch_size = 256});
    optim::swa_utils::update_bn(loader, normed);
    ours[2].push_back(accuracy(normed, changed));
    e.row(fmt::format("{}: no batch norm", light.name), light.torch[0], ours[0].back());
    e.row(fmt::format("{}: batch norm", light.name), light.torch[1], ours[1].back());
    e.row(fmt::format("{}: statistics recomputed", light.name), light.torch[2], ours[2].back(), light.repaired ? at_least(as_trained - .005) : kAny);
  }
  ember::train::Plot plot("Other light", {.label = "what happened to the test images", .categories = names},
                          {.label = "accuracy", .from = 0, .to = 1});
  const char* const kinds[3] = {"no batch norm", "batch norm", "batch norm, statistics recomputed"};
  for (std::size_t k = 0; k < 3; ++k) plot.add({.name = kinds[k], .y = ours[k], .style = "bars"});
  e.figure(plot.svg());
  return e.conclude(
      "Statistics recomputed on the changed images undo contrast and brightness exactly, without a label and without training: the first layer is "
      "linear, so such a change is a shift and a scale of each channel. Noise is not, and inversion turns the sign, which a variance cannot see.",
      "Why is contrast no harm to a net without batch norm and without biases?");
}

int main(int argc, char** argv) {
  return run({"other_light", "Other light",
              "784-100-100-100-10, ReLU, weights N(0, 0.05), SGD at rate 0.1, batches of 60, 2,000 steps; then changed test images",
              "accuracy on changed images without batch norm, with it, and with statistics recomputed on them"},
             argc, argv, other_light);
}

// The forgotten eval() in a small convolutional net, where it hardly shows: each channel has 49 or 196 values of every image.
#include "laboratory.h"

using namespace lab;

static int small_cnn(Experiment& e) {
  const std::vector<int64_t> trained_at = {64, 8, 2}, forgotten_at = {1, 2, 10, 100};
  const std::vector<std::vector<double>> torch = {{.910, .895, .904, .912, .910}, {.867, .856, .866, .866, .866}, {.824, .828, .827, .826, .828}};
  const auto as_pictures = [](const Images& set, int64_t count) {
    return Images{set.x.narrow(0, 0, count).reshape({count, 1, 28, 28}), set.y.narrow(0, 0, count)};
  };
  const Images train = as_pictures(e.train(), 10000), test = as_pictures(e.test(), 2000);
  for (std::size_t t = 0; t < trained_at.size(); ++t) {
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net{nn::Conv2d(1, 8, 3, {.stride = 2, .padding = 1, .bias = false}),
                       nn::BatchNorm2d(8),
                       nn::ReLU(),
                       nn::Conv2d(8, 16, 3, {.stride = 2, .padding = 1, .bias = false}),
                       nn::BatchNorm2d(16),
                       nn::ReLU(),
                       nn::Flatten(),
                       nn::Linear(16 * 7 * 7, 10)};
    optim::SGD optimizer(net.parameters(), {.lr = trained_at[t] == 64 ? 0.05 : 0.01});
    Generator generator(std::uint64_t(e.seed() + 1));
    for (int64_t step = 0; step < 300; ++step) {
      const Tensor chosen = randint(0, 10000, {trained_at[t]}, {}, &generator);
      optimizer.zero_grad();
      cross_entropy(net(train.x.index_select(0, chosen)), train.y.index_select(0, chosen)).backward();
      optimizer.step();
    }
    const double right = accuracy(net, test);
    e.row(fmt::format("trained in batches of {}: eval()", trained_at[t]), torch[t][0], right);
    for (std::size_t f = 0; f < forgotten_at.size(); ++f)
      e.row(fmt::format("  forgotten, batches of {}", forgotten_at[f]), torch[t][f + 1], accuracy_as_it_is(net, test, forgotten_at[f]),
            forgotten_at[f] >= 10 ? Band{right - .02, right + .02} : kAny);
  }
  return e.conclude(
      "A mistake that does not show is still one: here every image has enough values of its own in each channel, and all images are alike.",
      "Which change of the test images would make the forgotten eval() visible? (forgotten_eval)");
}

int main(int argc, char** argv) {
  return run({"small_cnn", "The forgotten eval() in a small convolutional net",
              "two convolutions of stride 2 with 8 and 16 channels, BatchNorm2d, SGD, 300 steps", ""},
             argc, argv, small_cnn);
}

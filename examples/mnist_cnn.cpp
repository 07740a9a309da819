// One epoch of a convolutional network with batch norm on MNIST: mnist_cnn --data DIR [--epochs N]
// DIR holds the four files of the original distribution, raw or gzipped.
#include <ember/ember.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>

using namespace ember;

static double accuracy(nn::Module& model, const data::TensorDataset& set) {
  NoGradGuard no_grad;
  model.eval();
  data::DataLoader loader(set, {.batch_size = 500});
  int64_t right = 0;
  for (const auto& [x, y] : loader) right += (model(x).argmax(1) == y).sum().item<int64_t>();
  return double(right) / double(set.size());
}

int main(int argc, char** argv) {
  std::string folder;
  int epochs = 1;
  CLI::App app("Trains a convolutional network with batch norm on MNIST.");
  app.add_option("--data", folder, "folder with train-images-idx3-ubyte and the other three, raw or .gz")->required();
  app.add_option("--epochs", epochs, "passes over the training images")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  try {
    manual_seed(0);
    const auto normalised = [&](bool train) {
      const data::ImagesLabels set = data::read_mnist(folder, train);
      return data::TensorDataset({(set.images - 0.1307) / 0.3081, set.labels});
    };
    const data::TensorDataset train = normalised(true), test = normalised(false);
    nn::Sequential model{
        nn::Conv2d(1, 16, 3, {.padding = 1}), nn::BatchNorm2d(16), nn::ReLU(), nn::MaxPool2d(2),
        nn::Conv2d(16, 32, 3, {.padding = 1}), nn::BatchNorm2d(32), nn::ReLU(), nn::MaxPool2d(2),
        nn::Flatten(), nn::Linear(32 * (train.tensors()[0].size(2) / 4) * (train.tensors()[0].size(3) / 4), 10)};
    data::DataLoader loader(train, {.batch_size = 64, .shuffle = true});
    optim::SGD optimizer(model.parameters(), {.lr = 0.05, .momentum = 0.9});
    optim::OneCycleLR scheduler(optimizer, {.max_lr = 0.1, .epochs = epochs, .steps_per_epoch = loader.size(), .cycle_momentum = false});

    for (int epoch = 1; epoch <= epochs; ++epoch) {
      model.train();
      int64_t step = 0;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
        scheduler.step();
        if (++step % 200 == 0) fmt::print("epoch {}   step {:>4} of {}   loss {:.4f}\n", epoch, step, loader.size(), loss.item<double>());
      }
      fmt::print("epoch {}   test accuracy: {:.4f}\n", epoch, accuracy(model, test));
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "mnist_cnn: {}\n", error.what());
    return 1;
  }
}

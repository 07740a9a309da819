// A multilayer perceptron with batch norm on MNIST, in float32, as small as a whole training gets.
#include <ember/train.h>

#include "options.h"

using namespace ember;

int main(int argc, char** argv) {
  Options options{.data = "data", .out = "runs/mnist_mlp", .epochs = 5};
  CLI::App app("Trains a multilayer perceptron with batch norm on MNIST.", "mnist_mlp");
  add_flags(app, options, "folder with train-images-idx3-ubyte and the other three, raw or .gz");
  return run_example(app, argc, argv, options, [&] {
    const data::ImagesLabels train = data::read_mnist(options.data, true), test = data::read_mnist(options.data, false);
    nn::Sequential model{nn::Flatten(),        nn::Linear(28 * 28, 256), nn::BatchNorm1d(256), nn::ReLU(),
                         nn::Linear(256, 128), nn::BatchNorm1d(128),     nn::ReLU(),           nn::Linear(128, 10)};
    data::TensorDataset set({train.images, train.labels});
    data::DataLoader loader(set, {.batch_size = 64, .shuffle = true, .drop_last = true});
    optim::Adam optimizer(model.parameters(), {.lr = 0.002});
    optim::CosineAnnealingLR schedule(optimizer, {.T_max = options.epochs});

    train::History history;
    train::Classification metrics(10);
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      model.train();
      train::Progress progress(loader.size(), {.label = fmt::format("epoch {}/{}", epoch, options.epochs)});
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
        mean_loss.add(loss.item<double>());
        progress.step({{"loss", mean_loss.value()}});
      }
      schedule.step();

      model.eval();
      NoGradGuard no_grad;
      metrics.reset();
      metrics.add(model(test.images), test.labels, test.images);
      history.add(epoch, {{"train loss", mean_loss.value()}, {"test accuracy", metrics.accuracy()}});
      progress.finish({{"test accuracy", metrics.accuracy()}});
    }
    history.save(options.out);
    metrics.save(options.out);
    save(model.state_dict(), options.out + "/model.pt");
    fmt::print("test accuracy: {:.4f}\n", metrics.accuracy());
    return 0;
  });
}

// Clothes in 28 x 28 pixels: a convolutional network with batch norm, and images that are flipped and moved at random.
#include <ember/data/transforms.h>
#include <ember/train.h>

#include "options.h"

using namespace ember;
namespace transforms = ember::data::transforms;

int main(int argc, char** argv) {
  Options options{.data = "data", .out = "runs/fashion_mnist", .epochs = 10};
  CLI::App app("Trains a convolutional network on Fashion-MNIST.", "fashion_mnist");
  add_flags(app, options, "folder with the four files of Fashion-MNIST, raw or .gz (tools/get_data.sh fashion-mnist DIR fetches them)");
  return run_example(app, argc, argv, options, [&] {
    const data::FashionMNIST train(options.data, true), test(options.data, false);
    const transforms::Normalize normalize({0.2860}, {0.3530});
    data::DataLoader loader(
        train, {.batch_size = 64,
                .shuffle = true,
                .num_workers = 1,
                .transform = transforms::Compose{transforms::RandomHorizontalFlip(), transforms::RandomCrop(28, {.padding = 2}), normalize}});
    data::DataLoader test_loader(test, {.batch_size = 500, .transform = normalize});
    nn::Sequential model{nn::Conv2d(1, 32, 3, {.padding = 1}),
                         nn::BatchNorm2d(32),
                         nn::ReLU(),
                         nn::MaxPool2d(2),
                         nn::Conv2d(32, 64, 3, {.padding = 1}),
                         nn::BatchNorm2d(64),
                         nn::ReLU(),
                         nn::MaxPool2d(2),
                         nn::Conv2d(64, 128, 3, {.padding = 1}),
                         nn::BatchNorm2d(128),
                         nn::ReLU(),
                         nn::AdaptiveAvgPool2d(3),
                         nn::Flatten(),
                         nn::Linear(128 * 3 * 3, 10)};
    optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
    optim::OneCycleLR schedule(optimizer, {.max_lr = 0.1, .epochs = options.epochs, .steps_per_epoch = loader.size(), .cycle_momentum = false});

    train::History history;
    train::Classification metrics(10, {"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"});
    train::SaveBest best(options.out + "/best.pt", model, {.mode = "max"});
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      model.train();
      train::Progress progress(loader.size(), {.label = fmt::format("epoch {}/{}", epoch, options.epochs)});
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
        schedule.step();
        mean_loss.add(loss.item<double>());
        progress.step({{"loss", mean_loss.value()}});
      }
      model.eval();
      NoGradGuard no_grad;
      metrics.reset();
      for (const auto& [x, y] : test_loader) metrics.add(model(x), y, x);
      history.add(epoch, {{"train loss", mean_loss.value()}, {"test accuracy", metrics.accuracy()}});
      progress.finish({{"test accuracy", metrics.accuracy()}});
      history.save(options.out);
      metrics.save(options.out);
      best.update(metrics.accuracy(), epoch);
    }
    fmt::print("{}\ntest accuracy: {:.4f}\n", metrics.table(), metrics.accuracy());
    return 0;
  });
}

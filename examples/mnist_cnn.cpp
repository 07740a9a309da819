// A convolutional network with batch norm on MNIST, and everything that one wants to see of a training: progress, curves, TensorBoard, the
// best weights, Ctrl-C, and a run folder for `ember report`.
#include <ember/train.h>

#include <optional>

#include "options.h"

using namespace ember;

/// Two convolutions and a linear layer; the images are 28 x 28.
static nn::Sequential make_model(int64_t width) {
  return nn::Sequential{nn::Conv2d(1, width, 3, {.padding = 1}),
                        nn::BatchNorm2d(width),
                        nn::ReLU(),
                        nn::MaxPool2d(2),
                        nn::Conv2d(width, 2 * width, 3, {.padding = 1}),
                        nn::BatchNorm2d(2 * width),
                        nn::ReLU(),
                        nn::MaxPool2d(2),
                        nn::Flatten(),
                        nn::Linear(2 * width * 7 * 7, 10)};
}

static data::TensorDataset read(const std::string& folder, bool train) {
  const data::ImagesLabels set = data::read_mnist(folder, train);
  return data::TensorDataset({(set.images - 0.1307) / 0.3081, set.labels});
}

static train::Classification evaluate(nn::Module& model, const data::TensorDataset& set) {
  NoGradGuard no_grad;
  model.eval();
  train::Classification metrics(10);
  data::DataLoader loader(set, {.batch_size = 500});
  for (const auto& [x, y] : loader) metrics.add(model(x), y, x);
  return metrics;
}

int main(int argc, char** argv) {
  Options options{.data = "data", .out = "runs/mnist_cnn", .epochs = 5};
  bool fast = false;
  CLI::App app("Trains a convolutional network with batch norm on MNIST.", "mnist_cnn");
  add_flags(app, options, "folder with train-images-idx3-ubyte and the other three, raw or .gz");
  app.add_flag("--fast", fast, "99.0 % in as few seconds as possible: a narrow network, two epochs, nothing written");
  return run_example(app, argc, argv, options, [&] {
    const data::TensorDataset train = read(options.data, true), test = read(options.data, false);
    const int epochs = fast && app.count("--epochs") == 0 ? 2 : options.epochs;
    nn::Sequential model = make_model(fast ? 16 : 32);
    data::DataLoader loader(train, {.batch_size = 64, .shuffle = true});
    optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
    optim::OneCycleLR schedule(optimizer, {.max_lr = 0.1, .epochs = epochs, .steps_per_epoch = loader.size(), .cycle_momentum = false});

    train::History history;
    std::optional<train::SummaryWriter> board;
    std::optional<train::Inspector> inspector;
    if (!fast) {
      board.emplace(options.out);
      inspector.emplace(options.out, model, train::InspectorOptions{.every = 100});
      fmt::print("{}", train::summary(model, {64, 1, 28, 28}).table());
    }
    train::SaveBest best(options.out + "/best.pt", model, {.mode = "max"});
    train::Interrupt interrupt;
    double accuracy = 0;
    int64_t step = 0;

    for (int epoch = 1; epoch <= epochs; ++epoch) {
      model.train();
      train::Progress progress(loader.size(), {.label = fmt::format("epoch {}/{}", epoch, epochs)});
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(model(x), y);
        loss.backward();
        if (inspector) inspector->step();
        optimizer.step();
        schedule.step();
        mean_loss.add(loss.item<double>(), double(x.size(0)));
        if (board && ++step % 50 == 0) board->add_scalar("loss/step", loss.item<double>(), step);
        progress.step({{"loss", mean_loss.value()}});
        if (interrupt.requested()) {
          Checkpoint{.model = &model, .optimizer = &optimizer, .scheduler = &schedule}.save(options.out + "/last.pt");
          return interrupt.stop("see examples/resume.cpp; the state is in " + options.out + "/last.pt");
        }
      }
      if (fast && epoch < epochs) continue;
      const train::Classification metrics = evaluate(model, test);
      accuracy = metrics.accuracy();
      progress.finish({{"test accuracy", accuracy}});
      if (fast) break;
      history.add(epoch, {{"train loss", mean_loss.value()}, {"test accuracy", accuracy}, {"learning rate", schedule.get_last_lr()[0]}});
      history.save(options.out);
      metrics.save(options.out);
      board->add_scalar("loss/train", mean_loss.value(), step);
      board->add_scalar("accuracy/test", accuracy, step);
      board->add_module(model, step);
      best.update(accuracy, epoch);
      if (epoch == epochs) fmt::print("\n{}\nthe run is in {}: ember report {}\n", metrics.table(), options.out, options.out);
    }
    fmt::print("test accuracy: {:.4f}\n", accuracy);
    return 0;
  });
}

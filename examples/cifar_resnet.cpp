// ResNet-20 on CIFAR-10, as in the paper (He et al. 2015): crops and flips at random, a rate that falls, 91 % after 180 epochs of hours; a
// few epochs show where it goes.
#include <ember/data/transforms.h>
#include <ember/models.h>
#include <ember/train.h>

#include "options.h"

using namespace ember;
namespace transforms = ember::data::transforms;

int main(int argc, char** argv) {
  Options options{.data = "data", .out = "runs/cifar_resnet", .epochs = 10};
  int64_t blocks = 3;
  CLI::App app("Trains a small residual network on CIFAR-10.", "cifar_resnet");
  add_flags(app, options, "folder with CIFAR-10's batches (tools/get_data.sh cifar10 DIR fetches them)");
  app.add_option("--blocks", blocks, "in each of the three stages: 3 is ResNet-20, 5 ResNet-32, 9 ResNet-56")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  return run_example(app, argc, argv, options, [&] {
    const data::CIFAR10 train(options.data, true), test(options.data, false);
    const transforms::Normalize normalize({0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616});
    data::DataLoader loader(
        train, {.batch_size = std::min<int64_t>(128, train.size()),
                .shuffle = true,
                .drop_last = true,
                .num_workers = 1,
                .transform = transforms::Compose{transforms::RandomCrop(32, {.padding = 4}), transforms::RandomHorizontalFlip(), normalize}});
    data::DataLoader test_loader(test, {.batch_size = 500, .transform = normalize});
    models::CifarResNet model(blocks);
    optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4});
    optim::OneCycleLR schedule(optimizer, {.max_lr = 0.2, .epochs = options.epochs, .steps_per_epoch = loader.size(), .cycle_momentum = false});

    train::History history;
    train::Classification metrics(10, {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"});
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
    fmt::print("test accuracy: {:.4f}\n", metrics.accuracy());
    return 0;
  });
}

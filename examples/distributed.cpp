// The convolutional network with batch norm, trained by all ranks together: mpirun -n 4 distributed [--data MNIST_FOLDER] [--sync] ...
// Without --data it takes the hand-written digits. A run that was ended goes on where its last checkpoint was, on as many ranks as you like.
#include <ember/distributed.h>
#include <ember/ember.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "digits.h"

using namespace ember;

static Digits read_images(const std::string& folder) {
  if (folder.empty()) return load_digits();
  const data::ImagesLabels train = data::read_mnist(folder, true), test = data::read_mnist(folder, false);
  return {(train.images - 0.1307) / 0.3081, train.labels, (test.images - 0.1307) / 0.3081, test.labels};
}

/// Every rank looks at its share of the test images, each image once.
static double accuracy(nn::Module& model, const data::TensorDataset& set) {
  const NoGradGuard no_grad;
  model.eval();
  data::DistributedSampler share(set.size(), {.shuffle = false, .pad = false});
  data::DataLoader loader(set, {.batch_size = 500, .sampler = &share});
  train::Classification metrics(10);
  for (const auto& [x, y] : loader) metrics.add(model(x), y);
  distributed::all_reduce(metrics);
  return metrics.accuracy();
}

int main(int argc, char** argv) {
  std::string folder, out;
  int64_t epochs = 15, batch = 64, seed = 0, threads = 0;
  bool sync = false;
  CLI::App app("Trains a convolutional network with batch norm on several ranks.");
  app.add_option("--data", folder, "folder with MNIST's four files, raw or .gz; the digits without it");
  app.add_option("--epochs", epochs, "passes over the training images");
  app.add_option("--batch", batch, "images a step, over all ranks");
  app.add_option("--seed", seed, "of weights and shuffles");
  app.add_option("--threads", threads, "of each rank; a share of the machine's processors without it");
  app.add_option("--out", out, "folder of the checkpoint; a checkpoint that is there is resumed");
  app.add_flag("--sync", sync, "batch norm over the batches of all ranks");
  CLI11_PARSE(app, argc, argv);

  distributed::init();
  if (threads > 0) set_num_threads(int(threads));
  manual_seed(std::uint64_t(seed));
  const Digits digits = read_images(folder);
  const data::TensorDataset train({digits.train_x, digits.train_y}), test({digits.test_x, digits.test_y});
  const int64_t side = digits.train_x.size(2) / 4;
  nn::Sequential net{nn::Conv2d(1, 16, 3, {.padding = 1}),
                     nn::BatchNorm2d(16),
                     nn::ReLU(),
                     nn::MaxPool2d(2),
                     nn::Conv2d(16, 32, 3, {.padding = 1}),
                     nn::BatchNorm2d(32),
                     nn::ReLU(),
                     nn::MaxPool2d(2),
                     nn::Flatten(),
                     nn::Linear(32 * side * side, 10)};
  if (sync) nn::convert_sync_batchnorm(net);
  optim::SGD optimizer(net.parameters(), {.lr = 0.05, .momentum = 0.9});
  optim::CosineAnnealingLR scheduler(optimizer, {.T_max = epochs});

  const std::string file = out + "/distributed.pt";
  Checkpoint checkpoint{.model = &net, .optimizer = &optimizer, .scheduler = &scheduler};
  int64_t first = 0, seen = 0;  // the epoch, and how many of its images all ranks together have visited
  if (struct stat there; !out.empty() && stat(file.c_str(), &there) == 0) {
    checkpoint.load(file);
    first = checkpoint.values["epoch"].as_int();
    seen = checkpoint.values["seen"].as_int();
    if (distributed::is_main()) fmt::print("resumed in epoch {}, after {} images\n", first + 1, seen);
  }
  const auto save = [&](int64_t epoch, int64_t images) {
    if (out.empty()) return;
    checkpoint.values.set("epoch", epoch);
    checkpoint.values.set("seen", images);
    distributed::on_main([&] { checkpoint.save(file); });
  };

  distributed::DistributedDataParallel model(net);
  data::DistributedSampler share(train.size(), {.seed = std::uint64_t(seed)});
  const int64_t mine = std::max<int64_t>(1, batch / distributed::world_size());
  data::DataLoader loader(train, {.batch_size = mine, .sampler = &share});
  for (int64_t epoch = first; epoch < epochs; ++epoch, seen = 0) {
    model.train();
    share.set_epoch(epoch, seen);
    int64_t step = 0;
    Tensor losses = zeros({});
    for (const auto& [x, y] : loader) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(x), y);
      loss.backward();
      optimizer.step();
      losses = losses + loss.detach();
      if (++step % 200 == 0) save(epoch, std::min(train.size(), seen + step * mine * distributed::world_size()));
    }
    scheduler.step();
    losses = losses / double(std::max<int64_t>(step, 1));
    distributed::all_reduce(losses, distributed::ReduceOp::Average);
    save(epoch + 1, 0);
    const double right = accuracy(net, test);
    if (distributed::is_main()) fmt::print("epoch {:>2}   loss {:.4f}   accuracy {:.4f}\n", epoch + 1, losses.item<double>(), right);
  }
  const double right = accuracy(net, test);
  if (distributed::is_main()) fmt::print("test accuracy: {:.4f}\n", right);
}

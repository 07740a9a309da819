// What the loader costs. usage: loader_cost MNIST_DIR cost|load [ROUNDS]
//   cost  a training step of mnist_cnn on batches from a loader with augmentation and one worker, over the step on a fixed batch, in turns
//   load  an epoch of 60,000 shuffled images in batches of 64 without a model, over copying the same rows in the same order, in turns:
//         of bytes, as MNIST comes, and of float32
// The figure is the best of all rounds. `load` counts the processor's time, so that it holds on a busy machine.
#include <ember/ember.h>
#include <ember/random.h>
#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

using namespace ember;

namespace {

constexpr int64_t kBatch = 64;
constexpr int kWindow = 8;  // steps

double wall() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
double processor() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

struct Training {
  nn::Sequential model{nn::Conv2d(1, 32, 3, {.padding = 1}),
                       nn::BatchNorm2d(32),
                       nn::ReLU(),
                       nn::MaxPool2d(2),
                       nn::Conv2d(32, 64, 3, {.padding = 1}),
                       nn::BatchNorm2d(64),
                       nn::ReLU(),
                       nn::MaxPool2d(2),
                       nn::Flatten(),
                       nn::Linear(64 * 7 * 7, 10)};
  optim::SGD optimizer{model.parameters(), {.lr = 0.01, .momentum = 0.9}};
  void step(const Tensor& x, const Tensor& y) {
    optimizer.zero_grad();
    cross_entropy(model(x), y).backward();
    optimizer.step();
  }
};

void cost(const data::TensorDataset& set, int rounds) {
  using namespace data::transforms;
  Training training;
  const data::DataLoader loader(set, {.batch_size = kBatch,
                                      .shuffle = true,
                                      .drop_last = true,
                                      .num_workers = 1,
                                      .transform = Compose{RandomCrop(28, {.padding = 2}), RandomErasing()}});
  const Tensor x = set.tensors()[0].narrow(0, 0, kBatch).clone(), y = set.tensors()[1].narrow(0, 0, kBatch).clone();
  double fixed = 1e30, loaded = 1e30;
  std::optional<data::DataLoader::Epoch> epoch;
  for (int round = 0; round < rounds; ++round) {
    double start = wall();
    for (int i = 0; i < kWindow; ++i) training.step(x, y);
    fixed = std::min(fixed, (wall() - start) / kWindow);
    if (!epoch || round % 64 == 0) epoch.emplace(loader.epoch());
    data::Sample batch;
    epoch->next(batch);  // the queue is full again: the worker had the steps before for it
    training.step(batch[0], batch[1]);
    start = wall();
    for (int i = 0; i < kWindow; ++i) {
      epoch->next(batch);
      training.step(batch[0], batch[1]);
    }
    loaded = std::min(loaded, (wall() - start) / kWindow);
  }
  fmt::print("step on a fixed batch {:.1f} us, with the loader {:.1f} us: {:+.1f}%\n", 1e6 * fixed, 1e6 * loaded, 100 * (loaded / fixed - 1));
}

void load(const char* kind, const data::TensorDataset& set, int rounds) {
  const data::DataLoader loader(set, {.batch_size = kBatch, .shuffle = true});
  const Tensor images = set.tensors()[0], labels = set.tensors()[1];
  const int64_t rows = set.size();
  const std::size_t bytes = std::size_t(images.numel() / rows) * std::size_t(item_size(images.dtype()));
  const char* const from = static_cast<const char*>(images.data_ptr());
  std::vector<char> to(std::size_t(kBatch) * bytes);
  Tensor label = empty({kBatch}, kInt64);
  double loading = 1e30, copying = 1e30;
  int64_t seen = 0;
  for (int round = 0; round < rounds; ++round) {
    double start = processor();
    for (const auto& [x, y] : loader) seen += x.size(0) + y.size(0);
    loading = std::min(loading, processor() - start);
    const Tensor order = randperm(rows);
    const int64_t* const at = order.data<int64_t>();
    start = processor();
    for (int64_t i = 0; i < rows; ++i) {
      std::memcpy(to.data() + std::size_t(i % kBatch) * bytes, from + std::size_t(at[i]) * bytes, bytes);
      label.data<int64_t>()[i % kBatch] = labels.data<int64_t>()[at[i]];
    }
    copying = std::min(copying, processor() - start);
  }
  fmt::print("{}: epoch of {} images {:.2f} ms, copying the rows {:.2f} ms: {:.2f}x\n", kind, seen / rounds / 2, 1e3 * loading, 1e3 * copying,
             loading / copying);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: loader_cost MNIST_DIR cost|load [ROUNDS]\n");
    return 2;
  }
  const data::ImagesLabels mnist = data::read_mnist(argv[1], true);
  const data::TensorDataset set({(mnist.images - 0.1307) / 0.3081, mnist.labels});
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 0;
  if (argv[2] == std::string("cost")) return cost(set, rounds > 0 ? rounds : 60), 0;
  load("uint8", data::TensorDataset({(mnist.images * 255).round().to(kUInt8), mnist.labels}), rounds > 0 ? rounds : 8);
  load("float32", set, rounds > 0 ? rounds : 8);
}

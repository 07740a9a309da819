// Trains a convolutional network with batch norm on hand-written digits, in a few seconds on a laptop.
#include <ember/ember.h>
#include <fmt/format.h>

#include <chrono>

#include "digits.h"

using namespace ember;

static double accuracy(nn::Module& model, const Tensor& x, const Tensor& y) {
  NoGradGuard no_grad;
  return (model(x).argmax(1) == y).to(kFloat32).mean().item<double>();
}

static void print_confusion(nn::Module& model, const Tensor& x, const Tensor& y) {
  NoGradGuard no_grad;
  const Tensor counts = bincount(y * 10 + model(x).argmax(1), {}, 100);
  fmt::print("\nrows: the digit, columns: what the network took it for\n    0  1  2  3  4  5  6  7  8  9\n");
  for (int row = 0; row < 10; ++row) {
    fmt::print("{} ", row);
    for (int column = 0; column < 10; ++column) {
      const auto n = counts.data<int64_t>()[row * 10 + column];
      fmt::print(" {:>2}", n ? std::to_string(n) : ".");
    }
    fmt::print("\n");
  }
}

int main() {
  manual_seed(0);
  const Digits digits = load_digits();
  nn::Sequential model{nn::Conv2d(1, 16, 3, {.padding = 1}),
                       nn::BatchNorm2d(16),
                       nn::ReLU(),
                       nn::MaxPool2d(2),
                       nn::Conv2d(16, 32, 3, {.padding = 1}),
                       nn::BatchNorm2d(32),
                       nn::ReLU(),
                       nn::MaxPool2d(2),
                       nn::Flatten(),
                       nn::Linear(32 * 2 * 2, 10)};
  fmt::print("{}\n", model.repr());

  data::TensorDataset train({digits.train_x, digits.train_y});
  data::DataLoader loader(train, {.batch_size = 64, .shuffle = true});
  optim::SGD optimizer(model.parameters(), {.lr = 0.05, .momentum = 0.9});
  optim::CosineAnnealingLR scheduler(optimizer, {.T_max = 15});

  for (int epoch = 1; epoch <= 15; ++epoch) {
    const auto begin = std::chrono::steady_clock::now();
    model.train();
    double loss_sum = 0;
    for (const auto& [x, y] : loader) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(x), y);
      loss.backward();
      optimizer.step();
      loss_sum += loss.item<double>();
    }
    scheduler.step();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    model.eval();
    fmt::print("epoch {:>2}   loss {:.4f}   accuracy {:.4f}   {:>7.0f} images/s\n", epoch, loss_sum / double(loader.size()),
               accuracy(model, digits.test_x, digits.test_y), double(train.size()) / seconds.count());
  }

  print_confusion(model, digits.test_x, digits.test_y);

  // What the lesson warns of: without eval() each batch is normalised by itself, and the answer for an image depends on its
  // neighbours. One after the other, sorted by class, is the worst company an image can have.
  const Tensor sorted = digits.test_y.argsort();
  const Tensor x = digits.test_x.index_select(0, sorted), y = digits.test_y.index_select(0, sorted);
  double forgotten = 0, with_eval = 0;
  for (int64_t start = 0; start + 16 <= x.size(0); start += 16) {
    const Tensor batch = x.narrow(0, start, 16), labels = y.narrow(0, start, 16);
    model.eval();
    with_eval += 16 * accuracy(model, batch, labels);
    model.train();
    const auto before = model.state_dict().clone();  // training mode moves the running statistics, even without gradients
    forgotten += 16 * accuracy(model, batch, labels);
    model.load_state_dict(before);
  }
  const double total = double(x.size(0) / 16 * 16);
  fmt::print("\nsorted batches of 16, with eval(): {:.4f}   eval() forgotten: {:.4f}\n\n", with_eval / total, forgotten / total);

  model.eval();
  fmt::print("test accuracy: {:.4f}\n", accuracy(model, digits.test_x, digits.test_y));
}

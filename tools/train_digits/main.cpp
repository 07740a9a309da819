// Ember's side of tools/parity/train_digits.py: train_digits STEPS OUT.pt writes initial weights, losses and the labels of each batch.
#include <ember/ember.h>

#include <cstdlib>

#include "../../examples/digits.h"

using namespace ember;

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  const int64_t steps = std::atoll(argv[1]);
  const Digits digits = load_digits();
  manual_seed(0);
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
  Value out = Value::dict(), batches = Value::list();
  out.set("initial", model.state_dict().clone());
  data::TensorDataset train({digits.train_x, digits.train_y});
  data::DataLoader loader(train, {.batch_size = 64, .shuffle = true});
  optim::SGD optimizer(model.parameters(), {.lr = 0.05, .momentum = 0.9});
  const Tensor losses = zeros({steps}, kFloat64);
  for (int64_t step = 0; step < steps;) {
    for (const auto& [x, y] : loader) {
      if (step == steps) break;
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(x), y);
      loss.backward();
      optimizer.step();
      losses.data<double>()[step++] = loss.item<double>();
      batches.append(y);
    }
  }
  out.set("losses", losses);
  out.set("batches", batches);
  save(out, argv[2]);
}

// A multilayer perceptron with BatchNorm1d on hand-written digits.
#include <ember/ember.h>
#include <fmt/format.h>

#include "digits.h"

using namespace ember;

struct Net : nn::Module {
  nn::Linear& hidden = add("hidden", nn::Linear(64, 128));
  nn::BatchNorm1d& norm = add("norm", nn::BatchNorm1d(128));
  nn::Dropout& dropout = add("dropout", nn::Dropout(0.2));
  nn::Linear& out = add("out", nn::Linear(128, 10));
  Tensor forward(const Tensor& x) override { return out(dropout(relu(norm(hidden(x.flatten(1)))))); }
};

int main() {
  manual_seed(0);
  const Digits digits = load_digits();
  Net model;
  data::TensorDataset train({digits.train_x, digits.train_y});
  data::DataLoader loader(train, {.batch_size = 32, .shuffle = true});
  optim::AdamW optimizer(model.parameters(), {.lr = 3e-3});

  for (int epoch = 1; epoch <= 20; ++epoch) {
    model.train();
    double loss_sum = 0;
    for (const auto& [x, y] : loader) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(x), y);
      loss.backward();
      optim::clip_grad_norm_(model.parameters(), 1.0);
      optimizer.step();
      loss_sum += loss.item<double>();
    }
    if (epoch % 5 == 0) fmt::print("epoch {:>2}   loss {:.4f}\n", epoch, loss_sum / double(loader.size()));
  }

  model.eval();
  NoGradGuard no_grad;
  const double accuracy = (model(digits.test_x).argmax(1) == digits.test_y).to(kFloat32).mean().item<double>();
  fmt::print("test accuracy: {:.4f}\n", accuracy);
  return accuracy > 0.95 ? 0 : 1;
}

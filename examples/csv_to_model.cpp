// From a CSV file with words and holes to a saved model, curves and a confusion table. docs/data.md has the same in PyTorch.
#include <ember/ember.h>
#include <ember/train.h>
#include <cstdio>
using namespace ember;

int main(int argc, char** argv) {
  manual_seed(0);
  const char* const path = argc > 1 ? argv[1] : EMBER_EXAMPLE_DATA "/breast_cancer.csv";
  const data::Table table = data::read_table(path, {.target = "diagnosis", .missing = data::Missing::NaN});
  const auto [train_part, test_part] = table.split(0.8);
  const data::TableEncoder encode(train_part, {.missing = data::Missing::Mean, .standardize = true});  // nothing of the rest is looked at
  const data::TensorDataset train = encode(train_part), test = encode(test_part);
  const auto classes = int64_t(table.classes().size());

  nn::Sequential model{nn::Linear(encode.size(), 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, classes)};
  optim::Adam optimizer(model.parameters(), {.lr = 0.01});
  const data::DataLoader loader(train, {.batch_size = 32, .shuffle = true, .drop_last = true});
  train::History history;
  train::Classification metrics(classes, table.classes());
  for (int epoch = 1; epoch <= 20; ++epoch) {
    model.train();
    train::Mean mean_loss;
    for (const auto& [x, y] : loader) {
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(x), y);
      loss.backward();
      optimizer.step();
      mean_loss.add(loss.item<double>());
    }
    model.eval();
    NoGradGuard no_grad;
    metrics.reset();
    metrics.add(model(test.tensors()[0]), test.tensors()[1]);
    history.add(epoch, {{"train loss", mean_loss.value()}, {"test accuracy", metrics.accuracy()}});
  }
  history.save("runs/csv_to_model");  // history.csv and history.svg, the curves
  save(model.state_dict(), "runs/csv_to_model/model.pt");
  std::printf("%s\ntest accuracy: %.4f\n", metrics.table().c_str(), metrics.accuracy());
}

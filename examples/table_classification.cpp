// From a table with words and holes to a model, curves and a confusion table: which tumours are malignant?
#include <ember/train.h>

#include "options.h"

using namespace ember;

int main(int argc, char** argv) {
  Options options{.data = EMBER_EXAMPLE_DATA "/breast_cancer.csv", .out = "runs/table_classification", .epochs = 60};
  CLI::App app("Learns to tell classes by the columns of a table.", "table_classification");
  std::string target = "diagnosis";
  add_flags(app, options, "a table with a header");
  app.add_option("--target", target, "the column to predict")->capture_default_str();
  return run_example(app, argc, argv, options, [&] {
    const data::Table table = data::read_table(options.data, {.target = target, .missing = data::Missing::NaN});
    fmt::print("{}\n", table.head());
    const auto [train_part, test_part] = table.split(0.8);
    // Means, deviations and words are those of the training part: the rest must not be looked at.
    const data::TableEncoder encode(train_part, {.missing = data::Missing::Mean, .standardize = true});
    const data::TensorDataset train = encode(train_part), test = encode(test_part);
    const auto classes = int64_t(table.classes().size());
    nn::Sequential model{nn::Linear(encode.size(), 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Dropout(0.2), nn::Linear(32, classes)};
    data::DataLoader loader(train, {.batch_size = 32, .shuffle = true, .drop_last = true});
    optim::Adam optimizer(model.parameters(), {.lr = 0.01, .weight_decay = 1e-3});
    optim::CosineAnnealingLR schedule(optimizer, {.T_max = options.epochs});

    train::History history;
    train::Classification metrics(classes, table.classes());
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      model.train();
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
        mean_loss.add(loss.item<double>());
      }
      schedule.step();
      model.eval();
      NoGradGuard no_grad;
      metrics.reset();
      metrics.add(model(test.tensors()[0]), test.tensors()[1]);
      history.add(epoch, {{"train loss", mean_loss.value()}, {"test accuracy", metrics.accuracy()}});
    }
    history.save(options.out);
    metrics.save(options.out);
    save(model.state_dict(), options.out + "/model.pt");
    fmt::print("{}\ntest accuracy: {:.4f}\n", metrics.table(), metrics.accuracy());
    return 0;
  });
}

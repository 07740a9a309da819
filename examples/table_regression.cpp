// A number from the columns of a table with words and holes: how far has the disease come after a year?
#include <ember/train.h>

#include "options.h"

using namespace ember;

int main(int argc, char** argv) {
  Options options{.data = EMBER_EXAMPLE_DATA "/diabetes.csv", .out = "runs/table_regression", .epochs = 100};
  CLI::App app("Learns to predict a number from the columns of a table.", "table_regression");
  std::string target = "progression";
  add_flags(app, options, "a table with a header");
  app.add_option("--target", target, "the column to predict")->capture_default_str();
  return run_example(app, argc, argv, options, [&] {
    const data::Table table = data::read_table(options.data, {.target = target, .missing = data::Missing::NaN});
    fmt::print("{}\n", table.head());
    const auto [train_part, test_part] = table.split(0.8);
    const data::TableEncoder encode(train_part, {.missing = data::Missing::Median, .standardize = true});
    const Tensor train_x = encode.features(train_part), test_x = encode.features(test_part);
    const Tensor train_y = train_part.values(target).to(kFloat32).unsqueeze(1), test_y = test_part.values(target).to(kFloat32).unsqueeze(1);
    const double mean = train_y.mean().item<double>(), std = train_y.std().item<double>();  // the network predicts standardised numbers

    nn::Sequential model{nn::Linear(encode.size(), 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Dropout(0.3), nn::Linear(32, 1)};
    data::TensorDataset train({train_x, (train_y - mean) / std});
    data::DataLoader loader(train, {.batch_size = 32, .shuffle = true, .drop_last = true});
    optim::AdamW optimizer(model.parameters(), {.lr = 0.005, .weight_decay = 0.05});
    optim::CosineAnnealingLR schedule(optimizer, {.T_max = options.epochs});

    train::History history;
    train::Regression metrics;
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      model.train();
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = mse_loss(model(x), y);
        loss.backward();
        optimizer.step();
        mean_loss.add(loss.item<double>());
      }
      schedule.step();
      model.eval();
      NoGradGuard no_grad;
      metrics.reset();
      metrics.add(model(test_x) * std + mean, test_y);
      history.add(epoch, {{"train loss", mean_loss.value()}, {"test R2", metrics.r2()}});
    }
    history.save(options.out);
    save(model.state_dict(), options.out + "/model.pt");
    fmt::print("mean absolute error {:.1f}, of the mean alone {:.1f}\ntest R2: {:.4f}\n", metrics.mae(), (test_y - mean).abs().mean().item<double>(),
               metrics.r2());
    return 0;
  });
}

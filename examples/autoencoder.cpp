// An autoencoder squeezes hand-written digits into eight numbers and draws them again; the picture shows originals and reconstructions.
#include <ember/data/image.h>
#include <ember/train.h>

#include <filesystem>

#include "digits.h"
#include "options.h"

using namespace ember;

int main(int argc, char** argv) {
  Options options{.data = EMBER_EXAMPLE_DATA "/digits.csv.gz", .out = "runs/autoencoder", .epochs = 100};
  CLI::App app("Learns to write digits of 8 x 8 pixels as eight numbers.", "autoencoder");
  add_flags(app, options, "the table of digits");
  return run_example(app, argc, argv, options, [&] {
    const Digits digits = load_digits(options.data);
    nn::Sequential encoder{nn::Flatten(), nn::Linear(64, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 8)};
    nn::Sequential decoder{nn::Linear(8, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Linear(64, 64), nn::Sigmoid()};
    std::vector<Tensor> parameters = encoder.parameters();
    for (const Tensor& p : decoder.parameters()) parameters.push_back(p);
    data::TensorDataset train({digits.train_x, digits.train_y});
    data::DataLoader loader(train, {.batch_size = 64, .shuffle = true, .drop_last = true});
    optim::Adam optimizer(parameters, {.lr = 0.005});
    optim::CosineAnnealingLR schedule(optimizer, {.T_max = options.epochs});

    train::History history;
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      train::Mean mean_loss;
      for (const auto& [x, y] : loader) {
        optimizer.zero_grad();
        const Tensor loss = mse_loss(decoder(encoder(x)), x.flatten(1));
        loss.backward();
        optimizer.step();
        mean_loss.add(loss.item<double>());
      }
      schedule.step();
      history.add(epoch, {{"train loss", mean_loss.value()}});
    }
    encoder.eval();
    decoder.eval();
    NoGradGuard no_grad;
    const Tensor drawn = decoder(encoder(digits.test_x)).reshape({-1, 1, 8, 8});
    // A row of originals, a row of what became of them, and so on; each pixel becomes four by four.
    const Tensor rows = stack({digits.test_x.narrow(0, 0, 32).reshape({2, 16, 1, 8, 8}), drawn.narrow(0, 0, 32).reshape({2, 16, 1, 8, 8})}, 1);
    const Tensor large = rows.reshape({64, 1, 8, 1, 8, 1}).expand({64, 1, 8, 4, 8, 4}).reshape({64, 1, 32, 32});
    std::filesystem::create_directories(options.out);
    data::write_image(options.out + "/reconstructions.png", data::make_grid(large, {.nrow = 16, .pad_value = 0.5}));
    history.save(options.out);
    fmt::print("mean squared error: {:.4f}, of the mean image {:.4f}\n", mse_loss(drawn, digits.test_x).item<double>(),
               mse_loss(digits.train_x.mean(0, true).expand_as(digits.test_x), digits.test_x).item<double>());
    return 0;
  });
}

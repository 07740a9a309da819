// A training that can be stopped and goes on as if it had not been: Ctrl-C, then the same command with --resume. The result is the same,
// bit for bit.
#include <ember/train.h>

#include <filesystem>

#include "digits.h"
#include "options.h"

using namespace ember;

int main(int argc, char** argv) {
  Options options{.data = EMBER_EXAMPLE_DATA "/digits.csv.gz", .out = "runs/resume", .epochs = 20};
  bool resume = false;
  int stop_after = 0;
  CLI::App app("Trains on hand-written digits, can be stopped at any step, and goes on where it was.", "resume");
  add_flags(app, options, "the table of digits");
  app.add_flag("--resume", resume, "go on with the checkpoint in --out");
  app.add_option("--stop-after", stop_after, "as if Ctrl-C came after so many steps");
  return run_example(app, argc, argv, options, [&] {
    const Digits digits = load_digits(options.data);
    nn::Sequential model{nn::Flatten(), nn::Linear(64, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Dropout(0.2), nn::Linear(64, 10)};
    data::TensorDataset train({digits.train_x, digits.train_y});
    data::DataLoader loader(train, {.batch_size = 64, .shuffle = true});
    optim::Adam optimizer(model.parameters(), {.lr = 0.01});
    optim::CosineAnnealingLR schedule(optimizer, {.T_max = options.epochs});

    const std::string path = options.out + "/last.pt";
    std::filesystem::create_directories(options.out);
    data::DataLoader::Epoch batches = loader.epoch();
    Checkpoint checkpoint{.model = &model, .optimizer = &optimizer, .scheduler = &schedule, .loader = &batches};
    int first = 1, steps = 0;
    if (resume) {
      checkpoint.load(path);  // weights, optimiser, schedule, random numbers, and the order of the epoch that was cut short
      first = int(checkpoint.values["epoch"].as_int());
      fmt::print("resumed in epoch {} after {} batches\n", first, batches.position());
    }

    train::Interrupt interrupt;
    for (int epoch = first; epoch <= options.epochs; ++epoch) {
      model.train();
      train::Mean mean_loss;
      for (data::Sample batch; batches.next(batch);) {
        optimizer.zero_grad();
        const Tensor loss = cross_entropy(model(batch[0]), batch[1]);
        loss.backward();
        optimizer.step();
        mean_loss.add(loss.item<double>());
        if (interrupt.requested() || ++steps == stop_after) {
          checkpoint.values = Value::dict();
          checkpoint.values.set("epoch", epoch);
          checkpoint.save(path);
          return interrupt.stop(fmt::format("resume --resume --out {}", options.out));
        }
      }
      schedule.step();
      batches = loader.epoch();
      fmt::print("epoch {:>2}   loss {:.6f}\n", epoch, mean_loss.value());
    }
    model.eval();
    NoGradGuard no_grad;
    train::Classification metrics(10);
    metrics.add(model(digits.test_x), digits.test_y);
    fmt::print("test accuracy: {:.4f}\n", metrics.accuracy());
    return 0;
  });
}

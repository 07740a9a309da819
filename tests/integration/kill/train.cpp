// usage: train FOLDER STEPS KEEP: trains, saves FOLDER/run.pt after every step, and goes on from it when it is there.
#include <ember/ember.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

using namespace ember;

int main(int, char** argv) {
  const std::string path = std::string(argv[1]) + "/run.pt";
  const int64_t steps = std::atoi(argv[2]);
  manual_seed(0);
  const Tensor x = randn({48, 8}), y = randint(0, 3, {48});
  const data::TensorDataset set({x, y});
  data::DataLoader loader(set, {.batch_size = 16, .shuffle = true});
  nn::Sequential net{nn::Linear(8, 64), nn::BatchNorm1d(64), nn::ReLU(), nn::Dropout(0.2), nn::Linear(64, 3)};
  optim::Adam optimizer(net.parameters(), {.lr = 0.01});
  optim::lr_scheduler::StepLR scheduler(optimizer, 7);
  std::optional<data::DataLoader::Epoch> epoch(loader.epoch());

  Checkpoint checkpoint{.model = &net, .optimizer = &optimizer, .scheduler = &scheduler, .loader = &*epoch};
  checkpoint.values.set("losses", Value::list());
  if (std::filesystem::exists(path)) checkpoint.load(path);
  Value losses = checkpoint.values["losses"];
  while (losses.size() < steps) {
    data::Sample batch;
    if (!epoch->next(batch)) {
      epoch.emplace(loader.epoch());
      continue;
    }
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(net(batch[0]), batch[1]);
    loss.backward();
    optimizer.step();
    scheduler.step();
    losses.append(loss.item<double>());
    checkpoint.values.set("losses", losses);
    checkpoint.save(path, std::atoi(argv[3]));
  }
}

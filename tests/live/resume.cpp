// usage: resume OPTIMISER STEPS DATA CHECKPOINT_IN CHECKPOINT_OUT: goes on from a checkpoint, prints the losses, writes the next one.
#include <ember/ember.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

using namespace ember;

int main(int, char** argv) {
  const Value data = load(argv[3]);
  const Tensor x = data["x"].as_tensor(), y = data["y"].as_tensor();
  nn::Sequential net{nn::Linear(16, 32), nn::BatchNorm1d(32), nn::ReLU(), nn::Linear(32, 4)};
  std::unique_ptr<optim::Optimizer> optimizer;
  if (std::string(argv[1]) == "SGD") optimizer = std::make_unique<optim::SGD>(net.parameters(), optim::SGDOptions{.lr = 0.05, .momentum = 0.9});
  else optimizer = std::make_unique<optim::Adam>(net.parameters(), optim::AdamOptions{.lr = 0.01});
  Checkpoint checkpoint{.model = &net, .optimizer = optimizer.get()};
  checkpoint.load(argv[4]);
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    optimizer->zero_grad();
    const Tensor loss = cross_entropy(net(x), y);
    loss.backward();
    optimizer->step();
    std::printf("%.9g\n", loss.item<double>());
  }
  checkpoint.save(argv[5]);
}

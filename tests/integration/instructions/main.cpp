// usage: instructions ROW STEPS: training steps of one of the benchmark's networks, for counting instructions.
#include <cstdlib>
#include <string>

#include "nets.h"

using namespace bench;

int main(int, char** argv) {
  set_num_threads(1);
  manual_seed(0);
  for (const NetRow& row : net_rows()) {
    if (row.name != std::string(argv[1])) continue;
    nn::Sequential net = row.make();
    const Tensor x = randn({row.batch, row.shape[0]}), target = randint(0, 2, {row.batch});
    optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9});
    for (int i = 0; i < std::atoi(argv[2]); ++i) {
      optimizer.zero_grad();
      cross_entropy(net(x), target).backward();
      optimizer.step();
    }
  }
}

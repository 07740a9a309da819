// Ghost batch norm (Hoffer et al. 2017): large batches whose statistics come from small parts of them, as in data-parallel training.
#include "laboratory.h"

using namespace lab;

/// Batch norm over each `size` samples of a batch by themselves.
struct GhostNorm : nn::Module {
  nn::BatchNorm1d& norm = add("norm", nn::BatchNorm1d(100));
  int64_t size;
  explicit GhostNorm(int64_t size) : size(size) {}
  Tensor forward(const Tensor& x) override {
    if (!is_training() || size >= x.size(0)) return norm(x);
    std::vector<Tensor> parts;
    for (int64_t start = 0; start < x.size(0); start += size) parts.push_back(norm(x.narrow(0, start, size)));
    return cat(parts);
  }
};

static int ghost(Experiment& e) {
  const std::vector<int64_t> sizes = {4096, 128, 32};
  const std::vector<double> torch_test = {.9763, .9774, .9774}, torch_train = {.9933, .9916, .9891};
  std::vector<double> gaps;
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    manual_seed(std::uint64_t(e.seed()));
    nn::Sequential net = mlp_with({.std = 0}, [&](nn::Sequential& layers) { layers.append(GhostNorm(sizes[s])); });
    optim::SGD optimizer(net.parameters(), {.lr = 0.5, .momentum = 0.9});
    Generator generator(std::uint64_t(e.seed() + 1));
    for (int step = 0; step < 150; ++step) {
      const Tensor chosen = randint(0, e.train().x.size(0), {4096}, {}, &generator);
      optimizer.zero_grad();
      cross_entropy(net(e.train().x.index_select(0, chosen)), e.train().y.index_select(0, chosen)).backward();
      optimizer.step();
    }
    const double test = accuracy(net, e.test()), train = accuracy(net, e.train());
    gaps.push_back(train - test);
    e.row(fmt::format("statistics over {} samples: test", with_commas(sizes[s])), torch_test[s], test);
    e.row("  training images", torch_train[s], train);
    e.row("  gap", torch_train[s] - torch_test[s], gaps.back(), s == 2 ? at_most(gaps[0]) : kAny);
  }
  return e.conclude("The noise of small statistics regularises: the gap between training and test falls with the size of the ghost batch.",
                    "Data-parallel training without SyncBatchNorm does the same. How large is its ghost batch?");
}

int main(int argc, char** argv) {
  return run({"ghost", "Ghost batch norm",
              "784-100-100-100-10, ReLU, PyTorch's initialisation, SGD at rate 0.5 with momentum 0.9, batches of 4,096, 150 steps", ""},
             argc, argv, ghost);
}

// usage: instructions ROW STEPS: small steps, for counting their instructions. ROW is a network of the benchmark, with the batch after
// a slash where it is another than the benchmark's ("W4/2"), "W4i/1" for inference, or "add", an addition of 16 numbers with its
// backward.
#include <cstdlib>
#include <string>

#include "nets.h"

using namespace bench;

namespace {

void train(nn::Sequential net, const Tensor& x, int steps) {
  const Tensor target = randint(0, 2, {x.size(0)});
  optim::SGD optimizer(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  for (int i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    cross_entropy(net(x), target).backward();
    optimizer.step();
  }
}

void infer(nn::Sequential net, const Tensor& x, int steps) {
  net.eval();
  const NoGradGuard no_grad;
  for (int i = 0; i < steps; ++i) net(x);
}

void add_with_backward(int steps) {
  const Tensor a = randn({16}).requires_grad_(), b = randn({16}), upstream = ones({16});
  for (int i = 0; i < steps; ++i) (a + b).backward(upstream);
}

}  // namespace

int main(int, char** argv) {
  const std::string row = argv[1], name = row.substr(0, 2);
  const int steps = std::atoi(argv[2]);
  set_num_threads(1);
  manual_seed(0);
  if (row == "add") add_with_backward(steps);
  for (const NetRow& net : net_rows()) {
    if (net.name != name) continue;
    const std::size_t slash = row.find('/');
    std::vector<int64_t> sizes = {slash == std::string::npos ? net.batch : std::atoi(row.c_str() + slash + 1)};
    sizes.insert(sizes.end(), net.shape.begin(), net.shape.end());
    (row.find('i') == std::string::npos ? train : infer)(net.make(), randn(sizes), steps);
  }
}

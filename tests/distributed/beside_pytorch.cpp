// The Ember side of tests/live/distributed.py: distributed_beside_pytorch OUT writes OUT.RANK, the losses and the state of the end.
#include <ember/distributed.h>
#include <ember/ember.h>
#include <fmt/os.h>

using namespace ember;

int main(int, char** argv) {
  distributed::init();
  set_num_threads(1);
  manual_seed(5);
  nn::Sequential net{nn::Linear(6, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, 3)};
  const Tensor x = randn({120, 6}), y = randint(3, {120});
  data::DistributedSampler sampler(120, {.seed = 5});
  distributed::DistributedDataParallel model(net);
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  const data::TensorDataset set({x, y});
  data::DataLoader loader(set, {.batch_size = 10, .sampler = &sampler});
  fmt::ostream out = fmt::output_file(fmt::format("{}.{}", argv[1], distributed::rank()));
  int step = 0;
  for (int epoch = 0; step < 40; ++epoch) {
    sampler.set_epoch(epoch);
    for (const auto& [batch, labels] : loader) {
      if (step++ == 40) break;
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(model(batch), labels);
      loss.backward();
      optimizer.step();
      out.print("{} ", loss.item<float>());
    }
  }
  for (const auto& [name, tensor] : net.state_dict()) {
    const Tensor numbers = tensor.to(kFloat64).contiguous();
    for (int64_t i = 0; i < numbers.numel(); ++i) out.print("{} ", numbers.data<double>()[i]);
  }
}

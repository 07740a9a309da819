// Ranks with different numbers of batches.
#include "ranks.h"

using namespace ember;
using namespace ember::distributed;

namespace {
/// Rank r has r + 1 batches of ones: the gradient of the weight is 1 on every rank that has a batch.
std::vector<double> gradients_of_a_joined_loop(JoinOptions options) {
  nn::Linear net(1, 1, {.bias = false});
  DistributedDataParallel model(net);
  std::vector<double> seen;
  Join join(model, options);
  for (int i = 0; i <= rank(); ++i) {
    net.zero_grad();
    model(ones({1, 1})).sum().backward();
    seen.push_back(net.weight.grad().item<double>());
  }
  join.finish();
  return seen;
}
}  // namespace

TEST_CASE("test_ddp_uneven_inputs, test_ddp_grad_div_uneven_inputs: ranks that have ended count as 0, or not at all") {
  const double n = world_size();
  const std::vector<double> by_all = gradients_of_a_joined_loop({}), by_present = gradients_of_a_joined_loop({.divide_by_initial_world_size = false});
  for (std::size_t i = 0; i < by_all.size(); ++i) {
    CHECK(by_all[i] == Approx((n - double(i)) / n));
    CHECK(by_present[i] == Approx(1));
  }
}

TEST_CASE("test_ddp_join_model_equivalence: at the end all ranks have the last one's parameters and buffers") {
  manual_seed(9);
  nn::Sequential net{nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Linear(4, 1)};
  DistributedDataParallel model(net);
  optim::SGD optimizer(net.parameters(), {.lr = 0.1});
  manual_seed(std::uint64_t(rank()));
  Join join(model);
  for (int i = 0; i < 2 + 3 * ((rank() + 1) % world_size()); ++i) {
    optimizer.zero_grad();
    model(randn({4, 3})).square().mean().backward();
    optimizer.step();
  }
  join.finish();
  for (const auto& [name, tensor] : net.state_dict()) {
    INFO(name);
    CHECK(same_everywhere(tensor));
  }
  CHECK(net.state_dict().at("1.num_batches_tracked").item<int64_t>() == 2 + 3 * (world_size() - 1));
}

TEST_CASE("test_ddp_uneven_input_exception, test_ddp_uneven_inputs_stop_iteration_sync_bn: every rank throws when one has ended") {
  if (world_size() == 1) return;
  nn::Linear net(1, 1);
  DistributedDataParallel model(net);
  const std::string text = text_of([&] {
    Join join(model, {.throw_on_early_termination = true});
    for (int i = 0; i < 3 + rank(); ++i) model(ones({1, 1})).sum().backward();
    join.finish();
  });
  CHECK(everywhere(has(text, "Detected at least one rank that exhausted inputs. Throwing across all ranks.")));
  nn::Sequential synchronised{nn::Linear(1, 2), nn::SyncBatchNorm(2)};
  DistributedDataParallel waits(synchronised);
  CHECK(has(text_of([&] { Join join(waits); }), "give ranks that have ended empty batches instead"));
}

// DistributedDataParallel: k ranks follow one process, and the cases that PyTorch's own tests name (distributed_test.py).
#include "ranks.h"

using namespace ember;
using namespace ember::distributed;

namespace {

struct Mlp : nn::Module {
  nn::Linear& a = add("a", nn::Linear(5, 8));
  nn::Linear& b = add("b", nn::Linear(8, 3));
  Tensor forward(const Tensor& x) override { return b(tanh(a(x))); }
};

struct Batches {
  std::vector<Tensor> x, y;
  explicit Batches(int count, int64_t size) {
    for (int i = 0; i < count; ++i) {
      x.push_back(randn({size, 5}));
      y.push_back(randint(3, {size}));
    }
  }
};

/// Trains one process with the whole batches, and all ranks with their parts; the largest relative distance of their parameters.
double distance_from_one_process(bool even, DataParallelOptions options, int64_t samples) {
  manual_seed(3);
  const Batches batches(50, samples);
  Mlp one;
  Mlp mine;
  mine.load_state_dict(one.state_dict());
  if (rank() > 0) mine.a.weight.detach().add_(1.0);  // the wrapper takes rank 0's
  DistributedDataParallel model(mine, options);
  optim::SGD whole(one.parameters(), {.lr = 0.1, .momentum = 0.9}), parts(mine.parameters(), {.lr = 0.1, .momentum = 0.9});
  const std::vector<int64_t> sizes = part_sizes(samples, even);
  for (std::size_t i = 0; i < batches.x.size(); ++i) {
    whole.zero_grad();
    cross_entropy(one(batches.x[i]), batches.y[i]).backward();
    whole.step();
    parts.zero_grad();
    cross_entropy(model(part_of(batches.x[i], sizes)), part_of(batches.y[i], sizes)).backward();
    parts.step();
  }
  double worst = 0;
  for (std::size_t p = 0; p < one.parameters().size(); ++p) {
    const Tensor a = one.parameters()[p].detach(), b = mine.parameters()[p].detach();
    worst = std::max(worst, ((a - b).abs().max() / a.abs().max()).item<double>());
    CHECK(same_everywhere(b));
  }
  return worst;
}

}  // namespace

TEST_CASE("test_DistributedDataParallelCPU: ranks with equal parts follow one process") {
  CHECK(distance_from_one_process(true, {}, 12) < 1e-5);
  CHECK(distance_from_one_process(true, {.bucket_cap_mb = 1e-5}, 12) < 1e-5);  // a bucket for each parameter
}

TEST_CASE("by_samples: ranks with uneven parts, one of them perhaps empty, follow one process") {
  CHECK(distance_from_one_process(false, {.average = Average::by_samples}, 13) < 1e-5);
  CHECK(distance_from_one_process(false, {.average = Average::by_samples}, 3) < 1e-5);
}

TEST_CASE("test_DistributedDataParallel_requires_grad") {
  nn::Linear net(2, 2);
  net.requires_grad_(false);
  CHECK(has(text_of([&] { DistributedDataParallel model(net); }),
            "DistributedDataParallel is not needed when a module doesn't have any parameters that require a gradient."));
}

TEST_CASE("test_accumulate_gradients_no_sync, test_grads_same_across_ranks_with_no_sync") {
  manual_seed(1);
  const Tensor first = randn({8 * world_size(), 5}), second = randn({4 * world_size(), 5});
  Mlp net, reference;
  reference.load_state_dict(net.state_dict());
  DistributedDataParallel model(net);
  const auto mine = [](const Tensor& t) { return t.chunk(world_size())[std::size_t(rank())]; };
  {
    const NoSync alone(model);
    model(mine(first)).square().mean().backward();
    reference(mine(first)).square().mean().backward();
    CHECK_THAT(net.a.weight.grad(), is_close(reference.a.weight.grad()));  // untouched by the others
    if (world_size() > 1) CHECK_FALSE(same_everywhere(net.a.weight.grad()));
  }
  model(mine(second)).square().mean().backward();
  reference.zero_grad();
  reference(first).square().mean().backward();
  reference(second).square().mean().backward();
  CHECK_THAT(net.a.weight.grad(), is_close(reference.a.weight.grad(), 1e-5, 1e-6));
  CHECK(same_everywhere(net.a.weight.grad()));
}

TEST_CASE("test_ddp_sync_module_states, test_ddp_broadcast_buffer: rank 0's at the start, its buffers again before each training forward") {
  manual_seed(std::uint64_t(rank()));
  nn::Sequential net{nn::Linear(3, 4), nn::BatchNorm1d(4)};
  nn::BatchNorm1d& norm = static_cast<nn::BatchNorm1d&>(net[1]);
  norm.running_mean.fill_(rank() + 5.0);
  DistributedDataParallel model(net);
  for (const Tensor& p : net.parameters()) CHECK(same_everywhere(p));
  CHECK_THAT(norm.running_mean, is_close(full({4}, 5.0)));
  model(randn({6, 3}));
  if (world_size() > 1) CHECK_FALSE(same_everywhere(norm.running_mean));  // each has moved it by its own batch
  const Tensor of_rank_0 = norm.running_mean.clone();
  broadcast(of_rank_0, 0);
  model.eval();
  model(randn({6, 3}));
  if (rank() > 0) CHECK_FALSE(norm.running_mean.equal(of_rank_0));
  model.train();
  norm.momentum = 0.0;
  model(randn({6, 3}));
  CHECK(norm.running_mean.equal(of_rank_0));

  nn::Sequential own{nn::BatchNorm1d(2)};
  DistributedDataParallel keeps(own, {.broadcast_buffers = false});
  nn::BatchNorm1d& kept = static_cast<nn::BatchNorm1d&>(own[0]);
  kept.running_mean.fill_(rank());
  kept.momentum = 0.0;
  keeps(randn({4, 2}));
  CHECK_THAT(kept.running_mean, is_close(full({2}, rank())));
}

TEST_CASE("gradients are averaged before clipping, and parameters stay the same bits") {
  manual_seed(2);
  Mlp net;
  DistributedDataParallel model(net);
  optim::Adam optimizer(net.parameters(), {.lr = 0.01});
  manual_seed(std::uint64_t(rank()));
  for (int i = 0; i < 5; ++i) {
    optimizer.zero_grad();
    (model(randn({4, 5})) * 100).square().mean().backward();
    const Tensor norm = nn::utils::clip_grad_norm_(net.parameters(), 1.0);
    CHECK(same_everywhere(norm));
    optimizer.step();
  }
  for (const Tensor& p : net.parameters()) CHECK(same_everywhere(p));
}

namespace {
struct Branches : nn::Module {
  nn::Linear& shared = add("shared", nn::Linear(3, 3));
  nn::Linear& left = add("left", nn::Linear(3, 1));
  nn::Linear& right = add("right", nn::Linear(3, 1));
  nn::Linear& never = add("never", nn::Linear(3, 1));
  bool goes_left = true;
  Tensor forward(const Tensor& x) override { return goes_left ? left(shared(shared(x))) : right(shared(x)); }
};
}  // namespace

TEST_CASE("test_ddp_control_flow_different_across_ranks, test_ddp_shared_grad_acc_unused_params: ranks use different parameters") {
  manual_seed(4);
  Branches net, reference;
  reference.load_state_dict(net.state_dict());
  DistributedDataParallel model(net, {.bucket_cap_mb = 1e-5});
  const Tensor x = randn({world_size(), 3});
  net.goes_left = rank() == 0;
  model(x.narrow(0, rank(), 1)).sum().backward();
  Tensor total = zeros({});
  for (int r = 0; r < world_size(); ++r) {
    reference.goes_left = r == 0;
    total = total + reference(x.narrow(0, r, 1)).sum();
  }
  (total / world_size()).backward();
  CHECK_THAT(net.shared.weight.grad(), is_close(reference.shared.weight.grad(), 1e-5, 1e-6));
  CHECK_THAT(net.left.weight.grad(), is_close(reference.left.weight.grad(), 1e-5, 1e-6));
  if (world_size() > 1) CHECK_THAT(net.right.weight.grad(), is_close(reference.right.weight.grad(), 1e-5, 1e-6));
  CHECK_FALSE(net.never.weight.grad().defined());  // nobody used it
}

TEST_CASE("test_ddp_model_diff_num_params_across_ranks, test_ddp_model_diff_shape_across_ranks: named on every rank at the start") {
  if (world_size() == 1) return;
  nn::Sequential more{nn::Linear(2, 2)};
  if (rank() == 1) more.append(nn::Linear(2, 2));
  CHECK(everywhere(has(text_of([&] { DistributedDataParallel model(more); }),
                       "DDP expects same model across all ranks, but Rank 1 has 4 params, while rank 0 has inconsistent 2 params.")));
  nn::Sequential other{nn::Linear(2, 2), nn::Linear(2, rank() == 1 ? 5 : 4)};
  CHECK(everywhere(has(text_of([&] { DistributedDataParallel model(other); }),
                       "[1]: params[2] in this process with sizes [5, 2] float32 appears not to match sizes of the same param in process 0 with "
                       "sizes [4, 2] float32.\n"
                       "DistributedDataParallel: it is 1.weight on rank 1")));
}

TEST_CASE("two wrapped models: each backward averages the parameters that it meets (a GAN's step)") {
  manual_seed(6);
  Mlp generator;
  nn::Linear critic(3, 1);
  DistributedDataParallel g(generator);
  DistributedDataParallel c(critic);
  manual_seed(std::uint64_t(rank()));
  const Tensor fake = g(randn({4, 5}));
  c(fake.detach()).mean().backward();
  CHECK(same_everywhere(critic.weight.grad()));
  CHECK_FALSE(generator.a.weight.grad().defined());
  c(fake).mean().backward();
  CHECK(same_everywhere(generator.a.weight.grad()));
}

TEST_CASE("a hook on a parameter sees this rank's gradient, and the average holds what it returns") {
  manual_seed(7);
  nn::Linear net(2, 1, {.bias = false});
  DistributedDataParallel model(net);
  register_hook(net.weight, [](const Tensor& g) { return g * 2; });
  model(full({1, 2}, rank() + 1.0)).sum().backward();
  CHECK_THAT(net.weight.grad(), is_close(full({1, 2}, world_size() + 1.0)));  // 2 * mean(1..n)
}

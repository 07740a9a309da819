// The collectives: values by hand, and refusals that reach every rank.
#include "ranks.h"

using namespace ember;
using namespace ember::distributed;

TEST_CASE("all_reduce sums, averages, multiplies and takes extremes; strided tensors, too") {
  const double n = world_size(), sum = n * (n + 1) / 2;
  for (const DType dtype : {kFloat32, kFloat64, kInt64}) {
    const Tensor t = full({3}, rank() + 1, dtype);
    all_reduce(t);
    CHECK_THAT(t, is_close(full({3}, sum, dtype)));
  }
  const Tensor t = full({2, 2}, rank() + 1.0);
  all_reduce(t.t(), ReduceOp::Average);
  CHECK_THAT(t, is_close(full({2, 2}, sum / n)));
  const Tensor lowest = tensor({rank() + 1.0}), highest = tensor({rank() + 1.0}), product = tensor({2.0});
  all_reduce(lowest, ReduceOp::Min);
  all_reduce(highest, ReduceOp::Max);
  all_reduce(product, ReduceOp::Product);
  CHECK(lowest.item<double>() == 1);
  CHECK(highest.item<double>() == n);
  CHECK(product.item<double>() == double(1 << world_size()));
  all_reduce(zeros({0}));
}

TEST_CASE("test_horovod_allreduce_error, type_error: ranks that differ are named on all ranks, and nothing moves") {
  if (world_size() == 1) return;
  const Tensor t = ones({rank() == 1 ? 4 : 3});
  CHECK(
      everywhere(has(text_of([&] { all_reduce(t); }),
                     "Rank 1 is running collective: all_reduce of float32 [4] by SUM, but Rank 0 is running collective: all_reduce of float32 [3]")));
  CHECK(t.sum().item<double>() == double(t.numel()));
  CHECK(
      everywhere(has(text_of([&] { all_reduce(rank() == 0 ? ones({2}) : ones({2}, kFloat64)); }), "Detected mismatch between collectives on ranks")));
  CHECK(has(text_of([] { all_reduce(ones({2}, kBool)); }), "Invalid scalar type"));
  CHECK(has(text_of([] { all_reduce(ones({2}, kInt64), ReduceOp::Average); }), "Average is for floating-point tensors, got int64"));
  CHECK(has(text_of([] { broadcast(ones({2}), 99); }), "[broadcast] expected a source in"));
}

TEST_CASE("broadcast, all_gather of different sizes, reduce_scatter") {
  const Tensor t = full({2}, rank() + 1.0);
  broadcast(t, world_size() - 1);
  CHECK_THAT(t, is_close(full({2}, world_size())));
  const std::vector<Tensor> all = all_gather(full({rank() + 1, 2}, rank(), kInt64));
  REQUIRE(int(all.size()) == world_size());
  for (int r = 0; r < world_size(); ++r) CHECK_THAT(all[std::size_t(r)], is_close(full({r + 1, 2}, r, kInt64)));
  std::vector<Tensor> parts;
  for (int r = 0; r < world_size(); ++r) parts.push_back(full({2}, double(10 * r + rank())));
  const double n = world_size();
  CHECK_THAT(reduce_scatter(parts), is_close(full({2}, n * 10 * rank() + n * (n - 1) / 2)));
}

TEST_CASE("sum_over_ranks: the gradient is the sum of the ranks' gradients") {
  const Tensor x = full({2}, rank() + 1.0, {.dtype = kFloat64, .requires_grad = true});
  const Tensor y = sum_over_ranks(x);
  (y * (rank() + 1.0)).sum().backward();
  const double n = world_size();
  CHECK_THAT(y, is_close(full({2}, n * (n + 1) / 2)));
  CHECK_THAT(x.grad(), is_close(full({2}, n * (n + 1) / 2)));
}

TEST_CASE("on_main runs on rank 0 alone; what it throws, every rank throws") {
  int runs = 0;
  on_main([&] { ++runs; });
  CHECK(runs == (rank() == 0 ? 1 : 0));
  CHECK(everywhere(has(text_of([] { on_main([] { throw RuntimeError("disk full"); }); }), "disk full\n[on_main] thrown on rank 0")));
}

// torch.utils.data.DistributedSampler of PyTorch 2.13: range(11), num_replicas=3, seed=5; set_epoch(2).
TEST_CASE("test_DistributedSampler_padding: PyTorch's order, its padding, its cut, and every sample once for evaluation") {
  const auto order = [](data::DistributedSamplerOptions options, int64_t n, int64_t epoch) {
    data::DistributedSampler sampler(n, options);
    sampler.set_epoch(epoch);
    CHECK(sampler.size() == int64_t(sampler.indices().size()));
    return sampler.indices();
  };
  using Order = std::vector<int64_t>;
  CHECK(order({.num_replicas = 3, .rank = 2, .shuffle = false}, 10, 0) == Order{2, 5, 8, 1});
  CHECK(order({.num_replicas = 3, .rank = 1, .shuffle = false, .drop_last = true}, 10, 0) == Order{1, 4, 7});
  CHECK(order({.num_replicas = 5, .rank = 4, .shuffle = false}, 2, 0) == Order{0});
  CHECK(order({.num_replicas = 3, .rank = 0, .shuffle = false, .pad = false}, 10, 0) == Order{0, 3, 6, 9});
  CHECK(order({.num_replicas = 3, .rank = 1, .shuffle = false, .pad = false}, 10, 0) == Order{1, 4, 7});
  CHECK(order({.num_replicas = 3, .rank = 1, .seed = 5}, 11, 2) == Order{0, 5, 10, 6});
  CHECK(order({.num_replicas = 3, .rank = 2, .seed = 5}, 11, 2) == Order{9, 8, 1, 3});
  CHECK(text_of([] { data::DistributedSampler(10, {.num_replicas = 3, .rank = 3}); }) == "Invalid rank 3, rank should be in the interval [0, 2]");
  // what was seen is left out, whatever the number of ranks was: the parts of two ranks are what three have not visited
  data::DistributedSampler all(11, {.num_replicas = 1, .rank = 0, .seed = 5}), resumed(11, {.num_replicas = 2, .rank = 1, .seed = 5});
  all.set_epoch(2);
  resumed.set_epoch(2, 6);
  const Order whole = all.indices();
  CHECK(resumed.indices() == Order{whole[7], whole[9], whole[6]});
}

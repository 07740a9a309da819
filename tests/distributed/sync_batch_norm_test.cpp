// SyncBatchNorm: ranks with parts of a batch compute what batch norm computes with the whole.
#include "ranks.h"

using namespace ember;
using namespace ember::distributed;

namespace {

struct Net : nn::Module {
  nn::Conv2d& conv = add("conv", nn::Conv2d(2, 4, 3, {.padding = 1}));
  nn::BatchNorm2d& norm = add("norm", nn::BatchNorm2d(4));
  nn::Linear& hidden = add("hidden", nn::Linear(4 * 16, 6));
  nn::BatchNorm1d& norm1 = add("norm1", nn::BatchNorm1d(6));
  nn::Linear& out = add("out", nn::Linear(6, 3));
  Tensor forward(const Tensor& x) override { return out(relu(norm1(hidden(flatten(relu(norm(conv(x))), 1))))); }
};

/// 50 steps of one process with whole batches beside all ranks with parts: the largest relative distance of any tensor of the state.
double distance_after_50_steps(DType dtype, bool even, int64_t samples) {
  manual_seed(11);
  Net one, mine;
  mine.load_state_dict(one.state_dict());
  one.to(dtype);
  mine.to(dtype);
  CHECK(nn::convert_sync_batchnorm(mine) == 2);
  DistributedDataParallel model(mine, {.average = Average::by_samples, .broadcast_buffers = false});
  optim::SGD whole(one.parameters(), {.lr = 0.05, .momentum = 0.9}), parts(mine.parameters(), {.lr = 0.05, .momentum = 0.9});
  const std::vector<int64_t> sizes = part_sizes(samples, even);
  for (int i = 0; i < 50; ++i) {
    const Tensor x = randn({samples, 2, 4, 4}).to(dtype), y = randint(3, {samples});
    whole.zero_grad();
    cross_entropy(one(x), y).backward();
    whole.step();
    parts.zero_grad();
    cross_entropy(model(part_of(x, sizes)), part_of(y, sizes)).backward();
    parts.step();
  }
  double worst = 0;
  const nn::StateDict a = one.state_dict(), b = mine.state_dict();
  for (const auto& [name, tensor] : a) {
    // A bias in front of batch norm has a gradient of 0 but for rounding: it has nothing to follow.
    if (name == "conv.bias" || name == "hidden.bias") continue;
    const Tensor want = tensor.to(kFloat64);
    worst = std::max(worst, ((want - b.at(name).to(kFloat64)).abs().max() / want.abs().max()).item<double>());
  }
  return worst;
}

}  // namespace

TEST_CASE("SyncBatchNorm and by_samples: ranks with even and uneven parts follow one process for 50 steps") {
  CHECK(distance_after_50_steps(kFloat64, true, 12) < 1e-10);
  CHECK(distance_after_50_steps(kFloat64, false, 13) < 1e-10);
  CHECK(distance_after_50_steps(kFloat32, true, 24) < 1e-5);
  CHECK(distance_after_50_steps(kFloat32, false, 23) < 1e-5);
}

namespace {

struct Trial {
  IntArrayRef sizes;  // of the whole batch
  bool even, affine, channels_last;
};

/// One forward and backward of one layer, on the whole batch and in parts.
void compare(const Trial& trial, DType dtype, double rtol) {
  manual_seed(13);
  const std::vector<int64_t> sizes = part_sizes(trial.sizes[0], trial.even);
  Tensor x = (randn(trial.sizes) * 3 + 1).to(dtype), dy = randn(trial.sizes).to(dtype);
  if (trial.channels_last) x = x.contiguous(MemoryFormat::ChannelsLast);
  const nn::BatchNormOptions options{.affine = trial.affine};
  nn::BatchNorm1d one1(trial.sizes[1], options);
  nn::BatchNorm2d one2(trial.sizes[1], options);
  nn::BatchNormBase& one = x.dim() == 4 ? static_cast<nn::BatchNormBase&>(one2) : one1;
  nn::SyncBatchNorm mine(trial.sizes[1], options);
  one.to(dtype);
  mine.to(dtype);
  if (trial.affine) {
    const NoGradGuard no_grad;
    one.weight.normal_();
    one.bias.normal_();
    mine.load_state_dict(one.state_dict());
  }
  const Tensor whole = x.clone().requires_grad_(), part = part_of(x, sizes).clone().requires_grad_();
  const Tensor y = one(whole), mine_y = mine(part);
  y.backward(dy);
  mine_y.backward(part_of(dy, sizes));
  CHECK_THAT(mine_y, is_close(part_of(y, sizes), rtol, rtol));
  CHECK_THAT(part.grad(), is_close(part_of(whole.grad(), sizes), rtol, rtol));
  CHECK_THAT(mine.running_mean, is_close(one.running_mean, rtol, rtol));
  CHECK_THAT(mine.running_var, is_close(one.running_var, rtol, rtol));
  CHECK(mine.num_batches_tracked.item<int64_t>() == 1);
  if (!trial.affine) return;
  for (auto [got, want] : {std::pair(mine.weight, one.weight), std::pair(mine.bias, one.bias)}) {
    const Tensor sum = got.grad().clone();
    all_reduce(sum);
    CHECK_THAT(sum, is_close(want.grad(), rtol, rtol * 10));
  }
}

}  // namespace

TEST_CASE(
    "test_DistributedDataParallel_SyncBatchNorm{,_No_Affine,_2D_Input,_Channels_Last,_Diff_Input_Sizes_Running_Value,_Diff_Input_Sizes_gradient}") {
  for (const bool even : {true, false})
    for (const bool affine : {true, false}) {
      compare({{12, 3, 4, 5}, even, affine, false}, kFloat64, 1e-11);
      compare({{12, 3, 4, 5}, even, affine, true}, kFloat32, 2e-5);
      compare({{13, 3}, even, affine, false}, kFloat64, 1e-11);
      compare({{7, 3, 6}, even, affine, false}, kFloat32, 2e-5);
    }
}

TEST_CASE("test_DistributedDataParallel_SyncBatchNorm_Single_Input_Per_Process, and ranks without any") {
  if (world_size() == 1) {
    nn::SyncBatchNorm norm(3);
    CHECK(has(text_of([&] { norm(randn({1, 3})); }), "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])"));
    CHECK(norm.num_batches_tracked.item<int64_t>() == 0);
    return;
  }
  compare({{world_size(), 3}, true, true, false}, kFloat64, 1e-11);
  nn::SyncBatchNorm norm(3);
  const Tensor x = randn({rank() == 0 ? 4 : 0, 3}).requires_grad_();
  norm(x).square().sum().backward();  // every rank takes part
  CHECK(same_everywhere(norm.running_mean));
}

TEST_CASE("test_ddp_sync_bn_training_vs_eval: evaluation uses the running statistics and speaks to nobody") {
  manual_seed(17);
  nn::SyncBatchNorm norm(3);
  norm(randn({4, 3}) * 2 + 1);
  norm.eval();
  if (rank() == 0) {  // the others do not call
    const Tensor x = randn({1, 3});
    CHECK_THAT(norm(x), is_close((x - norm.running_mean) / (norm.running_var + 1e-5).sqrt(), 1e-5, 1e-5));
  }
  CHECK(norm.repr() == "SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)");
}

TEST_CASE("SyncBatchNorm can be differentiated twice") {
  manual_seed(19);
  const std::vector<int64_t> sizes = part_sizes(9, false);
  const Tensor x = randn({9, 2}, {.dtype = kFloat64}), w = tensor({0.5, -2.0}, kFloat64);
  const auto penalty = [](nn::BatchNormBase& norm, const Tensor& input) {
    const Tensor y = norm(input);
    return autograd::grad({(y * y * y).sum()}, {input}, {}, {.create_graph = true})[0].square().sum();
  };
  nn::BatchNorm1d one(2);
  nn::SyncBatchNorm mine(2);
  one.to(kFloat64);
  mine.to(kFloat64);
  one.weight.detach().copy_(w);
  mine.weight.detach().copy_(w);
  const Tensor whole = x.clone().requires_grad_(), part = part_of(x, sizes).clone().requires_grad_();
  penalty(one, whole).backward();
  penalty(mine, part).backward();
  CHECK_THAT(part.grad(), is_close(part_of(whole.grad(), sizes), 1e-9, 1e-9));
}

TEST_CASE("inside nn::Sequential, in front of a ReLU and a pooling, a converted batch norm is not computed alone") {
  manual_seed(23);
  nn::Sequential one{nn::BatchNorm2d(2), nn::ReLU(), nn::MaxPool2d(2)}, mine{nn::BatchNorm2d(2), nn::ReLU(), nn::MaxPool2d(2)};
  nn::convert_sync_batchnorm(mine);
  const std::vector<int64_t> sizes = part_sizes(6, true);
  const Tensor x = randn({6, 2, 4, 4}).contiguous(MemoryFormat::ChannelsLast);
  CHECK_THAT(mine(part_of(x, sizes)), is_close(part_of(one(x), sizes), 1e-5, 1e-5));
}

// Batch norm, sections 1, 6, 7 and 10 of docs/batch_norm.md: what the module is made of, its state, its text, no random numbers.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {

std::vector<std::string> names_of(const nn::StateDict& state) {
  std::vector<std::string> names;
  for (const auto& [name, value] : state) names.push_back(name);
  return names;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("batch norm 1.1: options have PyTorch's names and defaults") {
  const nn::BatchNormOptions options;
  CHECK(options.eps == 1e-5);
  CHECK(options.momentum.value() == 0.1);
  CHECK(options.affine);
  CHECK(options.track_running_stats);
  CHECK(options.bias);
  const nn::BatchNorm1d one(4);
  const nn::BatchNorm2d two(4, {.eps = 1e-3, .momentum = None, .affine = false, .track_running_stats = false});
  const nn::BatchNorm3d three(4, {.bias = false});
  CHECK(one.num_features == 4);
  CHECK(two.eps == 1e-3);
  CHECK_FALSE(two.momentum.given());
  CHECK(three.weight.defined());
}

TEST_CASE("batch norm 1.2: weight starts at 1 and bias at 0; without affine there is neither, without bias only the weight") {
  const nn::BatchNorm1d both(3), neither(3, {.affine = false}), scale(3, {.bias = false});
  CHECK(both.weight.equal(ones({3})));
  CHECK(both.bias.equal(zeros({3})));
  CHECK(both.weight.requires_grad());
  CHECK_FALSE(neither.weight.defined());
  CHECK_FALSE(neither.bias.defined());
  CHECK(scale.weight.equal(ones({3})));
  CHECK_FALSE(scale.bias.defined());
}

TEST_CASE("batch norm 1.3: running statistics start at mean 0, variance 1, and a 0-dim counter of type int64") {
  const nn::BatchNorm2d tracks(3), does_not(3, {.track_running_stats = false});
  CHECK(tracks.running_mean.equal(zeros({3})));
  CHECK(tracks.running_var.equal(ones({3})));
  CHECK(tracks.num_batches_tracked.dim() == 0);
  CHECK(tracks.num_batches_tracked.dtype() == kInt64);
  CHECK(tracks.num_batches_tracked.item<int64_t>() == 0);
  CHECK_FALSE(does_not.running_mean.defined());
  CHECK_FALSE(does_not.running_var.defined());
  CHECK_FALSE(does_not.num_batches_tracked.defined());
}

TEST_CASE("batch norm 1.4 and 10: neither construction nor forward draws a random number") {
  manual_seed(3);
  const Tensor before = get_rng_state();
  nn::BatchNorm2d bn(8);
  bn(ones({2, 8, 3, 3}));
  bn.reset_parameters();
  CHECK(get_rng_state().equal(before));
}

TEST_CASE("batch norm 1.5: no features are allowed, fewer are not; momentum is not checked") {
  nn::BatchNorm1d none(0);
  CHECK(none.weight.sizes() == IntArrayRef({0}));
  CHECK_THROWS_WITH(nn::BatchNorm1d(-1), equals("Trying to create tensor with negative dimension -1: [-1]"));
  for (const double momentum : {0.0, 1.0, 1.5, -0.5}) {
    nn::BatchNorm1d bn(1, {.momentum = momentum});
    bn(tensor({{1.0}, {3.0}}));
    CHECK_THAT(bn.running_mean, is_close({2 * momentum}));
    CHECK_THAT(bn.running_var, is_close({(1 - momentum) + 2 * momentum}));
  }
}

TEST_CASE("batch norm 1.6: eps is checked by each forward") {
  const Tensor x = randn({4, 3});
  nn::BatchNorm1d zero(3, {.eps = 0}), negative(3, {.eps = -1e-5});
  CHECK_THROWS_WITH(zero(x), starts_with("batch_norm eps must be positive during training, but got 0.0"));
  CHECK_THROWS_WITH(negative(x), starts_with("batch_norm eps must be positive during training, but got -1e-05"));
  CHECK_THROWS_AS(zero(x), ValueError);
  zero.eval();
  negative.eval();
  CHECK_NOTHROW(zero(x));
  CHECK_THROWS_WITH(negative(x), starts_with("batch_norm eps must be non-negative, but got -1e-05"));
  zero.running_var.zero_();  // 1/sqrt(0) is infinite, and infinity times 0 is NaN
  CHECK(zero(zeros({2, 3})).isnan().all().item<bool>());
}

TEST_CASE("batch norm 1.7: reset_running_stats and reset_parameters") {
  nn::BatchNorm1d bn(3), untracked(3, {.track_running_stats = false}), plain(3, {.affine = false});
  bn(randn({8, 3}));
  bn.weight.detach().fill_(5);
  bn.bias.detach().fill_(6);
  bn.reset_running_stats();
  CHECK(bn.running_mean.equal(zeros({3})));
  CHECK(bn.running_var.equal(ones({3})));
  CHECK(bn.num_batches_tracked.item<int64_t>() == 0);
  CHECK(bn.weight.equal(full({3}, 5.0)));
  bn(randn({8, 3}));
  bn.reset_parameters();
  CHECK(bn.running_mean.equal(zeros({3})));
  CHECK(bn.weight.equal(ones({3})));
  CHECK(bn.bias.equal(zeros({3})));
  CHECK_NOTHROW(untracked.reset_running_stats());
  CHECK_NOTHROW(plain.reset_parameters());
}

TEST_CASE("batch norm 1.8: to(float64) converts parameters and statistics, the counter stays int64") {
  nn::BatchNorm1d bn(3);
  bn.to(kFloat64);
  CHECK(bn.weight.dtype() == kFloat64);
  CHECK(bn.running_var.dtype() == kFloat64);
  CHECK(bn.num_batches_tracked.dtype() == kInt64);
  CHECK(bn(randn({4, 3}, {.dtype = kFloat64})).dtype() == kFloat64);
}

TEST_CASE("batch norm 6.1: names of the state, in order, and version 2") {
  CHECK(names_of(nn::BatchNorm1d(2).state_dict()) == Names{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
  CHECK(names_of(nn::BatchNorm1d(2, {.affine = false}).state_dict()) == Names{"running_mean", "running_var", "num_batches_tracked"});
  CHECK(names_of(nn::BatchNorm1d(2, {.bias = false}).state_dict()) == Names{"weight", "running_mean", "running_var", "num_batches_tracked"});
  CHECK(names_of(nn::BatchNorm1d(2, {.track_running_stats = false}).state_dict()) == Names{"weight", "bias"});
  nn::Sequential net{nn::Linear(2, 2), nn::BatchNorm1d(2)};
  CHECK(net.state_dict().version("1") == 2);
  CHECK(net.state_dict().version("0") == 1);
}

TEST_CASE("batch norm 6.2: a file of before version 2 has no counter: the module keeps its own, the caller's dict stays as it was") {
  for (const int64_t version : {int64_t(1), int64_t(-1)}) {
    nn::BatchNorm1d bn(2);
    bn.num_batches_tracked.fill_(7);
    nn::StateDict old = nn::BatchNorm1d(2).state_dict();
    old.erase("num_batches_tracked");
    old.versions.clear();
    if (version > 0) old.versions.emplace_back("", version);
    CHECK_NOTHROW(bn.load_state_dict(old));
    CHECK(bn.num_batches_tracked.item<int64_t>() == 7);
    CHECK_FALSE(old.contains("num_batches_tracked"));
  }
}

TEST_CASE("batch norm 6.3: a file of version 2 without the counter is an error") {
  nn::BatchNorm1d bn(2);
  nn::StateDict state = nn::BatchNorm1d(2).state_dict();
  state.erase("num_batches_tracked");
  CHECK_THROWS_WITH(bn.load_state_dict(state), equals("Error(s) in loading state_dict for BatchNorm1d:\n"
                                                      "\tMissing key(s) in state_dict: \"num_batches_tracked\". "));
}

TEST_CASE("batch norm 6.4: missing, unexpected, then sizes; a size is an error even when not strict") {
  nn::BatchNorm1d bn(4);
  nn::StateDict state = nn::BatchNorm1d(4).state_dict();
  state.set("foo", ones({1}));
  state.set("bar", ones({1}));
  CHECK_THROWS_WITH(bn.load_state_dict(state), equals("Error(s) in loading state_dict for BatchNorm1d:\n"
                                                      "\tUnexpected key(s) in state_dict: \"foo\", \"bar\". "));
  state.set("weight", ones({3}));
  state.erase("bias");
  const std::string size =
      "size mismatch for weight: copying a param with shape torch.Size([3]) from checkpoint, the shape in current "
      "model is torch.Size([4]).";
  CHECK_THROWS_WITH(bn.load_state_dict(state), equals("Error(s) in loading state_dict for BatchNorm1d:\n"
                                                      "\tMissing key(s) in state_dict: \"bias\". \n"
                                                      "\tUnexpected key(s) in state_dict: \"foo\", \"bar\". \n\t" +
                                                      size));
  CHECK_THROWS_WITH(bn.load_state_dict(state, {.strict = false}), equals("Error(s) in loading state_dict for BatchNorm1d:\n\t" + size));
  state.set("weight", full({4}, 3.0));
  const nn::LoadResult result = bn.load_state_dict(state, {.strict = false});
  CHECK(result.missing_keys == Names{"bias"});
  CHECK(result.unexpected_keys == Names{"foo", "bar"});
  CHECK(bn.weight.equal(full({4}, 3.0)));
  nn::BatchNorm1d without_bias(4, {.bias = false});
  CHECK_THROWS_WITH(without_bias.load_state_dict(nn::BatchNorm1d(4).state_dict()), contains("Unexpected key(s) in state_dict: \"bias\". "));
}

TEST_CASE("batch norm 6.5: a counter of shape [1], or of a float type, loads") {
  nn::BatchNorm1d bn(2);
  nn::StateDict state = bn.state_dict().clone();
  state.set("num_batches_tracked", tensor({9}));
  bn.load_state_dict(state);
  CHECK(bn.num_batches_tracked.item<int64_t>() == 9);
  CHECK(bn.num_batches_tracked.dim() == 0);
  state.set("num_batches_tracked", scalar_tensor(5.7));
  bn.load_state_dict(state);
  CHECK(bn.num_batches_tracked.item<int64_t>() == 5);
  CHECK(bn.num_batches_tracked.dtype() == kInt64);
}

TEST_CASE("batch norm 6.6: loading copies in place: tensors that others hold stay the module's") {
  nn::BatchNorm1d from(2), bn(2);
  from(randn({8, 2}));
  from.weight.detach().fill_(2.5);
  const Tensor weight = bn.parameters()[0], mean = bn.buffers()[0];
  bn.load_state_dict(from.state_dict());
  CHECK(weight.equal(full({2}, 2.5)));
  CHECK(mean.equal(from.running_mean));
  CHECK(bn.weight.shares_storage(weight));
}

TEST_CASE("batch norm 7.1: the text of each module is PyTorch's") {
  const auto repr = [](nn::BatchNormOptions options) { return nn::BatchNorm2d(64, options).repr(); };
  CHECK(repr({}) == "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)");
  CHECK(repr({.affine = false}) == "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=True)");
  CHECK(repr({.bias = false}) == "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, bias=False, track_running_stats=True)");
  CHECK(repr({.eps = 1e-12, .momentum = None}) == "BatchNorm2d(64, eps=1e-12, momentum=None, affine=True, bias=True, track_running_stats=True)");
  CHECK(repr({.momentum = 1.0, .track_running_stats = false}) ==
        "BatchNorm2d(64, eps=1e-05, momentum=1.0, affine=True, bias=True, track_running_stats=False)");
  CHECK(repr({.eps = 1e-4, .momentum = 0.0}) == "BatchNorm2d(64, eps=0.0001, momentum=0.0, affine=True, bias=True, track_running_stats=True)");
  CHECK(repr({.eps = 1e16, .momentum = 0.001}) == "BatchNorm2d(64, eps=1e+16, momentum=0.001, affine=True, bias=True, track_running_stats=True)");
  CHECK(nn::InstanceNorm1d(4).repr() == "InstanceNorm1d(4, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)");
  CHECK(nn::GroupNorm(2, 4).repr() == "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)");
  CHECK(nn::LayerNorm(3).repr() == "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)");
}

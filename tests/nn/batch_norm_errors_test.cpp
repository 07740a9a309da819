// Batch norm, sections 2, 3 and 4 of docs/batch_norm.md: what is accepted, what is refused in which words and order, which statistics
// are used, and that a refused call changes nothing.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

TEST_CASE("batch norm 2.1: each module takes its ranks only, and an unbatched input never") {
  nn::BatchNorm1d one(3);
  nn::BatchNorm2d two(3);
  nn::BatchNorm3d three(3);
  CHECK_THROWS_WITH(one(randn({3})), starts_with("expected 2D or 3D input (got 1D input)"));
  CHECK_THROWS_WITH(one(randn({2, 3, 4, 5})), starts_with("expected 2D or 3D input (got 4D input)"));
  CHECK_THROWS_WITH(two(randn({3, 4, 5})), starts_with("expected 4D input (got 3D input)"));
  CHECK_THROWS_WITH(three(randn({2, 3, 4, 5})), starts_with("expected 5D input (got 4D input)"));
  CHECK_THROWS_AS(one(randn({3})), ValueError);
  CHECK_NOTHROW(one(randn({2, 3})));
  CHECK_NOTHROW(one(randn({2, 3, 4})));
}

TEST_CASE("batch norm 2.2: another number of channels, checked in the order running_mean, running_var, weight, bias") {
  nn::BatchNorm1d bn(3);
  CHECK_THROWS_WITH(bn(randn({4, 5})), starts_with("running_mean should contain 5 elements not 3"));
  bn.eval();
  CHECK_THROWS_WITH(bn(randn({4, 5})), starts_with("running_mean should contain 5 elements not 3"));
  CHECK_THROWS_AS(bn(randn({4, 5})), RuntimeError);
  const Tensor x = randn({4, 5}), three = ones({3}), five = ones({5});
  CHECK_THROWS_WITH(batch_norm(x, five, three, three, three), equals("running_var should contain 5 elements not 3"));
  CHECK_THROWS_WITH(batch_norm(x, five, five, three, three), equals("weight should contain 5 elements not 3"));
  CHECK_THROWS_WITH(batch_norm(x, five, five, five, three), equals("bias should contain 5 elements not 3"));
}

TEST_CASE("batch norm 2.3: evaluation needs both running statistics") {
  const Tensor x = randn({4, 5}), five = ones({5});
  CHECK_THROWS_WITH(batch_norm(x, {}, {}), equals("running_mean must be defined in evaluation mode"));
  CHECK_THROWS_WITH(batch_norm(x, {}, five), equals("running_mean must be defined in evaluation mode"));
  CHECK_THROWS_WITH(batch_norm(x, five, {}), equals("running_var must be defined in evaluation mode"));
}

TEST_CASE("batch norm 2.4: integers and bools are not implemented, mixed types neither") {
  nn::BatchNorm1d bn(3), wide(3);
  wide.to(kFloat64);
  CHECK_THROWS_WITH(bn(ones({4, 3}, kInt64)), starts_with("\"batch_norm\" not implemented for 'Long'"));
  CHECK_THROWS_WITH(bn(ones({4, 3}, kBool)), starts_with("\"batch_norm\" not implemented for 'Bool'"));
  CHECK_THROWS_AS(bn(ones({4, 3}, kInt64)), NotImplementedError);
  CHECK_THROWS_WITH(bn(ones({4, 3}, kFloat64)), starts_with("mixed dtype (CPU): all inputs must share same datatype."));
  CHECK_THROWS_WITH(wide(ones({4, 3})), starts_with("mixed dtype (CPU): expect parameter to have scalar type of Float"));
}

TEST_CASE("batch norm 2.5: (N, C, L) is normalised over N and L, as BatchNorm2d does with (N, C, L, 1)") {
  manual_seed(1);
  const Tensor x = randn({4, 3, 5});
  nn::BatchNorm1d one(3);
  nn::BatchNorm2d two(3);
  CHECK(one(x).equal(two(x.unsqueeze(3)).squeeze(3)));
  CHECK(one.running_var.equal(two.running_var));
  CHECK_THAT(one(x).mean({0, 2}), is_close(zeros({3})));
}

TEST_CASE("batch norm 2.6: without weight and statistics there is nothing that could disagree with the number of channels") {
  nn::BatchNorm1d bn(3, {.affine = false, .track_running_stats = false});
  CHECK(bn(randn({4, 7})).sizes() == IntArrayRef({4, 7}));
}

TEST_CASE("batch norm 2.7: the order of the checks: rank, size of the batch, eps, channels") {
  nn::BatchNorm1d bn(3, {.eps = -1});
  CHECK_THROWS_WITH(bn(randn({1, 5, 1, 1})), starts_with("expected 2D or 3D input"));
  CHECK_THROWS_WITH(bn(randn({1, 5})), starts_with("Expected more than 1 value per channel"));
  CHECK_THROWS_WITH(bn(randn({4, 5})), starts_with("batch_norm eps must be positive"));
  bn.eps = 1e-5;
  CHECK_THROWS_WITH(bn(randn({4, 5})), starts_with("running_mean should contain"));
}

TEST_CASE("batch norm 3.1: training uses the batch, evaluation the running statistics") {
  const Tensor x = tensor({{1.0}, {3.0}});
  nn::BatchNorm1d bn(1);
  CHECK_THAT(bn(x), is_close({{-1.0}, {1.0}}, 1e-4));
  bn.eval();
  bn.running_mean.fill_(5);
  bn.running_var.fill_(4);
  CHECK_THAT(bn(x), is_close({{-2.0}, {-1.0}}, 1e-4));
}

TEST_CASE("batch norm 3.2: evaluation without running statistics uses the batch, and refuses a batch of one") {
  const Tensor x = tensor({{1.0}, {3.0}});
  nn::BatchNorm1d bn(1, {.track_running_stats = false});
  bn.eval();
  CHECK_THAT(bn(x), is_close({{-1.0}, {1.0}}, 1e-4));
  CHECK_THROWS_WITH(bn(tensor({{1.0}})), starts_with("Expected more than 1 value per channel when training, got input size torch.Size([1, 1])"));
}

TEST_CASE("batch norm 3.3: switching tracking off later leaves the buffers alone in training; evaluation still uses them") {
  const Tensor x = tensor({{1.0}, {3.0}});
  nn::BatchNorm1d bn(1);
  bn.running_mean.fill_(5);
  bn.track_running_stats = false;
  CHECK_THAT(bn(x), is_close({{-1.0}, {1.0}}, 1e-4));
  CHECK(bn.running_mean.item<double>() == 5);
  CHECK(bn.num_batches_tracked.item<int64_t>() == 0);
  bn.eval();
  CHECK_THAT(bn(x), is_close({{-4.0}, {-2.0}}, 1e-4));
}

TEST_CASE("batch norm 4.1: one value per channel is refused where the batch is used, by the number of values and not the batch size") {
  const auto refused = "Expected more than 1 value per channel when training, got input size torch.Size(";
  nn::BatchNorm1d one(3);
  nn::BatchNorm2d two(3);
  nn::BatchNorm3d three(3);
  CHECK_THROWS_WITH(one(randn({1, 3})), starts_with(refused + std::string("[1, 3])")));
  CHECK_THROWS_WITH(one(randn({1, 3, 1})), starts_with(refused + std::string("[1, 3, 1])")));
  CHECK_THROWS_WITH(two(randn({1, 3, 1, 1})), starts_with(refused + std::string("[1, 3, 1, 1])")));
  CHECK_THROWS_WITH(three(randn({1, 3, 1, 1, 1})), starts_with(refused + std::string("[1, 3, 1, 1, 1])")));
  CHECK_NOTHROW(one(randn({1, 3, 2})));
  CHECK_NOTHROW(two(randn({1, 3, 1, 2})));
  CHECK_NOTHROW(one(randn({2, 3})));
  one.eval();
  CHECK_NOTHROW(one(randn({1, 3})));
}

TEST_CASE("batch norm 4.2: an empty batch passes: empty output, statistics as they were, the batch counted, gradients of 0") {
  nn::BatchNorm1d bn(3);
  const Tensor x = zeros({0, 3}, {.requires_grad = true});
  const Tensor y = bn(x);
  CHECK(y.sizes() == IntArrayRef({0, 3}));
  CHECK(bn.running_mean.equal(zeros({3})));
  CHECK(bn.running_var.equal(ones({3})));
  CHECK(bn.num_batches_tracked.item<int64_t>() == 1);
  y.sum().backward();
  CHECK(bn.weight.grad().equal(zeros({3})));
  CHECK(bn.bias.grad().equal(zeros({3})));
  CHECK(x.grad().sizes() == IntArrayRef({0, 3}));
}

TEST_CASE("batch norm 4.3: a refused call changes nothing, the counter included (PyTorch has counted by then)") {
  const auto refuses = [](nn::BatchNorm1d& bn, const Tensor& x) {
    const nn::StateDict before = bn.state_dict().clone();
    CHECK_THROWS_AS(bn(x), Error);
    CHECK(bn.state_dict() == before);
  };
  nn::BatchNorm1d bn(3), averages(3, {.momentum = None}), bad_eps(3, {.eps = 0});
  refuses(bn, randn({1, 3}));
  refuses(bn, randn({4, 5}));
  refuses(bn, randn({4, 3}, {.dtype = kFloat64}));
  refuses(averages, randn({1, 3}));
  refuses(bad_eps, randn({4, 3}));
}

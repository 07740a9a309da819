// Writes in place and through views: values, versions, histories (values from PyTorch).
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

TEST_CASE("a write through a view changes the base and its history") {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, {.requires_grad = true});
  const Tensor w = tensor({10.0, 20.0, 30.0}, {.requires_grad = true});
  const Tensor base = x.clone();
  base[0].mul_(w);
  CHECK_THAT(base, is_close({{10.0, 40.0, 90.0}, {4.0, 5.0, 6.0}}));
  (base * base).sum().backward();
  CHECK_THAT(x.grad(), is_close({{200.0, 1600.0, 5400.0}, {8.0, 10.0, 12.0}}));
  CHECK_THAT(w.grad(), is_close({20.0, 160.0, 540.0}));
}

TEST_CASE("a view taken before the write follows the new history of its base") {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}}, {.requires_grad = true});
  const Tensor base = x.clone();
  const Tensor early = base.transpose(0, 1);
  base[1].zero_();
  (early * early).sum().backward();
  CHECK_THAT(x.grad(), is_close({{2.0, 4.0}, {0.0, 0.0}}));
}

TEST_CASE("a tensor without a gradient gets a history when one that has is written into it") {
  const Tensor buffer = zeros({3});
  const Tensor w = tensor({2.0}, {.requires_grad = true});
  buffer[1].copy_(w[0]);
  CHECK(buffer.requires_grad());
  (buffer * 5).sum().backward();
  CHECK_THAT(w.grad(), is_close({5.0}));
}

TEST_CASE("leaves that require grad refuse writes, also through a view; not under NoGradGuard") {
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  CHECK_THROWS_WITH(x.zero_(), equals("a leaf Variable that requires grad is being used in an in-place operation."));
  CHECK_THROWS_WITH(x[0].zero_(), equals("a view of a leaf Variable that requires grad is being used in an in-place operation."));
  CHECK_THAT(x, is_close({1.0, 2.0}));
  const NoGradGuard quiet;
  x.zero_();
  CHECK_THAT(x, is_close({0.0, 0.0}));
}

TEST_CASE("each write counts in the version that views share") {
  const Tensor x = zeros({2, 2});
  const Tensor view = x[0];
  CHECK(x.version() == 0);
  view.fill_(1);
  x.add_(1);
  CHECK(x.version() == 2);
  CHECK(view.version() == 2);
}

TEST_CASE("results that do not fit are refused and change nothing") {
  const Tensor x = ones({3});
  CHECK_THROWS_WITH(x.add_(ones({2, 3})), equals("output with shape [3] doesn't match the broadcast shape [2, 3]"));
  const Tensor whole = ones({3}, kInt64);
  CHECK_THROWS_WITH(whole.add_(0.5), equals("result type Float can't be cast to the desired output type Long"));
  CHECK_THROWS_WITH(ones({1}).expand({3}).add_(1), starts_with("unsupported operation: more than one element"));
  CHECK_THAT(x, is_close({1.0, 1.0, 1.0}));
  CHECK(x.version() == 0);
}

TEST_CASE("an in-place operation may need the value that it overwrites") {
  const Tensor x = tensor({2.0, 3.0}, {.requires_grad = true});
  const Tensor y = x * 1;
  y.pow_(3);
  y.sum().backward();
  CHECK_THAT(x.grad(), is_close({12.0, 27.0}));
}

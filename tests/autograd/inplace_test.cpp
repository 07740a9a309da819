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

namespace {

Tensor counted() { return tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, {.requires_grad = true}); }
const Tensor weights = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0});

}  // namespace

TEST_CASE("a tensor that becomes a view of itself keeps its memory; every handle of it, and no other tensor, sees the new sizes") {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}}), same = x, other = x.detach();
  CHECK(x.t_().is_same(x));
  CHECK_THAT(same, is_close({{1, 4}, {2, 5}, {3, 6}}));
  CHECK(same.strides() == IntArrayRef({1, 3}));
  CHECK(other.sizes() == IntArrayRef({2, 3}));
  CHECK(x.transpose_(0, 1).is_contiguous());
  CHECK(x.swapaxes_(-1, 0).swapdims_(0, 1).unsqueeze_(1).sizes() == IntArrayRef({2, 1, 3}));
  CHECK(x.unsqueeze_(0).squeeze_(1).sizes() == IntArrayRef({1, 2, 1, 3}));
  CHECK(x.squeeze_({0, 1}).sizes() == IntArrayRef({2, 1, 3}));
  CHECK(x.squeeze_().sizes() == IntArrayRef({2, 3}));
  CHECK_THAT(x.as_strided_({2, 2}, {1, 1}, 1), is_close({{2, 3}, {3, 4}}));
  CHECK(x.shares_storage(other));
  CHECK(other.version() == 10);
  const Tensor repeated = arange(3.0).expand({2, 3});
  CHECK(repeated.t_().sizes() == IntArrayRef({3, 2}));  // nothing is written
}

TEST_CASE("what does not fit is refused as by the view, and changes nothing") {
  const Tensor x = ones({2, 3});
  CHECK_THROWS_WITH(x.unsqueeze_(4), equals("Dimension out of range (expected to be in range of [-3, 2], but got 4)"));
  CHECK_THROWS_WITH(x.squeeze_({0, -2}), equals("dim 0 appears multiple times in the list of dims"));
  CHECK_THROWS_WITH(x.as_strided_({4, 4}, {4, 1}), starts_with("setStorage: sizes [4, 4], strides [4, 1]"));
  CHECK_THROWS_WITH(ones({2, 3, 4}).t_(), equals("t() expects a tensor with <= 2 dimensions, but self is 3D"));
  CHECK(x.sizes() == IntArrayRef({2, 3}));
  CHECK(x.version() == 0);
}

TEST_CASE("the gradient runs back through what a tensor became, and once more") {
  const Tensor x = counted(), y = x * x;
  CHECK(y.t_().grad_fn_name() == "TransposeBackward0");
  y.unsqueeze_(1);
  const Tensor g = autograd::grad({(y * y * weights.view({3, 1, 2})).sum()}, {x}, {}, {.create_graph = true})[0];
  CHECK_THAT(g, is_close({{4.0, 96.0, 540.0}, {512.0, 2000.0, 5184.0}}));
  CHECK_THAT(autograd::grad({(g * g).sum()}, {x})[0], is_close({{96.0, 27648.0, 583200.0}, {393216.0, 4800000.0, 26873856.0}}));
  const Tensor z = x * x;
  z.as_strided_({2, 2}, {1, 1}, 1);
  (z * weights.slice(0, 0, 4).view({2, 2})).sum().backward();
  CHECK_THAT(x.grad(), is_close({{0.0, 4.0, 30.0}, {32.0, 0.0, 0.0}}));
}

TEST_CASE("a leaf that requires grad becomes no view of itself, nor does a view of one or one of several; a value saved for backward is lost") {
  const Tensor x = counted();
  CHECK_THROWS_WITH(x.t_(), equals("a leaf Variable that requires grad is being used in an in-place operation."));
  CHECK_THROWS_WITH(x[0].unsqueeze_(0), equals("a view of a leaf Variable that requires grad is being used in an in-place operation."));
  CHECK_THROWS_WITH((x * 1).unbind(0)[0].unsqueeze_(0), starts_with("Output 0 of Unbind is a view and is being modified inplace."));
  CHECK(x.sizes() == IntArrayRef({2, 3}));
  const Tensor y = x.exp();
  y.t_();
  CHECK_THROWS_WITH(y.sum().backward(), contains("modified by an inplace operation: [torch.FloatTensor [2, 3]]"));
  const Tensor w = ones({2, 3}, kFloat64), z = x * w;
  w.unsqueeze_(0);
  CHECK_THROWS_WITH(z.sum().backward(), contains("is at version 1; expected version 0 instead"));
}

TEST_CASE("a view that becomes a view of itself still shows its base, and a base that does still has its views") {
  Tensor x = counted(), base = x * 2, view = base.slice(0, 0, 1);
  CHECK(view.t_().grad_fn_name() == "TransposeBackward0");
  CHECK(base.grad_fn_name() == "MulBackward0");
  view.mul_(3);
  CHECK(view.sizes() == IntArrayRef({3, 1}));
  (base * weights.view({2, 3})).sum().backward();
  CHECK_THAT(x.grad(), is_close({{6.0, 12.0, 18.0}, {8.0, 10.0, 12.0}}));

  x = counted(), base = x * 2, view = base.view({6});
  base.t_();
  (view * view * weights).sum().backward();
  CHECK_THAT(x.grad(), is_close({{8.0, 32.0, 72.0}, {128.0, 200.0, 288.0}}));

  x = counted(), base = x * 2, view = base.view({6});
  const Tensor w = weights.clone().requires_grad_();
  base.t_();
  view.mul_(w);
  (base * base * weights.view({3, 2})).sum().backward();
  CHECK_THAT(x.grad(), is_close({{8.0, 192.0, 1080.0}, {1024.0, 4000.0, 10368.0}}));
  CHECK_THAT(w.grad(), is_close({8.0, 192.0, 1080.0, 1024.0, 4000.0, 10368.0}));
}

TEST_CASE("under NoGradGuard a view gets its history from the base, a leaf stays one, and what was made of other sizes is refused") {
  Tensor x = counted(), base = x * 2, view = base.slice(0, 0, 1);
  {
    const NoGradGuard quiet;
    view.t_();
  }
  (view * view).sum().backward();
  CHECK_THAT(x.grad(), is_close({{8.0, 16.0, 24.0}, {0.0, 0.0, 0.0}}));
  {
    const NoGradGuard quiet;
    x.t_();
    base.t_();
  }
  CHECK(x.is_leaf());
  CHECK_THROWS_AS((x * 2).sum().backward(), RuntimeError);  // for a gradient (2, 3)
  CHECK_THROWS_AS(base.sum().backward(), RuntimeError);     // of an operation that gave (2, 3)
  x.set_grad({});
  (x * weights.view({3, 2})).sum().backward();
  CHECK_THAT(x.grad(), is_close({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}));
}

TEST_CASE("a retained gradient is that of the last value, and nobody's once the tensor is detached or gone") {
  const Tensor x = counted();
  Tensor y = x * 2;
  y.retain_grad();
  y.t_();
  (y * weights.view({3, 2})).sum().backward();
  CHECK_THAT(y.grad(), is_close({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}));

  y = x * 2;
  y.retain_grad();
  const Tensor z = y * 3;
  CHECK(y.detach_().is_leaf());
  y = Tensor();
  z.sum().backward();

  Tensor view = (y = x * 2).view({6});
  view.retain_grad();
  const Tensor of_view = view * 3;
  y.mul_(2);
  CHECK(view.grad_fn_name() == "AsStridedBackward0");  // made anew from its base
  view = Tensor();
  of_view.sum().backward();
}

TEST_CASE("detach_ in place: not of a view whose base somebody has") {
  const Tensor x = counted(), base = x * 2, view = base[0];
  CHECK_THROWS_WITH(view.detach_(), starts_with("Can't detach views in-place. Use detach() instead."));
  CHECK(view.requires_grad());
  const Tensor alone = (x * 2)[0];
  alone.detach_();
  CHECK_FALSE(alone.requires_grad());
  base.detach_();
  CHECK_FALSE(base.requires_grad());
  CHECK(view.grad_fn_name() == "SelectBackward0");  // it was made before
}

TEST_CASE("a leaf that has got another shape since the forward takes no gradient of the old one") {
  const Tensor images = ones({4, 3}), weight = ones({3, 3}).requires_grad_();
  const Tensor sum = (weight * 2).sum(), product = linear(images, weight).sum(), alone = linear(images, weight).sum();
  {
    const NoGradGuard quiet;
    weight.t_();
  }
  const std::string
      refusal = "Function MulBackward0 returned an invalid gradient at index 0 - the leaf has got its shape [3, 3] or its dtype after the forward";
  CHECK_THROWS_WITH(sum.backward(), equals(refusal));
  CHECK_THROWS_WITH(product.backward(), contains("modified by an inplace operation: [torch.FloatTensor [3, 3]] is at version 1"));
  weight.set_data(ones({1, 3}));
  CHECK_THROWS_WITH(alone.backward(), contains("returned an invalid gradient at index 2"));
  CHECK_FALSE(weight.grad().defined());
  linear(images, weight).sum().backward();
  CHECK_THAT(weight.grad(), is_close({{4.0, 4.0, 4.0}}));
  const Tensor kept = linear(images, weight).sum();
  weight.set_data(zeros({1, 3}));  // the same shape: as in PyTorch
  kept.backward();
  CHECK_THAT(weight.grad(), is_close({{8.0, 8.0, 8.0}}));
}

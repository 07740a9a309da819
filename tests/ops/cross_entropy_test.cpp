// Cross-entropy where float32 is short of digits, and its errors. Values: PyTorch 2.13 in float64 and float32.
#include <ember/ember.h>

#include "support/close.h"

using namespace ember;

TEST_CASE("cross-entropy of large logits keeps its digits: the largest is subtracted before the logarithm is added") {
  for (const int64_t classes : {3, 40})  // short rows and long ones have loops of their own
    for (const double big : {1e4, 1e8}) {
      INFO(classes << " classes, logits of " << big);
      Tensor x = full({2, classes}, -INFINITY);
      x.slice(1, 0, 3).copy_(tensor({{big, big + 1, big - 2.5}, {0.0, big, 1.0}}));
      x.requires_grad_();
      const Tensor target = tensor({0, 1}, kInt64), exact = x.detach().to(kFloat64).requires_grad_();

      const Tensor loss = cross_entropy(x, target, {.reduction = Reduction::None});
      loss.sum().backward();
      cross_entropy(exact, target, {.reduction = Reduction::Sum}).backward();

      const double want = big == 1e4 ? 1.33509756 : 1.09861229;  // at 1e8 all three are the same float32
      CHECK_THAT(loss, is_close({want, 0.0}, 2e-7, 0));
      CHECK_THAT(x.grad(), is_close(exact.grad(), 1e-6, 1e-9));
    }
}

TEST_CASE("a target of several classes for one row of scores is refused in PyTorch's words") {
  CHECK_THROWS_WITH(cross_entropy(zeros({3}), tensor({1, 2}, kInt64)),
                    starts_with("For 1D input, 1D target must have size 1, but got target size: 2"));
  CHECK_THROWS_WITH(nll_loss(zeros({3}), tensor({1, 2}, kInt64)), starts_with("For 1D input, 1D target must have size 1, but got target size: 2"));
  CHECK_THAT(cross_entropy(zeros({3}), tensor({1}, kInt64), {.reduction = Reduction::None}), is_close(full({}, std::log(3.0))));
}

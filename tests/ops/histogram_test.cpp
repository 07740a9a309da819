// histc, histogram and quantile with PyTorch's values and texts.
#include <ember/ember.h>

#include <cmath>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

TEST_CASE("histc: counts in bins of equal width, PyTorch's ranges and errors") {
  CHECK_THAT(histc(tensor({1.0, 2.0, 2.0, 3.0, NAN, 10.0}), 4, 0, 3), is_close({0, 1, 2, 1}));
  CHECK_THAT(histc(tensor({1.0, 2.0, 1.0}), 4, 0, 3), is_close({0, 2, 1, 0}));
  CHECK_THAT(histc(tensor({2.0, 2.0}), 4), is_close({0, 0, 2, 0}));
  CHECK_THAT(histc(zeros({0}), 4), is_close({0, 0, 0, 0}));
  CHECK_THAT(histc(tensor({{1.0, 2.0}, {3.0, 4.0}}, kFloat64).t(), 3), is_close({1, 1, 2}));
  CHECK_THROWS_WITH(histc(tensor({1, 2})), "\"histogram_cpu\" not implemented for 'Long'");
  CHECK_THROWS_WITH(histc(tensor({1.0, INFINITY})), "torch.histc: range of [1, inf] is not finite");
  CHECK_THROWS_WITH(histc(tensor({1.0}), 3, 5, 2), "torch.histc: max must be larger than min");
  CHECK_THROWS_WITH(histc(tensor({1.0}), 0), "torch.histogram(): bins must be > 0, but got 0 for dimension 0");
}

TEST_CASE("histogram: edges, weights, densities, PyTorch's errors") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 3.5, 9.0});
  const Histogram h = histogram(x, 3, {.weight = tensor({1.0, 2.0, 3.0, 4.0, 5.0}), .density = true});
  CHECK_THAT(h.hist, is_close({0.25, 0.0, 0.125}));
  CHECK_THAT(h.bin_edges, is_close({1.0, 3.6666667, 6.3333335, 9.0}));
  CHECK_THAT(histogram(x, tensor({1.0, 2.0, 3.5})).hist, is_close({1, 3}));
  CHECK_THAT(histogram(tensor({1.0}), tensor({3.0, 2.0})).hist, is_close({0}));
  CHECK_THAT(histogram(tensor({2.0, 2.0}), 4).bin_edges, is_close({1.5, 1.75, 2.0, 2.25, 2.5}));
  CHECK_THAT(histogram(zeros({0}), 2).bin_edges, is_close({0.0, 0.5, 1.0}));
  CHECK_THROWS_WITH(histogram(x, 3, {.low = 3, .high = 1}), "torch.histogramdd: min should not exceed max, but got min 3 max 1 for dimension 0");
  CHECK_THROWS_WITH(histogram(tensor({1.0, NAN}), 2), "torch.histogramdd: dimension 0's range [nan, nan] is not finite");
  CHECK_THROWS_WITH(histogram(x, zeros({0})), starts_with("torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements"));
  CHECK_THROWS_WITH(histogram(x, 3, {.weight = ones({2})}), contains("but got input with shape [5] and weight with shape [2]"));
}

TEST_CASE("quantile: between two values, along a dimension, with NaN, PyTorch's errors") {
  const Tensor x = tensor({1.0, 4.0, 2.0, 9.0});
  CHECK_THAT(quantile(x, 0.4), is_close(scalar_tensor(2.4)));
  CHECK(quantile(x, 0.4, Interpolation::Lower).item<float>() == 2);
  CHECK(quantile(x, 0.4, Interpolation::Higher).item<float>() == 4);
  CHECK(quantile(x, 0.4, Interpolation::Midpoint).item<float>() == 3);
  CHECK(quantile(x, 0.4, Interpolation::Nearest).item<float>() == 2);
  const Tensor table = tensor({{1.0, 5.0, 2.0}, {7.0, 3.0, 9.0}});
  CHECK_THAT(quantile(table, tensor({0.0, 0.3, 1.0}), 1, true), is_close({{{1.0}, {3.0}}, {{1.6}, {5.4}}, {{5.0}, {9.0}}}));
  CHECK_THAT(quantile(table, tensor({0.5}), 0), is_close({{4.0, 4.0, 5.5}}));
  CHECK_THAT(quantile(table, 0.5, -1), is_close({2.0, 7.0}));
  CHECK(std::isnan(quantile(tensor({1.0, NAN, 2.0}), 0.2).item<float>()));
  CHECK(quantile(scalar_tensor(3.0), 0.5).item<float>() == 3);
  CHECK_THROWS_WITH(quantile(tensor({1, 2}), 0.5), "quantile() input tensor must be either float or double dtype");
  CHECK_THROWS_WITH(quantile(zeros({0}), 0.5), "quantile() input tensor must be non-empty");
  CHECK_THROWS_WITH(quantile(x, 1.5), "quantile() q must be in the range [0, 1] but got 1.5");
  CHECK_THROWS_WITH(quantile(x, tensor({0.5, -1.0})), "quantile() q values must be in the range [0, 1]");
  CHECK_THROWS_WITH(quantile(x, ones({2, 2})), "quantile() q must be a scalar or 1D tensor");
  CHECK_THROWS_WITH(quantile(x, ones({2}, kFloat64)), "quantile() q tensor must be same dtype as the input tensor");
  CHECK_THROWS_AS(quantile(table, 0.5, 5), IndexError);
}

TEST_CASE("quantile: the gradient goes to the two values that it lies between") {
  const Tensor x = tensor({1.0, 4.0, 2.0, 9.0}, {.requires_grad = true});
  quantile(x, tensor({0.4, 0.9})).sum().backward();
  CHECK_THAT(x.grad(), is_close({0.0, 0.5, 0.8, 0.7}));
}

// Softmax, its logarithm and cross-entropy over rows of every length around the vectors' and blocks' ends, against float64 here: the
// kernels work on several rows at a time, which must not show.
#include <ember/ember.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.h"

using namespace ember;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

/// x without rounding: multiples of 1/8 from -scale to scale.
Tensor exact_scores(int64_t rows, int64_t n, double scale) { return (rand({rows, n}) * (16 * scale)).round() / 8 - scale; }

std::vector<double> softmax_of_row(const float* x, int64_t n) {
  double top = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; ++i) top = std::max(top, double(x[i]));
  std::vector<double> y(static_cast<std::size_t>(n));
  for (int64_t i = 0; i < n; ++i) sum += y[std::size_t(i)] = std::exp(double(x[i]) - top);
  for (double& v : y) v /= sum;
  return y;
}

}  // namespace

TEST_CASE("softmax, log_softmax and cross_entropy of rows of any length are those of float64") {
  manual_seed(3);
  for (const int64_t n : {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200, 1000})
    for (const int64_t rows : {1, 2, 3, 17}) {
      const Tensor x = exact_scores(rows, n, 40), y = softmax(x, 1), l = log_softmax(x, 1), target = randint(0, n, {rows});
      const Tensor leaf = x.clone().requires_grad_(), loss = cross_entropy(leaf, target, {.reduction = Reduction::Sum});
      loss.backward();
      double expected_loss = 0;
      for (int64_t r = 0; r < rows; ++r) {
        const std::vector<double> want = softmax_of_row(x.data<float>() + r * n, n);
        const int64_t t = target.data<int64_t>()[r];
        expected_loss -= std::log(want[std::size_t(t)]);
        for (int64_t i = 0; i < n; ++i) {
          const double p = want[std::size_t(i)], got = y.data<float>()[r * n + i];
          INFO("row " << r << " of " << rows << ", number " << i << " of " << n);
          // 2 ULP, and what the reduction by ln 2 leaves of e^x far below the maximum.
          REQUIRE(std::fabs(got - p) <= p * (2.4e-7 - 4e-9 * std::log(p)));
          REQUIRE(std::fabs(l.data<float>()[r * n + i] - std::log(p)) <= 1e-5);
          // ln of the sum is near 40: half its last place.
          REQUIRE(std::fabs(leaf.grad().data<float>()[r * n + i] - (p - (i == t))) <= 2e-6 * p + 1e-7);
        }
      }
      REQUIRE(std::fabs(loss.item<float>() - expected_loss) <= 1e-6 * expected_loss + 1e-5);
    }
}

TEST_CASE("a row of a softmax does not depend on its neighbours") {
  for (const int64_t n : {5, 16, 40, 300}) {
    Tensor x = randn({6, n}) * 20;
    const Tensor alone = x.clone();
    x[1].fill_(-kInf);
    x[2].fill_(kInf);
    x[4].fill_(std::nanf(""));
    for (Tensor (*function)(const Tensor&) : {+[](const Tensor& t) { return softmax(t, 1); }, +[](const Tensor& t) { return log_softmax(t, 1); }}) {
      const Tensor y = function(x);
      for (const int64_t r : {0, 3, 5}) CHECK(equal(y[r], function(alone[r].unsqueeze(0))[0]));
      for (const int64_t r : {1, 2, 4}) CHECK(isnan(y[r]).all().item<bool>());
    }
  }
}

TEST_CASE("a score of -inf has no weight, in whatever place") {
  Tensor x = randn({4, 70});
  x.select(1, 0).fill_(-kInf);
  x.select(1, 69).fill_(-1e30);
  x.select(1, 33).fill_(-kInf);
  const Tensor y = softmax(x, 1);
  for (const int64_t i : {0, 33, 69}) CHECK(eq(y.select(1, i), 0).all().item<bool>());
  CHECK(allclose(y.sum(1), ones({4})));
}

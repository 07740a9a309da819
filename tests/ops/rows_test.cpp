// Rows that are summed, looked up and joined, at sizes where the loops go another way than for small ones.
#include <ember/ember.h>

#include <cmath>
#include <vector>

#include "support/catch.h"

using namespace ember;

TEST_CASE("sums over many rows are exact where every partial sum is, for any number of rows and columns") {
  for (const int64_t rows : {1, 5, 255, 256, 257, 300, 1000})
    for (const int64_t columns : {1, 3, 17, 128, 1000, 1030}) {
      const Tensor x = randint(-8, 8, {rows, columns}).to(kFloat32), along_memory = x.t().contiguous().sum(1);
      CHECK(equal(x.sum(0), along_memory));
      CHECK(equal(stack({x, x}, 0).sum(1)[1], along_memory));
      CHECK(equal(x.to(kInt64).sum(0).to(kFloat32), along_memory));
    }
}

TEST_CASE("a sum over many rows is rounded about once") {
  const Tensor x = randn({5000, 40}), exact = x.to(kFloat64).sum(0), size = abs(x).to(kFloat64).sum(0);
  CHECK((abs(x.sum(0).to(kFloat64) - exact) / size).max().item<double>() < std::ldexp(1.0, -24));
}

TEST_CASE("the gradient of looked-up rows: all of a row's uses, zero for a row of none") {
  for (const int64_t places : {3, 255, 256, 1000}) {
    const Tensor table = randn({places, 19}).requires_grad_(), index = randint(0, places, {places / 2 + 1}), dy = randn({places / 2 + 1, 19});
    table.index_select(0, index).backward(dy);
    Tensor want = zeros({places, 19});
    for (int64_t k = 0; k < index.numel(); ++k) {
      const Tensor row = want[index[k].item<int64_t>()];
      row.copy_(row + dy[k]);
    }
    CHECK(equal(table.grad(), want));
  }
}

TEST_CASE("cat joins along any dimension, with an empty part, with a part of another layout or type") {
  const Tensor a = randn({3, 5, 40}), b = randn({3, 2, 40}), none = empty({3, 0, 40});
  const Tensor y = cat({a, none, b}, 1);
  CHECK(equal(y.narrow(1, 0, 5), a));
  CHECK(equal(y.narrow(1, 5, 2), b));
  CHECK(equal(cat({a, b.transpose(0, 2).contiguous().transpose(0, 2)}, 1), y));
  CHECK(equal(cat({a.to(kFloat64), b}, 1).to(kFloat32), y));
  CHECK(cat({a, b.to(kFloat64)}, 1).dtype() == kFloat64);
  CHECK(equal(cat({a, b.to(kFloat64)}, 1).to(kFloat32), y));
  CHECK(equal(cat({tensor({}), a, b}, 1), y));
}

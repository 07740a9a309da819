// Brackets: reading and writing by integers, slices, masks and tensors of indices. Values and texts are PyTorch's.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

namespace {
Tensor numbers() { return arange(24).view({2, 3, 4}); }
}  // namespace

TEST_CASE("integers and slices give views") {
  const Tensor x = numbers();
  CHECK(x[1][2].equal(tensor({20, 21, 22, 23})));
  CHECK(x.index({1, 2, 3}).item<int64_t>() == 23);
  CHECK(x.index({-1, -3, 0}).item<int64_t>() == 12);
  CHECK(x.index({Slice(), 1, Slice(1, 3)}).equal(tensor({{5, 6}, {17, 18}})));
  CHECK(x.index({0, Slice(Slice::None, Slice::None, 2), 0}).equal(tensor({0, 8})));
  CHECK(x.index({Ellipsis, 0}).equal(tensor({{0, 4, 8}, {12, 16, 20}})));
  CHECK(x.index({None, 0, 0}).sizes() == IntArrayRef({1, 4}));
  CHECK(x.index({Slice(5, 9)}).sizes() == IntArrayRef({0, 3, 4}));
  CHECK(x.index({0, Slice(-2)}).shares_storage(x));
}

TEST_CASE("masks and tensors of indices give copies, broadcast, and stand where the first of them stood") {
  const Tensor x = numbers();
  CHECK(x[x > 20].equal(tensor({21, 22, 23})));
  CHECK(x.index({0, tensor({2, 0})}).index({Slice(), 0}).equal(tensor({8, 0})));
  CHECK(x.index({tensor({0, 1}), tensor({2, 1}), 3}).equal(tensor({11, 19})));
  CHECK(x.index({tensor({{0}, {1}}), tensor({0, 2})}).sizes() == IntArrayRef({2, 2, 4}));
  CHECK(x.index({Slice(), tensor({0, 2}), tensor({1, 3})}).equal(tensor({{1, 11}, {13, 23}})));
  CHECK(x.index({tensor({0, 1}), Slice(), tensor({1, 3})}).equal(tensor({{1, 5, 9}, {15, 19, 23}})));
  CHECK(x.index({tensor({true, false}), 1}).equal(tensor({{4, 5, 6, 7}})));
  CHECK(x.index({tensor({-1}), -1, -1}).equal(tensor({23})));
  CHECK(x.index({zeros({0}, kInt64)}).sizes() == IntArrayRef({0, 3, 4}));
  CHECK_FALSE(x.index({tensor({0})}).shares_storage(x));
}

TEST_CASE("writing through brackets") {
  const Tensor x = zeros({2, 3});
  x.index_put_({0}, 1);
  x.index_put_({Slice(), 2}, tensor({5., 6.}));
  CHECK(x.equal(tensor({{1., 1., 5.}, {0., 0., 6.}})));
  x.index_put_({x == 0}, -1);
  x.index_put_({tensor({0, 0}), tensor({1, 1})}, ones({2}), /*accumulate=*/true);
  CHECK(x.equal(tensor({{1., 3., 5.}, {-1., -1., 6.}})));
  x[1].fill_(0);
  CHECK(x.index({1}).equal(zeros({3})));
}

TEST_CASE("what brackets refuse") {
  CHECK_THROWS_WITH(ones({3})[3], equals("index 3 is out of bounds for dimension 0 with size 3"));
  CHECK_THROWS_WITH(ones({3, 2}).index({0, 0, 0}), equals("too many indices for tensor of dimension 2"));
  CHECK_THROWS_WITH(ones({3}).index({tensor({3})}), equals("index 3 is out of bounds for dimension 0 with size 3"));
  CHECK_THROWS_WITH(ones({3}).index({tensor({true, false})}),
                    equals("The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3] at index 0"));
  CHECK_THROWS_WITH(ones({3, 4}).index({tensor({0, 1}), tensor({0, 1, 2})}),
                    equals("shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]"));
  CHECK_THROWS_WITH(ones({2, 3}).index({Slice(), Slice(0, 3, 0)}), equals("slice step cannot be zero"));
  CHECK_THROWS_WITH(ones({2, 3}).index({Slice(), Slice(Slice::None, Slice::None, -1)}), equals("step must be greater than zero"));
  CHECK_THROWS_WITH(ones({3}).index_put_({tensor({0, 1})}, ones({3})),
                    equals("shape mismatch: value tensor of shape [3] cannot be broadcast to indexing result of shape [2]"));
  CHECK_THROWS_AS(ones({3})[3], IndexError);
}

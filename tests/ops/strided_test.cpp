// What an operation makes of tensors whose elements do not lie side by side: the same as of their row-major copies.
#include <cmath>
#include <functional>

#include <ember/ember.h>

#include "support/close.h"

using namespace ember;

namespace {

/// The same values with strides of 2 and an offset; what lies between would be out of every range.
Tensor strided(const Tensor& t) {
  const Tensor wide = full({t.numel() * 2 + 1}, -77, t.dtype());
  Shape strides = contiguous_strides(t.sizes());
  for (int d = 0; d < strides.size(); ++d) strides[d] *= 2;
  const Tensor view = wide.as_strided(t.sizes(), strides, 1);
  view.copy_(t);
  return view;
}

/// The same values, each repeated one once in memory.
Tensor whole(std::initializer_list<NestedNumbers> values) { return tensor(values, kInt64); }

struct Use {
  const char* what;
  Tensor given;
  std::function<Tensor(const Tensor&)> operation;
};

}  // namespace

TEST_CASE("whole numbers that say which element is meant may have any strides") {
  manual_seed(0);
  const Tensor x = randn({4, 3}), at = whole({2, 0, 3}), classes = whole({2, 0, 1, 1}), square = whole({{2, 0, 1}, {1, 1, 0}});
  const Tensor image = randn({1, 2, 4, 4});
  const PoolIndices pooled = max_pool2d_with_indices(image, 2);
  const Use uses[] = {
      {"embedding", at, [&](const Tensor& i) { return embedding(i, x); }},
      {"embedding of a table", square, [&](const Tensor& i) { return embedding(i, x); }},
      {"embedding, max_norm", at, [&](const Tensor& i) { return embedding(i, x.clone(), {.max_norm = 0.5}); }},
      {"max_unpool2d", pooled.indices, [&](const Tensor& i) { return max_unpool2d(pooled.values, i, 2); }},
      {"one_hot", at, [&](const Tensor& i) { return one_hot(i, 5); }},
      {"bincount", at, [&](const Tensor& i) { return bincount(i); }},
      {"gather", square, [&](const Tensor& i) { return gather(x, 0, i); }},
      {"take_along_dim", square, [&](const Tensor& i) { return take_along_dim(x, i, 0); }},
      {"scatter", square, [&](const Tensor& i) { return scatter(x, 0, i, ones({2, 3})); }},
      {"scatter of a number", square, [&](const Tensor& i) { return scatter(x, 0, i, 5); }},
      {"scatter_add", square, [&](const Tensor& i) { return scatter_add(x, 0, i, ones({2, 3})); }},
      {"index_select", at, [&](const Tensor& i) { return index_select(x, 0, i); }},
      {"index_select of columns", whole({2, 0}), [&](const Tensor& i) { return index_select(x, 1, i); }},
      {"index_add", at, [&](const Tensor& i) { return index_add(x, 0, i, ones({3, 3})); }},
      {"x[i]", at, [&](const Tensor& i) { return x.index({i}); }},
      {"x[i, j]", at, [&](const Tensor& i) { return x.index({i, whole({0, 2, 1})}); }},
      {"x[i] of a table", square, [&](const Tensor& i) { return x.index({i}); }},
      {"repeat_interleave", classes, [&](const Tensor& i) { return repeat_interleave(x, i, 0); }},
      {"nll_loss", classes, [&](const Tensor& i) { return nll_loss(log_softmax(x, 1), i); }},
      {"nll_loss, weights", classes, [&](const Tensor& i) { return nll_loss(log_softmax(x, 1), i, {.weight = whole({1, 2, 3}).to(kFloat32)}); }},
      {"cross_entropy", classes, [&](const Tensor& i) { return cross_entropy(x, i); }},
      {"cross_entropy, smoothed", classes, [&](const Tensor& i) { return cross_entropy(x, i, {.label_smoothing = 0.1}); }},
      {"cross_entropy of planes", whole({{{1, 0, 1, 0}, {0, 1, 1, 0}, {0, 0, 0, 1}, {1, 1, 1, 1}}}),
       [&](const Tensor& i) { return cross_entropy(image, i); }},
      {"cross_entropy, bytes", classes.to(kUInt8), [&](const Tensor& i) { return cross_entropy(x, i); }},
      {"masked_select", whole({{1, 0, 1}, {0, 1, 1}, {0, 0, 0}, {1, 1, 1}}).to(kBool), [&](const Tensor& m) { return masked_select(x, m); }},
      {"x[mask]", whole({1, 0, 1, 1}).to(kBool), [&](const Tensor& m) { return x.index({m}); }},
      {"unique", square, [&](const Tensor& i) { return unique(i).values; }},
      {"sort", square, [&](const Tensor& i) { return sort(i, 0).values; }},
      {"nonzero", square, [&](const Tensor& i) { return nonzero(i); }},
      {"cumsum", square, [&](const Tensor& i) { return cumsum(i, 0); }},
      {"to_string", square, [&](const Tensor& i) { return tensor({double(std::hash<std::string>()(to_string(i)) % 1000)}); }},
  };
  for (const Use& use : uses) {
    INFO(use.what);
    CHECK_THAT(use.operation(strided(use.given)), is_close(use.operation(use.given), 0, 0));
    if (use.given.dim() > 1)
      CHECK_THAT(use.operation(use.given.transpose(0, -1).contiguous().transpose(0, -1)), is_close(use.operation(use.given), 0, 0));
  }
}

TEST_CASE("embedding's gradient goes to the rows that strided indices name") {
  const Tensor table = ones({4, 2}).requires_grad_(), x = whole({{0, 9}, {1, 9}, {1, 9}}).select(1, 0);

  const Tensor y = embedding(x, table);
  y.sum().backward();

  CHECK_THAT(y, is_close({{1, 1}, {1, 1}, {1, 1}}));
  CHECK_THAT(table.grad(), is_close({{1, 1}, {2, 2}, {0, 0}, {0, 0}}));
  CHECK_THROWS_WITH(embedding(whole({{0, 1}, {4, 1}}).select(1, 0), table), contains("index out of range in self"));
}

TEST_CASE("parameters, statistics and inputs of layers may have any strides") {
  manual_seed(1);
  const Tensor x = randn({4, 3, 2, 2}), c = rand({3}) + 0.5, rows = randn({4, 3}), w = randn({5, 3, 2, 2}), b = randn({5});
  const Use uses[] = {
      {"batch_norm, weight", c, [&](const Tensor& t) { return batch_norm(x, {}, {}, t, c, true); }},
      {"batch_norm, bias", c, [&](const Tensor& t) { return batch_norm(x, {}, {}, c, t, true); }},
      {"batch_norm, mean of evaluation", c, [&](const Tensor& t) { return batch_norm(x, t, c, {}, {}, false); }},
      {"batch_norm, variance of evaluation", c, [&](const Tensor& t) { return batch_norm(x, c, t, {}, {}, false); }},
      {"batch_norm of rows", rows, [&](const Tensor& t) { return batch_norm(t, {}, {}, c, c, true); }},
      {"instance_norm", c, [&](const Tensor& t) { return instance_norm(x, {}, {}, t, t); }},
      {"group_norm", c, [&](const Tensor& t) { return group_norm(x, 1, t, t); }},
      {"layer_norm", c, [&](const Tensor& t) { return layer_norm(rows, {3}, t, t); }},
      {"rms_norm", c, [&](const Tensor& t) { return rms_norm(rows, {3}, t); }},
      {"conv2d", w, [&](const Tensor& t) { return conv2d(x, t, b); }},
      {"conv2d, bias", b, [&](const Tensor& t) { return conv2d(x, w, t); }},
      {"conv_transpose2d", w, [&](const Tensor& t) { return conv_transpose2d(randn({1, 5, 2, 2}), t.clone()) * 0 + t.sum(); }},
      {"linear", rows, [&](const Tensor& t) { return linear(rows, t, randn({4}) * 0 + t.select(1, 0)); }},
      {"prelu", c, [&](const Tensor& t) { return prelu(x, t); }},
      {"cross_entropy, weight", c, [&](const Tensor& t) { return cross_entropy(rows, whole({2, 0, 1, 1}), {.weight = t}); }},
      {"nll_loss, weight", c, [&](const Tensor& t) { return nll_loss(rows, whole({2, 0, 1, 1}), {.weight = t}); }},
      {"bincount, weights", c, [&](const Tensor& t) { return bincount(whole({2, 0, 1}), t); }},
      {"scores", rows, [&](const Tensor& t) { return cross_entropy(t, whole({2, 0, 1, 1})); }},
  };
  for (const Use& use : uses) {
    INFO(use.what);
    CHECK_THAT(use.operation(strided(use.given)), is_close(use.operation(use.given), 1e-6, 1e-6));
  }
}

TEST_CASE("strided running statistics are moved, and backward takes their move for no write in place, as in PyTorch") {
  const Tensor statistics = tensor({{0.0, 9.0}, {0.0, 9.0}, {0.0, 9.0}}), mean = statistics.select(1, 0);
  const Tensor variances = tensor({{1.0, 9.0}, {1.0, 9.0}, {1.0, 9.0}}), var = variances.select(1, 0);
  const Tensor x = arange(12).to(kFloat32).reshape({4, 3}).requires_grad_();

  const Tensor y = batch_norm(x, mean, var, {}, {}, true);
  square(y).sum().backward();

  // Columns 0 3 6 9 and their shifts: means 4.5, 5.5, 6.5, unbiased variance 15; 9 / 10 of the old and 1 / 10 of the new.
  CHECK_THAT(statistics, is_close({{0.45, 9}, {0.55, 9}, {0.65, 9}}));
  CHECK_THAT(variances, is_close({{2.4, 9}, {2.4, 9}, {2.4, 9}}));
  CHECK(x.grad().defined());
}

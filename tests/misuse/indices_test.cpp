// An index out of range is an error wherever it stands among the others, of every operation that takes indices.
#include <ember/ember.h>

#include <functional>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;

TEST_CASE("misuse: an index out of range is refused at the first place, in the middle and at the last") {
  const Tensor table = arange(12.f).view({4, 3}), line = arange(4.f), rows = ones({5, 3}), numbers = ones({5});
  const std::vector<std::pair<const char*, std::function<void(const Tensor&)>>> operations = {
      {"embedding", [&](const Tensor& i) { embedding(i, table); }},
      {"embedding_bag", [&](const Tensor& i) { embedding_bag(i, table, tensor({0, 2})); }},
      {"index_select", [&](const Tensor& i) { index_select(table, 0, i); }},
      {"index_select of a row", [&](const Tensor& i) { index_select(line, 0, i); }},
      {"gather", [&](const Tensor& i) { gather(line, 0, i); }},
      {"gather of rows", [&](const Tensor& i) { gather(table, 0, i.unsqueeze(1).expand({5, 3})); }},
      {"take", [&](const Tensor& i) { take(line, i); }},
      {"take_along_dim", [&](const Tensor& i) { take_along_dim(line, i, 0); }},
      {"scatter", [&](const Tensor& i) { scatter(line, 0, i, numbers); }},
      {"scatter_add", [&](const Tensor& i) { scatter_add(line, 0, i, numbers); }},
      {"scatter_reduce", [&](const Tensor& i) { scatter_reduce(line, 0, i, numbers, IndexReduce::Amax); }},
      {"index_add", [&](const Tensor& i) { index_add(table, 0, i, rows); }},
      {"index_copy", [&](const Tensor& i) { index_copy(table, 0, i, rows); }},
      {"index_fill", [&](const Tensor& i) { index_fill(table, 0, i, 1); }},
      {"index_reduce", [&](const Tensor& i) { index_reduce(table, 0, i, rows, IndexReduce::Prod); }},
      {"index", [&](const Tensor& i) { table.index({i}); }},
      {"index_put", [&](const Tensor& i) { table.index_put({i}, rows); }},
      {"index_put, added", [&](const Tensor& i) { table.index_put({i}, rows, true); }},
      {"nll_loss", [&](const Tensor& i) { nll_loss(zeros({5, 4}), i); }},
      {"cross_entropy", [&](const Tensor& i) { cross_entropy(zeros({5, 4}), i); }},
      {"multi_margin_loss", [&](const Tensor& i) { multi_margin_loss(zeros({5, 4}), i); }},
      {"one_hot", [&](const Tensor& i) { one_hot(i, 4); }},
  };
  for (const auto& [name, operation] : operations) {
    INFO(name);
    CHECK_NOTHROW(operation(tensor({0, 1, 2, 3, 0})));
    for (int64_t place = 0; place < 5; ++place)
      for (const int64_t wrong : {int64_t(4), int64_t(-5), int64_t(1) << 40}) {
        INFO("index " << wrong << " at place " << place);
        const Tensor indices = tensor({0, 1, 2, 3, 0});
        indices.data<int64_t>()[place] = wrong;
        CHECK_THROWS_AS(operation(indices), Error);
      }
  }
}

TEST_CASE("misuse: embedding with max_norm checks all indices before it shortens a row") {
  const Tensor table = ones({4, 3}), before = table.clone();
  for (const auto& indices : {tensor({9, 1}), tensor({1, 9})}) {
    CHECK_THROWS_WITH(embedding(indices, table, {.max_norm = 0.5}), contains("index out of range in self"));
    CHECK(table.equal(before));
  }
}

// Data sets, samplers and loaders: for the same seed PyTorch's order, in PyTorch's words where something is refused.
#include <ember/ember.h>

#include "support/catch.h"
#include "support/close.h"

using namespace ember;
using Indices = std::vector<int64_t>;

namespace {

Indices values_of(const Tensor& t) { return {t.data<int64_t>(), t.data<int64_t>() + t.numel()}; }

std::vector<Indices> batches_of(data::DataLoader& loader) {
  std::vector<Indices> all;
  for (const auto& batch : loader.as<1>()) all.push_back(values_of(batch.tensors[0]));
  return all;
}

const data::TensorDataset& ten() {
  static const data::TensorDataset set({arange(10)});
  return set;
}

}  // namespace

TEST_CASE("shuffled batches over two epochs") {
  manual_seed(0);
  data::DataLoader loader(ten(), {.batch_size = 4, .shuffle = true});
  CHECK(batches_of(loader) == std::vector<Indices>{{6, 7, 1, 4}, {2, 0, 9, 8}, {3, 5}});
  CHECK(batches_of(loader) == std::vector<Indices>{{2, 4, 7, 0}, {8, 9, 5, 3}, {6, 1}});
}

TEST_CASE("a loader with a generator of its own") {
  Generator generator(5);
  data::DataLoader loader(ten(), {.batch_size = 4, .shuffle = true, .generator = &generator});
  CHECK(batches_of(loader) == std::vector<Indices>{{7, 4, 8, 1}, {2, 3, 6, 5}, {9, 0}});
}

TEST_CASE("in order, with and without the last batch") {
  data::DataLoader all(ten(), {.batch_size = 4}), whole(ten(), {.batch_size = 4, .drop_last = true});
  CHECK(all.size() == 3);
  CHECK(whole.size() == 2);
  CHECK(batches_of(all) == std::vector<Indices>{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}});
  CHECK(batches_of(whole) == std::vector<Indices>{{0, 1, 2, 3}, {4, 5, 6, 7}});
}

TEST_CASE("random_split by lengths and by fractions") {
  manual_seed(1);
  const auto by_length = data::random_split(ten(), {7, 3});
  CHECK(by_length[0].indices() == Indices{5, 6, 1, 2, 0, 8, 9});
  CHECK(by_length[1].indices() == Indices{3, 7, 4});
  const auto by_fraction = data::random_split(ten(), {0.5, 0.3, 0.2});
  CHECK(by_fraction[0].indices() == Indices{2, 3, 1, 8, 9});
  CHECK(by_fraction[1].indices() == Indices{0, 6, 7});
  CHECK(by_fraction[2].indices() == Indices{4, 5});
  CHECK(by_fraction[2][1][0].item<int64_t>() == 5);
}

TEST_CASE("samplers") {
  manual_seed(2);
  CHECK(data::WeightedRandomSampler({.1, .2, .7, 0}, 6).indices() == Indices{2, 0, 2, 2, 2, 2});
  CHECK(data::WeightedRandomSampler({.1, .2, .7, 0.3}, 3, false).indices() == Indices{0, 1, 2});
  CHECK(data::SubsetRandomSampler({3, 5, 7, 9}).indices() == Indices{3, 5, 9, 7});
  CHECK(data::RandomSampler(5, {.replacement = true, .num_samples = 7}).indices() == Indices{2, 3, 4, 3, 1, 2, 3});
  data::SequentialSampler five(5);
  CHECK(data::BatchSampler(five, 2, true).batches() == std::vector<Indices>{{0, 1}, {2, 3}});
  CHECK(data::BatchSampler(five, 2, false).batches() == std::vector<Indices>{{0, 1}, {2, 3}, {4}});
}

TEST_CASE("a loader by a sampler; data sets one after the other; a data set of one's own") {
  struct Squares : data::Dataset {
    int64_t size() const override { return 3; }
    data::Sample get(int64_t i) const override { return {scalar_tensor(i * i, {.dtype = kInt64})}; }
  } squares;
  const data::ConcatDataset both({&ten(), &squares});
  CHECK(both.size() == 13);
  CHECK(both[12][0].item<int64_t>() == 4);
  data::SequentialSampler sampler(13);
  data::DataLoader loader(both, {.batch_size = 12, .sampler = &sampler});
  CHECK(batches_of(loader)[1] == Indices{4});
}

TEST_CASE("what loaders and data sets refuse") {
  CHECK_THROWS_WITH(data::DataLoader(ten(), {.batch_size = 0}), equals("batch_size should be a positive integer value, but got batch_size=0"));
  CHECK_THROWS_WITH(data::TensorDataset({ones({3}), ones({2})}), starts_with("Size mismatch between tensors"));
  CHECK_THROWS_WITH(data::random_split(ten(), Indices{11, -1}), equals("random_split: expected lengths of 0 or more, got -1"));
  CHECK_THROWS_WITH(data::random_split(ten(), Indices{7, 4}), starts_with("Sum of input lengths does not equal the length of the input dataset!"));
  CHECK_THROWS_WITH(data::WeightedRandomSampler({1, 2}, 0), equals("num_samples should be a positive integer value, but got num_samples=0"));
  data::DataLoader loader(ten(), {.batch_size = 4});
  CHECK_THROWS_AS(*loader.as<2>().begin(), Error);  // the set has one tensor, not two
}
